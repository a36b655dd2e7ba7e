"""Buying from the spotlight as people live it: one piece, two thumbs. One gets it, the other sees it go, the host sees who owes."""

import asyncio
import re
import time

import pytest
from playwright.async_api import expect

from liveserver.client import LiveClient, LotOpened
from tests.browser.conftest import Open
from tests.support.browser import PHONE, Window
from tests.support.house import House
from tests.support.looks import low_contrast, nameless, sideways, small_targets
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

AHEAD_MS = 500
"""Enough for both windows to be told when to press."""


async def a_product(house: House, host: Person, title: str, *stock: int) -> str:
    variants = [
        {"sku": f"{title}-{size}", "size": size, "stock": n} for n, size in zip(stock, "SML", strict=False)
    ]
    offer = {"title": title, "price": 2_500, "currency": "USD", "variants": variants}
    return str((await house.server.post("/seller/products", offer, host.token))["id"])


async def presses(window: Window, at_ms: float) -> None:
    """Buys at that moment (Unix ms), by the page's own clock: a click from here waits for the button to stand still, and the other
    buyer's may have sold it by then."""
    button = window.page.get_by_role("button", name="Buy now $25")
    await button.evaluate(
        "(button, at) => new Promise((done) => setTimeout(() => done(button.click()), at - Date.now()))",
        at_ms,
    )


