"""Carts over pages and API: guests' and persons', addresses, ways to ship, coupons; and that nobody sees another's."""

from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from liveserver.catalog.model import Product, ProductDraft, VariantDraft
from tests.support.storefront import PASSWORD, Person, Shop

HOME = {"name": "Ana", "line1": "Gasse 1", "city": "Bern", "postal_code": "3011", "country": "CH"}


@dataclass
class Guest:
    """A browser without an account."""

    browser: TestClient

    async def post(self, path: str, **fields: Any) -> Any:
        page = await self.browser.get("/cart")
        csrf = (await page.text()).split('name="csrf" value="')
        token = csrf[1].split('"')[0] if len(csrf) > 1 else await self._token()
        return await self.browser.post(
            path,
            data={"csrf": token, **fields},
            headers={"Sec-Fetch-Site": "same-origin"},
            allow_redirects=False,
        )

    async def _token(self) -> str:
        text = await (await self.browser.get("/sign-in")).text()
        return text.split('name="csrf" value="')[1].split('"')[0]


@pytest.fixture
async def hana(shop: Shop) -> Person:
    return await shop.person("Hana", "host")


@pytest.fixture
async def ana(shop: Shop) -> Person:
    return await shop.person("Ana")


@pytest.fixture
async def camera(shop: Shop, hana: Person) -> Product:
    draft = ProductDraft(
        "Halden 35",
        5_000,
        "USD",
        variants=(VariantDraft("B", "Black", stock=3), VariantDraft("S", "Silver", stock=2, price=6_000)),
    )
    made = await shop.services.catalog.create(hana.identity, draft)
    assert isinstance(made, Product)
    return made


async def answer(who: Person, method: str, path: str, status: int = 200, **options: Any) -> Any:
    done = await who.api(method, path, **options)
    assert done.status == status, await done.text()
    return await done.json() if status != 204 else None


async def text_of(browser: TestClient, path: str) -> str:
    page = await browser.get(path)
    assert page.status == 200, await page.text()
    return await page.text()


async def test_a_cart_over_the_api_has_the_contracts_shape(ana: Person, camera: Product):
    body = {"variantId": camera.variants[1].id, "qty": 2}
    made = await answer(ana, "POST", "/me/cart/items", 201, json=body)
    assert set(made) == {"id", "items", "subtotal", "discount", "total", "currency", "groups"}
    assert (made["subtotal"], made["total"], made["currency"]) == (12_000, 12_000, "USD")
    item = made["items"][0]
    assert (item["productId"], item["variantId"], item["qty"], item["priceAtAdd"]) == (
        camera.id,
        camera.variants[1].id,
        2,
        6_000,
    )
    changed = await answer(ana, "PATCH", f"/me/cart/items/{item['id']}", json={"qty": 1})
    assert changed["total"] == 6_000
    gone = await answer(ana, "DELETE", f"/me/cart/items/{item['id']}")
    assert gone["items"] == []


async def test_refusals_of_a_cart_are_problems(ana: Person, hana: Person, camera: Product):
    black = camera.variants[0].id
    refused = await answer(ana, "POST", "/me/cart/items", 409, json={"variantId": black, "qty": 4})
    assert (refused["code"], refused["info"]["left"]) == ("out_of_stock", 3)
    assert (await answer(ana, "POST", "/me/cart/items", 422, json={"variantId": black, "qty": 0}))["errors"]
    assert (await answer(hana, "POST", "/me/cart/items", 409, json={"variantId": black}))[
        "code"
    ] == "own_goods"
    assert (await answer(ana, "DELETE", "/me/cart/items/item_x", 404))["code"] == "item_not_found"
    assert (await answer(ana, "POST", "/me/cart/apply-coupon", 404, json={"code": "NONE"}))[
        "code"
    ] == "coupon_not_found"


async def test_a_guest_of_the_api_keeps_a_token_that_merges_after_signing_in(
    shop: Shop, ana: Person, camera: Product
):
    browser = shop.browser()
    made = await (
        await browser.post("/api/v1/me/cart/items", json={"variantId": camera.variants[0].id})
    ).json()
    headers = {"X-Cart-Token": made["token"]}
    again = await (await browser.get("/api/v1/me/cart", headers=headers)).json()
    assert (len(again["items"]), "token" in again) == (1, False)
    assert (await (await browser.get("/api/v1/me/cart")).json())["items"] == []
    assert len((await answer(ana, "GET", "/me/cart", headers=headers))["items"]) == 1
    assert (await (await browser.get("/api/v1/me/cart", headers=headers)).json())["items"] == []


