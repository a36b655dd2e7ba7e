"""Credit notes: which refunds have one, how they are counted, where their buyer and seller find them."""

import asyncio
import csv
import io
from io import BytesIO

import pytest
from pypdf import PdfReader

from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders import refunds
from liveserver.orders.model import Order, Refund
from tests.support.orders import sell
from tests.support.storefront import Person, Shop

TS = 1_796_000_000_000
ISSUER = {"name": "Hana Ltd", "address": "Main Street 1", "tax_id": "DE1"}


@pytest.fixture
async def ana(shop: Shop) -> Person:
    return await shop.person("Ana")


@pytest.fixture
async def hana(shop: Shop) -> Person:
    person = await shop.person("Hana", "host")
    assert (await person.post("/studio/invoices", ISSUER)).status == 303
    return person


async def refunded(shop: Shop, order: Order, amount: int, *, sent: bool = True) -> Refund:
    """So much of the order goes back, and has left the provider if `sent`."""
    async with transaction(shop.services.pool) as on:
        made = await refunds.request(on, order.id, order.seller, amount, "A scratch", TS)
    assert not isinstance(made, Rejected), made
    if sent:
        async with transaction(shop.services.pool) as on:
            await refunds.settled(on, made.id, f"re_{made.id}", TS)
    return made


async def invoiced(shop: Shop, buyer: Person, seller: Person) -> Order:
    order = await sell(shop.services.pool, buyer, seller)
    assert (await seller.post(f"/studio/orders/{order.id}/invoice")).status == 303
    return order


async def numbers(shop: Shop) -> list[tuple[str, int]]:
    rows = await shop.services.pool.fetch("SELECT order_id, number FROM credit_notes ORDER BY seller, number")
    return [(row["order_id"], row["number"]) for row in rows]


async def text_of(who: Person, path: str) -> str:
    answer = await who.browser.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    return " ".join(PdfReader(BytesIO(await answer.read())).pages[0].extract_text().split())


async def test_a_sent_refund_of_an_invoiced_order_has_a_numbered_paper(shop: Shop, ana: Person, hana: Person):
    order = await invoiced(shop, ana, hana)
    await refunded(shop, order, 2_000)
    await refunded(shop, order, 500, sent=False)
    assert await numbers(shop) == [(order.id, 1)], "what is on its way may yet fail"
    for who, path in ((ana, f"/orders/{order.id}"), (hana, f"/studio/orders/{order.id}")):
        page = await (await who.browser.get(path)).text()
        assert page.count("Credit note CN-000001 (PDF)") == 1
        text = await text_of(who, f"{path}/credit-note.pdf?number=1")
        assert "For invoice 000001" in text
        assert "Total -USD 20.00" in text
        assert "TEST" in text
        for wrong in ("", "2", "x"):
            assert (await who.browser.get(f"{path}/credit-note.pdf?number={wrong}")).status == 404
    told = await (await ana.api("GET", f"/me/orders/{order.id}")).json()
    assert [one["credit_note"] for one in told["refunds"]] == ["CN-000001", ""]


async def test_without_an_invoice_there_is_nothing_to_credit_until_there_is_one(
    shop: Shop, ana: Person, hana: Person
):
    order = await sell(shop.services.pool, ana, hana)
    first, second = await refunded(shop, order, 100), await refunded(shop, order, 200)
    assert await numbers(shop) == []
    await hana.post(f"/studio/orders/{order.id}/invoice")
    kept = await shop.services.pool.fetch("SELECT refund FROM credit_notes ORDER BY number")
    assert [row["refund"] for row in kept] == [first.id, second.id]


async def test_they_are_counted_for_each_seller_without_gaps_under_load(
    shop: Shop, ana: Person, hana: Person
):
    hugo = await shop.person("Hugo", "host")
    await hugo.post("/studio/invoices", ISSUER)
    orders = [await invoiced(shop, ana, seller) for seller in (hana, hana, hana, hugo)]

    async def given_up(order: Order) -> None:
        # Everything of it is undone, its number too.
        async with transaction(shop.services.pool) as on:
            made = await refunds.request(on, order.id, order.seller, 50, "", TS)
            assert not isinstance(made, Rejected)
            await refunds.settled(on, made.id, f"re_{made.id}", TS)
            raise LookupError

    several = [refunded(shop, order, 100 + n) for n in range(4) for order in orders]
    ends = await asyncio.gather(*several, *(given_up(order) for order in orders), return_exceptions=True)
    assert sum(isinstance(end, LookupError) for end in ends) == 4
    assert sum(isinstance(end, Refund) for end in ends) == 16
    rows = await shop.services.pool.fetch(
        "SELECT array_agg(number ORDER BY number) AS numbers FROM credit_notes GROUP BY seller ORDER BY count(*)"
    )
    assert [row["numbers"] for row in rows] == [list(range(1, 5)), list(range(1, 13))]


async def test_a_refund_told_twice_has_one_and_one_that_comes_back_makes_it_void(
    shop: Shop, ana: Person, hana: Person
):
    order = await invoiced(shop, ana, hana)
    refund = await refunded(shop, order, 2_000)
    async with transaction(shop.services.pool) as on:
        await refunds.settled(on, refund.id, f"re_{refund.id}", TS)
    assert await numbers(shop) == [(order.id, 1)]
    async with transaction(shop.services.pool) as on:
        await refunds.failed(on, refund.id, "", "The bank has sent it back.", TS)
    assert await numbers(shop) == [(order.id, 1)], "a number that was given stays"
    assert "Void" in await (await ana.browser.get(f"/orders/{order.id}")).text()
    assert "Void: the refund came back" in await text_of(ana, f"/orders/{order.id}/credit-note.pdf?number=1")


async def test_the_sellers_file_has_invoices_and_what_was_credited(shop: Shop, ana: Person, hana: Person):
    order, plain = await invoiced(shop, ana, hana), await sell(shop.services.pool, ana, hana)
    await refunded(shop, order, 2_000)
    await refunded(shop, order, 113)
    answer = await hana.api("GET", "/seller/orders.csv")
    rows = {
        row["order"]: row for row in csv.DictReader(io.StringIO((await answer.text()).removeprefix("\ufeff")))
    }
    told = rows[str(order.number)]
    assert (told["invoice"], told["credit_notes"], told["credited"]) == (
        "000001",
        "CN-000001 CN-000002",
        "21.13",
    )
    assert [rows[str(plain.number)][name] for name in ("invoice", "credit_notes", "credited")] == ["", "", ""]