async def test_one_piece_two_buyers_and_the_host_sees_it(
    house: House, hana: Person, open_window: Open
) -> None:
    show = await house.show(hana, "Scarves tonight")
    await a_product(house, hana, "Silk scarf", 1)
    ana, bo = await house.person("Ana"), await house.person("Bo")
    host = await open_window(hana)
    first = await open_window(ana, viewport=PHONE)
    second = await open_window(bo)
    for window, path in (
        (host, f"/shows/{show}/host"),
        (first, f"/shows/{show}"),
        (second, f"/shows/{show}"),
    ):
        await window.go(path)
    await host.page.get_by_role("button", name="Start the show").click()
    await host.page.get_by_role("tab", name="Spotlight").click()
    await host.page.get_by_role("button", name="Spotlight Silk scarf").click()
    await expect(host.at("#on-stage-left")).to_have_text("Only 1 left")
    for window in (first, second):
        await expect(window.at("#spot-label")).to_have_text("Buy now $25")
        await expect(window.at("#spot-kicker")).to_have_text("Only 1 left")

    # Both thumbs at once: the log's order decides.
    at_ms = time.time() * 1_000 + AHEAD_MS
    await asyncio.gather(presses(first, at_ms), presses(second, at_ms))
    for window in (first, second):
        await expect(window.at("#spot-label")).to_have_text("Sold out")
        await expect(window.at("#spot-button")).to_have_attribute("aria-disabled", "true")
    await expect(host.at("#on-stage-left")).to_have_text("Sold out")

    # The order follows from the record: the buyer can pay, the host sees that it is not paid yet.
    told = {asyncio.create_task(window.at("#due").wait_for(state="visible")) for window in (first, second)}
    done, waiting = await asyncio.wait(told, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert all(task.exception() is None for task in done)
    winner, loser, name = (
        (first, second, "Ana") if await first.at("#due").is_visible() else (second, first, "Bo")
    )
    await expect(winner.at("#due-title")).to_have_text("Silk scarf")
    await expect(winner.at("#due-pay")).to_have_attribute("href", re.compile(r"^/checkout/ord_\w+$"))
    await expect(loser.at("#due")).to_be_hidden()
    await expect(host.at("#earned")).to_have_text("$25")
    await expect(host.at("#sold-count")).to_have_text("1")
    await expect(host.at("#paid")).to_have_text("$0")
    await host.page.get_by_role("tab", name="Sold").click()
    await expect(host.at("#sold-list li")).to_have_count(1)
    await expect(host.at("#sold-list li")).to_contain_text(name)
    await expect(host.at("#sold-list .chip")).to_have_text("Waiting")

    # All of it is still there after a reload: it is the record's, not the page's.
    for window in (winner, host):
        await window.page.reload()
    await expect(winner.at("#due-title")).to_have_text("Silk scarf")
    await expect(host.at("#earned")).to_have_text("$25")
    await expect(host.at("#sold-list .chip")).to_have_text("Waiting")


async def test_variants_are_chosen_and_what_is_gone_can_not_be(
    house: House, hana: Person, open_window: Open
) -> None:
    show = await house.show(hana, "Hats tonight")
    hat = await a_product(house, hana, "Felt hat", 1, 2)
    await house.start(hana, show)
    ana = await house.person("Ana")
    window, guest = await open_window(ana, viewport=PHONE), await open_window()
    async with LiveClient(house.server.socket_url, hana.token) as client:
        room = await client.join(show)
        await room.spotlight(hat, limit=2)
        for each in (window, guest):
            await each.go(f"/shows/{show}")
        await expect(guest.at("#spot-sign-in")).to_be_visible()
        await expect(window.at("#spot-variant")).to_have_value(re.compile("^var_"))
        assert await window.at("#spot-variant option").all_inner_texts() == ["S", "M"]
        await window.at("#spot-button").tap()
        await expect(window.at("#spot-variant option").first).to_have_text("S · Sold out")
        await expect(window.at("#spot-variant option").first).to_be_disabled()
        await expect(window.at("#spot-label")).to_have_text("Buy now $25")
        await window.at("#spot-button").tap()
        await expect(window.at("#spot-label")).to_have_text("You have all you can")
        await expect(window.at("#due-more")).to_have_text("and 1 more to pay")
        for each in (window, guest):
            assert [*await sideways(each), *await nameless(each), *await small_targets(each)] == []
        for scheme in ("light", "dark"):
            await window.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            texts = [
                window.at(one)
                for one in (
                    "#spot-title",
                    "#spot-kicker",
                    "#spot-label",
                    "#due-title",
                    "#due-more",
                    "#due-pay",
                )
            ]
            assert await low_contrast(window, texts) == []
        await room.spotlight(None)
        await expect(window.at("#spot")).to_be_hidden()


async def test_who_needs_a_card_is_told_where_to_add_one(
    house: House, hana: Person, open_window: Open
) -> None:
    show = await house.show(hana, "Rare things tonight", requires_card=True)
    vase = await a_product(house, hana, "Vase", 3)
    await house.lot(hana, show, "Leica M3", 2_000, duration_ms=60_000)
    await house.start(hana, show)
    ana = await house.person("Ana")
    window = await open_window(ana)
    async with LiveClient(house.server.socket_url, hana.token) as client:
        room = await client.join(show)
        await room.spotlight(vase)
        await window.go(f"/shows/{show}")
        await window.at("#spot-button").click()
        link = window.at("#toasts a").first
        await expect(link).to_have_text("Add a card")
        await expect(link).to_have_attribute("href", f"/me/cards?next=%2Fshows%2F{show}")
        opened = await room.open_lot(title="Leica M3", start=2_000, clock={"duration_ms": 60_000})
        assert isinstance(opened, LotOpened), opened
        await window.page.get_by_role("button", name="Bid $20").click()
        await expect(window.at("#toasts a")).to_have_count(2)

        # A card is added there, and the way leads back. What is bought waits for an address; paid, buyer and host see it.
        console = await open_window(hana)
        await console.go(f"/shows/{show}/host")
        await link.click()
        await window.page.get_by_role("radio").first.check()
        await window.page.get_by_role("button", name="Save this card").click()
        await window.go(f"/shows/{show}")
        await room.pass_lot(opened.lot)
        await window.at("#spot-button").click()
        await expect(window.at("#due-title")).to_have_text("Vase")
        till = await open_window(ana)
        await till.go(str(await window.at("#due-pay").get_attribute("href")))
        for field, value in (("Name", "Ana"), ("Street and number", "Main St 1"), ("City", "Bern")):
            await till.page.get_by_label(field, exact=True).fill(value)
        await till.page.get_by_label("Country").select_option("CH")
        await till.page.get_by_role("button", name="Go on to the payment").click()
        await till.page.get_by_role("button", name="Pay $25").first.click()  # the saved card's
        await expect(window.at("#toasts .win").filter(has_text="Paid: Vase")).to_be_visible()
        await expect(window.at("#due")).to_be_hidden()
        await expect(console.at("#paid")).to_have_text("$25")
        await console.page.get_by_role("tab", name="Sold").click()
        await expect(console.at("#sold-list .chip")).to_have_text("Paid")
