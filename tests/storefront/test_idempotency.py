"""A request that creates something is carried out once, however often its key comes."""

import asyncio

import pytest

from liveserver.catalog.model import VariantDraft
from liveserver.shows.model import Show
from tests.support.storefront import Shop

SHOW = {"title": "Tonight", "currency": "USD"}


async def create(person, key: str | None, body: dict = SHOW, path: str = "/seller/livestreams"):
    return await person.api("POST", path, json=body, headers={"Idempotency-Key": key} if key else {})


async def count(shop: Shop) -> int:
    return await shop.services.pool.fetchval("SELECT count(*) FROM shows")


async def test_the_same_key_gets_the_first_answer_again(shop: Shop):
    host = await shop.person("Hanna", "host")
    first, second = await create(host, "k1"), await create(host, "k1")
    assert (first.status, second.status) == (201, 201)
    assert await first.read() == await second.read()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert await count(shop) == 1


async def test_without_a_key_each_request_creates(shop: Shop):
    host = await shop.person("Hanna", "host")
    await create(host, None)
    await create(host, None)
    assert await count(shop) == 2


@pytest.mark.parametrize(
    ("body", "path"), [({**SHOW, "title": "Other"}, "/seller/livestreams"), (SHOW, "/seller/products")]
)
async def test_the_same_key_for_another_request_is_a_mistake(shop: Shop, body: dict, path: str):
    host = await shop.person("Hanna", "host")
    await create(host, "k1")
    product = {"title": "Tonight", "currency": "USD", "price": 1} if path.endswith("products") else body
    other = await create(host, "k1", product, path)
    assert other.status == 422
    assert (await other.json(content_type=None))["code"] == "idempotency_key_reused"


async def test_two_peoples_keys_are_two_keys(shop: Shop):
    hanna, hugo = await shop.person("Hanna", "host"), await shop.person("Hugo", "host")
    one, other = await (await create(hanna, "k1")).json(), await (await create(hugo, "k1")).json()
    assert one["id"] != other["id"]
    assert one["host"]["id"] == hanna.id
    assert other["host"]["id"] == hugo.id


async def test_parallel_requests_with_one_key_create_once(shop: Shop):
    host = await shop.person("Hanna", "host")
    answers = await asyncio.gather(*(create(host, "k1") for _ in range(8)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert any(answer.status == 201 for answer in answers)
    assert await count(shop) == 1


async def test_a_refused_request_gives_its_key_back(shop: Shop):
    host = await shop.person("Hanna", "host")
    past = await create(host, "k1", {**SHOW, "scheduled_ts": 1})
    assert past.status == 422
    assert (await create(host, "k1")).status == 201


@pytest.mark.parametrize("key", ["x" * 256, "a\tb"])
async def test_strange_keys_are_refused(shop: Shop, key: str):
    host = await shop.person("Hanna", "host")
    assert (await create(host, key)).status == 422
    assert await count(shop) == 0


async def test_a_key_whose_request_died_is_free_after_a_while(shop: Shop):
    host = await shop.person("Hanna", "host")
    await create(host, "k1")
    await shop.services.pool.execute("UPDATE http_idempotency SET status = NULL, body = NULL")
    assert (await create(host, "k1")).status == 409
    await shop.services.pool.execute("UPDATE http_idempotency SET created_ts = created_ts - 61000")
    assert (await create(host, "k1")).status == 201


async def test_keys_are_forgotten_after_a_day(shop: Shop):
    host = await shop.person("Hanna", "host")
    await create(host, "k1")
    await shop.services.pool.execute("UPDATE http_idempotency SET created_ts = created_ts - 86400001")
    await create(host, "k2")
    assert await shop.services.pool.fetch("SELECT key FROM http_idempotency") == [("k2",)]


async def test_a_lot_is_queued_once(shop: Shop):
    host = await shop.person("Hanna", "host")
    show: Show = await shop.show(host)
    for _ in range(3):
        await create(host, "k1", {"title": "Halden", "start": 500}, f"/seller/livestreams/{show.id}/lots")
    assert len(await shop.services.shows.queue(show.id)) == 1


async def test_a_guests_key_is_that_of_their_browser(shop: Shop):
    host = await shop.person("Hanna", "host")
    product = await shop.product(host, variants=(VariantDraft(sku="H35", stock=9),))
    body, key = {"variantId": product.variants[0].id}, {"Idempotency-Key": "k1"}
    ana, stranger = shop.browser(), shop.browser()
    await ana.get("/sign-in")  # gives the browser its guest's cookie
    first = await ana.post("/api/v1/me/cart/items", json=body, headers=key)
    again = await ana.post("/api/v1/me/cart/items", json=body, headers=key)
    assert (first.status, again.headers.get("Idempotency-Replayed")) == (201, "true")
    assert (await again.json())["items"][0]["qty"] == 1
    # Who has no cookie is nobody that an answer could be kept for, and gets nobody else's.
    other = await stranger.post("/api/v1/me/cart/items", json=body, headers=key)
    assert "Idempotency-Replayed" not in other.headers
    assert (await other.json())["id"] != (await first.json())["id"]
