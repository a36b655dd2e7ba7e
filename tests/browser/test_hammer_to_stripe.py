"""The whole way with Stripe's own form: a lot is won, its winner pays in the element, the seller sees it live, ships, refunds a part.

The server's Stripe is localstripe, a process of its own that sends its signed messages itself. It has no Stripe.js with a payment
element, so the page's is our double (tests/doubles/stripe), which asks localstripe. A bank asks on the way.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from liveserver.infra.database import Pool
from tests.browser.conftest import Open
from tests.doubles.stripe.pages import NUMBERS, StripeOnPages, answer_bank, type_card
from tests.doubles.stripe.server import Refusal
from tests.payments.local_stripe import KEY, SECRET, LocalStripe
from tests.support.browser import PHONE
from tests.support.house import SETTINGS, House
from tests.support.sale import PRICE, REFUNDED, TITLE, Sale
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


async def test_from_the_hammer_through_stripe_s_form(
    house: House, hana: Person, local: LocalStripe, pool: Pool, open_window: Open
) -> None:
    phone = await open_window(await house.person("Ana"), viewport=PHONE)
    await StripeOnPages(LocalBank(local), PUBLISHABLE).install(phone.context)
    sale = Sale(house, hana, await open_window(hana), await open_window(hana), phone)
    await sale.won()
    await sale.addressed()

    # In the element, with a card whose bank asks.
    page = phone.page
    await expect(page.get_by_text("Test payments.")).to_be_visible()
    await type_card(page, NUMBERS["card_asks"])
    await page.get_by_role("button", name="Pay $50").tap()
    await answer_bank(page, agreed=True)

    await sale.seen_as_paid()
    await sale.shipped_and_partly_refunded()
    assert TITLE in await sale.receipt()
    found = await sale.adds_up(pool)
    charge = await local.post(f"/v1/charges/{found.charge}", description=sale.order)
    assert (charge["amount"], charge["amount_refunded"]) == (PRICE, REFUNDED)
