"""Orders as pages: what buyers and sellers read, forms that do things once, papers, and nothing of it for strangers."""

import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from liveserver.orders.model import Order
from storefront.web.routes import PAGES
from tests.support.orders import sell
from tests.support.storefront import Person, Shop


@pytest.fixture
async def ana(shop: Shop) -> Person:
    return await shop.person("Ana")


@pytest.fixture
async def hana(shop: Shop) -> Person:
    return await shop.person("Hana", "host")


async def page(who: Person, path: str, status: int = 200) -> str:
    answer = await who.browser.get(path)
    text = await answer.text()
    assert answer.status == status, text
    return text


async def key_of(who: Person, order: Order) -> str:
    found = re.search(r'name="key" value="([^"]+)"', await page(who, f"/studio/orders/{order.id}"))
    assert found is not None
    return found[1]


async def state_of(shop: Shop, order: Order) -> str:
    return await shop.services.pool.fetchval("SELECT state FROM orders WHERE id = $1", order.id)


async def test_a_buyer_without_orders_is_shown_where_to_go(shop: Shop, ana: Person):
    assert "No orders yet" in await page(ana, "/orders")
    assert "Nothing to pay" in await page(ana, "/orders?show=open")
    answer = await shop.browser().get("/orders", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=%2Forders")


async def test_a_buyer_pays_what_waits_and_reads_what_happened(shop: Shop, ana: Person, hana: Person):
    waits = await sell(shop.services.pool, ana, hana, "action_required", source="auction")
    sent = await sell(shop.services.pool, ana, hana, "shipped")
    listed = await page(ana, "/orders")
    assert listed.index(f"/orders/{sent.id}") < listed.index(f"/orders/{waits.id}")
    assert f'href="/checkout/{waits.id}"' in listed
    assert f'href="/checkout/{sent.id}"' not in listed
    one = await page(ana, f"/orders/{waits.id}")
    for words in (
        "Pay $54.13 now",
        "Confirm your payment",
        "Test order.",
        "What you won or claimed is binding.",
    ):
        assert words in one
    assert "Cancel this order" not in one
    other = await page(ana, f"/orders/{sent.id}")
    for words in ("On its way", "RR 123", "receipt.pdf", "Hauptstr. 1"):
        assert words in other


async def test_an_order_whose_time_is_over_is_not_offered_for_payment(shop: Shop, ana: Person, hana: Person):
    late = await sell(shop.services.pool, ana, hana, "awaiting_payment", due_ts=1)
    assert "/checkout/" not in await page(ana, f"/orders/{late.id}")
    assert "/checkout/" not in await page(ana, "/orders")


async def test_a_buyer_cancels_by_a_form(shop: Shop, ana: Person, hana: Person):
    order = await sell(shop.services.pool, ana, hana, "awaiting_payment")
    assert "Cancel this order" in await page(ana, f"/orders/{order.id}")
    done = await ana.post(f"/orders/{order.id}/cancel", {"reason": "Two by mistake"})
    assert done.status == 303
    told = await page(ana, done.headers["Location"])
    assert "Nothing was charged." in told
    assert "Two by mistake" in told
    won = await sell(shop.services.pool, ana, hana, "awaiting_payment", source="auction")
    refused = await ana.post(f"/orders/{won.id}/cancel")
    assert refused.status == 409
    assert "binding" in await refused.text()


async def test_a_receipt_opens_once_it_is_paid(shop: Shop, ana: Person, hana: Person):
    waits = await sell(shop.services.pool, ana, hana, "awaiting_payment")
    await page(ana, f"/orders/{waits.id}/receipt.pdf", 404)
    paid = await sell(shop.services.pool, ana, hana)
    answer = await ana.browser.get(f"/orders/{paid.id}/receipt.pdf")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'inline; filename="receipt-{paid.number}.pdf"'
    body = await answer.read()
    assert f"#{paid.number}" in PdfReader(BytesIO(body)).pages[0].extract_text()
    again = await ana.browser.get(f"/orders/{paid.id}/receipt.pdf")
    assert await again.read() == body


async def test_a_seller_ships_delivers_and_refunds_by_forms(shop: Shop, ana: Person, hana: Person):
    order = await sell(shop.services.pool, ana, hana)
    path = f"/studio/orders/{order.id}"
    assert "Mark as shipped" in await page(hana, path)
    key = await key_of(hana, order)
    done = await hana.post(f"{path}/ship", {"key": key, "carrier": "Post", "tracking": "RR1"})
    assert (done.status, done.headers["Location"]) == (303, f"{path}?done=shipped")
    told = await page(hana, f"{path}?done=shipped")
    assert "the buyer has been told" in told
    assert "Mark as delivered" in told
    done = await hana.post(f"{path}/deliver", {"key": await key_of(hana, order)})
    assert done.status == 303
    done = await hana.post(f"{path}/refund", {"key": await key_of(hana, order), "amount": "20.00", "reason": "A scratch"})  # fmt: skip
    assert done.status == 303, await done.text()
    told = await page(hana, path)
    for words in ("Delivered", "Partly refunded", "A scratch", 'value="34.13"'):
        assert words in told


async def test_a_form_that_is_sent_twice_is_carried_out_once(shop: Shop, ana: Person, hana: Person):
    order = await sell(shop.services.pool, ana, hana)
    form = {"key": await key_of(hana, order), "amount": "10", "reason": "Goodwill"}
    answers = [await hana.post(f"/studio/orders/{order.id}/refund", form) for _ in range(3)]
    assert {answer.status for answer in answers} == {303}
    assert {answer.headers["Location"] for answer in answers} == {f"/studio/orders/{order.id}?done=refunded"}
    assert await shop.services.pool.fetchval("SELECT count(*) FROM refunds") == 1


async def test_who_goes_back_and_changes_a_form_is_asked_to_send_it_again(
    shop: Shop, ana: Person, hana: Person
):
    order = await sell(shop.services.pool, ana, hana)
    path, key = f"/studio/orders/{order.id}/refund", await key_of(hana, order)
    assert (await hana.post(path, {"key": key, "amount": "10"})).status == 303
    changed = await hana.post(path, {"key": key, "amount": "20"})
    text = await changed.text()
    assert changed.status == 409
    assert "This form was sent before" in text
    assert 'value="20"' in text
    fresh = re.findall(r'name="key" value="([^"]+)"', text)
    assert key not in fresh
    assert (await hana.post(path, {"key": fresh[0], "amount": "20"})).status == 303
    assert await shop.services.pool.fetchval("SELECT sum(item) FROM refunds") == 3_000


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [("54.14", 422, "More would be refunded"), ("a lot", 422, "Write an amount in USD"), ("", 422, "Write an amount in USD"),
     ("0", 422, "refunded"), ("-5", 422, "Write an amount in USD"), ("１２", 422, "Write an amount in USD")],
)  # fmt: skip
async def test_a_wrong_refund_comes_back_with_what_was_typed(
    shop: Shop, ana: Person, hana: Person, typed: str, status: int, words: str
):
    order = await sell(shop.services.pool, ana, hana)
    answer = await hana.post(f"/studio/orders/{order.id}/refund", {"amount": typed, "reason": "Because"})
    text = await answer.text()
    assert answer.status == status, text
    assert words in text
    assert 'value="Because"' in text
    assert await shop.services.pool.fetchval("SELECT count(*) FROM refunds") == 0


