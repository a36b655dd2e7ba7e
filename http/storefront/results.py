"""What shows brought: lots sold and passed, as the recorder wrote them to PostgreSQL, and how many still wait.

It reads only; the rows are the auction's and the shows' (their packages' migrations).
"""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from liveserver.infra.database import Pool, load_queries
from liveserver.kernel.ids import ProductId, ShowId, UserId
from liveserver.shows.model import Show
from storefront.web.context import Result

QUERIES = load_queries("storefront")
RESULTS_MAX = 500
"""Lots told of one show: as many as its queue may hold."""
PRODUCTS_MAX = 100
"""Products told of one show: as many as the catalog gives at once."""


class Totals(msgspec.Struct, frozen=True):
    """What a show brought."""

    sold: int = 0
    total: int = 0
    """In the show's currency."""


class Results:
    """Results on PostgreSQL."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_show(self, show: Show, limit: int) -> tuple[Result, ...]:
        """A show's decided lots, the latest first."""
        rows = await self._pool.fetch(QUERIES.results_of_show, show.id, limit)
        return tuple(Result(**row) for row in rows)

    async def won_by(self, user: UserId, limit: int) -> tuple[Result, ...]:
        """What somebody won, the latest first."""
        rows = await self._pool.fetch(QUERIES.won_by, user, limit)
        return tuple(Result(**row) for row in rows)

    async def totals(self, shows: Sequence[ShowId]) -> dict[ShowId, Totals]:
        """What each of these shows brought; shows that sold nothing are left out."""
        if not shows:
            return {}
        rows = await self._pool.fetch(QUERIES.totals, list(shows))
        return {ShowId(row["show"]): Totals(row["sold"], row["total"]) for row in rows}

    async def queued(self, shows: Sequence[ShowId]) -> dict[ShowId, int]:
        """How many lots wait in each of these shows; shows without any are left out."""
        if not shows:
            return {}
        rows = await self._pool.fetch(QUERIES.queued, list(shows))
        return {ShowId(row["show"]): row["n"] for row in rows}

    async def products_of(self, show: ShowId) -> tuple[ProductId, ...]:
        """The products of a show's lots: those that ran, in their order, then those that wait."""
        rows = await self._pool.fetch(QUERIES.products_of_show, show, PRODUCTS_MAX)
        return tuple(ProductId(row["product"]) for row in rows)


RESULTS = web.AppKey("results", Results)


def results_of(request: web.Request) -> Results:
    """The results of the application that this request came to."""
    return request.app[RESULTS]
