"""What can be done with the catalog: offer, change and find products.

Who may is decided in the query that changes: a product of another seller is simply not found.
"""

import asyncpg

from liveserver.accounts.model import Identity
from liveserver.catalog.model import Category, Product, ProductChanges, ProductDraft
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, UserId
from liveserver.kernel.pages import Page


class Catalog:
    """The catalog on PostgreSQL."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None: ...
    async def create(self, by: Identity, draft: ProductDraft) -> Product | Rejected: ...
    async def update(
        self, by: Identity, product: ProductId, changes: ProductChanges
    ) -> Product | Rejected: ...
    async def get(self, product: ProductId) -> Product | None: ...
    async def several(self, products: tuple[ProductId, ...]) -> dict[ProductId, Product]: ...
    async def search(
        self,
        search: str = "",
        category: str = "",
        seller: UserId | None = None,
        cursor: str | None = None,
        limit: int = 20,
    ) -> Page[Product] | Rejected: ...
    async def by_seller(
        self, seller: UserId, cursor: str | None = None, limit: int = 20, *, archived: bool = False
    ) -> Page[Product] | Rejected: ...
    async def categories(self) -> tuple[Category, ...]: ...
    async def add_category(self, category: Category) -> Category | Rejected: ...
