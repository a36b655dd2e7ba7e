"""Offering, changing and finding products, on the real PostgreSQL: refusals by the row, every seller x every other."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveserver.accounts.model import Identity, IdentityRole, guest
from liveserver.catalog import service
from liveserver.catalog.model import Category, Product, ProductChanges, ProductDraft, VariantDraft
from liveserver.catalog.rules import search_query, words
from liveserver.catalog.service import Catalog
from liveserver.infra.database import Pool
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, UserId
from liveserver.kernel.pages import Page
from liveserver.kernel.text import is_picture


def person(name: str, role: IdentityRole = "host") -> Identity:
    return Identity(f"user_{name}", name.title(), role, True, "", 2**53 - 1)


ANA, BO, OPERATOR = person("ana"), person("bo"), person("operator", "admin")
CAMERA = ProductDraft(
    "Canon AE-1 Program",
    12_900,
    "USD",
    "Black body, 50 mm lens.\nShutter works at all speeds.",
    ("/media/generated/camera/7.svg", "https://img.example.com/ae1.jpg"),
    "cameras",
    (VariantDraft("AE1-BLK", "black", "", 2), VariantDraft("AE1-CHR", "chrome", "", 1, 13_900)),
)


@pytest.fixture
def catalog(pool: Pool) -> Catalog:
    return Catalog(pool, VirtualClock())


async def offered(catalog: Catalog, title: str = "Thing", by: Identity = ANA, **more: Any) -> Product:
    product = await catalog.create(
        by, ProductDraft(**{"title": title, "price": 100, "currency": "USD", **more})
    )
    assert isinstance(product, Product), product
    return product


def titles(page: Page[Product] | Rejected) -> list[str]:
    assert isinstance(page, Page), page
    return [product.title for product in page.items]


def code(answer: object) -> str:
    return answer.code if isinstance(answer, Rejected) else "accepted"


async def test_what_is_offered_can_be_looked_at(catalog: Catalog):
    product = await catalog.create(ANA, CAMERA)
    assert isinstance(product, Product)
    assert (product.seller, product.title, product.price, product.currency) == (
        ANA.id, "Canon AE-1 Program", 12_900, "USD",
    )  # fmt: skip
    assert [(v.sku, v.color, v.stock, v.price) for v in product.variants] == [
        ("AE1-BLK", "black", 2, 12_900),
        ("AE1-CHR", "chrome", 1, 13_900),
    ]
    assert product.images == CAMERA.images
    assert product.description == CAMERA.description
    assert await catalog.get(product.id) == product


@pytest.mark.parametrize(
    ("change", "refusal", "field"),
    [
        ({"title": ""}, "bad_title", "title"),
        ({"title": " \n "}, "bad_title", "title"),
        ({"title": "x" * 121}, "bad_title", "title"),
        ({"title": "a\x00b"}, "bad_title", "title"),
        ({"title": "a\u202eb"}, "bad_title", "title"),
        ({"title": "x" * 1_000_000}, "bad_title", "title"),
        ({"description": "x" * 5001}, "bad_description", "description"),
        ({"description": "\ud800"}, "bad_description", "description"),
        ({"price": -1}, "bad_price", "price"),
        ({"price": 10**12 + 1}, "bad_price", "price"),
        ({"price": 10**30}, "bad_price", "price"),
        ({"currency": "usd"}, "bad_currency", "currency"),
        ({"currency": "EURO"}, "bad_currency", "currency"),
        ({"currency": "US\n"}, "bad_currency", "currency"),
        ({"images": ("javascript:alert(1)",)}, "bad_images", "images.0"),
        ({"images": ("/ok.svg", "//evil.example/x")}, "bad_images", "images.1"),
        ({"images": ("/x.svg",) * 13}, "bad_images", "images"),
        ({"category": "nonsense"}, "unknown_category", "category"),
        ({"category": "x" * 100}, "unknown_category", "category"),
        ({"variants": (VariantDraft(""),)}, "bad_variants", "variants.0.sku"),
        ({"variants": (VariantDraft("A"), VariantDraft(" A "))}, "bad_variants", "variants.1.sku"),
        ({"variants": (VariantDraft("A", color="x" * 41),)}, "bad_variants", "variants.0.color"),
        ({"variants": (VariantDraft("A", size="x" * 41),)}, "bad_variants", "variants.0.size"),
        ({"variants": (VariantDraft("A", stock=-1),)}, "bad_variants", "variants.0.stock"),
        ({"variants": (VariantDraft("A", stock=10**7),)}, "bad_variants", "variants.0.stock"),
        ({"variants": (VariantDraft("A", price=-1),)}, "bad_variants", "variants.0.price"),
        ({"variants": tuple(VariantDraft(str(i)) for i in range(101))}, "bad_variants", "variants"),
    ],
)
async def test_refused_drafts_and_changes(catalog: Catalog, change: dict[str, Any], refusal: str, field: str):
    product = await offered(catalog, variants=(VariantDraft("Z"),))
    created = await catalog.create(ANA, msgspec.structs.replace(CAMERA, **change))
    edited = await catalog.update(ANA, product.id, ProductChanges(**change))
    for refused in (created, edited):
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.detail["field"]) == (refusal, field)
    assert titles(await catalog.search()) == ["Thing"]
    assert await catalog.get(product.id) == product, "a refused change leaves no trace"


@pytest.mark.parametrize(
    ("url", "fit"),
    [
        ("https://img.example.com/a.jpg?w=2", True),
        ("https://img.example.com", True),
        ("/media/generated/camera/7.svg", True),
        ("http://img.example.com/a.jpg", False),
        ("https:///a", False),
        ("https://user@img.example.com/a", False),
        ("//img.example.com/a", False),
        ("/\\img.example.com/a", False),
        ("data:image/svg+xml,x", False),
        ("a.jpg", False),
        ("/a b", False),
        ('/a"onload=x', False),
        ("/a\n", False),
        ("", False),
        ("/" + "a" * 500, False),
    ],
)
def test_what_may_be_a_pictures_address(url: str, fit: bool):
    assert is_picture(url) is fit


@pytest.mark.parametrize("by", [person("vi", "viewer"), guest()])
async def test_only_hosts_offer(catalog: Catalog, by: Identity):
    assert code(await catalog.create(by, CAMERA)) == "not_a_host"
    product = await offered(catalog, by=msgspec.structs.replace(by, role="host"))
    assert code(await catalog.update(by, product.id, ProductChanges(price=1))) == "not_a_host"


async def test_every_product_is_changed_by_its_seller_or_the_operator_only(catalog: Catalog):
    sellers = [ANA, BO, person("cy"), person("ext:1")]
    products = {seller.id: await offered(catalog, by=seller) for seller in sellers}
    for owner, product in products.items():
        for by in [*sellers, OPERATOR]:
            answer = await catalog.update(by, product.id, ProductChanges(price=777))
            expected = "accepted" if by.id == owner or by is OPERATOR else "product_not_found"
            assert code(answer) == expected, f"{by.id} changes a product of {owner}"
        now = await catalog.get(product.id)
        assert now is not None
        assert now.seller == owner, "a change by the operator does not take it over"


async def test_what_is_left_unset_stays(catalog: Catalog):
    product = await catalog.create(ANA, CAMERA)
    assert isinstance(product, Product)
    changed = await catalog.update(ANA, product.id, ProductChanges(price=11_000))
    assert changed == msgspec.structs.replace(product, price=11_000)
    assert await catalog.update(ANA, product.id, ProductChanges()) == changed


async def test_variants_keep_their_ids_by_sku(catalog: Catalog):
    product = await catalog.create(ANA, CAMERA)
    assert isinstance(product, Product)
    black = product.variants[0].id
    changed = await catalog.update(
        ANA,
        product.id,
        ProductChanges(variants=(VariantDraft("AE1-GLD", "gold"), VariantDraft("AE1-BLK", "jet", "", 5))),
    )
    assert isinstance(changed, Product)
    assert [(v.sku, v.color, v.stock) for v in changed.variants] == [
        ("AE1-GLD", "gold", 0),
        ("AE1-BLK", "jet", 5),
    ]
    assert changed.variants[1].id == black
    assert titles(await catalog.search("gold")) == ["Canon AE-1 Program"]
    assert titles(await catalog.search("chrome")) == []


async def test_two_changes_at_once_both_hold(catalog: Catalog):
    product = await offered(catalog)
    await asyncio.gather(
        *(
            catalog.update(
                ANA, product.id, ProductChanges(variants=tuple(VariantDraft(f"{i}-{n}") for n in range(3)))
            )
            for i in range(6)
        ),
        catalog.update(ANA, product.id, ProductChanges(price=42)),
    )
    now = await catalog.get(product.id)
    assert now is not None
    assert now.price == 42
    assert len({v.sku[0] for v in now.variants}) == 1, "the variants are of one change, not a mixture"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("canon", True),
        ("CANON ae-1", True),
        ("ae 1", True),
        ("ae1", True),  # the beginning of a sku
        ("ae1 blk", True),  # the sku
        ("cano", True),  # still typing
        ("cano program", False),  # only the last word may be unfinished
        ("programs", True),  # English forms
        ("cafe", True),  # accents do not matter, in the text …
        ("lèns", True),  # … nor in the search
        ("the", True),  # a word that English would leave out, found in the title as it is
        ("shutter speeds", True),
        ("chrome", True),
        ("cameras", True),  # the category
        ("nikon", False),
        ("canon nikon", False),
        ("canon | nikon", False),
        ("canon & !program", True),  # operators are punctuation here
        ("canon:*", True),
        ("'); DROP TABLE products; --", False),
        ("!!!", False),
        ("\x00", False),
        ("\ud800", False),
        ("日本", True),
    ],
)
async def test_searches(catalog: Catalog, search: str, found: bool):
    await catalog.create(
        ANA,
        msgspec.structs.replace(
            CAMERA, title="The Canon AE-1 Program 日本製", description="Café find. Lens, shutter speeds."
        ),
    )
    assert bool(titles(await catalog.search(search))) is found


async def test_the_best_match_comes_first(catalog: Catalog):
    await offered(catalog, "Strap", description="fits every leica and other leica cameras")
    await offered(catalog, "Leica M3")
    await offered(catalog, "Bag")
    assert titles(await catalog.search("leica")) == ["Leica M3", "Strap"]


@given(st.text(max_size=250))
def test_no_text_makes_a_malformed_query(text: str):
    query = search_query(text)
    assert query.count("'") == 2 * len(words(text[:200])[:8])


@given(st.text(max_size=80))
def test_a_text_is_found_by_its_own_words(text: str):
    assert words(" ".join(words(text))) == words(text)


@pytest.mark.parametrize("search", ["", "thing"])
@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_pages_hold_every_product_once(catalog: Catalog, search: str, limit: int):
    made = [(await offered(catalog, f"Thing {i}")).title for i in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(8):
        page = await catalog.search(search, cursor=cursor, limit=limit)
        assert isinstance(page, Page)
        assert 1 <= len(page.items) <= limit
        seen += titles(page)
        await offered(catalog, "A thing that came meanwhile", category="other")
        if (cursor := page.next) is None:
            break
    assert cursor is None
    own = [title for title in seen if title != "A thing that came meanwhile"]
    assert sorted(own) == made
    if not search:
        assert own == made[::-1], "the newest first"


async def test_lists_can_be_narrowed(catalog: Catalog):
    await offered(catalog, "A", category="cameras")
    await offered(catalog, "B", by=BO, category="cameras")
    await offered(catalog, "C", by=BO, category="cards")
    assert titles(await catalog.search(category="cameras")) == ["B", "A"]
    assert titles(await catalog.search(seller=UserId(BO.id))) == ["C", "B"]
    assert titles(await catalog.search("b", category="cameras", seller=UserId(BO.id))) == ["B"]
    assert (
        titles(await catalog.search(category="nonsense"))
        == titles(await catalog.search(category="\x00"))
        == []
    )
    assert titles(await catalog.by_seller(UserId(ANA.id))) == ["A"]
    assert titles(await catalog.by_seller(UserId("\x00"))) == []


async def test_archived_products_are_found_by_id_only(catalog: Catalog):
    product = await offered(catalog, "Old thing")
    archived = await catalog.update(ANA, product.id, ProductChanges(archived=True))
    assert isinstance(archived, Product)
    assert titles(await catalog.search()) == titles(await catalog.search("old")) == []
    assert titles(await catalog.by_seller(UserId(ANA.id))) == []
    assert titles(await catalog.by_seller(UserId(ANA.id), archived=True)) == ["Old thing"]
    assert await catalog.get(product.id) == archived


@pytest.mark.parametrize("search", ["", "thing"])
@pytest.mark.parametrize(
    "cursor",
    ["nonsense", "é", "W10", "WzFd", "WyJhIiwiYiJd", "x" * 1000, "WzEsMl0", "bnVsbA",
     "WzkyMjMzNzIwMzY4NTQ3NzU4MDgsImEiXQ", "WyJcdTAwMDAiXQ", "WzEsIlx1MDAwMCJd"],
)  # fmt: skip
async def test_cursors_from_elsewhere_are_refused(catalog: Catalog, search: str, cursor: str):
    assert code(await catalog.search(search, cursor=cursor)) == "bad_cursor"


async def test_several_at_once_and_nonsense_ids(catalog: Catalog):
    one, other = await offered(catalog), await offered(catalog)
    wanted = (one.id, ProductId("prod_none"), other.id, ProductId("\x00"), ProductId("\ud800"))
    assert await catalog.several(wanted) == {one.id: one, other.id: other}
    assert await catalog.get(ProductId("\x00")) is None
    assert code(await catalog.update(ANA, ProductId("\x00"), ProductChanges())) == "product_not_found"


async def test_a_seller_has_so_many_products_and_no_more(catalog: Catalog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "PRODUCTS_PER_SELLER_MAX", 2)
    answers = [code(await catalog.create(ANA, CAMERA)) for _ in range(3)]
    assert answers == ["accepted", "accepted", "too_many_products"]
    assert code(await catalog.create(BO, CAMERA)) == "accepted"


async def test_categories_are_a_list_that_can_grow(catalog: Catalog):
    before = await catalog.categories()
    assert Category("cameras", "Cameras") in before
    hats = Category("hats", "Hats")
    assert await catalog.add_category(Category("hats", " Hats ")) == hats
    assert await catalog.add_category(hats) == hats
    assert await catalog.categories() == (*before, hats)
    for wrong in ("", "Hats", "a b", "-x", "x-", "x" * 41):
        assert code(await catalog.add_category(Category(wrong, "Hats"))) == "bad_id"
    assert code(await catalog.add_category(Category("caps", ""))) == "bad_name"


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE products SET price = -1",
        "UPDATE products SET currency = 'usd'",
        "UPDATE products SET title = ''",
        "UPDATE products SET category = 'nonsense'",
        "UPDATE variants SET stock = -1",
        "UPDATE variants SET sku = 'same'",
        "UPDATE variants SET position = 1",
        "INSERT INTO variants SELECT 'v', 'no product', 9, 'x', '', '', 0, 0",
        "DELETE FROM categories WHERE id = 'cameras'",
    ],
)
async def test_the_database_itself_refuses(catalog: Catalog, pool: Pool, broken: str):
    import asyncpg

    await catalog.create(ANA, CAMERA)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await pool.execute(broken)
