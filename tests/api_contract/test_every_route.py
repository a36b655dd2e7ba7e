"""What holds for every address, walked one by one: security headers, forms that are ours, cookies, bounds, keys."""

import re

import pytest
from aiohttp import ClientResponse

from storefront.api.registry import OPERATIONS, PREFIX
from storefront.web.routes import PAGES
from tests.api_contract.conftest import BODY_BYTES_MAX, routes_of
from tests.support.storefront import Person, Shop

JSON = {"Accept": "application/json"}
MESSAGES = f"{PREFIX}/webhooks/"
STRIPE = ("/checkout/{order}", "/me/cards")
"""The only pages that may load anything from elsewhere: Stripe's form for cards."""


def address(pattern: str) -> str:
    """One that fits the route; what it names does not exist."""
    return re.sub(r"{(\w+)(?::[^}]*)?}", lambda found: f"no_{found[1]}"[:40], pattern)


async def signed_in(shop: Shop, role: str) -> Person:
    """With the cookie that a server behind https gives."""
    person = await shop.person(f"Nina {role}", role)
    person.browser.session.cookie_jar.clear()
    person.browser.session.headers["Cookie"] = f"__Host-liveserver={person.token}"
    return person


def assert_secured(answer: ClientResponse, where: str) -> None:
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    # Pictures of goods may be shown by the app that a show is embedded in; nothing else of ours may.
    shared = "/media/" in where and answer.status == 200
    assert headers["Cross-Origin-Resource-Policy"] == ("cross-origin" if shared else "same-origin"), where
    assert "camera=(self)" in headers["Permissions-Policy"], where
    assert headers["Strict-Transport-Security"].startswith("max-age="), where
    assert headers["Server"] == "liveserver", where
    assert headers["X-Request-Id"], where
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'"), where
    assert "unsafe" not in policy, where
    assert "frame-ancestors" in policy, where
    assert headers["Referrer-Policy"] in {"no-referrer", "same-origin", "strict-origin-when-cross-origin"}, (
        where
    )
    if "{token}" in where and policy != LOCKED_DOWN:
        assert headers["Referrer-Policy"] == "same-origin", where
    if not any(where.endswith(page) for page in STRIPE):
        assert "stripe" not in policy, where
    for cookie in answer.cookies.values():
        assert cookie["httponly"], where
        assert cookie["secure"], where
        assert cookie["samesite"] == "Lax", where
        assert cookie["path"] == "/", where
        assert cookie.key.startswith("__Host-"), where


LOCKED_DOWN = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("role", ["guest", "admin"])
async def test_every_answer_carries_the_security_headers(shop: Shop, role: str):
    browser = shop.browser() if role == "guest" else (await signed_in(shop, role)).browser
    walked = 0
    for method, pattern in routes_of(shop):
        answer = await browser.request(method, address(pattern), allow_redirects=False)
        await answer.read()
        assert answer.status != 500, (method, pattern)
        assert_secured(answer, f"{method} {pattern}")
        walked += 1
    for odd in ("/nowhere", "/api/v1/nowhere", "/static/none.css"):
        assert_secured(await browser.get(odd), odd)
    assert_secured(await browser.request("DELETE", "/"), "DELETE /")
    assert walked > 120


async def test_no_form_is_taken_without_its_token_or_from_another_site(shop: Shop):
    admin, guest = await signed_in(shop, "admin"), shop.browser()
    forms = [(method, path) for method, path, _ in PAGES if method not in ("GET", "HEAD")]
    assert len(forms) > 30
    for method, pattern in forms:
        for browser in (admin.browser, guest):
            answer = await browser.request(method, address(pattern), data={"csrf": "wrong"}, headers=JSON)
            assert answer.status == 403 or (answer.status == 401 and browser is guest), (
                pattern,
                answer.status,
            )
            if browser is admin.browser:
                assert (await answer.json())["code"] == "bad_csrf", pattern
        answer = await admin.browser.request(
            method,
            address(pattern),
            data={"csrf": admin.csrf},
            headers={**JSON, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        )
        assert (answer.status, (await answer.json())["code"]) == (403, "cross_site"), pattern


async def test_no_call_of_the_api_by_cookie_is_taken_without_its_token(shop: Shop):
    admin = await signed_in(shop, "admin")
    for op in OPERATIONS:
        if op.method == "GET":
            continue
        path = address(PREFIX + op.path)
        answer = await admin.browser.request(op.method, path, json={})
        assert (answer.status, (await answer.json())["code"]) == (403, "bad_csrf"), op.name
        answer = await shop.browser().request(
            op.method, path, json={}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert (answer.status, (await answer.json())["code"]) == (403, "cross_site"), op.name


async def test_larger_bodies_than_the_server_takes_are_refused_everywhere(shop: Shop):
    admin = await signed_in(shop, "admin")
    large = "x" * (2 * BODY_BYTES_MAX)
    for method, pattern, _ in PAGES:
        if method == "POST":
            answer = await admin.browser.post(
                address(pattern), data={"csrf": admin.csrf, "x": large}, headers=JSON
            )
            assert answer.status == 413, pattern
    for op in OPERATIONS:
        if op.body is not None:
            headers = {"X-CSRF-Token": admin.csrf}
            answer = await admin.browser.request(
                op.method, address(PREFIX + op.path), json={"x": large}, headers=headers
            )
            assert answer.status == 413, op.name
    for path in ("stripe", "livekit"):
        headers = {"Stripe-Signature": "t=1,v1=0", "Authorization": "x"}
        assert (await shop.browser().post(MESSAGES + path, data=large, headers=headers)).status in {400, 413}


KEYLESS = {
    "register": "its answer holds a token and is kept nowhere; an address has one account",
}
"""What creates and takes no key, with the reason."""
CHARGES = frozenset({"checkout_session", "card_setup", "refund_order", "request_payout"})


def test_whatever_creates_or_charges_takes_a_key():
    creating = {op.name for op in OPERATIONS if op.method == "POST" and op.status == 201}
    keyed = {op.name for op in OPERATIONS if op.keyed}
    assert creating - keyed == set(KEYLESS)
    assert keyed >= CHARGES
    assert all(op.method == "POST" for op in OPERATIONS if op.keyed)
