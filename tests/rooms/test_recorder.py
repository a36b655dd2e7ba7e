"""Who records: a recorder that does nothing else has preference, serving nodes follow, and take over when it is gone.

On the real Valkey and PostgreSQL; each node has connections of its own, as another process would.
"""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from liveserver.infra.database import Connection, Pool
from liveserver.rooms import dedicated, recorder, store
from liveserver.rooms.dedicated import Dedicated, silent
from liveserver.rooms.edge import command
from liveserver.rooms.hub import Hub, RoomUnavailable
from liveserver.rooms.lifecycle import Lifecycle, Tick
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.model import SYSTEM, Decision
from liveserver.rooms.recovery import recorded_room
from liveserver.rooms.room import Room
from tests.rooms.conftest import WAIT_S, NewNode
from tests.support.tally import Tally, add, promise

FEATURES = (Lifecycle(), Tally())
SHOW = "show_1"
LEASE_MS = 1_200


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter leases and rounds, so that a death is noticed soon; long enough for a machine that is busy with other tests."""
    monkeypatch.setattr(recorder, "LEASE_MS", LEASE_MS)
    monkeypatch.setattr(dedicated, "LEASE_MS", LEASE_MS)
    monkeypatch.setattr(dedicated, "ROUND_S", 0.05)
    monkeypatch.setattr(recorder, "POLL_S", 0.02)


async def until(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - what other nodes do, in real time: nothing tells us
            await asyncio.sleep(0.005)


class RecorderNode:
    """What a recorder process is, without the process."""

    def __init__(self, hub: Hub, rounds: Dedicated) -> None:
        self.hub = hub
        self.rounds = rounds

    @property
    def room(self) -> LiveRoom:
        return self.hub.rooms[SHOW]

    async def dies(self) -> None:
        """As by kill -9: nothing is recorded any more, no lease is given back."""
        await self.rounds.aclose()
        for room in self.hub.rooms.values():
            task = room._recorder._task
            assert task is not None
            task.cancel()
            await asyncio.wait({task})
            await room._feed.unfollow(room.show)


@pytest.fixture
async def new_recorder(new_node: NewNode, pool: Pool):
    """Makes recorder nodes."""
    made: list[RecorderNode] = []

    async def make(**options: Any) -> RecorderNode:
        hub = await new_node(features=silent(FEATURES), dedicated=True, **options)
        node = RecorderNode(hub, Dedicated(hub, pool))
        await node.rounds.start()
        made.append(node)
        return node

    yield make
    for node in made:
        await node.rounds.aclose()


async def adds(room: LiveRoom, times: int) -> None:
    answers = await asyncio.gather(*(room.ask(add()) for _ in range(times)))
    assert all(isinstance(answered.verdict, Decision) for answered in answers), answers


async def totals(pool: Pool) -> list[int]:
    """What was recorded of the sum, in order."""
    facts = await store.facts_after(pool, SHOW, 0, 5_000)
    return [fact.payload["total"] for fact in facts if fact.kind == "added"]


def written_by(hub: Hub) -> int:
    return hub.recording().counts.commands


async def test_a_serving_node_leaves_a_show_to_the_recorder_and_keeps_nothing_of_what_it_wrote(
    new_node: NewNode, new_recorder: Any, pool: Pool
) -> None:
    serving = await new_node()
    room = await serving.open(SHOW)
    await adds(room, 5)  # recorded here: nobody else is there
    await until(lambda: room.unrecorded == 0)
    node = await new_recorder()
    await adds(room, 1)
    await until(lambda: SHOW in node.hub.rooms and node.room.seq == room.seq)
    await until(lambda: _leased(node, room))
    before = written_by(serving)
    for _ in range(20):
        await adds(room, 10)
    await until(lambda: room.unrecorded == 0)
    assert written_by(serving) == before
    assert written_by(node.hub) >= 200
    assert await totals(pool) == list(range(1, 207))
    assert (room.unrecorded_ms, len(room._recorder._tail)) == (0, 0)


def _leased(node: RecorderNode, room: LiveRoom) -> bool:
    """Whether the serving node has noticed that the recorder has the lease; each of its entries makes it look."""
    if not room._recorder.standby:
        room.submit(command("show:tick", SYSTEM, Tick()), lambda *_: None)
    return room._recorder.standby and not node.room._recorder.standby


async def test_a_sale_is_confirmed_by_the_recorder_and_its_snapshot_taken_there(
    new_node: NewNode, new_recorder: Any, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await (await new_node()).open(SHOW)
    node = await new_recorder()
    await adds(room, 1)
    await until(lambda: SHOW in node.hub.rooms and _leased(node, room))
    dump = Room.dump
    dumped: list[Room] = []

    def dumping(self: Room) -> bytes:
        dumped.append(self)
        return dump(self)

    monkeypatch.setattr(Room, "dump", dumping)
    monkeypatch.setattr(room, "_confirm", lambda: None)  # so that only the recorder can
    await room.ask(promise("a camera"))
    await until(lambda: room.room.states["tally"].kept == 1)
    assert dumped, "a milestone asks for a snapshot"
    assert all(made is node.room.room for made in dumped)
    await until(lambda: room.unrecorded == 0)
    assert await pool.fetchval("SELECT count(*) FROM room_snapshots") >= 1


async def test_a_dead_recorders_shows_are_recorded_by_who_serves_and_given_back_later(
    new_node: NewNode, new_recorder: Any, pool: Pool
) -> None:
    serving = await new_node()
    room = await serving.open(SHOW)
    first = await new_recorder()
    await adds(room, 1)
    await until(lambda: SHOW in first.hub.rooms and _leased(first, room))
    await adds(room, 30)
    before = written_by(serving)
    await first.dies()
    await adds(room, 30)
    await room.ask(promise("a camera"))
    # The sale becomes final although the recorder is gone.
    await until(lambda: room.room.states["tally"].kept == 1)
    assert written_by(serving) > before
    second = await new_recorder()
    await adds(room, 30)
    await until(lambda: SHOW in second.hub.rooms and _leased(second, room))
    before = written_by(serving)
    await adds(room, 30)
    await until(lambda: room.unrecorded == 0)
    assert written_by(serving) == before
    assert await totals(pool) == list(range(1, 122))
    assert (await recorded_room(pool, SHOW, FEATURES)).dump() == room.room.dump()


async def test_a_recorder_takes_back_what_its_predecessor_left_without_anybody_serving(
    new_recorder: Any, pool: Pool
) -> None:
    first = await new_recorder()
    room = await first.hub.open(SHOW)
    await adds(room, 3)
    await until(lambda: room.unrecorded == 0)
    await first.dies()
    await adds(room, 2)
    second = await new_recorder()
    await until(lambda: SHOW in second.hub.rooms)
    await until(lambda: second.room.unrecorded == 0 and second.room.seq == 5)
    assert await totals(pool) == [1, 2, 3, 4, 5]


async def test_row_27_two_recorders_and_two_nodes_at_once_write_everything_once(
    new_node: NewNode, new_recorder: Any, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "COMMANDS_MAX", 7)
    serving = [await (await new_node()).open(SHOW) for _ in range(2)]
    recording = [await (await new_recorder()).hub.open(SHOW) for _ in range(2)]
    rooms = serving + recording
    for _ in range(5):
        await asyncio.gather(*(room.ask(add()) for _ in range(20) for room in rooms))
        # Whoever holds the lease: all of them at once, as after a pause in which every lease has lapsed.
        await asyncio.gather(*(room._recorder.flush(WAIT_S) for room in rooms))
    await until(lambda: all(room.seq == 400 and room.unrecorded == 0 for room in rooms))
    assert await totals(pool) == list(range(1, 401))
    assert not any(room.halted for room in rooms)


async def test_a_recorder_that_can_not_write_loses_the_lease(
    new_node: NewNode, new_recorder: Any, pool: Pool
) -> None:
    async def broken(connection: Connection, show: str, rows: Sequence[store.NewFact]) -> None:
        raise RuntimeError("this projector breaks its promise")

    serving = await new_node()
    room = await serving.open(SHOW)
    node = await new_recorder(projectors=[broken])
    recording = await node.hub.open(SHOW)
    while not await pool.fetchval("SELECT recorder_dedicated FROM show_logs"):  # noqa: ASYNC110 - as in `until`
        await asyncio.sleep(0.005)
    await adds(room, 10)
    await until(lambda: not recording.keeps_recording)
    await until(lambda: room.unrecorded == 0)
    assert written_by(serving) == 10
    assert await totals(pool) == list(range(1, 11))


async def test_what_comes_soon_after_a_write_shares_the_next_one(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "GATHER_S", 0.3)
    hub = await new_node()
    room = await hub.open(SHOW)
    for _ in range(12):
        await room.ask(add())
    await until(lambda: room.unrecorded == 0)
    counts = hub.recording().counts
    assert (counts.commands, counts.facts) == (12, 12)
    assert counts.transactions <= 3


async def test_a_show_that_can_not_be_opened_is_left_alone_for_a_while(
    new_node: NewNode, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dedicated, "AGAIN_MS", 300)
    room = await (await new_node()).open(SHOW)
    hub = await new_node(features=silent(FEATURES), dedicated=True)
    tried: list[int] = []

    async def full(show: str) -> LiveRoom:
        tried.append(hub.clock.monotonic_ms())
        raise RoomUnavailable("this node has too many rooms open already")

    monkeypatch.setattr(hub, "open", full)
    rounds = Dedicated(hub, pool)
    await rounds.start()
    while len(tried) < 3:
        await adds(room, 1)
    await rounds.aclose()
    assert min(after - before for before, after in itertools.pairwise(tried)) >= 300


async def test_flushing_records_all_although_another_has_the_lease(
    new_node: NewNode, new_recorder: Any, pool: Pool
) -> None:
    room = await (await new_node()).open(SHOW)
    node = await new_recorder()
    await adds(room, 1)
    await until(lambda: SHOW in node.hub.rooms and _leased(node, room))
    await node.rounds.aclose()  # its leases stand for now, but it will not write
    task = node.room._recorder._task
    assert task is not None
    task.cancel()
    await adds(room, 25)
    assert await room._recorder.flush(WAIT_S)
    mark = await store.watermark(pool, SHOW)
    assert mark is not None
    assert mark.seq == room.seq


def test_a_facts_row_is_its_json_without_the_tag() -> None:
    facts = [fact for feature in FEATURES for fact in feature.facts]
    for kind in facts:
        values = {
            name: 7 if of == "int" or of is int else 'ä"\\' for name, of in kind.__annotations__.items()
        }
        values.pop("milestone", None)
        fact = kind(**values)
        expected = msgspec.to_builtins(fact)
        name = expected.pop("type")
        (row,) = store.fact_rows([Decided([(1, fact)])])
        assert (row.kind, row.payload) == (name, expected)


class Nothing(store.Fact, tag="nothing"):
    """A fact without members."""


class Decided:
    def __init__(self, facts: list[tuple[int, Any]]) -> None:
        self.facts = facts
        self.entry: Any = type("Entry", (), {"ts": 1})


def test_a_fact_without_members_is_an_empty_object_and_facts_of_one_command_are_numbered() -> None:
    rows = store.fact_rows(
        [Decided([(1, Nothing()), (1, Nothing()), (2, Nothing())]), Decided([(3, Nothing())])]
    )
    assert [(row.seq, row.idx, bytes(row.json)) for row in rows] == [
        (1, 0, b"{}"),
        (1, 1, b"{}"),
        (2, 0, b"{}"),
        (3, 0, b"{}"),
    ]
