"""What messages of the LiveKit server make of a show's stage: each counts once, in whatever order they come.

A thing that is over (a track, a connection, a life of the room) does not begin again: its end is remembered, so that a beginning that
was overtaken by it changes nothing. It verifies nothing (`sdk`), and tells nobody: the show's record is what is read.
"""

import structlog

from liveserver.infra.database import Connection, Pool, load_queries, transaction
from liveserver.kernel.ids import UserId, is_id
from liveserver.livekit.model import Happening
from liveserver.shows import store as shows
from liveserver.shows.model import OnStage, Source

Q = load_queries("liveserver.livekit")

KEPT_MS = 2 * 86_400_000
"""How long messages are remembered: longer than any of their signatures is good (`sdk.AHEAD_S`)."""
DROPPED_AT_ONCE = 200
TRACKS_MAX = 60
"""Tracks of one show that are known: the host's and ten co-hosts', each in a few. More are not shown (LiveKit sends them still)."""

log = structlog.get_logger(__name__)


async def take(pool: Pool, told: Happening, now_ms: int) -> bool:
    """Lets a message take effect. False: it was known already, is of no show of ours, or not about the stage."""
    if told.kind == "other" or not is_id(told.show):
        return False
    async with transaction(pool) as on:
        if await shows.hold_show(on, told.show) is None:
            return False
        await on.execute(Q.drop_old_events, now_ms - KEPT_MS, DROPPED_AT_ONCE)
        return await _take(on, told, now_ms)


async def _take(on: Connection, told: Happening, now_ms: int) -> bool:
    over = {"unpublished": told.track, "left": told.session, "finished": told.room}.get(told.kind, "")
    gone = await _end(on, told) if over else []
    if told.kind == "left" and not gone and not told.publisher:
        return False  # one of thousands who only watched: not worth a row
    if await on.fetchval(Q.add_event, told.id, told.show, told.named, over, now_ms) is None:
        return False
    if told.kind == "published":
        if not await _begin(on, told):
            return True
    elif not gone:
        return True
    await shows.set_stage(on, told.show, await _people(on, told))
    return True


async def _begin(on: Connection, told: Happening) -> bool:
    if not told.track or not is_id(told.person):
        log.info("stage_track_ignored", show=told.show, person=told.person)
        return False
    if await on.fetchval(Q.is_over, told.show, [told.track, told.session, told.room]):
        return False
    await on.execute(
        Q.add_track,
        told.show,
        told.track,
        told.room,
        told.session,
        told.person,
        told.name,
        told.source,
        told.ts,
        TRACKS_MAX,
    )
    return True


async def _end(on: Connection, told: Happening) -> list[str]:
    named = (
        told.track if told.kind == "unpublished" else "",
        told.session if told.kind == "left" else "",
        told.room if told.kind == "finished" else "",
    )
    return [row["track"] for row in await on.fetch(Q.drop_tracks, told.show, *named)]


async def _people(on: Connection, told: Happening) -> tuple[OnStage, ...]:
    """Each person once, with all that is heard and seen of them."""
    people: dict[str, tuple[str, dict[Source, None], int]] = {}
    for row in await on.fetch(Q.tracks, told.show):
        _, sources, _ = people.setdefault(row["person"], (row["name"], {}, row["since_ts"]))
        sources[row["source"]] = None
    return tuple(
        OnStage(UserId(person), name, tuple(sorted(sources)), since_ts)
        for person, (name, sources, since_ts) in people.items()
    )