async def test_a_dispute_is_said_and_stops_refunds(shop: Shop, ana: Person, hana: Person):
    order = await sell(shop.services.pool, ana, hana, "disputed")
    told = await page(hana, f"/studio/orders/{order.id}")
    assert "The buyer disputes this payment at their bank." in told
    assert "fraudulent" in told
    assert "Give it back" not in told
    assert "Your bank is deciding" in await page(ana, f"/orders/{order.id}")


async def test_a_sellers_list_is_filtered_and_tells_its_counts(shop: Shop, ana: Person, hana: Person):
    empty = await page(hana, "/studio/orders")
    assert "No orders yet" in empty
    paid = await sell(shop.services.pool, ana, hana)
    waits = await sell(shop.services.pool, ana, hana, "awaiting_payment")
    listed = await page(hana, "/studio/orders")
    assert f"#{paid.number}" in listed
    assert f"#{waits.number}" in listed
    assert "$54.13" in listed, "the figures of 30 days"
    to_ship = await page(hana, "/studio/orders?group=to_ship")
    assert f"#{paid.number}" in to_ship
    assert f"#{waits.number}" not in to_ship
    assert f"#{waits.number}" in await page(hana, f"/studio/orders?search=%23{waits.number}")
    assert "No such orders" in await page(hana, "/studio/orders?from=2001-01-01&to=2001-01-02")
    await page(hana, "/studio/orders?from=never&to=9999-99-99&group=x&show={}&search=%00")
    await page(hana, "/studio/orders?cursor=x", 400)


