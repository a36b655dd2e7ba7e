"""What can be done with the catalog: offer, change and find products.

Who may is decided in the query that changes: a product of another seller is simply not found.
"""

from collections.abc import Sequence

from msgspec import UNSET

from liveserver.accounts.model import Identity
from liveserver.catalog import store
from liveserver.catalog.errors import NOT_A_HOST, PRODUCT_NOT_FOUND, TOO_MANY_PRODUCTS, bad
from liveserver.catalog.model import Category, Product, ProductChanges, ProductDraft
from liveserver.catalog.rules import judge, judge_category, merged, search_query
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, UserId, is_id, new_id
from liveserver.kernel.pages import Page, page_limit, read_cursor, write_cursor

PRODUCTS_PER_SELLER_MAX = 10_000
"""Archived ones included; keeps one seller from filling everybody's search."""
SEVERAL_MAX = 500
"""Products fetched by their ids at once: a full queue of lots."""


class Catalog:
    """The catalog on PostgreSQL."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def create(self, by: Identity, draft: ProductDraft) -> Product | Rejected:
        """A new product of `by`, who must be a host or admin. Refusals: `not_a_host`, `too_many_products`,
        `unknown_category`, and `bad_…` with `detail.field`.
        """
        if by.role not in ("host", "admin"):
            return NOT_A_HOST
        judged = judge(draft)
        if isinstance(judged, Rejected):
            return judged
        product = ProductId(new_id("prod"))
        async with transaction(self._pool) as db:
            added = await store.insert_product(
                db, product, UserId(by.id), judged, self._clock.now_ms(), PRODUCTS_PER_SELLER_MAX
            )
            if isinstance(added, Rejected):
                # The statement failed, and the transaction with it; nothing was written.
                return added
            if not added:
                return TOO_MANY_PRODUCTS
            return (await store.find_products(db, [product]))[0]

    async def update(self, by: Identity, product: ProductId, changes: ProductChanges) -> Product | Rejected:
        """Changes a product of `by` (an admin: of anybody). Refusals as for `create`, and `product_not_found`."""
        if by.role not in ("host", "admin"):
            return NOT_A_HOST
        if not is_id(product):
            return PRODUCT_NOT_FOUND
        async with transaction(self._pool) as db:
            present = await store.lock_product(db, product, by.role == "admin", by.id)
            if present is None:
                return PRODUCT_NOT_FOUND
            judged = judge(merged(present, changes))
            if isinstance(judged, Rejected):
                return judged
            archived = present.archived if changes.archived is UNSET else changes.archived
            counted = changes.variants is not UNSET
            if refused := await store.update_product(
                db, product, judged, archived, self._clock.now_ms() if counted else None
            ):
                return refused
            return (await store.find_products(db, [product]))[0]

    async def get(self, product: ProductId) -> Product | None:
        """One product, archived or not."""
        return (await self.several((product,))).get(product)

    async def several(self, products: Sequence[ProductId]) -> dict[ProductId, Product]:
        """Those of up to `SEVERAL_MAX` products that exist, by id; later ones are left out."""
        wanted = [product for product in products if is_id(product)][:SEVERAL_MAX]
        found = await store.find_products(self._pool, wanted) if wanted else []
        return {product.id: product for product in found}

    async def search(
        self,
        search: str = "",
        category: str = "",
        seller: UserId | None = None,
        cursor: str | None = None,
        limit: int = 20,
    ) -> Page[Product] | Rejected:
        """Products on offer: with a search the best match first, else the newest first. Refusal: `bad_cursor`."""
        if (category and not is_id(category)) or (seller is not None and not is_id(seller)):
            return Page(())  # nothing can be found there
        limit = page_limit(limit)
        if not search.strip():
            return await self._newest(category, seller, cursor, limit, archived=False)
        query = search_query(search)
        after = read_cursor(cursor, tuple[int, str]) if cursor else None
        if isinstance(after, Rejected):
            return after
        if not query:
            return Page(())
        found = await store.search_products(self._pool, query, category, seller, after, limit + 1)
        more = len(found) > limit
        items = tuple(product for _, product in found[:limit])
        rank = found[limit - 1][0] if more else 0
        return Page(items, write_cursor(rank, items[-1].id) if more else None)

    async def by_seller(
        self, seller: UserId, cursor: str | None = None, limit: int = 20, *, archived: bool = False
    ) -> Page[Product] | Rejected:
        """A seller's products, the newest first; archived ones too if wanted. Refusal: `bad_cursor`."""
        if not is_id(seller):
            return Page(())
        return await self._newest("", seller, cursor, page_limit(limit), archived=archived)

    async def _newest(
        self, category: str, seller: UserId | None, cursor: str | None, limit: int, *, archived: bool
    ) -> Page[Product] | Rejected:
        after = read_cursor(cursor, tuple[str]) if cursor else None
        if isinstance(after, Rejected):
            return after
        found = await store.list_products(
            self._pool, after[0] if after else None, category, seller, archived, limit + 1
        )
        items = tuple(found[:limit])
        return Page(items, write_cursor(items[-1].id) if len(found) > limit else None)

    async def categories(self) -> tuple[Category, ...]:
        """All categories in their order."""
        return await store.list_categories(self._pool)

    async def add_category(self, category: Category) -> Category | Rejected:
        """Adds a category at the end, or renames the one with its id. The caller must act for an operator."""
        judged = judge_category(category)
        if isinstance(judged, Rejected):
            return judged
        if not await store.put_category(self._pool, judged):
            return bad("id", f"There are {store.CATEGORIES_MAX} categories already.")
        return judged
