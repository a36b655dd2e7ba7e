"""Products as rows: each function is a statement or two of `queries.sql`, typed on both sides. It decides nothing."""

from typing import cast

import asyncpg
import msgspec

from liveserver.catalog.errors import UNKNOWN_CATEGORY
from liveserver.catalog.model import Category, Product, ProductDraft, Variant, VariantDraft
from liveserver.catalog.rules import words
from liveserver.infra.database import Connection, Pool, Record, load_queries
from liveserver.inventory import store as inventory
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, UserId, new_id

Q = load_queries("liveserver.catalog")
Database = Pool | Connection
CATEGORIES_MAX = 500
"""Shelves of one shop: a menu, not a database."""


def _product(row: Record) -> Product:
    return Product(
        ProductId(row["id"]),
        UserId(row["seller"]),
        row["title"],
        row["description"],
        row["price"],
        row["currency"],
        tuple(row["images"]),
        row["category"] or "",
        msgspec.convert(row["variants"], tuple[Variant, ...]),
        row["created_ts"],
        row["archived"],
    )


def _searched(draft: ProductDraft) -> tuple[str, str]:
    """The words of the title, and those of everything else."""
    rest = [
        draft.description,
        draft.category,
        *(text for v in draft.variants for text in (v.sku, v.color, v.size)),
    ]
    return " ".join(words(draft.title)), " ".join(words(" ".join(rest)))


async def insert_product(
    db: Connection, product: ProductId, seller: UserId, draft: ProductDraft, now_ms: int, products_max: int
) -> bool | Rejected:
    """Adds it with its variants. False: the seller has `products_max` already; `UNKNOWN_CATEGORY`."""
    try:
        added = await db.fetchval(
            Q.insert_product,
            product,
            seller,
            draft.title,
            draft.description,
            draft.price,
            draft.currency,
            list(draft.images),
            draft.category,
            now_ms,
            *_searched(draft),
            products_max,
        )
    except asyncpg.ForeignKeyViolationError:
        return UNKNOWN_CATEGORY
    if added is None:
        return False
    for position, variant in enumerate(draft.variants, 1):
        await _insert_variant(db, product, position, variant, now_ms)
    return True


async def update_product(
    db: Connection, product: ProductId, draft: ProductDraft, archived: bool, counted_ts: int | None
) -> Rejected | None:
    """Replaces what it says and, if somebody has counted, its variants; those whose sku stays keep their ids.
    `UNKNOWN_CATEGORY`."""
    try:
        await db.execute(
            Q.update_product,
            product,
            draft.title,
            draft.description,
            draft.price,
            draft.currency,
            list(draft.images),
            draft.category,
            archived,
            *_searched(draft),
        )
    except asyncpg.ForeignKeyViolationError:
        return UNKNOWN_CATEGORY
    if counted_ts is None:
        return None  # the draft's stock is what was read: somebody may have bought since
    await db.execute(Q.delete_variants, product, [variant.sku for variant in draft.variants])
    for position, v in enumerate(draft.variants, 1):
        changed = await db.fetchval(Q.change_variant, product, v.sku, position, v.color, v.size, v.price)
        if changed is None:
            await _insert_variant(db, product, position, v, counted_ts)
        elif v.stock is not None:
            await inventory.count(db, changed, v.stock, counted_ts)
    return None


async def _insert_variant(
    db: Connection, product: ProductId, position: int, v: VariantDraft, now_ms: int
) -> None:
    variant = new_id("var")
    await db.execute(Q.insert_variant, variant, product, position, v.sku, v.color, v.size, v.price)
    if v.stock is not None:
        await inventory.count(db, variant, v.stock, now_ms)


async def lock_product(db: Connection, product: ProductId, any_seller: bool, seller: str) -> Product | None:
    """The product if it is this seller's, held until the transaction ends."""
    if await db.fetchval(Q.lock_product, product, any_seller, seller) is None:
        return None
    return (await find_products(db, [product]))[0]


async def find_products(db: Database, products: list[ProductId]) -> list[Product]:
    """Those of the products that exist, in no order."""
    return [_product(row) for row in await db.fetch(Q.find_products, products)]


async def list_products(
    db: Database, after: str | None, category: str, seller: UserId | None, archived: bool, limit: int
) -> list[Product]:
    """The newest first, from after the id `after`."""
    rows = await db.fetch(Q.list_products, after, category, seller, archived, limit)
    return [_product(row) for row in rows]


async def search_products(
    db: Database, query: str, category: str, seller: UserId | None, after: tuple[int, str] | None, limit: int
) -> list[tuple[int, Product]]:
    """The best matches first, each with its rank, from after the position `after`."""
    rank, last = after or (None, None)
    rows = await db.fetch(Q.search_products, query, category, seller, rank, last, limit)
    return [(cast(int, row["rank"]), _product(row)) for row in rows]


async def list_categories(db: Database) -> tuple[Category, ...]:
    """All categories in their order."""
    return tuple(Category(row["id"], row["name"]) for row in await db.fetch(Q.list_categories))


async def put_category(db: Database, category: Category) -> bool:
    """Adds or renames it. False: there are `CATEGORIES_MAX` already."""
    return await db.fetchval(Q.put_category, category.id, category.name, CATEGORIES_MAX) is not None