async def test_the_page_learns_that_something_changed(shop: Shop, ana: Person, hana: Person):
    async def mark() -> int:
        return (await (await hana.browser.get("/studio/orders/mark")).json())["mark"]

    none = await mark()
    order = await sell(shop.services.pool, ana, hana)
    one = await mark()
    assert one > none
    assert await mark() == one
    await hana.post(f"/studio/orders/{order.id}/ship")
    assert await mark() > one


async def test_invoices_are_numbered_for_each_seller_without_gaps(shop: Shop, ana: Person, hana: Person):
    hugo = await shop.person("Hugo", "host")
    first, second = [await sell(shop.services.pool, ana, hana) for _ in range(2)]
    path = f"/studio/orders/{first.id}"
    assert "Set up invoices" in await page(hana, path)
    refused = await hana.post(f"{path}/invoice")
    assert refused.status == 409
    wrong = await hana.post("/studio/invoices", {"name": "Hana Ltd", "address": "", "tax_id": "DE1"})
    assert wrong.status == 422
    assert 'value="Hana Ltd"' in await wrong.text()
    form = {"name": "Hana Ltd", "address": "Main Street 1\r\n12345 Town", "tax_id": "DE1", "next": path}
    saved = await hana.post("/studio/invoices", form)
    assert saved.headers["Location"] == path
    assert "Issue the invoice" in await page(hana, path)
    for order in (first, first, second):
        assert (await hana.post(f"/studio/orders/{order.id}/invoice")).status == 303
    await hana.post("/studio/invoices", {**form, "name": "Hana & Co"})
    assert "Invoice 000001 (PDF)" in await page(hana, path)
    assert "Invoice 000002 (PDF)" in await page(hana, f"/studio/orders/{second.id}")
    body = await (await ana.browser.get(f"/orders/{first.id}/invoice.pdf")).read()
    text = PdfReader(BytesIO(body)).pages[0].extract_text()
    assert "Hana Ltd" in text, "as it was when it was issued"
    assert body == await (await hana.browser.get(f"{path}/invoice.pdf")).read()
    his = await sell(shop.services.pool, ana, hugo)
    await hugo.post("/studio/invoices", form)
    await hugo.post(f"/studio/orders/{his.id}/invoice")
    assert "Invoice 000001" in await page(hugo, f"/studio/orders/{his.id}")
    waits = await sell(shop.services.pool, ana, hana, "awaiting_payment")
    assert (await hana.post(f"/studio/orders/{waits.id}/invoice")).status == 409


async def test_pages_of_orders_are_not_found_by_others(shop: Shop, ana: Person, hana: Person):
    hugo, bea = await shop.person("Hugo", "host"), await shop.person("Bea")
    order = await sell(shop.services.pool, ana, hana)
    tried = 0
    for method, path, _ in PAGES:
        if "orders/{id}" not in path:
            continue
        for who in (hugo, bea) if path.startswith("/studio") else (hugo, bea, hana):
            here = path.format(id=order.id)
            answer = await who.post(here) if method == "POST" else await who.browser.get(here)
            assert answer.status == (403 if who is bea and path.startswith("/studio") else 404), (
                here,
                who.name,
            )
            tried += 1
    assert tried >= 20
    assert await state_of(shop, order) == "paid"


async def test_forms_from_elsewhere_are_refused(shop: Shop, ana: Person, hana: Person):
    order = await sell(shop.services.pool, ana, hana)
    for path in ("ship", "deliver", "cancel", "refund", "invoice"):
        answer = await hana.browser.post(f"/studio/orders/{order.id}/{path}", data={"amount": "1"})
        assert answer.status == 403, path
    assert (await ana.browser.post(f"/orders/{order.id}/cancel", data={})).status == 403
    assert await state_of(shop, order) == "paid"
