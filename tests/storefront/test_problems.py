"""Refusals are problem documents that a client can act on, whatever was wrong."""

import gzip
from io import BytesIO

import pytest

from liveserver.kernel.errors import Rejected
from storefront.problems import status_of
from tests.support.storefront import Shop

GOOD = {"title": "Halden", "price": 100, "currency": "USD"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**GOOD, "title": ""}, "title"),
        ({**GOOD, "title": "x" * 121}, "title"),
        ({**GOOD, "price": -1}, "price"),
        ({**GOOD, "price": 10**12 + 1}, "price"),
        ({**GOOD, "price": "100"}, "price"),
        ({**GOOD, "price": 1.5}, "price"),
        ({**GOOD, "price": True}, "price"),
        ({**GOOD, "currency": "usd"}, "currency"),
        ({**GOOD, "prise": 100}, "prise"),
        ({"title": "Halden", "currency": "USD"}, "price"),
        ({**GOOD, "images": ["javascript:alert(1)"]}, "images.0"),
        ({**GOOD, "images": ["/a"] * 13}, "images"),
        ({**GOOD, "category": "nonsense"}, "category"),
        ({**GOOD, "variants": [{"sku": "a", "stock": -1}]}, "variants[0].stock"),
        ({**GOOD, "variants": [{"sku": "a"}, {"sku": "a"}]}, "variants.1.sku"),
        ([], "body"),
    ],
)
async def test_a_refused_body_names_the_field(shop: Shop, body: object, field: str):
    host = await shop.person("Hanna", "host")
    answer = await host.api("POST", "/seller/products", json=body)
    problem = await answer.json(content_type="application/problem+json")
    assert answer.status == problem["status"] == 422
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["message"]
    assert problem["request"] == answer.headers["X-Request-Id"]
    assert problem["type"] == f"urn:liveserver:problem:{problem['code']}"


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{", 400, "bad_request"),
        ("application/json", b"\xff\xfe", 400, "bad_request"),
        ("application/json", b"[" * 100_000, 422, "invalid"),
        ("application/json", b"", 400, "bad_request"),
        ("text/plain", b"{}", 415, "wrong_content_type"),
        ("application/x-www-form-urlencoded", b"title=x", 415, "wrong_content_type"),
        ("multipart/form-data; boundary=x", b"--x--", 415, "wrong_content_type"),
        ("application/json", b" " * 1_100_000, 413, "too_large"),
    ],
)
async def test_a_garbled_body_is_refused(shop: Shop, content_type: str, body: bytes, status: int, code: str):
    host = await shop.person("Hanna", "host")
    answer = await host.api(
        "POST", "/seller/products", data=BytesIO(body), headers={"Content-Type": content_type}
    )
    assert answer.status == status
    assert (await answer.json(content_type=None))["code"] == code


async def test_a_compressed_body_counts_as_what_it_inflates_to(shop: Shop):
    host = await shop.person("Hanna", "host")
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    answer = await host.api(
        "POST",
        "/seller/products",
        data=bomb,
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert answer.status == 413


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("limit=0", 422, "limit"),
        ("limit=many", 422, "limit"),
        ("limit=1001", 422, "limit"),
        ("status=dead", 422, "status"),
        ("cursor=%%%", 400, "cursor"),
        ("cursor=bm9uc2Vuc2U", 400, "cursor"),
        ("cursor=" + "x" * 201, 422, "cursor"),
        ("utm_source=mail", 200, None),
    ],
)
async def test_a_refused_query_names_the_parameter(shop: Shop, query: str, status: int, field: str | None):
    answer = await shop.browser().get(f"/api/v1/livestreams?{query}")
    assert answer.status == status
    if field is not None:
        assert (await answer.json(content_type=None))["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/livestreams/show_unknown", 404),
        ("GET", "/api/v1/livestreams/{not an id}", 404),
        ("GET", "/api/v1/livestreams/" + "x" * 41, 404),
        ("GET", "/api/v1/livestreams/show_unknown/events", 404),
        ("GET", "/api/v1/livestreams/show_unknown/products", 404),
        ("GET", "/api/v1/products/prod_unknown", 404),
        ("GET", "/api/v1/products/a%00b", 404),
        ("DELETE", "/api/v1/livestreams", 405),
    ],
)
async def test_what_is_not_there_is_a_problem_too(shop: Shop, method: str, path: str, status: int):
    answer = await shop.browser().request(method, path)
    assert answer.status == status
    assert answer.content_type == "application/problem+json"


async def test_a_wrong_sign_in_does_not_tell_who_has_an_account(shop: Shop):
    ana = await shop.person("Ana")
    known = await shop.browser().post(
        "/api/v1/auth/login", json={"email": ana.account.email, "password": "wrong-wrong-1"}
    )
    unknown = await shop.browser().post(
        "/api/v1/auth/login", json={"email": "no@example.com", "password": "wrong-wrong-1"}
    )
    assert known.status == unknown.status == 401
    a, b = await known.json(content_type=None), await unknown.json(content_type=None)
    assert {k: v for k, v in a.items() if k != "request"} == {k: v for k, v in b.items() if k != "request"}


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\u00e9", "x" * 5_000, "eyJhbGciOiJub25lIn0.e30."])
async def test_a_bearer_token_that_is_no_good_is_never_a_guests(shop: Shop, token: str):
    answer = await shop.browser().get("/api/v1/livestreams", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_request_ids_come_back_if_they_are_sane_and_are_made_if_not(shop: Shop):
    asked = await shop.browser().get("/healthz", headers={"X-Request-Id": "abc-1.2_3"})
    assert asked.headers["X-Request-Id"] == "abc-1.2_3"
    for strange in ("a b", "x" * 65, "<script>", "ä"):
        answer = await shop.browser().get("/healthz", headers={"X-Request-Id": strange})
        assert answer.headers["X-Request-Id"] not in {strange, ""}


@pytest.mark.parametrize(
    ("rejected", "status"),
    [
        (Rejected("anything", "", detail={"field": "x"}), 422),
        (Rejected("lot_open", ""), 409),
        (Rejected("lot_not_found", "", detail={"field": "lot"}), 404),
        (Rejected("name_taken", "", detail={"field": "name"}), 409),
        (Rejected("unavailable", "", retryable=True), 503),
        (Rejected("too_many_attempts", "", detail={"retry_after_ms": 1}), 429),
    ],
)
def test_statuses_of_refusals(rejected: Rejected, status: int):
    assert status_of(rejected) == status
