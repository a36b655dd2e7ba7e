"""Paying with Stripe's own form in Chromium: what people see when a card is declined, a bank asks, or Stripe is not there.

Stripe is our double here, for the server as well as for the page (tests/doubles/stripe). Its messages come when a test says so.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines.attach import reachable
from liveserver.orders.model import Order
from tests.browser.conftest import Open
from tests.doubles.stripe.pages import NUMBERS, DoubleBank, StripeOnPages, type_card
from tests.doubles.stripe.server import StripeDouble
from tests.support.browser import PHONE, Window
from tests.support.house import SETTINGS, House
from tests.support.orders import sell
from tests.support.server import Person, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "pk_test_double"
PAID = "Paid. Thank you!"


@dataclass
class Counter:
    """The server that takes cards with Stripe, and both sides of Stripe."""

    house: House
    pool: Pool
    double: StripeDouble
    bank: DoubleBank
    ana: Person
    hana: Person

    async def order(self) -> Order:
        """Something for 54.13 that Ana has not paid."""
        return await sell(self.pool, self.ana, self.hana, "awaiting_payment")

    async def told(self) -> None:
        """Stripe's messages have arrived."""
        await self.bank.tell(self.house.origin)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def double() -> AsyncIterator[StripeDouble]:
    async with StripeDouble() as double:
        yield double


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(double: StripeDouble, lasting_data_dir: Callable[[], Path]) -> AsyncIterator[House]:
    keys = {
        "LIVESERVER_STRIPE_SECRET_KEY": "sk_test_double",
        "LIVESERVER_STRIPE_PUBLISHABLE_KEY": KEY,
        "LIVESERVER_STRIPE_WEBHOOK_SECRET": double.secret,
        "LIVESERVER_STRIPE_API_URL": double.url,
    }
    async with Server(lasting_data_dir(), {**SETTINGS, **keys}) as server:
        yield House(server)
        assert "Traceback" not in server.said, server.said[-4000:]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(house: House, double: StripeDouble, hana: Person) -> AsyncIterator[Counter]:
    async with reachable(house.server.data_dir) as engines:
        pool = await open_pool(engines.database_url, application="test")
        yield Counter(house, pool, double, DoubleBank(double, KEY), await house.person("Ana"), hana)
        pool.terminate()


@pytest.fixture
def stripe(counter: Counter) -> StripeOnPages:
    return StripeOnPages(counter.bank, KEY)


@pytest.fixture
def open_till(counter: Counter, stripe: StripeOnPages, open_window: Open) -> Open:
    async def open_one(person: Person | None = None, **options: object) -> Window:
        window = await open_window(person or counter.ana, **options)
        await stripe.install(window.context)
        # Chromium itself notes every answer that is an error, a declined card's too.
        window.forgive("status of 40[0-9]")
        return window

    return open_one  # type: ignore[return-value]  # an origin of its own nobody needs here


async def pay(page: Page, card: str) -> None:
    await type_card(page, card)
    await page.get_by_role("button", name="Pay $54.13").click()


def alert(page: Page, text: str | re.Pattern[str]):
    return page.locator("#stripe [role=alert]", has_text=text)


async def test_declined_said_beside_the_form_and_another_card_pays(counter: Counter, open_till: Open) -> None:
    order = await counter.order()
    window = await open_till(viewport=PHONE)
    page = window.page
    await window.go(f"/checkout/{order.id}")
    button = page.get_by_role("button", name="Pay $54.13")
    await expect(button).to_be_enabled()
    await button.click()
    await expect(alert(page, "Your card number is incomplete.")).to_be_visible()
    await pay(page, NUMBERS["card_declined"])
    await expect(alert(page, "Your card was declined.")).to_be_visible()
    await expect(button).to_be_enabled()
    await counter.told()
    await pay(page, NUMBERS["card_pays"])
    await expect(page.get_by_role("heading", name="Your payment is being processed")).to_be_visible()
    assert "secret" not in page.url
    # Until its message comes nothing is paid, and a page that waits is made anew only then.
    await page.evaluate("globalThis.same = true")
    async with page.expect_response(re.compile("/api/v1/me/orders/")):
        pass
    async with page.expect_response(re.compile("/api/v1/me/orders/")):
        pass
    assert await page.evaluate("globalThis.same")
    await counter.told()
    await expect(page.get_by_role("heading", name=PAID)).to_be_visible()
