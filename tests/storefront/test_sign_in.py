"""Signing in and out with a browser, and that nobody else's page can do it for somebody."""

import re

import pytest
from yarl import URL

from tests.support.storefront import PASSWORD, Shop, form_token

SAME = {"Sec-Fetch-Site": "same-origin"}


async def token_of(browser, path: str = "/sign-in") -> str:
    return form_token(await (await browser.get(path)).text())


def marked_wrong(page: str) -> set[str]:
    """The inputs that a screen reader announces as wrong, each with its message."""
    wrong: set[str] = set()
    for element in re.findall(r"<input[^>]*aria-invalid=\"true\"[^>]*>", page):
        (name,) = re.findall(r'name="([^"]+)"', element)
        described_by = re.findall(r'aria-describedby="([^"]*)"', element)[0].split()
        assert any(f'class="error" id="{one}"' in page for one in described_by)
        wrong.add(name)
    return wrong


async def register(browser, **changes: str):
    fields = {"name": "Ana", "email": "ana@example.com", "password": PASSWORD, "next": "/me", **changes}
    fields.setdefault("csrf", await token_of(browser, "/register"))
    return await browser.post("/register", data=fields, headers=SAME, allow_redirects=False)


async def test_registering_signs_in_and_returns_to_where_one_was(shop: Shop):
    browser = shop.browser()
    done = await register(browser, next="/shows/show_1?x=1")
    assert (done.status, done.headers["Location"]) == (303, "/shows/show_1?x=1")
    assert "Ana" in await (await browser.get("/me")).text()


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(shop: Shop):
    done = await register(shop.browser())
    (cookie,) = [c for c in done.headers.getall("Set-Cookie") if c.startswith("liveserver=")]
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= attributes
    assert "secure" not in attributes, "this server is reached over http"


async def test_over_https_cookies_are_secure_and_bound_to_the_host(with_settings, shop: Shop):
    from aiohttp.test_utils import TestClient, TestServer

    from storefront.app import build_app

    async with TestClient(TestServer(build_app(with_settings(public_url="https://live.example")))) as browser:
        page = await browser.get("/register")
        (guest,) = page.headers.getall("Set-Cookie")
        assert guest.startswith("__Host-liveserver-guest=")
        held = guest.split(";")[0]
        token = form_token(await page.text())
        done = await browser.post(
            "/register",
            data={"csrf": token, "name": "Ana", "email": "a@example.com", "password": PASSWORD},
            headers={"Cookie": held, "Origin": "https://live.example", **SAME},
            allow_redirects=False,
        )
        (cookie,) = done.headers.getall("Set-Cookie")
        assert cookie.startswith("__Host-liveserver=")
        assert "; Secure" in cookie
        assert "Domain" not in cookie
        assert done.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\nb",
        "",
        "x" * 600,
    ],
)
async def test_signing_in_never_leads_to_another_site(shop: Shop, after: str):
    ana = await shop.person("Ana")
    browser = shop.browser()
    fields = {
        "email": ana.account.email,
        "password": PASSWORD,
        "next": after,
        "csrf": await token_of(browser),
    }
    done = await browser.post("/sign-in", data=fields, headers=SAME, allow_redirects=False)
    assert (done.status, done.headers["Location"]) == (303, "/")
    again = await browser.get("/sign-in", params={"next": after}, allow_redirects=False)
    assert again.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "A"}, "name"),
        ({"name": "admin"}, "name"),
        ({"email": "nonsense"}, "email"),
        ({"password": "q7zwk"}, "password"),
        ({"password": "password123"}, "password"),
    ],
)
async def test_a_refused_registration_says_so_beside_the_field(
    shop: Shop, changes: dict[str, str], field: str
):
    answer = await register(shop.browser(), **changes)
    text = await answer.text()
    assert answer.status == 422
    assert marked_wrong(text) == {field}
    assert PASSWORD not in text, "passwords are not sent back"
    assert changes.get("password", "nothing of the sort") not in text


async def test_a_taken_address_is_told_beside_its_field(shop: Shop):
    ana = await shop.person("Ana")
    answer = await register(shop.browser(), name="Anna", email=ana.account.email)
    assert answer.status == 409
    assert marked_wrong(await answer.text()) == {"email"}


async def test_nobody_becomes_a_host_by_themselves_unless_the_operator_lets_them(shop: Shop, with_settings):
    from aiohttp.test_utils import TestClient, TestServer

    from storefront.app import build_app

    await register(shop.browser(), sells="1")
    assert await shop.services.pool.fetchval("SELECT role FROM accounts") == "viewer"
    async with TestClient(TestServer(build_app(with_settings(hosts_may_register=True)))) as browser:
        await register(browser, name="Hanna", email="h@example.com", sells="1")
        await register(browser, name="Ada", email="a@example.com", sells="admin", role="admin")
    assert await shop.services.pool.fetchval("SELECT role FROM accounts WHERE name = 'Hanna'") == "host"
    assert await shop.services.pool.fetchval("SELECT count(*) FROM accounts WHERE role = 'admin'") == 0


