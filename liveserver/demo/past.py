"""The show that is over when a visitor arrives: held once, in seconds, through the same socket as any other, so that its
results are as real as all others. Bids follow from the valuations; nobody waits and nobody chats.
"""

import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack

from liveserver.client import Room
from liveserver.demo.bidder import step_of
from liveserver.demo.door import Door
from liveserver.demo.goods import Good
from liveserver.demo.people import JUNO, Character
from liveserver.demo.seed import Stage
from liveserver.demo.services import granted
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId

BIDDERS = 4
ROUNDS_MAX = 8
"""Rounds of bids on a lot: enough for a story, few enough for a server that has visitors to greet."""
LOT_MS = 20_000
"""A lot's time; the host's hammer ends it long before."""
DECIDED_MS = 15_000
"""Longest wait for a result to be final; recording one takes milliseconds."""

log = logging.getLogger(__name__)


async def hold_past_show(door: Door, stage: Stage, people: Sequence[Character]) -> None:
    """Starts the show, sells everything, ends it. Nothing happens if that was done before."""
    show = await door.services.shows.get(stage.show.id)
    if show is None or show.status == "ended":
        return
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(door.enter(JUNO, show.id))
        bidders = [
            (who, await stack.enter_async_context(door.enter(who.person, show.id)))
            for who in [who for who in people if who.bids][:BIDDERS]
        ]
        if host.view["show"]["status"] == "scheduled":
            granted(await host.start_show(), "starting the show of the past")
        for good, product in stage.stock:
            # After an interrupted evening what is sold stays sold.
            if all(lot["title"] != good.title for lot in host.view["auction"]["lots"].values()):
                await _sell(host, bidders, good, product.id)
        granted(await host.end_show(), "ending the show of the past")
    log.info("the show of the past was held: %s", stage.show.id)


async def _sell(
    host: Room, bidders: Sequence[tuple[Character, Room]], good: Good, product: ProductId
) -> None:
    clock = {"preset": "live", "duration_ms": LOT_MS, "hammer_ms": 100}
    opened = granted(
        await host.open_lot(product=product, start=good.start, clock=clock), f"opening {good.title}"
    )
    for turn in range(ROUNDS_MAX):
        who, room = bidders[turn % len(bidders)]
        await room.until(lambda room=room: room.lot is not None and room.lot["lot"] == opened.lot, DECIDED_MS)
        lot = room.lot
        most = max(who.valuation(0, good.title, good.start), good.worth // 200 * 100)
        if lot is not None and lot["min_next"] <= most:
            amount = min(most, lot["min_next"] + step_of(lot) * (2 + turn * 4)) // 100 * 100
            placed = await room.bid(opened.lot, amount, confirm=True)
            if not isinstance(placed, Rejected):
                await host.until(lambda seq=placed.seq: host.seq >= seq, DECIDED_MS)
    granted(await host.close_lot(opened.lot), f"the hammer for {good.title}")
    await host.until(lambda: _status(host, opened.lot) in {"sold", "passed"}, DECIDED_MS)


def _status(room: Room, lot: str) -> str:
    return room.view["auction"]["lots"].get(lot, {}).get("status", "")
