"""A provider's few addresses send what all buyers cause: what it has signed is never told to slow down, what is forged is."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from liveserver.cli.paying import paying_of
from storefront.app import build_app
from storefront.services import Services
from tests.doubles.stripe.objects import made
from tests.doubles.stripe.server import StripeDouble
from tests.payments.running import settings
from tests.storefront.conftest import services, with_settings

__all__ = ["services", "with_settings"]

BURST = 4
"""Requests that an address has at once where it has one a second."""


class Stripe:
    """Sends events of which nothing follows."""

    def __init__(self, server: TestClient, double: StripeDouble) -> None:
        self._server, self._double = server, double

    async def says(self, secret: str = "") -> int:
        event = made("event", type="charge.succeeded", data={"object": {"id": "ch_1"}})
        body, signature = self._double.signed(event, secret=secret)
        headers = {"Stripe-Signature": signature}
        async with self._server.post("/api/v1/webhooks/stripe", data=body, headers=headers) as answer:
            return answer.status


@pytest.fixture
async def stripe(with_settings: Callable[..., Services]) -> AsyncIterator[Stripe]:
    double, strict = StripeDouble(), with_settings(requests_per_s=1)
    paying = paying_of(settings("http://127.0.0.1:9", double.secret), strict.pool, strict.clock)
    changed: Any = msgspec.structs.replace(strict, inbox=paying.inbox)
    async with TestClient(TestServer(build_app(changed))) as server:
        yield Stripe(server, double)
    await paying.aclose()


async def test_a_storm_of_signed_messages_is_taken_whole(stripe: Stripe) -> None:
    assert {await stripe.says() for _ in range(5 * BURST)} == {204}


async def test_forgeries_count_for_their_address(stripe: Stripe) -> None:
    assert [await stripe.says("whsec_guessed") for _ in range(BURST)] == [400] * BURST
    assert {await stripe.says("whsec_guessed") for _ in range(2 * BURST)} >= {429}
