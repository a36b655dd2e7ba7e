"""The show as people live it: a host and two bidders in three windows, and the network of one is cut and comes back.

Everything is done with the pages' own controls. What the pages show is compared with the server's record at the end.
"""

import asyncio
import json
import re
from collections import Counter
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Open
from tests.support.browser import PHONE, WAIT_MS, Window
from tests.support.cable import Cable
from tests.support.house import House, register, token_of
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLOCK = {"duration_ms": 60_000, "window_ms": 60_000, "extend_ms": 60_000}
"""Any bid is a late one: a minute is left after it, so that slow machines get through this story as well."""


async def test_host_and_two_bidders_and_a_cut_cable(house: House, hana: Person, open_window: Open) -> None:
    show = await house.show(hana, "Cameras tonight")
    camera = await house.lot(hana, show, "Leica M3", 2_000, **CLOCK)
    await house.lot(hana, show, "Lens cap", 500, duration_ms=1_500, window_ms=0)

    async with Cable(house.origin) as cable:
        host = await open_window(hana)
        ana = await open_window(viewport=PHONE, reduced_motion="no-preference")
        bo = await open_window(origin=cable.origin)
        await _enter(ana, show, "Ana")
        await _enter(bo, show, "Bo")

        await host.go(f"/shows/{show}/host")
        await host.page.get_by_role("button", name="Start the show").click()
        for window in (ana, bo):
            await expect(window.at("#live-badge")).to_be_visible()

        # The host opens the first lot of the queue with the space bar.
        await expect(host.at("#do-next")).to_have_attribute("aria-disabled", "false")
        await host.page.keyboard.press(" ")
        for window in (host, ana, bo):
            await expect(window.at("#lot-title")).to_have_text("Leica M3")
            await expect(window.at("#price")).to_have_text("$20")

        # Ana's thumb; the clock jumps for everybody.
        for window in (ana, bo, host):
            await _watch_the_clock_until(window, "0:56")
        await ana.page.get_by_role("button", name="Bid $20").tap()
        await expect(ana.at("#state")).to_have_text("You're winning")
        await expect(bo.at("#state")).to_have_text("Ana leads")
        await expect(host.at("#leader")).to_have_text("Ana leads")
        for window in (ana, bo, host):
            await expect(window.at("#clock")).to_have_attribute(
                "data-jumped", re.compile(r"^0:5\d to (0:59|1:00)$")
            )
            await expect(window.at("#jump")).to_have_text(re.compile(r"^\+[1-9]\d*s$"))

        # Bo's own maximum, in the sheet.
        await _bids_up_to(bo, "40")
        await expect(bo.at("#state")).to_have_text("You're winning")
        await expect(ana.at("#price")).to_have_text("$21")
        await expect(ana.at("#state")).to_have_text("Outbid, $22 to lead")
        await expect(ana.at("#announce-assertive")).to_have_text("You have been outbid. $22 to lead.")
        assert await ana.at("#announce-assertive").get_attribute("aria-live") == "assertive"

        # Another thumb of Ana's meets Bo's maximum.
        await ana.page.get_by_role("button", name="Bid $22").tap()
        await expect(ana.at("#state")).to_have_text("Outbid, $24 to lead")
        await expect(bo.at("#price")).to_have_text("$23")
        await _says(bo, "Is the shutter fine?")
        await _says(host, "Serviced last year.")
        await expect(_chat(ana)).to_have_count(2)

        # Bo's cable is cut. The page says so and keeps what it shows.
        bo.forgive(r"WebSocket connection to .* failed")
        cable.cut()
        await expect(bo.at("#connection")).to_be_visible()
        await expect(bo.at("#connection-text")).to_have_text("Reconnecting…")
        await expect(bo.at("#price")).to_have_text("$23")
        await expect(_chat(bo)).to_have_count(2)
        # What Bo says now is kept, and sent once.
        await _says(bo, "Hello? Am I here?")

        # Meanwhile the show goes on.
        await _bids_up_to(ana, "55.00")
        await expect(ana.at("#state")).to_have_text("You're winning")
        for line in ("I want this one", "Really", "Bo, still there?"):
            await _says(ana, line)
        await _says(host, "Ana leads, who gives more?")
        await expect(_chat(host)).to_have_count(6)
        await expect(_chat(bo)).to_have_count(2)

        cable.mend()
        await expect(bo.at("#connection")).to_be_hidden()
        await expect(bo.at("#price")).to_have_text("$42")
        await expect(bo.at("#state")).to_have_text("Outbid, $44 to lead")
        await expect(bo.at("#lot-facts")).to_have_text("4 bids")
        for window in (ana, bo, host):
            await expect(_chat(window)).to_have_count(7)

        # Bo bids again and is not fast enough: the hammer.
        await bo.page.get_by_role("button", name="Bid $44").click()
        await expect(bo.at("#state")).to_have_text("Outbid, $48 to lead")
        await expect(host.at("#price")).to_have_text("$46")
        await host.at("#now").click()  # out of the chat's line, where H would be a letter
        confetti = asyncio.ensure_future(ana.page.wait_for_selector("canvas.confetti", state="attached"))
        await host.page.keyboard.press("h")

        await expect(ana.at("#moment-title")).to_have_text("You won!")
        assert await confetti, "a moment worth having"
        await expect(ana.at("#moment")).to_be_visible()
        await expect(ana.at("#moment-amount")).to_have_text("$46")
        await expect(bo.at("#moment-detail")).to_have_text("Sold to Ana")
        await expect(bo.at("#state")).to_have_text("Sold to Ana")
        await expect(host.at("#leader")).to_have_text("Sold to Ana")
        await expect(host.at("#sold-count")).to_have_text("1")
        await expect(host.at("#earned")).to_have_text("$46")

        # A result is told once it is recorded, so the record holds everything before it.
        record = await house.record(show)
        _nothing_lost_or_doubled(bo, record)
        said = [one["payload"]["id"] for one in record if one["type"] == "chat:new"]
        for window in (ana, bo, host):
            assert await _chat_ids(window) == said
            await expect(window.at("#lot-facts")).to_contain_text("5 bids")
        bids = [one["payload"] for one in record if one["type"] == "bid:accepted"]
        assert [one["lot"] for one in bids] == [camera] * 5
        assert bids[-1]["price"] == 4_600

        # The next lot comes up, and ends by its own clock without a bid.
        await host.page.keyboard.press(" ")
        await expect(ana.at("#lot-title")).to_have_text("Lens cap")
        await expect(ana.at("#moment")).to_be_hidden()
        for window in (ana, bo):
            await expect(window.at("#moment-title")).to_have_text("Not sold")


