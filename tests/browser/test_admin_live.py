"""The operator's page in a real browser: it keeps itself current, can be paused, and is whole on a phone and without script."""

import asyncio
import os
import sys
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import Open
from tests.support.browser import PHONE
from tests.support.house import House, email_of
from tests.support.looks import low_contrast, nameless, sideways, small_targets
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

API = "/api/v1/admin/live"
NARROW = {"width": 320, "height": 640}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ada(house: House) -> Person:
    """An administrator, made one as operators do: by `liveserver role`."""
    email = email_of("Ada")
    made = await house.server.post(
        "/auth/register", {"name": "Ada", "email": email, "password": "blue harvest 7"}
    )
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "liveserver.cli", "role", email, "admin"),
        env={**os.environ, "LIVESERVER_DATA_DIR": str(house.server.data_dir)},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await command.communicate()
    assert command.returncode == 0, said
    return Person(made["user"]["id"], "Ada", made["token"])


async def document(house: House, ada: Person) -> dict[str, Any]:
    return await house._get("/admin/live", ada.token)


async def test_a_show_that_starts_appears_by_itself(
    house: House, hana: Person, ada: Person, open_window: Open
) -> None:
    window = await open_window(ada)
    await window.go("/admin/live")
    await expect(window.at('[data-live="shows"]')).to_contain_text("No show is followed")
    show = await house.show(hana, "Lamps <i>tonight</i>")
    await house.start(hana, show)
    await expect(window.at('[data-live="shows"] th a')).to_have_text("Lamps <i>tonight</i>")
    await expect(window.at('[data-live="nodes"] tr')).to_have_count(2)
    await expect(window.at('[data-live="engines"] th')).to_have_text(["postgresql", "redis"])


async def test_pausing_holds_the_page_still(house: House, ada: Person, open_window: Open) -> None:
    window = await open_window(ada)
    live = await document(house, ada)
    live["viewers"] = 4_321
    await window.page.route(f"**{API}", lambda route: route.fulfill(json=live))
    await window.go("/admin/live")
    figures = window.at('[data-live="figures"] dd')
    await expect(figures.first).to_have_text("4,321")
    await window.page.get_by_role("button", name="Pause updates").click()
    live["viewers"] = 9_999
    resume = window.page.get_by_role("button", name="Go on updating")
    await expect(resume).to_be_visible()
    await expect(figures.first).to_have_text("4,321")
    await resume.click()
    await expect(figures.first).to_have_text("9,999")


async def test_alarms_are_said_and_an_answer_that_fails_leaves_what_is_there(
    house: House, ada: Person, open_window: Open
) -> None:
    window = await open_window(ada)
    window.forgive("status of 503")
    live = await document(house, ada)
    answers: list[dict[str, Any]] = [{"json": live}]
    await window.page.route(f"**{API}", lambda route: route.fulfill(**answers[-1]))
    await window.go("/admin/live")
    await expect(window.at('[data-live="alarms"]')).to_contain_text("All is well")
    # What the page said at first is not said again; the first answer is the base.
    await expect(window.at("#ops-time")).not_to_contain_text("UTC")
    alarm = {
        "name": "EngineAway", "severity": "critical", "about": "redis answers 1 of 2 processes", "means": "It does not answer.",
        "people": "Lots pause.", "todo": "Bring it back.",
    }  # fmt: skip
    answers.append({"json": {**live, "alarms": [alarm]}})
    await expect(window.at(".alarm.critical h3")).to_contain_text("EngineAway")
    await expect(window.at("#announce-polite")).to_have_text("Alarms: EngineAway")
    answers.append({"status": 503, "json": {}})
    await expect(window.at("#ops-stale")).to_contain_text("does not answer")
    await expect(window.at(".alarm.critical h3")).to_contain_text("EngineAway")


async def test_the_focus_stays_where_it_is(
    house: House, hana: Person, ada: Person, open_window: Open
) -> None:
    show = await house.show(hana, "Focus")
    await house.start(hana, show)
    window = await open_window(ada)
    await window.go("/admin/live")
    link = window.page.get_by_role("link", name="Focus")
    await link.focus()
    before = await window.at("#ops-time").get_attribute("datetime")
    await house.server.post(f"/seller/livestreams/{show}/lots", {"title": "One", "start": 100}, hana.token)
    await expect(window.at("#ops-time")).not_to_have_attribute("datetime", before or "")
    await expect(link).to_be_focused()


@pytest.mark.parametrize("size", [NARROW, PHONE, {"width": 820, "height": 1180}], ids=["320", "390", "820"])
async def test_it_fits_every_screen_and_can_be_hit(
    house: House, ada: Person, open_window: Open, size: dict[str, int]
) -> None:
    window = await open_window(ada, viewport=size)
    await window.go("/admin/live")
    await expect(window.at("#ops-pause")).to_be_visible()
    assert [*await sideways(window), *await nameless(window), *await small_targets(window)] == []


async def test_texts_have_contrast_light_and_dark(house: House, ada: Person, open_window: Open) -> None:
    window = await open_window(ada)
    await window.go("/admin/live")
    texts = [window.at(one).first for one in ("h1", "#ops-state", ".figs dt", ".board thead th", ".board td", ".chip.win", ".mono")]  # fmt: skip
    for scheme in ("light", "dark"):
        await window.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await low_contrast(window, texts) == [], scheme


async def test_without_script_it_tells_the_same(chromium: Browser, house: House, ada: Person) -> None:
    context = await chromium.new_context(java_script_enabled=False, base_url=house.origin)
    await context.add_cookies([{"name": "liveserver", "value": ada.token, "url": house.origin}])
    page = await context.new_page()
    await page.goto("/admin/live")
    await expect(page.get_by_role("table", name="Nodes").get_by_role("row")).to_have_count(3)
    await expect(page.get_by_role("columnheader", name="Connections")).to_be_visible()
    await expect(page.get_by_role("link", name="Look again")).to_be_visible()
    await expect(page.get_by_role("button", name="Pause updates")).to_be_hidden()
    await context.close()
