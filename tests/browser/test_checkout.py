"""Paying in a browser: an order that waits is paid with the test provider, a card is saved, the bank asks; what the pages look like."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import expect

from liveserver.infra.database import Pool
from liveserver.orders.model import Line, Order
from tests.browser.conftest import Open
from tests.support.browser import PHONE
from tests.support.house import House
from tests.support.looks import low_contrast, nameless, sideways, small_targets
from tests.support.orders import sell
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = "Voigtländer-Kleinbildsucherkamera with Nokton 1.5/50 Donaudampfschifffahrtsgesellschaft"


@dataclass
class Counter:
    """Makes orders that wait for Ana to pay."""

    pool: Pool
    ana: Person
    hana: Person

    async def order(self, state: str = "awaiting_payment", **changes: object) -> Order:
        lines = (Line(title=LONG, options="Black / M", price=4_900, picture="/media/generated/camera/1.svg"),)
        return await sell(self.pool, self.ana, self.hana, state, **{"lines": lines, **changes})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(house: House, hana: Person, pool: Pool) -> Counter:
    return Counter(pool, await house.person("Ana"), hana)


async def test_an_order_is_paid_and_the_page_says_so_by_itself(counter: Counter, open_window: Open) -> None:
    order = await counter.order()
    window = await open_window(counter.ana, viewport=PHONE)
    await window.go(f"/orders/{order.id}")
    await window.page.get_by_role("link", name="Pay $53.13 now").click()
    await expect(window.page.get_by_text("Test payments.")).to_be_visible()
    await window.page.get_by_role("radio", name="Pays", exact=True).check()
    await window.page.get_by_role("button", name="Pay $53.13").click()
    await expect(window.page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()


async def test_without_scripts_a_declined_card_is_followed_by_one_that_asks(
    counter: Counter, open_window: Open
) -> None:
    order = await counter.order(source="auction", address=None)
    window = await open_window(counter.ana, java_script_enabled=False)
    page = window.page
    await window.go(f"/checkout/{order.id}")
    await expect(page.get_by_role("heading", name="Where shall it go?")).to_be_visible()
    for label, text in (
        ("Name", "Ana"),
        ("Street and number", "Gasse 1"),
        ("City", "Bern"),
    ):
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_label("Country", exact=True).select_option("CH")
    await page.get_by_role("button", name="Go on to the payment").click()
    # Hana has said nothing of postage, so she ships free: the total follows the address.
    await page.get_by_role("radio", name="Is declined", exact=True).check()
    await page.get_by_role("button", name="Pay $49").click()
    await expect(page.get_by_text("The payment was declined.", exact=True)).to_be_visible()
    await page.get_by_role("radio", name="Asks you to confirm, then pays").check()
    await page.get_by_role("button", name="Pay $49").click()
    await page.get_by_role("button", name="Confirm").click()
    done = page.get_by_role("heading", name="Paid. Thank you!")
    for _ in range(20):  # the page without scripts is looked at again by hand
        if await done.is_visible():
            break
        await page.get_by_role("link", name="Look again").click()
    await expect(done).to_be_visible()


async def test_a_card_is_saved_and_pays(counter: Counter, open_window: Open) -> None:
    order = await counter.order()
    window = await open_window(counter.ana)
    page = window.page
    await window.go("/me/cards")
    await page.get_by_role("button", name="Save this card").click()
    await expect(page.get_by_text("Visa ending in 4242")).to_be_visible()
    await window.go(f"/checkout/{order.id}")
    await page.get_by_role("button", name="Pay $53.13").first.click()
    await expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()


async def test_everything_can_be_read_and_reached(counter: Counter, open_window: Open) -> None:
    waits, asks = await counter.order(), await counter.order(source="auction", address=None)
    paid = await counter.order("paid")
    for theme in ("light", "dark"):
        for size in (PHONE, {"width": 820, "height": 1180}, {"width": 1440, "height": 900}):
            window = await open_window(counter.ana, viewport=size, color_scheme=theme)
            for path in (
                f"/checkout/{waits.id}",
                f"/checkout/{asks.id}",
                f"/checkout/{paid.id}",
                "/me/cards",
            ):
                await window.go(path)
                assert await sideways(window) == [], (path, theme, size)
                assert await small_targets(window) == [], (path, theme, size)
                assert await nameless(window) == [], (path, theme, size)
                texts = [window.at(one).first for one in ("h1", "main .soft", "main .btn", ".test-notice")]
                assert await low_contrast(window, texts) == [], (path, theme, size)
