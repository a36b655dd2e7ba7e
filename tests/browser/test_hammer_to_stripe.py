"""The whole way with Stripe's own form: a lot is won, its winner pays in the element, the seller sees it live, ships, refunds a part.

The server's Stripe is localstripe, a process of its own that sends its signed messages itself. It has no Stripe.js with a payment
element, so the page's is our double (tests/doubles/stripe), which asks localstripe. A bank asks on the way.
"""

import re
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect
from pypdf import PdfReader

from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines.attach import reachable
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import store
from tests.browser.conftest import Open
from tests.doubles.stripe.pages import NUMBERS, StripeOnPages, answer_bank, type_card
from tests.doubles.stripe.server import Refusal
from tests.payments.local_stripe import KEY, SECRET, LocalStripe
from tests.support.browser import PHONE
from tests.support.house import SETTINGS, House
from tests.support.server import Person, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLISHABLE = "pk_test_localstripe"


class LocalBank:
    """localstripe as a page's own elements drive it, in the steps that it knows."""

    def __init__(self, stripe: LocalStripe) -> None:
        self._stripe = stripe

    async def retrieve(self, name: str, secret: str) -> dict[str, Any]:
        url, headers = f"{self._stripe.url}/v1/payment_intents/{name}", {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
            found: dict[str, Any] = await answer.json()
        if found["client_secret"] != secret:
            raise Refusal(404, "invalid_request_error", "resource_missing")
        return found

    async def confirm(self, name: str, secret: str, fields: dict[str, Any]) -> dict[str, Any]:
        await self.retrieve(name, secret)
        card = {f"card[{field}]": value for field, value in fields["payment_method_data"]["card"].items()}
        method = await self._stripe.post("/v1/payment_methods", type="card", **card)
        await self._stripe.post(f"/v1/payment_intents/{name}", payment_method=method["id"])
        return await self._stripe.post(f"/v1/payment_intents/{name}/confirm")

    async def authenticate(self, name: str, secret: str, *, agreed: bool) -> None:
        fields = {"client_secret": secret, "success": str(agreed).lower()}
        await self._stripe.post(f"/v1/payment_intents/{name}/_authenticate", **fields)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def local() -> AsyncIterator[LocalStripe]:
    async with LocalStripe() as stripe:
        yield stripe


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(local: LocalStripe, lasting_data_dir: Callable[[], Path]) -> AsyncIterator[House]:
    keys = {
        "LIVESERVER_STRIPE_SECRET_KEY": KEY,
        "LIVESERVER_STRIPE_PUBLISHABLE_KEY": PUBLISHABLE,
        "LIVESERVER_STRIPE_WEBHOOK_SECRET": SECRET,
        "LIVESERVER_STRIPE_API_URL": local.url,
    }
    async with Server(lasting_data_dir(), {**SETTINGS, **keys}) as server:
        await local.post(
            "/_config/webhooks/shop", url=f"{server.origin}/api/v1/webhooks/stripe", secret=SECRET
        )
        yield House(server)
        assert "Traceback" not in server.said, server.said[-4000:]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(house: House) -> AsyncIterator[Pool]:
    async with reachable(house.server.data_dir) as engines:
        pool = await open_pool(engines.database_url, application="test")
        yield pool
        pool.terminate()


async def test_from_the_hammer_through_stripe_s_form(
    house: House, hana: Person, local: LocalStripe, pool: Pool, open_window: Open
) -> None:
    show = await house.show(hana, "Cameras to be paid for")
    await house.lot(hana, show, "Leica M3", 5_000, duration_ms=5_000, window_ms=0)
    ana = await house.person("Ana")
    console, shop = await open_window(hana), await open_window(hana)
    phone = await open_window(ana, viewport=PHONE)
    await StripeOnPages(LocalBank(local), PUBLISHABLE).install(phone.context)
    page, desk = phone.page, shop.page
    await console.go(f"/shows/{show}/host")
    await phone.go(f"/shows/{show}")
    await shop.go("/studio/orders")
    await console.page.get_by_role("button", name="Start the show").click()
    await expect(console.at("#do-next")).to_have_attribute("aria-disabled", "false")
    await console.page.keyboard.press(" ")
    await page.get_by_role("button", name="Bid $50").tap()
    await expect(phone.at("#due-title")).to_have_text("Leica M3", timeout=30_000)
    order = re.sub(".*/", "", await phone.at("#due-pay").get_attribute("href") or "")
    row = desk.locator(f'[data-order="{order}"]')
    await expect(row).to_contain_text("Waiting for payment")

    # Paid in the element, with a card whose bank asks; both of the seller's pages see it by themselves.
    await phone.at("#due-pay").tap()
    for label, text in (("Name", "Ana"), ("Street and number", "Gasse 1"), ("City", "Bern")):
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_label("Country", exact=True).select_option("CH")
    await page.get_by_role("button", name="Go on to the payment").tap()
    await expect(page.get_by_text("Test payments.")).to_be_visible()
    await type_card(page, NUMBERS["card_asks"])
    await page.get_by_role("button", name="Pay $50").tap()
    await answer_bank(page, agreed=True)
    await expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    await expect(console.at("#paid")).to_have_text("$50")
    await expect(row).to_contain_text("To ship")

    # Shipped, delivered, a part given back.
    await row.get_by_role("link").first.click()
    await desk.get_by_role("button", name="Mark as shipped").click()
    await desk.get_by_role("button", name="Mark as delivered").click()
    await expect(desk.locator(".timeline")).to_contain_text("Delivered")
    await desk.locator("summary", has_text="Refund").click()
    await desk.get_by_label("Amount in USD").fill("20")
    await desk.get_by_label("Reason, for the buyer").fill("A scratch")
    await desk.get_by_role("button", name="Give it back").click()
    await expect(desk.locator(".refunds")).to_contain_text("A scratch")
    await phone.go(f"/orders/{order}")
    await expect(page.locator(".timeline")).to_contain_text("Refund sent")

    # The receipt, Stripe, and the books: 8 % and 2.9 % + 0.30 of 50.00, and 8 % of what went back returned.
    receipt = await phone.context.request.get(f"{house.origin}/orders/{order}/receipt.pdf")
    assert "Leica M3" in PdfReader(BytesIO(await receipt.body())).pages[0].extract_text()
    found = await store.find(pool, order)
    assert found is not None
    assert (found.total, found.commission, found.processing, found.refunded.total) == (5_000, 400, 175, 2_000)
    charge = await local.post(f"/v1/charges/{found.charge}", description=order)
    assert (charge["amount"], charge["amount_refunded"]) == (5_000, 2_000)
    assert await ledger.balance(pool, Account.ESCROW, order, "USD") == 0
    assert (
        await ledger.balance(pool, Account.SELLER_PAYABLE, hana.id, "USD") == 5_000 - 400 - 175 - 2_000 + 160
    )
    assert await ledger.balances_apart(pool) == []
    assert [sum(accounts.values()) for accounts in (await ledger.trial_balance(pool)).values()] == [0]
