"""How a room comes to be: the newest usable snapshot, then the recorded entries, then the log's tail.

Joining a running show and recovering after a crash are this same code.
"""

from collections.abc import AsyncIterator, Sequence

import structlog

from liveserver.infra.database import Pool
from liveserver.rooms import store
from liveserver.rooms.log import READ_MAX, ShowLog
from liveserver.rooms.model import Entry, Feature
from liveserver.rooms.room import Applied, LogBroken, Room

log = structlog.get_logger(__name__)


async def recorded_room(pool: Pool, show: str, features: Sequence[Feature]) -> Room:
    """The room as the record has it, at its watermark.

    A snapshot that can't be loaded is passed over for the one before, and for the whole log in the end. Raises LogBroken if
    the recorded log itself is broken.
    """
    for dump in await store.snapshots(pool, show):
        try:
            room = Room.load(dump, features)
            await replay_recorded(pool, room)
        except LogBroken as error:
            log.warning("snapshot_passed_over", show=show, reason=str(error))
        else:
            return room
    room = Room(show, features)
    await replay_recorded(pool, room)
    return room


async def replay_recorded(pool: Pool, room: Room) -> None:
    """Applies the recorded entries behind the room's position, as many as there are now.

    What is recorded meanwhile is not chased: on a busy show, seen from a node that is slow to reach PostgreSQL, there is always more.
    """
    while True:
        entries = await store.entries_after(pool, room.show, room.seq)
        for entry in entries:
            take(room, entry)
        if len(entries) < store.READ_MAX:
            return


def take(room: Room, entry: Entry) -> Applied:
    """Applies an entry, stepping into its epoch first: a rebuilt log goes on with the next sequence number."""
    if entry.epoch > room.epoch:
        room.epoch = entry.epoch
    return room.apply(entry)


async def entries_behind(pool: Pool, show_log: ShowLog, room: Room) -> AsyncIterator[Entry]:
    """What the log has behind the room's position, in order: from the stream, and from the record where that was trimmed.

    The caller applies each entry before asking for the next. Ends where the stream ended when it was read last: what comes
    behind is heard from the channel, and chasing it might never end. Raises LogBroken when a part is in neither.
    """
    to_the_end = False
    while not to_the_end:
        entries = await show_log.read(room.epoch, room.seq)
        to_the_end = len(entries) < READ_MAX
        if entries and entries[0].first > room.seq + 1:
            entries = await store.entries_after(pool, room.show, room.seq)
            if not entries:
                raise LogBroken(f"show {room.show}: nobody has what follows {room.seq}")
            to_the_end = False
        for entry in entries:
            if entry.first == room.seq + 1:
                yield entry
            elif entry.first > room.seq + 1:
                break  # the record ends here: the stream goes on
            # A smaller one was applied meanwhile, by way of the channel.
