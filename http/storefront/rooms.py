"""Live rooms as HTTP sees them: a look at what runs in a show, and commands sent through the gateway's own routes.

It decides nothing: a command goes into the show's log like any other, and the room's verdict is the answer.
"""

import asyncio
import inspect
from typing import Any

import msgspec
import structlog
from aiohttp import web

from liveserver.accounts.model import NEVER_MS, NO_SESSION, Identity
from liveserver.kernel.errors import UNAVAILABLE, Rejected
from liveserver.rooms.edge import Edge, command
from liveserver.rooms.hub import NoShow, RoomUnavailable
from liveserver.rooms.model import Viewer
from liveserver.shows.model import Show
from storefront.bodies import wrong_field
from storefront.problems import FORBIDDEN, NOT_FOUND, SIGN_IN_FIRST, Refused
from storefront.services import LiveRoom, Services
from storefront.visitors import actor_in
from storefront.web.context import LotGlance

log = structlog.get_logger(__name__)

OPEN_WAIT_S = 2.0
"""A page does not wait longer for a room: it shows what the record knows, and the socket brings the rest."""
GLANCE_MS = 1_000
"""How old a lot's price on a list may be. The page's socket tells newer ones."""
GLANCES_MAX = 1_000
"""Shows whose glance is kept; the oldest goes first."""
RUNNING = ("open", "closing", "hammered")


class Look(msgspec.Struct, frozen=True):
    """A room as a viewer finds it."""

    epoch: int
    seq: int
    server_now: int
    snapshot: dict[str, Any]
    you: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """As in the answer to `room:join`."""
        return msgspec.structs.asdict(self)


async def open_room(services: Services, show: str) -> LiveRoom:
    """The show's room. Raises Refused when there is no such show, or it can't be opened at the moment."""
    try:
        return await services.hub.open(show)
    except NoShow:
        raise Refused(NOT_FOUND) from None
    except RoomUnavailable:
        raise Refused(UNAVAILABLE) from None


async def look(services: Services, show: Show, identity: Identity) -> Look | None:
    """The room of a live show as this person may see it; None when it is not live or can't be had in time."""
    if show.status != "live":
        return None
    try:
        async with asyncio.timeout(OPEN_WAIT_S):
            room = await services.hub.open(show.id)
    except (NoShow, RoomUnavailable, TimeoutError) as error:
        log.warning("no_look_into_room", show=show.id, error=repr(error))
        return None
    joined = room.join(Viewer(identity.id, actor_in(show, identity).role))
    assert joined.snapshot is not None, "joining without a position gives a snapshot"
    return Look(joined.epoch, joined.seq, room.server_now(), joined.snapshot, joined.you)


def running_lot(snapshot: dict[str, Any]) -> LotGlance | None:
    """The lot that runs, from a room's snapshot."""
    lots: dict[str, dict[str, Any]] = snapshot.get("auction", {}).get("lots", {})
    for document in reversed(lots.values()):
        if document.get("status") in RUNNING:
            return LotGlance(
                id=document["lot"],
                title=document["title"],
                picture=document.get("picture", ""),
                currency=document["currency"],
                price=document.get("price"),
                start=document["start"],
                bids=document["bids"],
                status=document["status"],
                ends_at=document.get("ends_at"),
            )
    return None


class Glances:
    """The running lots of live shows, looked up at most once in `GLANCE_MS`: a list must not cost a snapshot a reader."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, LotGlance | None]] = {}

    async def glance(self, services: Services, show: Show) -> LotGlance | None:
        """The lot that runs in a show, or None."""
        now_ms = services.clock.monotonic_ms()
        kept = self._kept.get(show.id)
        if kept is not None and now_ms - kept[0] < GLANCE_MS:
            return kept[1]
        seen = await look(services, show, NOBODY)
        lot = running_lot(seen.snapshot) if seen is not None else None
        self._kept.pop(show.id, None)
        if len(self._kept) >= GLANCES_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[show.id] = (now_ms, lot)
        return lot


NOBODY = Identity("guest:lists", "Guest", "guest", False, NO_SESSION, NEVER_MS)
"""Whoever reads a list: sees what every guest sees."""
GLANCES = web.AppKey("glances", Glances)


class Done(msgspec.Struct, frozen=True):
    """What the log made of a command that was accepted."""

    seq: int
    ts: int
    result: dict[str, Any]


async def act(
    services: Services, show: Show, identity: Identity, kind: str, payload: dict[str, Any]
) -> Done | Rejected:
    """Sends one of the gateway's messages on somebody's behalf, as if it had come over their socket.

    `payload` is the message's, without `show`. Raises Refused when the person may not send it, or it doesn't fit its type.
    """
    route = services.routes[kind]
    actor = actor_in(show, identity)
    if actor.role not in route.roles:
        raise Refused(SIGN_IN_FIRST if identity.role == "guest" else FORBIDDEN)
    try:
        typed = msgspec.convert({"show": show.id, **payload}, route.payload)
    except msgspec.ValidationError as error:
        raise Refused(wrong_field(error)) from None
    edge = Edge(
        actor, show, services.catalog, services.shows, services.clock, services.hub.offers, services.gate
    )
    settled = route.settle(typed, edge)
    if inspect.isawaitable(settled):
        settled = await settled
    if isinstance(settled, Rejected):
        return settled
    room = await open_room(services, show.id)
    answer = await room.ask(command(route.kind, actor, settled))
    if isinstance(answer.verdict, Rejected):
        return answer.verdict
    return Done(answer.seq, answer.ts, answer.verdict.result)