async def test_signing_out_ends_the_session_everywhere(shop: Shop):
    ana = await shop.person("Ana")
    done = await ana.post("/sign-out")
    assert (done.status, done.headers["Location"]) == (303, "/")
    assert (await ana.api("GET", "/me")).status == 401
    assert (await ana.browser.get("/me", allow_redirects=False)).headers["Location"] == "/sign-in?next=%2Fme"


CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "http://127.0.0.1:1"},
]


@pytest.mark.parametrize("headers", CROSS_SITE)
async def test_another_sites_form_does_nothing_even_with_the_right_token(shop: Shop, headers: dict[str, str]):
    host = await shop.person("Hanna", "host")
    answer = await host.post(
        "/studio/shows",
        {"title": "Forged", "currency": "USD"},
        headers=headers | ({} if "Sec-Fetch-Site" in headers else {"Sec-Fetch-Site": "same-origin"}),
    )
    assert answer.status == 403
    api = await host.browser.post(
        "/api/v1/seller/livestreams",
        json={"title": "Forged", "currency": "USD"},
        headers={"X-CSRF-Token": host.csrf, **headers},
    )
    assert api.status == 403
    assert (await host.post("/sign-out", headers=headers)).status == 403
    assert await shop.services.pool.fetchval("SELECT count(*) FROM shows") == 0
    assert (await host.browser.get("/me", allow_redirects=False)).status == 200


@pytest.mark.parametrize("token", ["", "wrong", "m.", "m.AAAA", "m.%%%", "x" * 1_000, None])
async def test_a_form_without_the_right_token_does_nothing(shop: Shop, token: str | None):
    host, other = await shop.person("Hanna", "host"), await shop.person("Hugo", "host")
    forged = other.csrf if token is None else token
    answer = await host.post("/studio/shows", {"title": "Forged", "csrf": forged})
    assert answer.status == 403
    api = await host.browser.post(
        "/api/v1/seller/livestreams",
        json={"title": "Forged", "currency": "USD"},
        headers={"X-CSRF-Token": forged, **SAME},
    )
    assert api.status == 403
    assert await shop.services.pool.fetchval("SELECT count(*) FROM shows") == 0


async def test_our_own_pages_call_the_api_with_their_cookie_and_the_token(shop: Shop):
    host = await shop.person("Hanna", "host")
    origin = str(URL(host.browser.make_url("/")).origin())
    for headers in (SAME, {"Origin": origin}, {**SAME, "Origin": origin}, {}):
        answer = await host.browser.post(
            "/api/v1/seller/livestreams",
            json={"title": "Tonight", "currency": "USD"},
            headers={"X-CSRF-Token": host.csrf, **headers},
        )
        assert answer.status == 201, await answer.text()


async def test_a_guests_form_needs_the_guests_own_token(shop: Shop):
    ana = await shop.person("Ana")
    browser, other = shop.browser(), shop.browser()
    await token_of(browser)
    fields = {"email": ana.account.email, "password": PASSWORD, "csrf": await token_of(other)}
    answer = await browser.post("/sign-in", data=fields, headers=SAME, allow_redirects=False)
    assert answer.status == 403, "or another site could sign people in as somebody else"


async def test_a_pages_token_looks_different_each_time_and_works_each_time(shop: Shop):
    host = await shop.person("Hanna", "host")
    tokens = [await token_of(host.browser, "/studio") for _ in range(3)]
    assert len(set(tokens)) == 3
    for number, token in enumerate(tokens):
        assert (await host.post("/studio/shows", {"title": f"Show {number}", "csrf": token})).status == 303


async def test_too_many_wrong_passwords_are_told_with_the_time_to_wait(with_settings, shop: Shop):
    import msgspec
    from aiohttp.test_utils import TestClient, TestServer

    from liveserver.accounts.service import Accounts
    from storefront.app import build_app

    ana = await shop.person("Ana")
    strict = with_settings(sign_ins_per_account_per_min=3)
    strict = msgspec.structs.replace(strict, accounts=Accounts(strict.pool, strict.clock, strict.settings))
    async with TestClient(TestServer(build_app(strict))) as api:
        statuses = []
        for _ in range(12):
            answer = await api.post(
                "/api/v1/auth/login", json={"email": ana.account.email, "password": "wrong-wrong-1"}
            )
            statuses.append(answer.status)
        assert statuses[0] == 401
        assert statuses[-1] == 429
        assert int(answer.headers["Retry-After"]) >= 1


async def test_a_pages_session_is_not_renewed_away_under_its_browser(shop: Shop):
    ana = await shop.person("Ana")
    answer = await ana.browser.post("/api/v1/auth/refresh", headers={"X-CSRF-Token": ana.csrf, **SAME})
    assert (await answer.json(content_type=None))["code"] == "cookie_session"
    assert (await ana.browser.get("/me", allow_redirects=False)).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example; script-src *", "odd host.example", "x" * 300, "evil.example/path", '"onload="']
)
async def test_a_strange_host_does_not_get_into_a_page(shop: Shop, host: str):
    answer = await shop.browser().get("/", headers={"Host": host})
    assert host not in answer.headers.get("Content-Security-Policy", "")
    assert host not in await answer.text()
