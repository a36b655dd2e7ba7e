"""Paying as pages and API: what buyers read, forms that work without scripts, nothing for strangers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
import pytest
from aiohttp.test_utils import TestServer

from liveserver.accounts.model import Identity
from liveserver.checkout.service import Checkout
from liveserver.cli.paying import Paying, paying_of
from liveserver.jobs.worker import Worker
from liveserver.orders.model import Line, Order
from liveserver.payments.sandbox.provider import Sandbox
from storefront.app import build_app
from storefront.services import Services
from tests.checkout.stage import BERN, Basket
from tests.support.orders import sell
from tests.support.storefront import Person, Shop


class OneCart(Basket):
    """Every person has a lamp in the cart that is in no catalog."""

    def put_for(self, who: Identity) -> None:
        self.lines[who.id] = (Line(title="Lamp", price=5_000),)


@dataclass
class Till:
    """A shop that takes payments."""

    shop: Shop
    paying: Paying
    basket: OneCart
    worker: Worker

    async def settled(self) -> None:
        """All messages of the provider have come."""
        await self.worker.drain()


@pytest.fixture
async def till(services: Services) -> AsyncIterator[Till]:
    basket = OneCart()
    paying = paying_of(services.settings, services.pool, services.clock, basket)
    services = msgspec.structs.replace(
        services, checkout=paying.checkout, cards=paying.cards, inbox=paying.inbox, till=paying.till
    )
    server = TestServer(build_app(services))
    await server.start_server()
    shop = Shop(services, server)
    # Mails, expiry and the like wait: this is about payments.
    kinds = [work for work in paying.works if work.kind not in {"checkout.expire", "checkout.charge"}]
    yield Till(shop, paying, basket, Worker(services.pool, kinds))
    await shop.aclose()
    await server.close()


@pytest.fixture
async def ana(till: Till) -> Person:
    return await till.shop.person("Ana")


@pytest.fixture
async def hana(till: Till) -> Person:
    return await till.shop.person("Hana", "host")


@pytest.fixture
async def order(till: Till, ana: Person, hana: Person) -> Order:
    """Something that Ana has bought and not paid."""
    return await sell(till.shop.services.pool, ana, hana, "awaiting_payment", address=BERN)


async def page(who: Person, path: str, status: int = 200) -> str:
    answer = await who.browser.get(path)
    text = await answer.text()
    assert answer.status == status, text
    return text


async def pays(who: Person, order: Order, card: str) -> str:
    answer = await who.post(f"/checkout/{order.id}/pay", {"with": card})
    assert answer.status == 303, await answer.text()
    return await page(who, f"/checkout/{order.id}")


async def test_a_cart_becomes_an_order_that_is_paid_without_any_script(till: Till, ana: Person, hana: Person):
    till.basket.put_for(ana.identity)
    shown = await page(ana, f"/checkout?seller={hana.id}&address=adr_1")
    assert "$54.13" in shown
    fields = {"seller": hana.id, "address": "adr_1", "method": "parcel", "expected_total": "5413"}
    answer = await ana.post("/checkout", fields)
    assert answer.status == 303, await answer.text()
    path = answer.headers["Location"]
    assert "Test payments." in await page(ana, path)
    paid = await ana.post(f"{path}/pay", {"with": "card_pays"})
    assert paid.status == 303
    assert "being processed" in await page(ana, path)
    await till.settled()
    assert "Paid. Thank you!" in await page(ana, path)


async def test_other_figures_than_shown_are_said(till: Till, ana: Person, hana: Person):
    till.basket.put_for(ana.identity)
    fields = {"seller": hana.id, "address": "adr_1", "method": "parcel", "expected_total": "5000"}
    answer = await ana.post("/checkout", fields)
    assert answer.status == 409
    assert "The price has changed" in await answer.text()


async def test_an_empty_cart_leads_back_to_the_cart(till: Till, ana: Person, hana: Person):
    answer = await ana.browser.get(f"/checkout?seller={hana.id}&address=adr_1", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/cart")


async def test_a_declined_card_is_said_and_another_one_pays(till: Till, ana: Person, order: Order):
    shown = await pays(ana, order, "card_declined")
    assert "The payment was declined." in shown
    await till.settled()
    await pays(ana, order, "card_pays")
    await till.settled()
    assert "Paid. Thank you!" in await page(ana, f"/checkout/{order.id}")


@pytest.mark.parametrize(("yes", "says"), [("1", "Paid. Thank you!"), ("0", "The payment was declined.")])
async def test_the_bank_asks_and_is_answered(till: Till, ana: Person, order: Order, yes: str, says: str):
    assert "Your bank asks" in await pays(ana, order, "card_asks")
    answer = await ana.post(f"/checkout/{order.id}/answer", {"yes": yes})
    assert answer.status == 303
    await till.settled()
    assert says in await page(ana, f"/checkout/{order.id}")


async def test_an_order_without_an_address_asks_for_one_first(till: Till, ana: Person, hana: Person):
    order = await sell(till.shop.services.pool, ana, hana, "awaiting_payment", source="auction", address=None)
    path = f"/checkout/{order.id}"
    assert "Where shall it go?" in await page(ana, path)
    missing = await ana.post(f"{path}/address", {"address": "new", "name": "Ana"})
    assert missing.status == 422
    given = {"address": "new", "name": "Ana", "line1": "Gasse 1", "city": "Bern", "country": "CH"}
    assert (await ana.post(f"{path}/address", given)).status == 303
    assert "Gasse 1" in await page(ana, path)


async def test_a_card_is_saved_shown_used_and_removed(till: Till, ana: Person, order: Order):
    assert "no card yet" in await page(ana, "/me/cards")
    assert (await ana.post("/me/cards", {"card": "card_declined"})).status >= 400
    assert (await ana.post("/me/cards", {"card": "card_pays"})).status == 303
    assert "Visa ending in 4242" in await page(ana, "/me/cards")
    assert "being processed" in await pays(ana, order, "saved")
    await till.settled()
    assert "Paid. Thank you!" in await page(ana, f"/checkout/{order.id}")
    assert (await ana.post("/me/cards/remove")).status == 303
    assert "no card yet" in await page(ana, "/me/cards")


async def test_strangers_see_and_pay_nothing(till: Till, order: Order):
    eve = await till.shop.person("Eve")
    await page(eve, f"/checkout/{order.id}", 404)
    assert (await eve.post(f"/checkout/{order.id}/pay", {"with": "card_pays"})).status == 404
    answer = await eve.api("POST", "/checkout/session", json={"order": order.id})
    assert answer.status == 404
    assert await till.shop.services.pool.fetchval("SELECT count(*) FROM payment_attempts") == 0


async def test_looking_at_the_page_begins_nothing(till: Till, ana: Person, order: Order):
    await page(ana, f"/checkout/{order.id}")
    assert await till.shop.services.pool.fetchval("SELECT count(*) FROM payment_attempts") == 0


async def test_the_api_begins_a_payment_once_for_a_key(till: Till, ana: Person, hana: Person):
    till.basket.put_for(ana.identity)
    body = {"seller": hana.id, "address": "adr_1", "method": "parcel", "expected_total": 5413}
    answers = [
        await ana.api("POST", "/checkout/session", json=body, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    first, second = [await answer.json() for answer in answers]
    assert first == second
    assert (first["provider"], first["test"], first["status"]) == ("test", True, "needs_card")
    assert first["order"]["state"] == "awaiting_payment"


@pytest.mark.parametrize("body", [{}, {"seller": "a", "order": "b"}, {"seller": "a"}])
async def test_the_api_says_what_is_wrong(till: Till, ana: Person, body: dict[str, str]):
    assert (await ana.api("POST", "/checkout/session", json=body)).status == 422


@pytest.mark.parametrize(
    "headers", [{}, {"Stripe-Signature": "t=1,v1=00"}, {"Stripe-Signature": "x" * 5_000}]
)
async def test_messages_that_the_provider_did_not_sign_are_refused(till: Till, headers: dict[str, str]):
    answer = await till.shop.browser().post("/api/v1/webhooks/stripe", data=b"{}", headers=headers)
    assert answer.status == 400
    assert await till.shop.services.pool.fetchval("SELECT count(*) FROM provider_events") == 0


STRIPE_ALONE = {
    "script-src": {"https://js.stripe.com", "https://*.js.stripe.com"},
    "frame-src": {"https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"},
    "connect-src": {"https://api.stripe.com"},
}
"""What Stripe's security guide asks for with Stripe.js; the address form's maps are for pages that have one."""


def of_stripe(policy: str) -> dict[str, set[str]]:
    """What a Content-Security-Policy lets in of Stripe, by directive."""
    directives = (one.split() for one in policy.split("; "))
    theirs = {name: {source for source in sources if "stripe" in source} for name, *sources in directives}
    return {name: sources for name, sources in theirs.items() if sources}


async def test_the_page_of_a_real_provider_takes_its_script_and_nothing_else(
    till: Till, ana: Person, order: Order
):
    """With keys the card is entered into Stripe's own frames, and the policy lets in exactly those; without the
    publishable key the page says what is missing."""
    for key, script in (("pk_test_1", True), ("", False)):
        provider = WithKey(till.shop.services.pool, till.shop.services.clock, key)
        services = till.shop.services
        checkout = Checkout(
            services.pool, provider, till.paying.cards, till.basket, services.clock, services.settings
        )
        server = TestServer(build_app(msgspec.structs.replace(services, checkout=checkout, till=None)))
        await server.start_server()
        other = await Shop(services, server).signed_in_again(ana)
        answer = await other.browser.get(f"/checkout/{order.id}")
        text = await answer.text()
        assert ('<form id="stripe"' in text) == script
        assert ("publishable key" in text) != script
        theirs = STRIPE_ALONE if script else {}
        assert of_stripe(answer.headers["Content-Security-Policy"]) == theirs
        assert ("js.stripe.com" in answer.headers["Permissions-Policy"]) == script
        elsewhere = (await other.browser.get("/")).headers
        assert of_stripe(elsewhere["Content-Security-Policy"]) == {}
        assert "stripe" not in elsewhere["Permissions-Policy"]
        await other.browser.close()
        await server.close()


class WithKey(Sandbox):
    """A provider whose own script takes the cards."""

    def __init__(self, pool: object, clock: object, key: str) -> None:
        super().__init__(pool, clock)  # type: ignore[arg-type]  # passed on
        self._key = key

    @property
    def publishable_key(self) -> str:
        return self._key
