"""What a show consists of: the one list of features, of their wire messages, and of what the recorder writes from their facts.

A new feature is a package of its own and its lines here. Order matters for `FEATURES`: it is the order in which guards and
the passing of time take effect, and changing it between releases would decide old logs differently.
"""

from collections.abc import Sequence

from liveserver.auction import recording as auction_recording
from liveserver.auction import wire as auction_wire
from liveserver.auction.feature import Auction
from liveserver.auction.model import AuctionState
from liveserver.chat import wire as chat_wire
from liveserver.chat.feature import ChatFeature
from liveserver.cli.selling import placing_of
from liveserver.config import Settings
from liveserver.gateway.drain import Stake
from liveserver.infra.database import Connection
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.ids import ShowId
from liveserver.rooms.edge import Route
from liveserver.rooms.lifecycle import ROUTES as SHOW_ROUTES
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.model import Feature
from liveserver.rooms.recorder import Projector
from liveserver.rooms.room import Room
from liveserver.rooms.store import NewFact
from liveserver.sales import recording as sales_recording
from liveserver.shows import recording as shows_recording
from liveserver.spotlight.feature import SpotlightFeature
from liveserver.spotlight.wire import ROUTES as SPOTLIGHT_ROUTES

FEATURES: tuple[Feature, ...] = (Lifecycle(), ChatFeature(), SpotlightFeature(), Auction())


def routes(settings: Settings) -> tuple[Route, ...]:
    """The wire messages of all features, with the operator's bounds and what lots get that say nothing else."""
    defaults = auction_wire.Defaults(
        hammer_ms=settings.hammer_ms,
        call_gap_ms=settings.call_interval_ms,
        confirm_times=settings.confirm_multiple,
    )
    chat = chat_wire.routes(settings.chat_characters_max)
    return (*SHOW_ROUTES, *chat, *SPOTLIGHT_ROUTES, *auction_wire.routes(defaults))


async def _record_show(connection: Connection, show: str, rows: Sequence[NewFact]) -> None:
    # Shows are below rooms and do not know their types.
    facts = [(row.seq, row.ts, row.kind, row.payload) for row in rows if row.kind in shows_recording.KINDS]
    await shows_recording.record(connection, ShowId(show), facts)


def stakes(room: Room) -> Stake | None:
    """The bidders of the lot that runs, and when its hammer falls as far as is known: they are the last to be sent elsewhere."""
    state: AuctionState = room.states[Auction.name]
    lot = state.lots.get(state.running)
    if lot is None:
        return None
    return Stake(lot.book.bidders.keys(), lot.ends_at + lot.terms.timing.hammer_ms)


def projectors(settings: Settings) -> tuple[Projector, ...]:
    """What follows from facts, run in this order in the recorder's transaction."""
    return (
        _record_show,
        auction_recording.record,
        sales_recording.Recording(placing_of(settings, SystemClock())),
    )


PROJECTORS: tuple[Projector, ...] = projectors(Settings())
"""With the defaults; the composition root makes its own from the settings."""
