"""The API as a client uses it: accounts, products, shows, lots, and what happens in a room."""

import pytest

from tests.support.storefront import PASSWORD, Shop


async def test_registering_signing_in_renewing_and_signing_out(shop: Shop):
    api = shop.browser()
    new = {"name": "Ana", "email": "ana@example.com", "password": PASSWORD}
    made = await api.post("/api/v1/auth/register", json=new)
    assert made.status == 201
    assert (await made.json())["user"]["name"] == "Ana"
    assert "Set-Cookie" not in made.headers
    signed_in = await (
        await api.post("/api/v1/auth/login", json={"email": "ana@example.com", "password": PASSWORD})
    ).json()
    first = {"Authorization": f"Bearer {signed_in['token']}"}
    assert (await (await api.get("/api/v1/me", headers=first)).json())["email"] == "ana@example.com"
    renewed = await (await api.post("/api/v1/auth/refresh", headers=first)).json()
    second = {"Authorization": f"Bearer {renewed['token']}"}
    assert (await api.get("/api/v1/me", headers=first)).status == 401
    assert (await api.get("/api/v1/me", headers=second)).status == 200
    assert (await api.post("/api/v1/auth/logout", headers=second)).status == 204
    assert (await api.get("/api/v1/me", headers=second)).status == 401


async def test_one_can_change_ones_name_but_not_ones_role(shop: Shop):
    ana = await shop.person("Ana")
    assert (await (await ana.api("PATCH", "/me", json={"name": "Ana B"})).json())["name"] == "Ana B"
    refused = await ana.api("PATCH", "/me", json={"role": "admin"})
    assert refused.status == 422
    assert (await refused.json())["errors"] == [
        {"field": "role", "message": "Object contains unknown field role."}
    ]
    assert (await (await ana.api("GET", "/me")).json())["role"] == "viewer"


async def test_products_have_the_shape_of_the_protocol(shop: Shop):
    host = await shop.person("Hanna", "host")
    body = {
        "title": "Comet Low",
        "price": 99_900,
        "currency": "INR",
        "images": ["/media/generated/sneaker/comet-low.svg"],
        "category": "sneakers",
        "variants": [{"sku": "CL-10", "color": "ember", "size": "10", "stock": 3}],
    }
    made = await (await host.api("POST", "/seller/products", json=body)).json()
    seen = await (await shop.browser().get(f"/api/v1/products/{made['id']}")).json()
    assert seen == made
    assert {name: seen[name] for name in ("title", "price", "currency", "images")} == {
        name: body[name] for name in ("title", "price", "currency", "images")
    }
    (variant,) = (await (await shop.browser().get(f"/api/v1/products/{made['id']}/variants")).json())["items"]
    assert variant.keys() == {"id", "sku", "color", "size", "stock", "price"}
    assert variant["price"] == 99_900
    found = await (await shop.browser().get("/api/v1/products?search=comet&category=sneakers")).json()
    assert [item["id"] for item in found["items"]] == [made["id"]]
    edited = await host.api("PATCH", f"/seller/products/{made['id']}", json={"archived": True})
    assert (await edited.json())["archived"] is True
    assert (await (await shop.browser().get("/api/v1/products?search=comet")).json())["items"] == []


async def test_a_show_is_planned_started_and_ended(shop: Shop):
    host, guest = await shop.person("Hanna", "host"), shop.browser()
    show = await (
        await host.api("POST", "/seller/livestreams", json={"title": "Tonight", "currency": "USD"})
    ).json()
    assert show["status"] == "upcoming"
    path = f"/seller/livestreams/{show['id']}"
    renamed = await (
        await host.api("PATCH", path, json={"title": "Tonight!", "chat": {"slow_ms": 2_000}})
    ).json()
    assert (renamed["title"], renamed["chat"]["slow_ms"]) == ("Tonight!", 2_000)
    started = await (await host.api("POST", f"{path}/start")).json()
    assert started["seq"] == 1
    again = await host.api("POST", f"{path}/start")
    assert (again.status, (await again.json())["code"]) == (409, "show_live")
    await shop.recorded(shop_show := await shop.services.shows.get(show["id"]))
    live = await (await guest.get("/api/v1/livestreams?status=live")).json()
    assert [item["id"] for item in live["items"]] == [show["id"]]
    assert (await host.api("POST", f"{path}/end")).status == 200
    await shop.recorded(shop_show)
    assert (await (await guest.get(f"/api/v1/livestreams/{show['id']}")).json())["status"] == "ended"


