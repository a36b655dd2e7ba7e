"""Texts of strangers stay texts: no script of theirs runs, no element of theirs appears, nothing breaches the CSP, on any page."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from liveserver.client import LiveClient, Said
from tests.browser.conftest import Open
from tests.support.browser import PHONE, WAIT_MS, Window
from tests.support.house import House
from tests.support.pages import PAGES, build_world
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")
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

_INJECTED = """(root) => [...root.querySelectorAll("*")].filter((node) =>
    [...node.attributes].some((one) => /^on/i.test(one.name) || /^\\s*javascript:/i.test(one.value))
    || node.matches("iframe, base, math, object, embed, main script, style:not([nonce]), script:not([nonce])")
    || node.matches("main form form, .said *, .msg .who *, #lot-title *, h1 > :not(a), h3 > :not(a)")
  ).map((node) => node.outerHTML.slice(0, 200))"""
_READ = f"""(text) => {{
  const page = new DOMParser().parseFromString(text, "text/html");
  return {{ injected: ({_INJECTED})(page), next: page.querySelector("input[name=next]")?.value }};
}}"""


async def test_what_hosts_write_is_text_on_every_page(house: House, hana: Person, open_window: Open) -> None:
    window = await open_window(hana)
    window.forgive("status of 404")
    everything = "\n".join(PAYLOADS)
    worlds = [await build_world(house, hana, payload, everything[:400]) for payload in PAYLOADS]
    # One world's pages are lived through; of the others it is enough that the parser makes nothing of their texts.
    for path in PAGES.values():
        await window.go(worlds[0].at(path))
        await _is_harmless(window)
    own = [path for path in PAGES.values() if "{" in path]
    paths = [world.at(path) for world in worlds[1:] for path in own]
    paths += [f"/shows/{quote(payload, safe='')}" for payload in PAYLOADS]
    for path, page in (await _parsed(window, paths)).items():
        assert page["injected"] == [], path


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
        count = 1 + len(PAYLOADS) + len(INVISIBLE)
        assert await seat.until(lambda: len(seat.view["chat"]["messages"]) == count, WAIT_MS)
        told = [one["message"] for one in seat.view["chat"]["messages"]]
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


async def test_no_way_back_leads_out_of_the_house(house: House, open_window: Open) -> None:
    window = await open_window()
    await window.go("/sign-in?next=/docs")
    assert await window.at("input[name=next]").input_value() == "/docs"
    away = (*PAYLOADS, "javascript:alert(1)", "//evil.example", "/\\evil.example", "https://evil.example")
    paths = [f"{path}?next={quote(one, safe='')}" for path in ("/sign-in", "/register") for one in away]
    for path, page in (await _parsed(window, paths)).items():
        assert page == {"injected": [], "next": "/"}, path


async def _parsed(window: Window, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What Chromium's parser makes of the pages' text, in an empty page where nothing runs."""
    empty = await window.context.new_page()
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        answer = await window.context.request.get(path)
        assert answer.status in {200, 404}, path
        found[path] = await empty.evaluate(_READ, await answer.text())
    await empty.close()
    return found


async def _is_harmless(window: Window) -> None:
    """Dialogs, breaches of the CSP and errors are troubles, which every window's end asks about."""
    await window.page.wait_for_load_state("load")
    assert await window.page.evaluate("document.documentElement.dataset.hacked") is None
    injected = await window.page.evaluate(f"({_INJECTED})(document)")
    assert injected == [], window.page.url
    assert "1337" not in await window.page.inner_text("body")
