"""The cart in a browser: a guest fills one, signs in, and orders what was in it; pages that hold on every screen."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.support.browser import PHONE
from tests.support.house import PASSWORD, House
from tests.support.looks import low_contrast, nameless, sideways, small_targets
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

DESK = {"width": 1440, "height": 900}
TABLET = {"width": 820, "height": 1180}
HOME = {"name": "Ana", "line1": "Gasse 1", "city": "Bern", "postal_code": "3011", "country": "CH"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def camera(house: House, hana: Person) -> str:
    """A product in two colours; Hana ships it to Switzerland and has a coupon."""
    variants = [
        {"sku": "B", "color": "Black", "stock": 9},
        {"sku": "S", "color": "Silver", "stock": 2, "price": 6_000},
    ]
    made = await house.server.post(
        "/seller/products",
        {
            "title": "Halden 35",
            "price": 5_000,
            "currency": "USD",
            "variants": variants,
            "images": ["/media/generated/camera/halden.svg"],
        },
        hana.token,
    )
    way = {"name": "Parcel", "currency": "USD", "first": 413, "further": 100, "countries": ["CH"]}
    await house.server.post("/seller/shipping-methods", way, hana.token)
    await house.server.post("/seller/coupons", {"code": "SHOW10", "percent_bp": 1_000}, hana.token)
    return str(made["id"])


async def test_a_guest_fills_a_cart_registers_and_orders_it(camera: str, open_window: Open) -> None:
    window = await open_window(viewport=PHONE)
    page = window.page
    await window.go(f"/products/{camera}")
    await page.get_by_label("Which one").select_option(label="Silver · $60")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.get_by_role("heading", name="Cart", exact=True)).to_be_visible()
    window.forgive("409")
    await page.get_by_label("How many of Halden 35").fill("3")
    await page.get_by_role("button", name="Update").click()
    await expect(page.get_by_role("alert").first).to_have_text("Only 2 of this are left.")
    await page.get_by_label("Coupon", exact=True).fill("show10")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".totals .total dd")).to_have_text("$54")
    await page.get_by_role("link", name="Sign in to check out").click()
    await page.locator('main a[href^="/register"]').click()
    for name, value in (("name", "Gus Guest"), ("email", "gus@example.com"), ("password", PASSWORD)):
        await page.locator(f"main input[name={name}]").fill(value)
    await page.locator("main form button[type=submit]").click()
    await expect(page).to_have_url(re.compile("/checkout.seller=user_"))
    for name, value in (("name", "Gus"), ("line1", "Gasse 1"), ("city", "Bern")):
        await page.locator(f"main input[name={name}]").fill(value)
    await page.locator("main [name=country]").select_option("CH")
    await page.get_by_role("button", name="Show the total").click()
    await expect(page.locator(".totals .total dd")).to_have_text("$58.13")
    await page.get_by_role("button", name="Order and go to payment").click()
    await expect(page.get_by_role("button", name="Pay $58.13")).to_be_visible()
    await window.go("/cart")
    await expect(page.get_by_text("Your cart is empty")).to_be_visible()


@pytest.mark.parametrize("viewport", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_hold_on_every_screen(
    house: House, hana: Person, camera: str, open_window: Open, viewport: dict[str, int], scheme: str
) -> None:
    ana = await house.person("Ana")
    await house.server.post("/me/addresses", {**HOME, "usual": True}, ana.token)
    for person, paths in (
        (ana, [f"/products/{camera}", "/cart", "/me/addresses"]),
        (hana, ["/studio/shipping", "/studio/coupons"]),
    ):
        window = await open_window(person, viewport=viewport, color_scheme=scheme)
        if person is ana:
            await window.go(f"/products/{camera}")
            await window.page.get_by_role("button", name="Add to cart").click()
        for path in paths:
            await window.go(path)
            wrong = [*await sideways(window), *await nameless(window), *await small_targets(window)]
            texts = [window.at(one).first for one in ("main h1", "main .soft", "main .btn", "main .chip")]
            wrong += await low_contrast(window, [one for one in texts if await one.count()])
            assert wrong == [], path
