"""Sellers' products by forms: variants as counted, errors beside their fields, stock that sales are not undone in."""

import re

import pytest

from liveserver.catalog.model import Product, VariantDraft
from liveserver.orders.model import Line
from tests.support.orders import sell
from tests.support.storefront import Person, Shop

LAMP = {
    "title": "Lamp",
    "price": "50",
    "currency": "USD",
    "description": "Warm",
    "category": "",
    "images": "",
}


def rows(*given: dict[str, str]) -> list[tuple[str, str]]:
    """Variants as the form sends them."""
    fields: list[tuple[str, str]] = []
    for at, row in enumerate(given):
        fields += [
            (f"v-{name}", row.get(name, "")) for name in ("sku", "color", "size", "price", "stock", "was")
        ]
        fields.append(("v-row", str(at)))
        if row.get("remove"):
            fields.append(("v-remove", str(at)))
    return fields


@pytest.fixture
async def hana(shop: Shop) -> Person:
    return await shop.person("Hana", "host")


async def send(who: Person, path: str, *variants: dict[str, str], **changes: str) -> tuple[int, str, str]:
    fields = [("csrf", who.csrf), *{**LAMP, **changes}.items(), *rows(*variants)]
    answer = await who.browser.post(path, data=fields, allow_redirects=False)
    return answer.status, answer.headers.get("Location", ""), await answer.text()


async def lamp(shop: Shop, hana: Person) -> Product:
    variants = (VariantDraft("L-RED", "Red", "", 5), VariantDraft("L-BLUE", "Blue", "", 2, 6_000))
    return await shop.product(hana, "Lamp", variants=variants)


async def test_a_product_is_made_with_variants(shop: Shop, hana: Person):
    red = {"sku": "L-RED", "color": "Red", "stock": "5"}
    blue = {"sku": "L-BLUE", "color": "Blue", "size": "XL", "price": "60.50", "stock": "0"}
    status, there, _ = await send(
        hana, "/studio/products/new", red, {}, blue, {}, images="/media/generated/a.svg\n\n"
    )
    assert status == 303
    (made,) = (await shop.services.catalog.by_seller(hana.account.id)).items
    assert there == f"/studio/products/{made.id}?saved=1"
    assert made.images == ("/media/generated/a.svg",)
    assert [(v.sku, v.color, v.size, v.price, v.stock) for v in made.variants] == [
        ("L-RED", "Red", "", 5_000, 5),
        ("L-BLUE", "Blue", "XL", 6_050, 0),
    ]
    shown = await (await hana.browser.get(there)).text()
    for words in ('value="L-BLUE"', 'value="60.50"', "Saved.", "Counted", "+5"):
        assert words in shown


@pytest.mark.parametrize(
    ("field", "variants", "changes"),
    [("title", (), {"title": ""}), ("price", (), {"price": "cheap"}), ("images", (), {"images": "javascript:alert(1)"}),
     ("category", (), {"category": "nonsense"}), ("v-sku-0", ({"color": "Red"},), {}), ("v-stock-1", ({"sku": "A"}, {"sku": "B", "stock": "many"}), {}),
     ("v-price-0", ({"sku": "A", "price": "x"},), {}), ("v-sku-2", ({"sku": "A"}, {"sku": "X", "remove": "1"}, {"sku": " A "}), {}),
     ("v-color-0", ({"sku": "A", "color": "x" * 41},), {})],
)  # fmt: skip
async def test_what_is_wrong_stands_beside_its_field(
    shop: Shop, hana: Person, field: str, variants: tuple[dict[str, str], ...], changes: dict[str, str]
):
    status, _, text = await send(hana, "/studio/products/new", *variants, **changes)
    assert status == 422, text
    name = r"v-(\w+)-(\d+)"
    ids = re.sub(name, r"ve-\1-\2", field) if field.startswith("v-") else f"f-e-{field}"
    if field != "category":
        assert f'id="{ids}"' in text
        assert 'aria-invalid="true"' in text
    assert 'class="error"' in text
    assert await shop.services.pool.fetchval("SELECT count(*) FROM products") == 0


async def test_mending_a_title_does_not_undo_what_was_sold_meanwhile(shop: Shop, hana: Person):
    product, ana = await lamp(shop, hana), await shop.person("Ana")
    line = Line(product=product.id, variant=product.variants[0].id, title="Lamp", price=5_000, quantity=3)
    await sell(shop.services.pool, ana, hana, lines=(line,))
    shown = ({"sku": "L-RED", "color": "Red", "stock": "5", "was": "5"}, {"sku": "L-BLUE", "stock": "7", "was": "2"})  # fmt: skip
    status, _, text = await send(hana, f"/studio/products/{product.id}", *shown, title="Lamp, warm")
    assert status == 303, text
    now = await shop.services.catalog.get(product.id)
    assert now.title == "Lamp, warm"
    assert [(v.sku, v.stock) for v in now.variants] == [("L-RED", 2), ("L-BLUE", 7)]
    assert [v.id for v in now.variants] == [v.id for v in product.variants]


async def test_a_variant_is_removed_by_its_box_and_another_added(shop: Shop, hana: Person):
    product = await lamp(shop, hana)
    await send(
        hana,
        f"/studio/products/{product.id}",
        {"sku": "L-RED", "stock": "5", "was": "5", "remove": "1"},
        {"sku": "L-BLUE", "stock": "2", "was": "2"},
        {"sku": "L-GREEN", "stock": "4"},
    )
    now = await shop.services.catalog.get(product.id)
    assert [(v.sku, v.stock) for v in now.variants] == [("L-BLUE", 2), ("L-GREEN", 4)]


async def test_products_are_listed_searched_and_archived(shop: Shop, hana: Person):
    assert "No products yet" in await (await hana.browser.get("/studio/products")).text()
    product = await lamp(shop, hana)
    await shop.product(hana, "Vase")
    listed = await (await hana.browser.get("/studio/products")).text()
    for words in ("Lamp", "7 in stock", "Vase", "Stock not counted"):
        assert words in listed
    found = await (await hana.browser.get("/studio/products?search=lam")).text()
    assert f"/studio/products/{product.id}" in found
    assert "Vase" not in found
    done = await hana.post(f"/studio/products/{product.id}/archive", {"archived": "1"})
    assert done.status == 303
    assert f"/studio/products/{product.id}" not in await (await hana.browser.get("/studio/products")).text()
    archived = await (await hana.browser.get("/studio/products?archived=1")).text()
    assert f"/studio/products/{product.id}" in archived
    assert (await hana.post(f"/studio/products/{product.id}/archive", {"archived": "0"})).status == 303
    assert f"/studio/products/{product.id}" in await (await hana.browser.get("/studio/products")).text()


async def test_products_of_others_are_not_found(shop: Shop, hana: Person):
    product, hugo, ana = await lamp(shop, hana), await shop.person("Hugo", "host"), await shop.person("Ana")
    path = f"/studio/products/{product.id}"
    assert (await hugo.browser.get(path)).status == 404
    assert (await send(hugo, path, title="Stolen"))[0] == 404
    assert (await hugo.post(f"{path}/archive", {"archived": "1"})).status == 404
    assert (await ana.browser.get("/studio/products")).status == 403
    assert (await hana.browser.post(path, data={**LAMP, "title": "Forged"})).status == 403
    assert await shop.services.catalog.get(product.id) == product
