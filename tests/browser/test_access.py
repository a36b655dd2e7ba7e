"""Whoever comes, however they look, point and listen: 320 px wide screens, keyboards, screen readers, light and dark, less motion."""

import json
import re
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from liveserver.client import LiveClient
from tests.browser.conftest import Open
from tests.support.browser import PHONE, Window
from tests.support.house import PASSWORD, House, email_of
from tests.support.looks import low_contrast, nameless, sideways, small_targets
from tests.support.pages import GUEST_PAGES, PAGES, World, build_world
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

NARROW = {"width": 320, "height": 640}
"""What 1280 px are at a zoom of 400 % (WCAG 1.4.10)."""


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(house: House, hana: Person) -> World:
    """A house with long words in it: they are what breaks narrow pages."""
    return await build_world(
        house, hana, "Voigtländer-Kleinbildsucherkamera with Nokton 1.5/50", "Donaudampfschifffahrt " * 8
    )


async def test_pages_fit_have_names_and_can_be_hit(
    house: House, hana: Person, world: World, open_window: Open
) -> None:
    guest = await open_window(viewport=NARROW)
    host = await open_window(hana, viewport=NARROW)
    found: dict[str, list[str]] = {}
    for window, pages in ((guest, GUEST_PAGES), (host, PAGES)):
        who = "host" if window is host else "guest"
        for name, path in pages.items():
            await window.go(world.at(path))
            await window.page.wait_for_load_state("load")
            wrong = [*await sideways(window), *await nameless(window), *await small_targets(window)]
            wrong += await _live_regions_missing(window)
            if wrong:
                found[f"{who}: {name}"] = wrong
    assert found == {}, json.dumps(found, indent=1)


async def test_key_texts_have_contrast(house: House, hana: Person, world: World, open_window: Open) -> None:
    window, guest = await open_window(hana), await open_window()
    ana = await house.person("Ana")
    async with LiveClient(house.server.socket_url, ana.token) as client:
        room = await client.join(world.show)
        await room.bid(world.lot, room.view["auction"]["lots"][world.lot]["min_next"])
        looks: list[tuple[Window, str, tuple[str, ...]]] = [
            (guest, "/", ("h1", ".lead-price b", ".lead-host", ".btn.primary", ".foot p", ".soon-card h3")),
            (guest, "/shows/{show}", ("#price", "#clock", "#state", "#lot-title", "#lot-facts", ".bar-act a", ".who", ".said", "h1", "#spot-title")),
            (guest, "/sign-in", ("h1", "label", ".btn.primary", ".door-text p", "main p a")),
            (guest, "/register", (".hint", "label.check")),
            (guest, "/products/{product}", ("h1", "main p")),
            (window, "/shows/{show}/host", ("#price", "#clock", "#leader", "#lot-title", "#call-label", "#do-hammer .ctl-label", "#do-pass .ctl-label", ".said", ".figures dd", ".qtext b", "#bidders b")),
            (window, "/studio", ("h1", ".showrow-text h3", ".showrow-text .soft", ".btn.primary", "label")),
            (window, "/me", ("h1",)),
        ]  # fmt: skip
        found: dict[str, list[str]] = {}
        for who, path, selectors in looks:
            await who.go(world.at(path))
            if "{show}" in path:
                await expect(who.at("#state, #leader")).to_have_text("Ana leads")
                await expect(who.at(".said").first).to_be_visible()
            for scheme in SCHEMES:
                await who.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                if wrong := await low_contrast(who, [_first_shown(who, one) for one in selectors]):
                    found[f"{path} {scheme}"] = wrong
    assert found == {}, json.dumps(found, indent=1)


async def test_the_hosts_lot_is_whole_on_a_phone(hana: Person, world: World, open_window: Open) -> None:
    window = await open_window(hana, viewport={"width": 390, "height": 480})  # with the keyboard up
    await window.go(world.at("/shows/{show}/host"))
    await expect(window.at("#lot-title")).to_be_visible()
    cut = await window.page.evaluate(
        "[...document.querySelectorAll('#now, #now *')].filter((one) => one.scrollHeight > one.clientHeight + 1 && "
        "getComputedStyle(one).overflowY === 'hidden').map((one) => one.id || one.className)"
    )
    assert cut == [], "nothing of the running lot is cut off"


async def test_one_can_sign_in_and_bid_with_keys_alone(house: House, hana: Person, open_window: Open) -> None:
    world = await build_world(house, hana)
    email = email_of("Kay")
    await house.server.post("/auth/register", {"name": "Kay", "email": email, "password": PASSWORD})
    window = await open_window(viewport=PHONE)
    keys = window.page.keyboard
    await window.go(f"/shows/{world.show}")
    await keys.press("Tab")
    assert await _focused(window) == "Skip to content"
    await _tab_to(window, "Sign in to bid")
    await keys.press("Enter")
    await expect(window.page.get_by_label("E-mail")).to_be_focused()
    await keys.type(email)
    await keys.press("Tab")
    await keys.type(PASSWORD)
    await keys.press("Tab")
    assert await _focused(window) == "Sign in"
    await keys.press("Enter")

    await expect(window.page).to_have_url(f"{house.origin}/shows/{world.show}")
    await expect(window.page.get_by_role("button", name="Bid $20")).to_be_enabled()
    await _tab_to(window, "Bid $20")
    assert await _shows_focus(window)
    await keys.press("Enter")
    await expect(window.at("#state")).to_have_text("You're winning")
    await expect(window.at("#announce-polite")).to_have_text(re.compile("\\$20, You're winning"))
    # The focus stays on the button; it now opens the sheet, which takes the focus, and gives it back.
    await keys.press("Enter")
    await expect(window.at("#bid-sheet")).to_be_visible()
    assert await window.page.evaluate("document.querySelector('#bid-sheet').contains(document.activeElement)")
    await keys.press("Escape")
    await expect(window.at("#bid")).to_be_focused()


