"""The live show's supply: what is sold next, and what sold comes back, so that the show never runs dry.

The queue is the show's own record, as hosts edit it in the studio; this only reads it, and adds at its end.
"""

from collections import deque
from collections.abc import Sequence

from liveserver.accounts.model import Identity
from liveserver.catalog.model import Product, ProductChanges, VariantDraft
from liveserver.demo.goods import Good
from liveserver.demo.services import DemoServices, granted
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ShowId
from liveserver.shows.model import LotDraft, QueuedLot

QUEUED_MIN = 6
"""Lots kept waiting: enough for a console to look like an evening's plan."""
SKIPPED_MAX = 50
"""Lots remembered as opened, until the record (which is written a moment later) says so too."""
DELIVERY = 30
"""Pieces of each good at first, and again when it is sold out."""


def lot_draft(good: Good, product: Product) -> LotDraft:
    """A good as a lot of the queue."""
    return LotDraft(
        title=good.title,
        start=good.start,
        product=product.id,
        picture=good.picture,
        reserve=good.reserve,
        preset=good.preset,
    )


class Shelf:
    """The queue of one show, filled from `stock` in turn."""

    def __init__(
        self,
        services: DemoServices,
        host: Identity,
        show: ShowId,
        stock: Sequence[tuple[Good, Product]],
    ) -> None:
        self._services = services
        self._host = host
        self._show = show
        self._stock = deque(stock)
        self._skipped: deque[LotId] = deque(maxlen=SKIPPED_MAX)

    async def next(self) -> QueuedLot | None:
        """The first waiting lot; None if there is none even after restocking (a human may be editing the queue)."""
        waiting = await self._waiting()
        if not waiting:
            await self.restock()
            waiting = await self._waiting()
        return waiting[0] if waiting else None

    def skip(self, lot: LotId) -> None:
        """This one was opened, or can't be."""
        self._skipped.append(lot)

    async def restock(self) -> None:
        """Fills the queue up to `QUEUED_MIN`, in the order of the catalogue, with what is not waiting already."""
        waiting = await self._waiting()
        titles = {lot.title for lot in waiting}
        missing = QUEUED_MIN - len(waiting)
        for _ in range(len(self._stock)):
            if missing <= 0:
                return
            good, product = self._stock[0]
            self._stock.rotate(-1)
            if good.title not in titles:
                await self._queue(good, product)
                missing -= 1

    async def _queue(self, good: Good, product: Product) -> None:
        """Adds a lot; of what is sold out a new delivery comes first, for the show goes on for days."""
        services, draft = self._services, lot_draft(good, product)
        queued = await services.shows.enqueue(self._host, self._show, draft)
        if isinstance(queued, Rejected) and queued.code == "out_of_stock":
            delivery = ProductChanges(variants=(VariantDraft(sku=good.key, stock=DELIVERY),))
            granted(
                await services.catalog.update(self._host, product.id, delivery), f"delivering {good.title}"
            )
            queued = await services.shows.enqueue(self._host, self._show, draft)
        granted(queued, f"queueing {good.title}")

    def begin_after(self, title: str) -> None:
        """Turns the stock so that what comes after `title` is next: a restart goes on where the show was."""
        for _ in range(len(self._stock)):
            good, _ = self._stock[0]
            self._stock.rotate(-1)
            if good.title == title:
                return

    async def _waiting(self) -> list[QueuedLot]:
        return [lot for lot in await self._services.shows.queue(self._show) if lot.id not in self._skipped]