async def test_a_guests_cart_follows_them_through_signing_in(shop: Shop, ana: Person, camera: Product):
    guest = Guest(shop.browser())
    page = await text_of(guest.browser, f"/products/{camera.id}")
    assert "Add to cart" in page
    added = await guest.post("/cart/items", variant=camera.variants[0].id, quantity="2")
    assert added.status == 303
    cookie = added.cookies["liveserver-cart"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "Sign in to check out" in await text_of(guest.browser, "/cart")
    signed = await guest.post("/sign-in", email=ana.account.email, password=PASSWORD, next="/cart")
    assert signed.status == 303
    page = await text_of(guest.browser, "/cart")
    assert "Halden 35" in page
    assert "Check out" in page
    assert len((await answer(ana, "GET", "/me/cart"))["items"]) == 1


async def test_what_signing_in_left_out_is_said_once_on_the_page_and_by_the_api(
    shop: Shop, ana: Person, camera: Product
):
    silver = camera.variants[1].id
    for way in ("page", "api"):
        await ana.post("/cart/items", {"variant": silver})
        guest = Guest(shop.browser())
        assert (await guest.post("/cart/items", variant=silver, quantity="2")).status == 303
        await guest.post("/sign-in", email=ana.account.email, password=PASSWORD, next="/cart")
        if way == "page":
            page = await text_of(guest.browser, "/cart")
            assert "Not everything from before you signed in fits" in page
            assert "Only 2 of this are left." in page
            assert "Not everything" not in await text_of(guest.browser, "/cart")
        else:
            told = (await answer(ana, "GET", "/me/cart"))["leftOut"]
            assert [(one["variantId"], one["options"], one["reason"]) for one in told] == [
                (silver, "Silver", "out_of_stock")
            ]
        assert "leftOut" not in await answer(ana, "GET", "/me/cart")


async def test_looking_at_pages_makes_no_cart(shop: Shop, camera: Product):
    browser = shop.browser()
    await text_of(browser, f"/products/{camera.id}")
    assert "Your cart is empty" in await text_of(browser, "/cart")
    assert await shop.services.pool.fetchval("SELECT count(*) FROM carts") == 0


async def test_the_cart_page_says_what_has_changed_and_does_not_let_check_out_what_is_gone(
    shop: Shop, ana: Person, camera: Product
):
    await ana.post("/cart/items", {"variant": camera.variants[0].id, "quantity": "3"})
    await shop.services.pool.execute("UPDATE variants SET price = 5500 WHERE id = $1", camera.variants[0].id)
    page = await text_of(ana.browser, "/cart")
    assert "Price has gone up: it was $50" in page
    assert "/checkout?seller=" in page
    await shop.services.pool.execute("UPDATE variants SET stock = 1 WHERE id = $1", camera.variants[0].id)
    page = await text_of(ana.browser, "/cart")
    assert "Only 1 left" in page
    assert "/checkout?seller=" not in page
    refused = await ana.post("/cart/items", {"variant": camera.variants[0].id, "quantity": "x"})
    assert refused.status == 422
    assert "Write a whole number." in await refused.text()


async def test_a_form_from_another_site_changes_no_cart(ana: Person, camera: Product):
    fields = {"variant": camera.variants[0].id, "csrf": "wrong"}
    assert (await ana.post("/cart/items", fields)).status == 403
    assert (await answer(ana, "GET", "/me/cart"))["items"] == []


async def test_a_coupon_is_made_in_the_studio_and_typed_in_the_cart(
    ana: Person, hana: Person, camera: Product
):
    made = await hana.post("/studio/coupons", {"code": "show10", "kind": "percent", "value": "12.5"})
    assert made.status == 303, await made.text()
    wrong = await hana.post(
        "/studio/coupons", {"code": "show10", "kind": "amount", "value": "5", "currency": "USD"}
    )
    assert "You have a coupon with this code already." in await wrong.text()
    await ana.post("/cart/items", {"variant": camera.variants[0].id})
    assert (await ana.post("/cart/coupon", {"code": "NOPE"})).status == 404
    assert (await ana.post("/cart/coupon", {"code": "Show10"})).status == 303
    cart = await answer(ana, "GET", "/me/cart")
    assert (cart["discount"], cart["total"]) == (625, 4_375)
    coupon = (await answer(hana, "GET", "/seller/coupons"))["items"][0]
    await answer(hana, "PATCH", f"/seller/coupons/{coupon['id']}", 204, json={"active": False})
    assert "This coupon is not valid now." in await text_of(ana.browser, "/cart")
    await answer(ana, "DELETE", "/me/cart/coupon")
    assert (await answer(ana, "GET", "/me/cart"))["groups"][0]["coupon"] == ""


async def test_a_coupon_for_some_goods_is_made_in_the_studio_without_scripts(
    ana: Person, hana: Person, shop: Shop, camera: Product
):
    strap = await shop.product(hana, "Strap", category="sneakers", variants=(VariantDraft("T", stock=4),))
    fields = {"code": "STRAPS", "kind": "percent", "value": "10", "goods": "some"}
    nothing = await hana.post("/studio/coupons", fields)
    assert nothing.status == 422
    assert "Choose what it is for." in await nothing.text()
    assert 'value="some" checked' in await nothing.text()
    assert (await hana.post("/studio/coupons", {**fields, "products": strap.id})).status == 303
    assert (
        await hana.post("/studio/coupons", {**fields, "code": "SHOES", "categories": "sneakers"})
    ).status == 303
    assert (
        await hana.post("/studio/coupons", {**fields, "code": "ALL", "goods": "all", "products": strap.id})
    ).status == 303
    kept = {one["code"]: one for one in (await answer(hana, "GET", "/seller/coupons"))["items"]}
    assert kept["STRAPS"]["products"] == [strap.id]
    assert kept["SHOES"]["categories"] == ["sneakers"]
    assert kept["ALL"]["products"] == []
    page = await text_of(hana.browser, "/studio/coupons")
    assert "Only for Strap" in page
    assert "Only for Sneakers" in page
    await ana.post("/cart/items", {"variant": camera.variants[0].id})
    refused = await ana.post("/cart/coupon", {"code": "STRAPS"})
    assert (refused.status, "This coupon is only for: Strap." in await refused.text()) == (409, True)
    await ana.post("/cart/items", {"variant": strap.variants[0].id})
    assert (await ana.post("/cart/coupon", {"code": "STRAPS"})).status == 303
    # What it was for is taken out again: the cart keeps it, and says why it does nothing.
    item = next(
        one for one in (await answer(ana, "GET", "/me/cart"))["items"] if one["productId"] == strap.id
    )
    await ana.post(f"/cart/items/{item['id']}", {"remove": "1"})
    assert "STRAPS: This coupon is only for: Strap." in await text_of(ana.browser, "/cart")


async def test_the_cart_says_from_which_amount_on_a_coupon_counts(ana: Person, hana: Person, camera: Product):
    coupon = {"code": "BIG", "kind": "percent", "value": "10", "minimum": "120", "currency": "USD"}
    assert (await hana.post("/studio/coupons", coupon)).status == 303
    await ana.post("/cart/items", {"variant": camera.variants[0].id})
    refused = await ana.post("/cart/coupon", {"code": "BIG"})
    assert "This coupon is for orders from $120 on." in await refused.text()


async def test_addresses_have_one_usual_among_them(ana: Person):
    first = await answer(ana, "POST", "/me/addresses", 201, json=HOME)
    second = await answer(ana, "POST", "/me/addresses", 201, json={**HOME, "city": "Basel", "usual": True})
    kept = (await answer(ana, "GET", "/me/addresses"))["items"]
    assert [(one["id"], one["usual"]) for one in kept] == [(second["id"], True), (first["id"], False)]
    await answer(ana, "DELETE", f"/me/addresses/{second['id']}", 204)
    assert (await answer(ana, "GET", "/me/addresses"))["items"][0]["usual"]
    wrong = await ana.post("/me/addresses", {**HOME, "country": "XX"})
    assert wrong.status == 422
    assert "Choose a country." in await wrong.text()
    changed = await ana.post(f"/me/addresses/{first['id']}", {**HOME, "city": "Chur", "usual": "1"})
    assert changed.status == 303
    assert "Chur" in await text_of(ana.browser, "/me/addresses")


async def test_nobody_touches_anothers_address_way_to_ship_or_coupon(shop: Shop, ana: Person, hana: Person):
    eve = await shop.person("Eve", "host")
    home = await answer(ana, "POST", "/me/addresses", 201, json=HOME)
    way = await answer(
        hana,
        "POST",
        "/seller/shipping-methods",
        201,
        json={"name": "Parcel", "currency": "USD", "first": 413},
    )
    coupon = await answer(hana, "POST", "/seller/coupons", 201, json={"code": "ABC", "percent_bp": 100})
    await answer(eve, "PUT", f"/me/addresses/{home['id']}", 404, json=HOME)
    await answer(eve, "DELETE", f"/me/addresses/{home['id']}", 404)
    await answer(eve, "DELETE", f"/seller/shipping-methods/{way['id']}", 404)
    await answer(eve, "PATCH", f"/seller/coupons/{coupon['id']}", 404, json={"active": False})
    await answer(ana, "GET", "/seller/coupons", 403)
    assert (await ana.browser.get("/studio/shipping")).status == 403


async def test_ways_to_ship_in_the_studio(hana: Person):
    assert "You ship free, everywhere" in await text_of(hana.browser, "/studio/shipping")
    fields = {"name": "Parcel", "currency": "USD", "first": "4.13", "further": "1", "countries": "ch, de"}
    assert (await hana.post("/studio/shipping", fields)).status == 303
    page = await text_of(hana.browser, "/studio/shipping")
    assert "$4.13 for the first item, $1 for each one more" in page
    assert "Switzerland, Germany" in page
    wrong = await hana.post("/studio/shipping", {**fields, "countries": "ch, mars"})
    assert wrong.status == 422
    assert "There is no country" in await wrong.text()
    way = (await answer(hana, "GET", "/seller/shipping-methods"))["items"][0]
    assert 'value="4.13"' in await text_of(hana.browser, f"/studio/shipping?edit={way['id']}")
    assert (await hana.post(f"/studio/shipping/{way['id']}", {**fields, "first": "5"})).status == 303
    assert (await hana.post(f"/studio/shipping/{way['id']}/remove")).status == 303
    assert (await answer(hana, "GET", "/seller/shipping-methods"))["items"] == []