async def test_a_hosts_keys_are_letters_while_typing(house: House, hana: Person, open_window: Open) -> None:
    show = await house.show(hana, "Keys")
    for title in ("First", "Second"):
        await house.lot(hana, show, title, duration_ms=600_000)
    await house.start(hana, show)
    window = await open_window(hana)
    keys = window.page.keyboard
    await window.go(f"/shows/{show}/host")
    await expect(window.at("#do-next")).to_have_attribute("aria-disabled", "false")

    await window.at("#chat-input").focus()
    await keys.type("g h oh high")
    await expect(window.at("#chat-input")).to_have_value("g h oh high")
    await keys.press("Enter")
    await expect(window.at("#chat-list .said")).to_have_text("g h oh high")
    # That message came back over the same socket, behind whatever the keys might have sent.
    await expect(window.at("#now-idle")).to_be_visible()

    await window.at("#now").click()
    await keys.press("Space")
    await expect(window.at("#lot-title")).to_have_text("First")
    ana = await house.person("Ana")
    async with LiveClient(house.server.socket_url, ana.token) as client:
        room = await client.join(show)
        await room.bid(room.view["auction"]["current"], 2_000)
        await expect(window.at("#leader")).to_have_text("Ana leads")
        await keys.press("Space")  # a lot is running: it opens no other
        await keys.press("g")
        await expect(window.at("#call")).to_have_text("Going once…")
        await keys.press("h")
        await expect(window.at("#leader")).to_have_text("Sold to Ana")
        assert room.view["auction"]["lots"][room.view["auction"]["current"]]["calls"] == 1
    await expect(window.at("#queue .qlot")).to_have_count(1)


async def test_less_motion_is_respected(house: House, hana: Person, open_window: Open) -> None:
    world = await build_world(house, hana)
    ana = await house.person("Ana")
    calm = await open_window(ana, viewport=PHONE, reduced_motion="reduce")
    await calm.go(f"/shows/{world.show}")
    await calm.page.evaluate(
        """() => {
          const seen = (globalThis.__seen = []);
          new MutationObserver((all) => {
            for (const { addedNodes } of all) for (const node of addedNodes) if (node.matches?.("canvas, .fly")) seen.push(node.className);
          }).observe(document.documentElement, { childList: true, subtree: true });
          addEventListener("animationstart", ({ animationName, elapsedTime, target }) => {
            const ms = Math.max(...target.getAnimations().map((one) => one.effect.getComputedTiming().activeDuration));
            if (ms > 100) seen.push(`${animationName} ${ms} ms`);
          }, true);
        }"""
    )
    await calm.page.get_by_role("button", name="Bid $20").tap()
    await expect(calm.at("#state")).to_have_text("You're winning")
    await calm.page.get_by_role("button", name="Heart").tap()
    async with LiveClient(house.server.socket_url, hana.token) as client:
        room = await client.join(world.show)
        await room.close_lot(world.lot)
        await expect(calm.at("#moment-title")).to_have_text("You won!")
    moving = await calm.page.evaluate(
        """() => document.getAnimations().filter((one) => one.playState === "running" && one.effect.getComputedTiming().activeDuration > 100)
          .map((one) => one.animationName ?? one.transitionProperty)"""
    )
    assert moving == []
    assert await calm.page.evaluate("__seen") == []


async def _live_regions_missing(window: Window) -> list[str]:
    wanted = {"#announce-polite[aria-live=polite]", "#announce-assertive[aria-live=assertive]"}
    return [f"no {one}" for one in wanted if await window.at(one).count() != 1]


def _first_shown(window: Window, selector: str) -> Locator:
    return window.at(selector).filter(visible=True).first


async def _focused(window: Window) -> str:
    name: str = await window.page.evaluate(
        "(document.activeElement.ariaLabel ?? document.activeElement.innerText ?? '').trim()"
    )
    return name


async def _tab_to(window: Window, name: str) -> None:
    """Tabs as often as needed; a page with fifty stops before its main thing is no page for keyboards."""
    for _ in range(25):
        await window.page.keyboard.press("Tab")
        if await _focused(window) == name:
            return
    raise AssertionError(f"{name} is not reached with the Tab key")


async def _shows_focus(window: Window) -> bool:
    shown: bool = await window.page.evaluate(
        """() => {
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
          return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || boxShadow !== "none";
        }"""
    )
    return shown
