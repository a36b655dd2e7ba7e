"""Texts of strangers stay texts: no script of theirs runs, no element of theirs appears, nothing breaches the CSP, on any page."""

from urllib.parse import quote

import pytest
from playwright.async_api import expect

from liveserver.client import LiveClient, Said
from tests.browser.conftest import Open
from tests.support.browser import PHONE, Window
from tests.support.house import House
from tests.support.pages import PAGES, build_world
from tests.support.server import Person

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser-strangers")]
SERVER = {"LIVESERVER_CHATS_PER_S": "0", "LIVESERVER_HOST_COMMANDS_PER_S": "0"}

PAYLOADS = (
    "<script>document.documentElement.dataset.hacked=1</script>",
    "<img src=x onerror=document.documentElement.dataset.hacked=2>",
    '"><svg/onload=document.documentElement.dataset.hacked=3>',
    "' autofocus onfocus='document.documentElement.dataset.hacked=4",
    '<a href="javascript:document.documentElement.dataset.hacked=5">win</a>',
    "</script><script>document.documentElement.dataset.hacked=6</script>",
    "<iframe srcdoc='<script>parent.document.documentElement.dataset.hacked=7</script>'></iframe>",
    "{{ 7 * 191 }}${7 * 191}<%= 7 * 191 %>#{7 * 191}",
    "<style>body{display:none}</style><base href=//evil.example/>",
    "<!--<math><mtext></form><form><mglyph><style></math><img src onerror=dataset.hacked=8>",
    "&lt;script&gt;alert(9)&lt;/script&gt;",
    "مرحبا بكم <b>שלום</b>",
)
INVISIBLE = (
    "\u202etfel ot thgir\u202c \u2066<b>bold</b>\u2069",
    "zero\u200bwidth\u200d\ufeff <b>joined</b>",
)
"""Refused in titles, and taken out of chat or harmless there."""

_INJECTED = """() => [...document.querySelectorAll("*")].filter((node) =>
    node.attributes.length && [...node.attributes].some((one) => /^on/i.test(one.name) || /^\\s*javascript:/i.test(one.value))
    || node.matches("iframe, base, math, object, embed, main script, style:not([nonce]), script:not([nonce]), main form form, .said *, .msg .who *, #lot-title *")
  ).map((node) => node.outerHTML.slice(0, 200))"""


async def test_what_hosts_write_is_text_on_every_page(house: House, hana: Person, open_window: Open) -> None:
    window = await open_window(hana)
    window.forgive("status of 404")
    everything = "\n".join(PAYLOADS)
    worlds = [await build_world(house, hana, payload, everything[:400]) for payload in PAYLOADS]
    # The lists name them all; one world's own pages are looked at whole, of the others those with other templates' holes.
    for path in PAGES.values():
        await window.go(worlds[0].at(path))
        await _is_harmless(window)
    for world in worlds[1:]:
        for path in ("/shows/{show}", "/products/{product}"):
            await window.go(world.at(path))
            await _is_harmless(window)
    for payload in PAYLOADS:
        await window.page.goto(f"/shows/{quote(payload, safe='')}")
        await _is_harmless(window)


async def test_what_viewers_write_is_text_for_viewers_and_hosts(
    house: House, hana: Person, open_window: Open
) -> None:
    world = await build_world(house, hana)
    ana = await house.person("Ana")
    viewer = await open_window(viewport=PHONE)
    host = await open_window(hana)
    await viewer.go(f"/shows/{world.show}")
    await host.go(f"/shows/{world.show}/host")
    async with (
        LiveClient(house.server.socket_url, hana.token) as as_host,
        LiveClient(house.server.socket_url, ana.token) as as_ana,
    ):
        stage, seat = await as_host.join(world.show), await as_ana.join(world.show)
        for payload in (*PAYLOADS, *INVISIBLE):
            said = await seat.chat(payload)
            assert isinstance(said, Said), said
            await stage.send("chat:pin", message=said.id)
        told = [one["message"] for one in seat.view["chat"]["messages"]]
        assert len(told) == 1 + len(PAYLOADS) + len(INVISIBLE)
        for window in (viewer, host):
            await expect(window.at("#chat-list .said")).to_have_text(told)
            assert await window.at("#chat-list .said").all_text_contents() == told
            await expect(window.at("#pinned-text")).to_have_text(told[-1])
            await _is_harmless(window)
        # Hosts' words float over the stage.
        await stage.chat(PAYLOADS[1])
        await expect(viewer.at("#host-words-text")).to_have_text(PAYLOADS[1])
        for window in (viewer, host):
            await _is_harmless(window)


@pytest.mark.parametrize("path", ["/sign-in", "/register"])
async def test_no_way_back_leads_out_of_the_house(path: str, house: House, open_window: Open) -> None:
    window = await open_window()
    for payload in (
        *PAYLOADS,
        "javascript:alert(1)",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
    ):
        await window.go(f"{path}?next={quote(payload, safe='')}")
        await _is_harmless(window)
        assert await window.at("input[name=next]").input_value() == "/"


async def _is_harmless(window: Window) -> None:
    """Dialogs, breaches of the CSP and errors are troubles, which every window's end asks about."""
    await window.page.wait_for_load_state("load")
    assert await window.page.evaluate("document.documentElement.dataset.hacked") is None
    injected = await window.page.evaluate(_INJECTED)
    assert injected == [], window.page.url
    assert "1337" not in await window.page.inner_text("body")
