"""One fault from beginning to end: a world, a crowd, the fault, recovery, audit. Raises nothing for a broken bar: it says so.

It knows no single fault, and prints nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from chaos.audit import Findings, audit
from chaos.crowd import Crowd, until
from chaos.table import Fault
from chaos.world import World
from liveserver.infra.database import Pool
from liveserver.rooms import store
from liveserver.rooms.recorder import AWAY

AFTER = 30
"""Acknowledged bids after the recovery, before the last lot is closed."""
NODES, NODES_LONG = 2, 3
RECORDED_MAX_S = 60
SETTLE_MAX_S = 30
LAST_RESULT = "SELECT max(seq) FROM facts WHERE show = $1 AND kind IN ('lot_sold', 'lot_passed')"


class Outcome(msgspec.Struct):
    """What became of one fault."""

    fault: str
    load: str
    seed: int
    findings: Findings
    refused: dict[str, int]
    """Refusals from the fault's beginning on, by code."""
    fault_ms: int
    """How long the fault lasted."""
    meanwhile: int
    """Bids acknowledged while it lasted."""
    interruption_ms: int
    """The longest that one bidder had no answer of the rules."""
    recovery_ms: int
    """From the fault's end to the first bid acknowledged after it."""
    recorded_ms: int
    """From the fault's end until that bid was in PostgreSQL."""
    all_back_ms: int
    """From the fault's end until every bidder had been answered again."""
    silence_ms: int
    """The longest that one viewer heard nothing."""
    broken: list[str]
    """The bars that were broken, in words; empty when all held."""
    folder: str = ""
    """Logs and data, kept when a bar was broken."""


async def drill(
    fault: Fault,
    *,
    short: bool = True,
    seed: int = 1,
    bidders: int = 8,
    viewers: int = 6,
    folder: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Brings the fault about under load and counts. What fails in between is raised, with the world's folder kept: `folder`, or one
    made for it."""
    world_arguments = {"nodes": NODES if short else NODES_LONG} | {
        name: value() if callable(value) else value for name, value in fault.world.items()
    }
    world = fault.stage(**world_arguments, folder=folder, say=say)
    async with world:
        try:
            outcome = await _in(world, fault, short, seed, bidders, viewers, say)
        except BaseException as error:
            world.keep = True
            error.add_note(f"logs and data: {world.folder}; seed {seed}")
            raise
        if outcome.broken:
            world.keep = True
            outcome.folder = str(world.folder)
        return outcome


async def _in(
    world: World,
    fault: Fault,
    short: bool,
    seed: int,
    bidders: int,
    viewers: int,
    say: Callable[[str], None],
) -> Outcome:
    crowd = Crowd(world, seed=seed, **{"bidders": bidders, "viewers": viewers, **fault.crowd})
    async with crowd:
        await crowd.warm()
        say(f"{crowd.load}: {len(crowd.acknowledged)} bids acknowledged; now: {fault.name}")
        began_s = time.monotonic()
        await fault.bring(world, crowd, fault.lasts_s[0 if short else 1])
        ended_s = time.monotonic()
        say(f"the fault is over after {ended_s - began_s:.1f} s")
        first = await crowd.first_acknowledged_after(ended_s)
        pool = await world.pool()
        await recorded(pool, crowd.show, first.seq)
        recorded_s = time.monotonic()
        await crowd.all_answered_after(ended_s)
        back_s = max(next(at_s for at_s in bidder.answered_s if at_s > ended_s) for bidder in crowd.bidders)
        await crowd.warm(AFTER)
        await crowd.finish()
        say(f"{len(crowd.acknowledged)} bids acknowledged; comparing with the record")
        behind = await _settled(pool, crowd)
        findings = await audit(world, crowd)
        refused = crowd.refusals(began_s)
        unmet = [f"no bid was refused with {code}" for code in sorted(fault.refused - refused.keys())]
        return Outcome(
            fault=fault.name,
            load=crowd.load,
            seed=seed,
            findings=findings,
            refused=dict(refused),
            fault_ms=_ms(ended_s - began_s),
            meanwhile=sum(began_s < bid.at_s <= ended_s for bid in crowd.acknowledged),
            interruption_ms=_ms(max(bidder.longest_wait_s(crowd.began_s) for bidder in crowd.bidders)),
            recovery_ms=_ms(first.at_s - ended_s),
            recorded_ms=_ms(recorded_s - ended_s),
            all_back_ms=_ms(back_s - ended_s),
            silence_ms=_ms(max(viewer.longest_silence_s for viewer in crowd.viewers)),
            broken=findings.broken + unmet + behind,
        )


async def recorded(pool: Pool, show: str, seq: int) -> None:
    """Returns when PostgreSQL has everything up to `seq`. Raises TimeoutError after `RECORDED_MAX_S`."""
    async with asyncio.timeout(RECORDED_MAX_S):
        while True:
            with contextlib.suppress(*AWAY):  # PostgreSQL itself may still be coming back
                mark = await store.watermark(pool, show)
                if mark is not None and mark.seq >= seq:
                    return
            await asyncio.sleep(0.02)


async def _settled(pool: Pool, crowd: Crowd) -> list[str]:
    """Returns when everything acknowledged and the last lot's result is recorded, and every viewer has heard that result; says
    who has not after `SETTLE_MAX_S`."""
    await recorded(pool, crowd.show, max(crowd.last_seq, *(bid.seq for bid in crowd.acknowledged)))
    mark = await store.watermark(pool, crowd.show)
    assert mark is not None, "it was just read"
    # Not the log's end: what comes behind the last event (a second node's timer, a bid too low) is told to nobody.
    last = int(await pool.fetchval(LAST_RESULT, crowd.show))

    def behind() -> list[str]:
        return [
            f"{viewer.name} got to {viewer.seq} of {last}, epoch {viewer.epoch} of {mark.epoch}"
            for viewer in crowd.viewers
            if viewer.epoch != mark.epoch or viewer.seq < last
        ]

    with contextlib.suppress(TimeoutError):
        await until(lambda: not behind(), SETTLE_MAX_S)
    return behind()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
