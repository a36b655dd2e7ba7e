"""What finishes a payment in a browser stays between the provider and that browser: repeated requests get it again, and yet it stands in
no table and no log.
"""

import dataclasses
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestServer

from liveserver.cli.paying import Paying, paying_of
from liveserver.infra.database import Pool
from liveserver.jobs.worker import Worker
from storefront.app import build_app
from storefront.services import Services
from tests.checkout.stage import BERN
from tests.doubles.stripe.server import StripeDouble
from tests.support.orders import sell
from tests.support.storefront import Person, Shop


@dataclasses.dataclass
class Till:
    """A shop that takes payments by Stripe."""

    shop: Shop
    paying: Paying
    stripe: StripeDouble

    async def hears(self) -> None:
        """All that Stripe has told is done."""
        for event in self.stripe.events:
            body, signature = self.stripe.signed(event)
            answer = await self.shop.browser().post(
                "/api/v1/webhooks/stripe", data=body, headers={"Stripe-Signature": signature}
            )
            assert answer.status == 204, await answer.text()
        kinds = [work for work in self.paying.works if work.kind.startswith("payments.")]
        await Worker(self.shop.services.pool, kinds).drain()


@pytest.fixture
async def till(services: Services) -> AsyncIterator[Till]:
    async with StripeDouble() as stripe:
        settings = dataclasses.replace(
            services.settings,
            stripe_secret_key="sk_test_double",
            stripe_publishable_key="pk_test_double",
            stripe_webhook_secret=stripe.secret,
            stripe_api_url=stripe.url,
        )
        paying = paying_of(settings, services.pool, services.clock)
        services = msgspec.structs.replace(
            services, settings=settings, checkout=paying.checkout, cards=paying.cards, inbox=paying.inbox
        )
        server = TestServer(build_app(services))
        await server.start_server()
        shop = Shop(services, server)
        yield Till(shop, paying, stripe)
        await shop.aclose()
        await server.close()
        await paying.aclose()


def key_of(path: str) -> dict[str, str]:
    return {"Idempotency-Key": f"once {path}"}


async def asks(who: Person, path: str, body: dict[str, str] | None = None) -> tuple[dict[str, Any], bool]:
    """The answer, and whether it is the first one again."""
    answer = await who.api("POST", path, json=body, headers=key_of(path))
    assert answer.status == 200, await answer.text()
    return await answer.json(), answer.headers.get("Idempotency-Replayed") == "true"


async def all_rows(pool: Pool) -> str:
    """Everything that a dump would hold, bytes as hexadecimal digits."""
    names = await pool.fetch(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
    )
    parts: list[str] = []
    for (name,) in names:
        parts += [row[0] for row in await pool.fetch(f"SELECT t::text FROM {name} t")]
    return "\n".join(parts)


def stands_in(text: str, what: str) -> bool:
    return what in text or what.encode().hex() in text


async def test_a_repeated_request_gets_the_secret_that_nobody_keeps(
    till: Till, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    ana, hana = await till.shop.person("Ana"), await till.shop.person("Hana", "host")
    pool = till.shop.services.pool
    order = await sell(pool, ana, hana, "awaiting_payment", address=BERN)
    secrets: list[str] = []
    for path, body in (("/me/cards/setup", None), ("/checkout/session", {"order": order.id})):
        first = await asks(ana, path, body)
        calls = till.stripe.asked.total()
        again = await asks(ana, path, body)
        assert (first[1], again[1]) == (False, True)
        assert again[0] == first[0]
        assert till.stripe.asked.total() == calls + 1, "it is asked for, and nothing is made again"
        secrets.append(first[0]["client_secret"])
    assert all(secrets)
    setup, payment = (secret.removesuffix("_secret") for secret in secrets)
    till.stripe.confirm_setup(setup, "card_pays")
    till.stripe.confirm(payment, "card_pays")
    await till.hears()
    assert (await pool.fetchval("SELECT state FROM orders")) == "paid"

    kept, logged = await all_rows(pool), caplog.text
    assert stands_in(kept, payment), "the payment's name is kept, as text"
    assert setup.encode().hex() in kept, "and answers are kept, as bytes"
    assert logged
    for secret in secrets:
        assert not stands_in(kept, secret)
        assert not stands_in(logged, secret)


async def test_while_stripe_is_away_a_repetition_says_so_and_later_gets_its_answer(till: Till):
    ana, hana = await till.shop.person("Ana"), await till.shop.person("Hana", "host")
    order = await sell(till.shop.services.pool, ana, hana, "awaiting_payment", address=BERN)
    body = {"order": order.id}
    first, _ = await asks(ana, "/checkout/session", body)
    till.stripe.away = True
    refused = await ana.api("POST", "/checkout/session", json=body, headers=key_of("/checkout/session"))
    problem = await refused.json(content_type=None)
    assert (refused.status, problem["code"]) == (503, "payment_unknown")
    till.stripe.away = False
    assert await asks(ana, "/checkout/session", body) == (first, True)
    assert till.stripe.asked["POST payment_intents"] == 1