async def _enter(window: Window, show: str, name: str) -> None:
    """A guest comes to the show, opens an account, and is back in the show."""
    await window.go(f"/shows/{show}")
    await window.page.get_by_role("link", name="Sign in to chat").click()
    await window.page.get_by_role("link", name="Open an account").click()
    await register(window, name)
    await expect(window.page).to_have_url(f"{window.origin}/shows/{show}")
    assert await token_of(window)


async def _bids_up_to(window: Window, amount: str) -> None:
    await window.page.get_by_role("button", name="Custom amount or maximum").click()
    await window.page.get_by_label("Maximum", exact=True).fill(amount)
    await window.page.get_by_role("button", name="Place bid").click()
    await expect(window.at("#bid-sheet")).to_be_hidden()


async def _says(window: Window, line: str) -> None:
    await window.at("#chat-input").fill(line)
    await window.at("#chat-input").press("Enter")


def _chat(window: Window) -> Locator:
    return window.at("#chat-list li.msg")


async def _chat_ids(window: Window) -> list[str]:
    ids: list[str] = await _chat(window).evaluate_all("rows => rows.map((row) => row.dataset.id)")
    return ids


async def _watch_the_clock_until(window: Window, shown: str) -> None:
    """Notes on the countdown when it is seen to jump to more than it showed, and waits until it shows so much or less."""
    await window.page.evaluate(
        """() => {
          const clock = document.querySelector("#clock");
          let before = clock.textContent;
          new MutationObserver(() => {
            // 1:00 is more than 0:59 also as text.
            if (clock.textContent > before) clock.dataset.jumped ??= `${before} to ${clock.textContent}`;
            before = clock.textContent;
          }).observe(clock, { childList: true, characterData: true, subtree: true });
        }"""
    )
    await window.page.wait_for_function(
        "(shown) => document.querySelector('#clock').textContent <= shown", arg=shown, timeout=WAIT_MS
    )


def _nothing_lost_or_doubled(window: Window, record: list[dict[str, Any]]) -> None:
    """The events that came over the window's sockets are those of the record, each once, over the cut and back."""
    came: list[dict[str, Any]] = []
    for frame in window.heard:
        message = json.loads(frame)
        if message["type"] == "events":
            came += message["events"]
        elif message["type"] == "ok":
            came += message["payload"].get("events") or []
    seqs = [(one["seq"], one["type"]) for one in came]
    doubled = [one for one, n in Counter(seqs).items() if n > 1]
    assert doubled == []
    assert [seq for seq, _ in seqs] == sorted(seq for seq, _ in seqs), "in the log's order"
    # Bids that a later one of the same batch superseded are told through it; all else must be there.
    start = seqs[0][0]
    wanted = {(one["seq"], one["type"]) for one in record if one["seq"] >= start}
    missing = {one for one in wanted - set(seqs) if one[1] not in {"bid:accepted", "lot:extended"}}
    assert missing == set()
    assert len(wanted) > 10
