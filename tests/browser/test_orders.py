"""Orders in a browser: a seller sees one come in, ships it and gives a part back; the buyer follows it and opens the receipt."""

import json
import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect
from pypdf import PdfReader

from liveserver.infra.database import Pool
from liveserver.orders.model import Line, Order
from tests.browser.conftest import Open
from tests.support.browser import PHONE
from tests.support.house import House
from tests.support.looks import low_contrast, nameless, sideways, small_targets
from tests.support.orders import sell
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

TABLET = {"width": 820, "height": 1180}
NARROW = {"width": 320, "height": 640}
LONG = "Voigtländer-Kleinbildsucherkamera with Nokton 1.5/50 Donaudampfschifffahrtsgesellschaft"
PICTURES = [f"/media/generated/{kind}/{kind}.svg" for kind in ("camera", "ceramic", "sneaker", "card")]


@dataclass
class Orders:
    """A shop with an order in each state, and a product with a history."""

    ana: Person
    by_state: dict[str, Order]
    product: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def orders(house: House, hana: Person, pool: Pool) -> Orders:
    ana = await house.person("Ana")
    made: dict[str, Order] = {}
    for at, state in enumerate(
        ("delivered", "shipped", "disputed", "paid", "payment_failed", "awaiting_payment")
    ):
        lines = tuple(
            Line(
                title=title,
                sku=f"H-{n}",
                options="Black / M",
                price=4_900 + n,
                picture=PICTURES[(at + n) % 4],
            )
            for n, title in enumerate(("Halden 35", LONG, "Raku tea bowl", "Strap")[: at % 4 + 1])
        )
        source = "auction" if state == "payment_failed" else "cart"
        made[state] = await sell(pool, ana, hana, state, lines=lines, source=source)
    variants = [{"sku": f"L-{n}", "color": "Red", "size": "XL", "stock": n} for n in (3, 0)]
    offer = {"title": LONG, "price": 5_000, "currency": "USD", "variants": variants, "images": PICTURES[:1]}
    product = await house.server.post("/seller/products", offer, hana.token)
    variant = product["variants"][0]["id"]
    await sell(pool, ana, hana, "awaiting_payment", lines=(Line(variant=variant, title="Lamp", price=5_000),))
    return Orders(ana, made, str(product["id"]))


def seller_pages(orders: Orders) -> list[str]:
    ids = orders.by_state
    return ["/studio/orders", *(f"/studio/orders/{ids[state].id}" for state in ("paid", "shipped", "disputed")),
            "/studio/products", "/studio/products/new", f"/studio/products/{orders.product}", "/studio/invoices", "/studio"]  # fmt: skip


def buyer_pages(orders: Orders) -> list[str]:
    ids = orders.by_state
    return ["/orders", "/orders?show=coming", *(f"/orders/{ids[state].id}" for state in ("payment_failed", "shipped", "disputed"))]  # fmt: skip


async def test_a_seller_sees_an_order_come_in_ships_it_and_gives_a_part_back(
    house: House, hana: Person, pool: Pool, open_window: Open
) -> None:
    ana = await house.person("Ana")
    window, buyer = await open_window(hana), await open_window(ana, viewport=PHONE)
    page = window.page
    await window.go("/studio/orders")
    order = await sell(pool, ana, hana, "awaiting_payment")
    row = page.locator(f'[data-order="{order.id}"]')
    await expect(row).to_contain_text("Waiting for payment")
    await expect(window.at("#announce-polite")).to_have_text("A new order has come in")
    # Paid with the test provider, so that what is refunded below is known to it.
    await buyer.go(f"/checkout/{order.id}")
    await buyer.page.get_by_role("radio", name="Pays", exact=True).check()
    await buyer.page.get_by_role("button", name="Pay $54.13").click()
    await expect(buyer.page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    await expect(row).to_contain_text("To ship")
    await page.get_by_role("link", name=f"#{order.number}").click()
    await page.get_by_label("Carrier").fill("Post")
    await page.get_by_label("Tracking number").fill("RR 99")
    await page.get_by_role("button", name="Mark as shipped").click()
    await expect(page.get_by_role("status").first).to_contain_text("the buyer has been told")

    await buyer.go(f"/orders/{order.id}")
    await expect(buyer.page.locator(".tracking")).to_have_text("RR 99")

    await page.locator("summary", has_text="Refund").click()
    await expect(page.get_by_label("Amount in USD")).to_have_value("54.13")
    window.forgive("422")
    await page.get_by_label("Amount in USD").fill("54.14")
    await page.get_by_role("button", name="Give it back").click()
    await expect(page.get_by_label("Amount in USD")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Amount in USD").fill("20")
    await page.get_by_label("Reason, for the buyer").fill("A scratch")
    await page.get_by_role("button", name="Give it back").click()
    await expect(page.locator(".refunds")).to_contain_text("A scratch")

    await buyer.go(f"/orders/{order.id}")
    await expect(buyer.page.locator("main")).to_contain_text("Partly refunded")
    receipt = await buyer.context.request.get(f"{house.origin}/orders/{order.id}/receipt.pdf")
    text = PdfReader(BytesIO(await receipt.body())).pages[0].extract_text()
    assert "TEST" in text
    assert "USD 34.13" in text


async def test_a_product_with_variants_is_made_and_counted_again(
    house: House, hana: Person, open_window: Open
) -> None:
    window = await open_window(hana, viewport=PHONE)
    page = window.page
    await window.go("/studio/products/new")
    await page.get_by_label("Title").fill("Table lamp")
    await page.get_by_label("Price", exact=True).fill("49.90")
    for number, (sku, stock) in enumerate((("T-RED", "4"), ("T-BLUE", "2"))):
        row = page.get_by_role("group", name=f"Variant {number + 1}")
        if number:
            await page.get_by_role("button", name="Add a variant").click()
            await expect(row.get_by_label("SKU")).to_be_focused()
        await row.get_by_label("SKU").fill(sku)
        await row.get_by_label("In stock").fill(stock)
    await page.get_by_role("button", name="Offer it").click()
    await expect(page.get_by_role("status").first).to_have_text("Saved.")
    await expect(page.get_by_role("group")).to_have_count(3)  # and one for another
    blue = page.get_by_role("group", name="Variant 2")
    await expect(blue.get_by_label("SKU")).to_have_value("T-BLUE")
    await blue.get_by_label("In stock").fill("7")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".moves li").first).to_contain_text("+5")
    await page.get_by_role("button", name="Archive").click()
    await expect(page).to_have_url(re.compile(r"/studio/products$"))