async def test_a_product_is_put_into_the_spotlight_and_taken_out(shop: Shop):
    host = await shop.person("Hanna", "host")
    show, product = await shop.live_show(host), await shop.product(host)
    path = f"/seller/livestreams/{show.id}/highlight"
    assert (await host.api("POST", path, json={"product": product.id})).status == 200
    assert (await host.api("POST", path, json={"product": None})).status == 200
    unknown = await host.api("POST", path, json={"product": "prod_unknown"})
    assert unknown.status == 422
    await shop.recorded(show)
    events = (await (await shop.browser().get(f"/api/v1/livestreams/{show.id}/events")).json())["items"]
    lit = [event["payload"]["product"] for event in events if event["type"] == "product:highlighted"]
    assert [product and product["id"] for product in lit] == [product.id, None]


async def test_the_queue_of_lots_is_filled_reordered_edited_and_emptied(shop: Shop):
    host = await shop.person("Hanna", "host")
    show, product = await shop.show(host), await shop.product(host, "Norda Twin")
    path = f"/seller/livestreams/{show.id}/lots"
    first = await (await host.api("POST", path, json={"title": "Halden", "start": 500})).json()
    second = await (
        await host.api("POST", path, json={"product": product.id, "start": 900, "reserve": 2_000})
    ).json()
    assert (first["position"], second["position"], second["title"]) == (1, 2, "Norda Twin")
    turned = await (await host.api("PUT", f"{path}/order", json={"lots": [second["id"], first["id"]]})).json()
    assert [lot["id"] for lot in turned["items"]] == [second["id"], first["id"]]
    wrong = await host.api("PUT", f"{path}/order", json={"lots": [first["id"]]})
    assert (await wrong.json())["code"] == "queue_changed"
    edited = await (await host.api("PATCH", f"{path}/{first['id']}", json={"start": 700})).json()
    assert edited["start"] == 700
    assert (await host.api("DELETE", f"{path}/{second['id']}")).status == 204
    left = await (await host.api("GET", path)).json()
    assert [(lot["id"], lot["position"]) for lot in left["items"]] == [(first["id"], 1)]
    products = await (await shop.browser().get(f"/api/v1/livestreams/{show.id}/products")).json()
    assert products["items"] == []


async def test_a_shows_products_are_those_of_its_lots_each_once(shop: Shop):
    host = await shop.person("Hanna", "host")
    show = await shop.show(host)
    twin, slr = await shop.product(host, "Norda Twin"), await shop.product(host, "Pascal")
    await shop.product(host, "Not in this show")
    for product in (slr, twin, slr):
        await shop.lot(host, show, product=product.id)
    listed = await (await shop.browser().get(f"/api/v1/livestreams/{show.id}/products")).json()
    assert [item["id"] for item in listed["items"]] == [slr.id, twin.id]


async def test_the_reserve_of_a_queued_lot_is_told_to_its_host_only(shop: Shop):
    host = await shop.person("Hanna", "host")
    show = await shop.show(host)
    await shop.lot(host, show, reserve=77_777)
    assert "77777" in await (await host.api("GET", f"/seller/livestreams/{show.id}/lots")).text()
    for path in (f"/livestreams/{show.id}", f"/livestreams/{show.id}/products", "/livestreams"):
        assert "77777" not in await (await shop.browser().get(f"/api/v1{path}")).text()
    assert "777.77" not in await (await shop.browser().get(f"/shows/{show.id}")).text()


@pytest.mark.parametrize("count", [7])
async def test_lists_are_read_page_by_page_without_loss_or_double(shop: Shop, count: int):
    host = await shop.person("Hanna", "host")
    made = {(await shop.show(host, f"Show {number}")).id for number in range(count)}
    seen: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = await (await shop.browser().get(f"/api/v1/livestreams?limit=3&cursor={cursor}")).json()
        assert len(page["items"]) <= 3
        seen += [item["id"] for item in page["items"]]
        cursor, pages = page["next"], pages + 1
        if pages == 1:
            made.add((await shop.show(host, "Added while somebody reads", scheduled_ts=None)).id)
    assert pages >= 3
    assert len(seen) == len(set(seen))
    assert set(seen) <= made
    assert len(made - set(seen)) <= 1, "only what was added meanwhile may be missing"


async def test_a_page_never_has_more_items_than_the_operator_allows(with_settings, shop: Shop):
    from aiohttp.test_utils import TestClient, TestServer

    from storefront.app import build_app

    host = await shop.person("Hanna", "host")
    for number in range(4):
        await shop.show(host, f"Show {number}")
    async with TestClient(TestServer(build_app(with_settings(page_items_max=2)))) as small:
        page = await (await small.get("/api/v1/livestreams?limit=1000")).json()
    assert len(page["items"]) == 2
    assert page["next"]
