"""Paying with Stripe's own form in Chromium: what people see when a card is declined, a bank asks, or Stripe is not there.

Stripe is our double here, for the server as well as for the page (tests/doubles/stripe). Its messages come when a test says so.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines.attach import reachable
from liveserver.orders.model import Order
from tests.browser.conftest import Open
from tests.doubles.stripe.pages import (
    NUMBERS,
    REDIRECTS,
    DoubleBank,
    StripeOnPages,
    answer_bank,
    type_card,
)
from tests.doubles.stripe.server import StripeDouble
from tests.support.browser import DESK, PHONE, Window
from tests.support.house import SETTINGS, House
from tests.support.looks import low_contrast, nameless, sideways, small_targets
from tests.support.orders import sell
from tests.support.server import Person, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "pk_test_double"
TABLET = {"width": 820, "height": 1180}
PAID = "Paid. Thank you!"
PROCESSED = "Your payment is being processed"


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

    def charges(self, order: Order) -> int:
        """How often an order was paid."""
        payments = [each for each in self.double.objects.values() if each["object"] == "payment_intent"]
        return sum(
            each["metadata"]["order"] == order.id and each["status"] == "succeeded" for each in payments
        )


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
        # One buyer looks at more pages here than anybody in a minute.
        "LIVESERVER_CHECKOUT_TRIES_PER_MIN": "0",
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


def said(page: Page, text: str) -> Locator:
    return page.locator("#stripe [role=alert]", has_text=text)


async def test_a_declined_card_is_said_beside_the_form_and_another_pays(
    counter: Counter, open_till: Open
) -> None:
    order = await counter.order()
    window = await open_till(viewport=PHONE)
    page = window.page
    await window.go(f"/checkout/{order.id}")
    button = page.get_by_role("button", name="Pay $54.13")
    await expect(button).to_be_enabled()
    await button.click()
    await expect(said(page, "Your card number is incomplete.")).to_be_visible()
    await pay(page, NUMBERS["card_declined"])
    await expect(said(page, "Your card was declined.")).to_be_visible()
    await expect(button).to_be_enabled()
    await counter.told()
    await pay(page, NUMBERS["card_pays"])
    await expect(page.get_by_role("heading", name=PROCESSED)).to_be_visible()
    assert "secret" not in page.url
    # Until its message comes nothing is paid, and a page that waits is made anew only then.
    await page.evaluate("globalThis.same = true")
    for _ in range(2):
        await page.wait_for_event("response", lambda answer: "/api/v1/me/orders/" in answer.url)
    assert await page.evaluate("globalThis.same")
    await counter.told()
    await expect(page.get_by_role("heading", name=PAID)).to_be_visible()


async def test_a_bank_that_gets_no_answer_is_asked_again(counter: Counter, open_till: Open) -> None:
    order = await counter.order()
    window = await open_till()
    page = window.page
    await window.go(f"/checkout/{order.id}")
    await pay(page, NUMBERS["card_asks"])
    await expect(page.get_by_role("button", name="Asking your bank…")).to_be_disabled()
    await answer_bank(page, agreed=False)
    await expect(said(page, "Your bank did not get its confirmation")).to_be_visible()
    await page.get_by_role("button", name="Pay $54.13").click()
    await answer_bank(page, agreed=True)
    await expect(page.get_by_role("heading", name=PROCESSED)).to_be_visible()


async def test_a_page_left_at_the_bank_s_question_asks_it_again(counter: Counter, open_till: Open) -> None:
    order = await counter.order()
    window = await open_till()
    page = window.page
    await window.go(f"/checkout/{order.id}")
    await pay(page, NUMBERS["card_asks"])
    await expect(page.frame_locator('iframe[src*="hooks"]').get_by_role("heading")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Your bank asks for a confirmation")).to_be_visible()
    await page.get_by_role("button", name="Confirm with your bank").click()
    await answer_bank(page, agreed=False)
    await expect(page.get_by_text("The bank did not get its confirmation.")).to_be_visible()
    await pay(page, NUMBERS["card_pays"])
    await expect(page.get_by_role("heading", name=PROCESSED)).to_be_visible()


@pytest.mark.parametrize(("answer", "says"), [("Fail", "The payment was declined."), ("Complete", PROCESSED)])
async def test_back_from_the_bank_s_own_page(
    counter: Counter, open_till: Open, answer: str, says: str
) -> None:
    order = await counter.order()
    window = await open_till()
    page = window.page
    await window.go(f"/checkout/{order.id}")
    await pay(page, REDIRECTS)
    await page.get_by_role("button", name=answer).click()
    await expect(page.get_by_text(says, exact=True)).to_be_visible()
    await expect(page).to_have_url(f"{counter.house.origin}/checkout/{order.id}")


async def test_without_stripe_s_script_the_page_says_so_and_tries_again(
    counter: Counter, stripe: StripeOnPages, open_till: Open
) -> None:
    order = await counter.order()
    window = await open_till()
    window.forgive("ERR_CONNECTION_REFUSED|ERR_FAILED")
    page = window.page
    unavailable = said(page, "The payment provider's form could not be loaded. Nothing was charged.")
    again = page.get_by_role("link", name="Try again")
    stripe.script = "unreachable"
    await window.go(f"/checkout/{order.id}")
    await expect(unavailable).to_be_visible()
    await expect(page.get_by_role("button", name="Pay $54.13")).to_be_hidden()
    # A network that swallows the request is noticed by the page itself, which works meanwhile.
    stripe.script = "silent"
    await page.clock.install()
    await again.click()
    await expect(page.get_by_text("Loading the payment form…")).to_be_visible()
    await page.clock.run_for(20_000)
    await expect(unavailable).to_be_visible()
    await page.clock.resume()
    # The script is there, its frame is not.
    stripe.script, stripe.frames = "there", False
    await again.click()
    await expect(unavailable).to_be_visible()
    stripe.frames = True
    await again.click()
    await pay(page, NUMBERS["card_pays"])
    await expect(page.get_by_role("heading", name=PROCESSED)).to_be_visible()


async def test_a_reload_while_paying_pays_once(
    counter: Counter, stripe: StripeOnPages, open_till: Open
) -> None:
    order = await counter.order()
    window = await open_till()
    page = window.page
    await window.go(f"/checkout/{order.id}")
    stripe.holds = asyncio.Event()
    await pay(page, NUMBERS["card_pays"])
    await stripe.confirmed.wait()
    await page.reload()
    await expect(page.get_by_role("heading", name=PROCESSED)).to_be_visible()
    stripe.holds.set()
    assert counter.charges(order) == 1


async def test_two_windows_of_one_order_pay_once(counter: Counter, open_till: Open) -> None:
    order = await counter.order()
    one, other = await open_till(), await open_till()
    for window in (one, other):
        await window.go(f"/checkout/{order.id}")
        await type_card(window.page, NUMBERS["card_pays"])
    for window in (one, other):
        await window.page.get_by_role("button", name="Pay $54.13").click()
        await expect(window.page.get_by_role("heading", name=PROCESSED)).to_be_visible()
    assert counter.charges(order) == 1


async def test_a_saved_card_whose_bank_asks_is_confirmed_by_its_owner(
    counter: Counter, open_till: Open
) -> None:
    bo = await counter.house.person("Bo")
    order = await sell(counter.pool, bo, counter.hana, "awaiting_payment", source="auction")
    window = await open_till(bo)
    page = window.page
    await window.go(f"/me/cards?next=/checkout/{order.id}")
    await type_card(page, NUMBERS["card_declined"])
    save = page.get_by_role("button", name="Save this card")
    await save.click()
    await expect(said(page, "Your card was declined.")).to_be_visible()
    await type_card(page, REDIRECTS)
    await save.click()
    await page.get_by_role("button", name="Fail").click()
    await expect(page.get_by_text("This card was not taken. Try another one.")).to_be_visible()
    assert "secret" not in page.url
    await type_card(page, NUMBERS["card_asks"])
    await save.click()
    await answer_bank(page, agreed=True)
    await expect(page).to_have_url(f"{counter.house.origin}/checkout/{order.id}")
    # Charged without its owner it is refused; then its owner answers, and it is the same payment.
    await page.get_by_role("button", name="Pay $54.13").first.click()
    await expect(page.get_by_role("heading", name="Your bank asks for a confirmation")).to_be_visible()
    await expect(page.get_by_text("Visa ending in 3155")).to_be_visible()
    await page.get_by_role("button", name="Confirm with your bank").click()
    await answer_bank(page, agreed=True)
    await expect(page.get_by_role("heading", name=PROCESSED)).to_be_visible()
    assert counter.charges(order) == 1


@pytest.mark.parametrize(
    ("size", "theme"), [(PHONE, "light"), (TABLET, "dark"), (DESK, "light")], ids=["phone", "tablet", "desk"]
)
async def test_every_state_can_be_read_and_reached(
    counter: Counter, stripe: StripeOnPages, open_till: Open, size: dict[str, int], theme: str
) -> None:
    order = await counter.order()
    window = await open_till(viewport=size, color_scheme=theme)
    window.forgive("ERR_CONNECTION_REFUSED")
    page = window.page

    async def holds(*texts: str) -> None:
        for wrong in (sideways, small_targets, nameless):
            assert await wrong(window) == [], wrong
        assert await low_contrast(window, [window.at(one).first for one in ("h1", *texts)]) == []

    await window.go(f"/checkout/{order.id}")
    await pay(page, NUMBERS["card_declined"])
    await expect(said(page, "Your card was declined.")).to_be_visible()
    await holds("#stripe [role=alert]", "#stripe .btn")
    await pay(page, NUMBERS["card_asks"])
    await expect(page.frame_locator('iframe[src*="hooks"]').get_by_role("heading")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Pay $54.13")).to_be_enabled()
    await holds("#stripe-bank p", "#stripe-bank .btn", "#stripe .btn")
    stripe.script = "unreachable"
    await page.reload()
    await expect(page.get_by_role("link", name="Try again")).to_be_visible()
    await holds("#stripe-bank [role=alert]", "#stripe [role=alert]", "#stripe-again")