async def test_forms_work_without_javascript(
    house: House, hana: Person, pool: Pool, open_window: Open
) -> None:
    ana = await house.person("Ana")
    order = await sell(pool, ana, hana, "paid")
    window = await open_window(hana, java_script_enabled=False)
    page = window.page
    await window.go(f"/studio/orders/{order.id}")
    await page.get_by_role("button", name="Mark as shipped").click()
    await page.get_by_role("button", name="Mark as delivered").click()
    await expect(page.locator(".timeline")).to_contain_text("Delivered")
    await window.go("/studio/products/new")
    await page.get_by_label("Title").fill("Plain")
    await page.get_by_label("Price", exact=True).fill("1")
    await page.get_by_role("group", name="Variant 3").get_by_label("SKU").fill("P-3")
    await page.get_by_role("button", name="Offer it").click()
    await expect(page.get_by_role("group", name="Variant 1").get_by_label("SKU")).to_have_value("P-3")


@pytest.mark.parametrize("size", [NARROW, TABLET], ids=["320", "820"])
async def test_pages_fit_have_names_and_can_be_hit(
    hana: Person, orders: Orders, open_window: Open, size: dict[str, int]
) -> None:
    found: dict[str, list[str]] = {}
    for who, pages in ((hana, seller_pages(orders)), (orders.ana, buyer_pages(orders))):
        window = await open_window(who, viewport=size)
        for path in pages:
            await window.go(path)
            wrong = [*await sideways(window), *await nameless(window), *await small_targets(window)]
            if wrong:
                found[f"{who.name}: {path}"] = wrong
    assert found == {}, json.dumps(found, indent=1)


async def test_texts_have_contrast(hana: Person, orders: Orders, open_window: Open) -> None:
    window, buyer = await open_window(hana), await open_window(orders.ana)
    ids = orders.by_state
    looks: list[tuple[Any, str, tuple[str, ...]]] = [
        (window, "/studio/orders", ("h1", ".subnav a", ".sold thead th", ".sold .item > span", ".chip.warn", ".chip.bad", ".chip.test", ".figures-row .soft")),
        (window, f"/studio/orders/{ids['paid'].id}", ("h1", ".btn.primary", ".test-notice", ".timeline .soft", ".totals .soft", ".share dt")),
        (window, f"/studio/orders/{ids['disputed'].id}", (".notice.bad",)),
        (window, f"/studio/products/{orders.product}", (".move", "label", ".moves .soft")),
        (buyer, "/orders", ("h1", ".order-text h2", ".order-text .soft", ".chip.win", ".btn.primary", ".amount")),
        (buyer, f"/orders/{ids['payment_failed'].id}", (".notice.warn", "address", ".btn.primary")),
    ]  # fmt: skip
    found: dict[str, list[str]] = {}
    for who, path, selectors in looks:
        await who.go(path)
        for scheme in ("light", "dark"):
            await who.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if wrong := await low_contrast(who, [who.at(one).first for one in selectors]):
                found[f"{path} {scheme}"] = wrong
    assert found == {}, json.dumps(found, indent=1)
