"""`/livestreams`: shows as everybody may see them, their products, and what happened in them (catch-up)."""

from typing import Annotated

import msgspec
from msgspec import Meta

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ShowId
from liveserver.rooms.history import recorded_events
from liveserver.shows.errors import SHOW_NOT_FOUND
from liveserver.shows.model import Show
from storefront.api.documents import (
    FROM_WIRE,
    EventDocument,
    Listing,
    Livestream,
    ProductDocument,
    WireStatus,
    livestream,
    product,
)
from storefront.api.paging import Cursor, Limit, bounded
from storefront.api.registry import EVERYBODY, Call, operation
from storefront.results import results_of

EVENT_FACTS_MAX = 500
"""Recorded facts read for one page of events."""


class LivestreamQuery(msgspec.Struct, frozen=True):
    """Which shows; all when `status` is left out: live, then upcoming, then ended."""

    status: WireStatus | None = None
    cursor: Cursor = ""
    limit: Limit = 20


class EventQuery(msgspec.Struct, frozen=True):
    """Behind which sequence number."""

    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=EVENT_FACTS_MAX)] = 200


@operation("GET", "/livestreams", tag="shows", who=EVERYBODY)
async def livestreams(call: Call, query: LivestreamQuery) -> Listing[Livestream] | Rejected:
    """Shows: live (latest first), upcoming (soonest first), ended (latest first)."""
    status = None if query.status is None else FROM_WIRE[query.status]
    page = await call.services.shows.list(status, query.cursor or None, bounded(call, query.limit))
    if isinstance(page, Rejected):
        return page
    return Listing(tuple(_document(call, show) for show in page.items), page.next)


@operation("GET", "/livestreams/{id}", tag="shows", who=EVERYBODY)
async def one_livestream(call: Call, id: str) -> Livestream | Rejected:
    """One show."""
    show = await call.services.shows.get(ShowId(id))
    return SHOW_NOT_FOUND if show is None else _document(call, show)


@operation("GET", "/livestreams/{id}/products", tag="shows", who=EVERYBODY)
async def livestream_products(call: Call, id: str) -> Listing[ProductDocument] | Rejected:
    """The products of a show's lots: those that ran, then those that wait."""
    show = await call.services.shows.get(ShowId(id))
    if show is None:
        return SHOW_NOT_FOUND
    wanted = await results_of(call.request).products_of(show.id)
    found = await call.services.catalog.several(wanted)
    return Listing(tuple(product(found[id]) for id in wanted if id in found))


@operation("GET", "/livestreams/{id}/events", tag="shows", who=EVERYBODY)
async def livestream_events(call: Call, id: str, query: EventQuery) -> Listing[EventDocument] | Rejected:
    """Catch-up: the recorded public events behind `after`, as the socket told them.

    `next` is the next page's `after`. What the record does not hold yet (the last second or so) comes over the socket.
    """
    if await call.services.shows.get(ShowId(id)) is None:
        return SHOW_NOT_FOUND
    found = await recorded_events(call.services.pool, call.services.features, id, query.after, query.limit)
    items = tuple(msgspec.convert(item, EventDocument) for item in found.items)
    return Listing(items, None if found.next is None else str(found.next))


def _document(call: Call, show: Show) -> Livestream:
    return livestream(show, call.services.presence.count(show.id) if show.status == "live" else 0)
