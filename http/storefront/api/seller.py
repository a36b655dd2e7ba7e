"""`/seller/livestreams`: a host plans shows, runs them, and prepares their lots.

Whose show it is, is decided in the domain's own query, or by the role in the show for what goes into its log: somebody
else's show is not found.
"""

from typing import Any

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ShowId, UserId
from liveserver.rooms.model import HOSTS as HOSTS_IN_SHOW
from liveserver.shows.errors import LOT_NOT_FOUND, SHOW_NOT_FOUND
from liveserver.shows.model import QueuedLot, Show
from liveserver.shows.rules import role_in
from storefront.api.documents import Acted, Listing, LotDocument, SellerLivestream, lot, seller_livestream
from storefront.api.inputs import Highlight, LivestreamEdit, LotEdit, LotOrder, NewLivestream, NewLot
from storefront.api.paging import Cursor, Limit, bounded
from storefront.api.registry import HOSTS, Call, operation
from storefront.rooms import act


class OwnQuery(msgspec.Struct, frozen=True):
    """Which page."""

    cursor: Cursor = ""
    limit: Limit = 20


@operation("GET", "/seller/livestreams", tag="seller", who=HOSTS)
async def own_livestreams(call: Call, query: OwnQuery) -> Listing[SellerLivestream] | Rejected:
    """One's own shows: live, upcoming, ended."""
    page = await call.services.shows.by_host(
        UserId(call.who.id), query.cursor or None, bounded(call, query.limit)
    )
    if isinstance(page, Rejected):
        return page
    return Listing(tuple(map(seller_livestream, page.items)), page.next)


@operation("POST", "/seller/livestreams", tag="seller", who=HOSTS, status=201, keyed=True)
async def create_livestream(call: Call, body: NewLivestream) -> SellerLivestream | Rejected:
    """Plans a show."""
    made = await call.services.shows.create(call.who, body.draft())
    return made if isinstance(made, Rejected) else seller_livestream(made)


@operation("GET", "/seller/livestreams/{id}", tag="seller", who=HOSTS)
async def own_livestream(call: Call, id: str) -> SellerLivestream | Rejected:
    """One of one's own shows, with its chat settings and moderators."""
    show = await _own_show(call, id)
    return show if isinstance(show, Rejected) else seller_livestream(show)


@operation("PATCH", "/seller/livestreams/{id}", tag="seller", who=HOSTS)
async def edit_livestream(call: Call, id: str, body: LivestreamEdit) -> SellerLivestream | Rejected:
    """Changes a show. Currency and schedule are settled once it is live."""
    done = await call.services.shows.update(call.who, ShowId(id), body.changes())
    return done if isinstance(done, Rejected) else seller_livestream(done)


@operation("POST", "/seller/livestreams/{id}/start", tag="seller", who=HOSTS)
async def start_livestream(call: Call, id: str) -> Acted | Rejected:
    """Goes live."""
    return await _act(call, id, "show:start")


@operation("POST", "/seller/livestreams/{id}/end", tag="seller", who=HOSTS)
async def end_livestream(call: Call, id: str) -> Acted | Rejected:
    """Ends the show; refused while a lot runs."""
    return await _act(call, id, "show:end")


@operation("POST", "/seller/livestreams/{id}/highlight", tag="seller", who=HOSTS)
async def highlight(call: Call, id: str, body: Highlight) -> Acted | Rejected:
    """Puts a product into the spotlight, or takes it out."""
    if body.product is None:
        return await _act(call, id, "spotlight:clear")
    return await _act(call, id, "spotlight:set", product=body.product, units=body.units, limit=body.limit)


@operation("GET", "/seller/livestreams/{id}/lots", tag="seller", who=HOSTS)
async def queue(call: Call, id: str) -> Listing[LotDocument] | Rejected:
    """The lots that wait, in their order."""
    show = await _own_show(call, id)
    if isinstance(show, Rejected):
        return show
    return Listing(tuple(map(lot, await call.services.shows.queue(show.id))))


@operation("POST", "/seller/livestreams/{id}/lots", tag="seller", who=HOSTS, status=201, keyed=True)
async def add_lot(call: Call, id: str, body: NewLot) -> LotDocument | Rejected:
    """Adds a lot at the end of the queue."""
    made = await call.services.shows.enqueue(call.who, ShowId(id), body.draft())
    return _input(made) if isinstance(made, Rejected) else lot(made)


@operation("PUT", "/seller/livestreams/{id}/lots/order", tag="seller", who=HOSTS)
async def order_lots(call: Call, id: str, body: LotOrder) -> Listing[LotDocument] | Rejected:
    """Puts the queue into a new order."""
    done = await call.services.shows.reorder(call.who, ShowId(id), [LotId(one) for one in body.lots])
    return done if isinstance(done, Rejected) else Listing(tuple(map(lot, done)))


@operation("PATCH", "/seller/livestreams/{id}/lots/{lot_id}", tag="seller", who=HOSTS)
async def edit_lot(call: Call, id: str, lot_id: str, body: LotEdit) -> LotDocument | Rejected:
    """Changes a lot that waits."""
    held = await _lot_of(call, id, lot_id)
    if isinstance(held, Rejected):
        return held
    done = await call.services.shows.edit(call.who, held.id, body.changes())
    return _input(done) if isinstance(done, Rejected) else lot(done)


@operation("DELETE", "/seller/livestreams/{id}/lots/{lot_id}", tag="seller", who=HOSTS)
async def remove_lot(call: Call, id: str, lot_id: str) -> Rejected | None:
    """Removes a lot that waits."""
    held = await _lot_of(call, id, lot_id)
    return held if isinstance(held, Rejected) else await call.services.shows.dequeue(call.who, held.id)


def _input(rejected: Rejected) -> Rejected:
    """A product that the body names wrongly is a wrong input; "not found" is for what the address names."""
    if rejected.code != "product_not_found":
        return rejected
    return msgspec.structs.replace(rejected, code="unknown_product")


async def _own_show(call: Call, id: str) -> Show | Rejected:
    show = await call.services.shows.get(ShowId(id))
    if show is None or role_in(show, call.who) not in HOSTS_IN_SHOW:
        return SHOW_NOT_FOUND
    return show


async def _lot_of(call: Call, show_id: str, lot_id: str) -> QueuedLot | Rejected:
    show = await _own_show(call, show_id)
    if isinstance(show, Rejected):
        return show
    found = await call.services.shows.lot(LotId(lot_id))
    return LOT_NOT_FOUND if found is None or found.show != show.id else found


async def _act(call: Call, id: str, kind: str, **payload: Any) -> Acted | Rejected:
    show = await _own_show(call, id)
    if isinstance(show, Rejected):
        return show
    done = await act(call.services, show, call.who, kind, payload)
    return done if isinstance(done, Rejected) else Acted(done.seq, done.ts, done.result)
