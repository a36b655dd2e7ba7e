"""Paying, saving cards, coupons and video tokens have limits of their own: for each person, and for each address."""

from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from storefront.api.registry import OPERATIONS, PREFIX
from storefront.app import build_app
from storefront.tries import COUNTED, PEOPLE_PER_ADDRESS
from storefront.web.routes import PAGES
from tests.support.storefront import Shop


@pytest.fixture
async def tight(with_settings):
    """A storefront where one may try twice a minute."""
    server = TestServer(build_app(with_settings(checkout_tries_per_min=2, video_tokens_per_min=2)))
    await server.start_server()
    shop = Shop(with_settings(), server)
    yield shop
    await shop.aclose()
    await server.close()


async def test_who_tries_to_pay_too_often_waits_and_others_do_not(tight: Shop):
    ana, bo = await tight.person("Ana"), await tight.person("Bo")
    body: dict[str, Any] = {"seller": "usr_x", "address": "adr_x"}
    tried = [await ana.api("POST", "/checkout/session", json=body) for _ in range(3)]
    assert [answer.status == 429 for answer in tried] == [False, False, True]
    problem = await tried[-1].json()
    assert problem["code"] == "too_many_attempts"
    assert 0 < problem["info"]["retry_after_ms"] <= 30_000
    assert 1 <= int(tried[-1].headers["Retry-After"]) <= 30
    assert (await bo.api("POST", "/checkout/session", json=body)).status != 429
    assert (await ana.post("/checkout", {})).status == 429  # pages and API count together
    assert (await ana.api("POST", "/livekit/token", json={"show": "show_x"})).status != 429


async def test_an_address_has_ten_peoples_tries(tight: Shop):
    statuses = [
        (await tight.browser().post("/api/v1/livekit/token", json={"show": "show_x"})).status
        for _ in range(2 * PEOPLE_PER_ADDRESS + 1)
    ]
    assert statuses.count(429) == 1
    assert statuses[-1] == 429


def test_every_counted_route_is_one():
    routes = {(op.method, PREFIX + op.path) for op in OPERATIONS} | {(m, path) for m, path, _ in PAGES}
    assert set(COUNTED) <= routes


async def test_codes_of_coupons_can_not_be_guessed_for_long(with_settings):
    server = TestServer(build_app(with_settings(coupon_tries_per_min=1)))
    await server.start_server()
    shop = Shop(with_settings(), server)
    ana = await shop.person("Ana")
    assert (await ana.api("POST", "/me/cart/apply-coupon", json={"code": "SPRING"})).status != 429
    assert (await ana.post("/cart/coupon", {"code": "SUMMER"})).status == 429
    await shop.aclose()
    await server.close()


def test_whatever_begins_to_pay_is_counted():
    paying = {(op.method, PREFIX + op.path) for op in OPERATIONS if op.tag == "checkout" and op.keyed}
    assert paying <= set(COUNTED)
