"""Live rooms on the real Valkey and PostgreSQL: one order for all nodes, gaps filled, restarts and losses survived.

The numbers in names are rows of the project's failure catalogue (docs/operating/faults.md).
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from liveserver.infra.database import Connection, Pool
from liveserver.infra.engines import Engines
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import UNAVAILABLE, Rejected
from liveserver.rooms import store
from liveserver.rooms.appender import PAUSED
from liveserver.rooms.duties import pending
from liveserver.rooms.edge import command
from liveserver.rooms.history import recorded_events
from liveserver.rooms.hub import NoShow
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.log import Refusal, ShowLog, make_entry
from liveserver.rooms.model import Batch, Decision, Entry, Viewer
from liveserver.rooms.recovery import recorded_room
from tests.rooms.conftest import WAIT_S, Heard, NewNode
from tests.support.tally import ANA, Tally, add, later, promise

FEATURES = (Lifecycle(), Tally())
SHOW = "show_1"
VIEWER = Viewer("u_bo", "viewer")


async def until(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - another node's state, in real time: nothing tells us
            await asyncio.sleep(0.01)


def total(room: LiveRoom) -> int:
    return room.room.states["tally"].total


async def recorded(room: LiveRoom) -> None:
    await until(lambda: room.unrecorded == 0 and room.seq > 0)


async def adds(room: LiveRoom, times: int) -> None:
    for _ in range(times):
        answered = await room.ask(add())
        assert isinstance(answered.verdict, Decision), answered


async def test_commands_of_one_turn_go_into_one_entry_and_are_answered_in_order(new_node: NewNode) -> None:
    room = await (await new_node()).open(SHOW)
    heard = Heard()
    room.add_listener(heard)
    answers = await asyncio.gather(*(room.ask(add()) for _ in range(100)))
    assert [a.seq for a in answers] == list(range(1, 101))
    assert [a.verdict.result["total"] for a in answers if isinstance(a.verdict, Decision)] == list(
        range(1, 101)
    )
    assert heard.positions == [(1, 100)]


async def test_two_nodes_show_the_same_show(new_node: NewNode) -> None:
    a, b = [await (await new_node()).open(SHOW) for _ in range(2)]
    answers = await asyncio.gather(*(room.ask(add()) for _ in range(200) for room in (a, b)))
    assert sorted(x.seq for x in answers) == list(range(1, 401))
    await until(lambda: a.seq == b.seq == 400)
    assert a.room.dump() == b.room.dump()


async def test_a_room_opened_later_is_equal(new_node: NewNode) -> None:
    first = await (await new_node()).open(SHOW)
    await adds(first, 20)
    second = await (await new_node()).open(SHOW)
    assert second.room.dump() == first.room.dump()


async def test_there_is_no_room_for_no_show(new_node: NewNode) -> None:
    with pytest.raises(NoShow):
        await (await new_node()).open("nowhere")


async def test_joining_gets_missed_events_or_a_snapshot(new_node: NewNode) -> None:
    room = await (await new_node()).open(SHOW)
    await adds(room, 3)
    fresh = room.join(VIEWER)
    assert (fresh.recovered, fresh.seq, fresh.events) == (False, 3, None)
    assert fresh.snapshot is not None
    assert fresh.snapshot["tally"] == {"total": 3, "kept": 0}
    assert fresh.you == {"tally": {"id": "u_bo"}}
    resumed = room.join(VIEWER, (room.epoch, 1))
    assert resumed.events is not None
    assert [(e["seq"], e["payload"]) for e in resumed.events] == [(2, {"total": 2}), (3, {"total": 3})]
    for elsewhere in [(room.epoch + 1, 1), (room.epoch, 99)]:
        assert not room.join(VIEWER, elsewhere).recovered


async def test_catch_up_from_the_record_tells_the_socket_s_events(new_node: NewNode, pool: Pool) -> None:
    room = await (await new_node()).open(SHOW)
    await adds(room, 25)
    await recorded(room)
    live = room.join(VIEWER, (room.epoch, 0)).events
    page = await recorded_events(pool, FEATURES, SHOW, 0, 10)
    items = list(page.items)
    while page.next is not None:
        page = await recorded_events(pool, FEATURES, SHOW, page.next, 10)
        items += page.items
    assert items == live


async def test_time_takes_effect_without_anybody_speaking(new_node: NewNode) -> None:
    room = await (await new_node()).open(SHOW)
    heard = Heard()
    room.add_listener(heard)
    await room.ask(later(50))
    await heard.until(lambda: any(event.type == "tally:added" for _, event in heard.events))
    assert total(room) == 1


async def test_row_19_many_timers_one_effect(new_node: NewNode) -> None:
    rooms = [await (await new_node()).open(SHOW) for _ in range(3)]
    await rooms[0].ask(later(60))
    await until(lambda: all(total(room) == 1 for room in rooms))
    await adds(rooms[1], 1)
    await until(lambda: all(room.seq == rooms[1].seq for room in rooms))
    assert {total(room) for room in rooms} == {2}


async def test_what_waits_for_the_record_comes_after_it_once(new_node: NewNode, pool: Pool) -> None:
    rooms = [await (await new_node()).open(SHOW) for _ in range(2)]
    answered = await rooms[0].ask(promise("sale"))
    await until(lambda: all(room.room.states["tally"].kept == 1 for room in rooms))
    await recorded(rooms[0])
    facts = await store.facts_after(pool, SHOW, answered.seq - 1)
    assert [fact.kind for fact in facts] == ["promised", "kept"]


async def test_a_retry_is_told_the_first_verdict_on_any_node(new_node: NewNode) -> None:
    a, b = [await (await new_node()).open(SHOW) for _ in range(2)]
    first = await a.ask(add(5, client="phone", number=1))
    again = await b.ask(add(5, client="phone", number=1))
    assert isinstance(first.verdict, Decision)
    assert isinstance(again.verdict, Decision)
    assert first.verdict.result == again.verdict.result == {"total": 5}
    assert total(b) == 5


async def test_row_1_a_lost_reply_leaves_one_entry_and_the_right_answer(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await (await new_node()).open(SHOW)
    append, lost = ShowLog.append, 0

    async def append_and_lose(self: ShowLog, *args: Any, wait_ms: int) -> Entry:
        nonlocal lost
        entry = await append(self, *args)
        if lost < 2:
            lost += 1
            raise RedisConnectionError("the reply was lost")
        return entry

    monkeypatch.setattr(ShowLog, "append", append_and_lose)
    answered = await room.ask(add())
    assert isinstance(answered.verdict, Decision)
    assert (answered.seq, room.seq, total(room)) == (1, 1, 1)
    await adds(room, 1)
    assert total(room) == 2


async def test_a_batch_that_the_log_can_not_read_is_answered_and_the_next_goes_on(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await (await new_node()).open(SHOW)
    append = ShowLog.append

    async def not_understood(self: ShowLog, *args: Any, wait_ms: int) -> Entry:
        raise Refusal("INVALID", "the log and this node do not agree on what an append is")

    monkeypatch.setattr(ShowLog, "append", not_understood)
    assert (await room.ask(add())).verdict == UNAVAILABLE
    monkeypatch.setattr(ShowLog, "append", append)
    await adds(room, 2)
    assert total(room) == 2


async def test_row_2_cancelled_askers_do_not_shift_answers(new_node: NewNode) -> None:
    room = await (await new_node()).open(SHOW)

    async def one(i: int) -> None:
        task = asyncio.create_task(room.ask(add()))
        await asyncio.sleep(0)
        if i % 3:
            task.cancel()
            await asyncio.wait({task})
        else:
            answered = await task
            assert isinstance(answered.verdict, Decision)
            assert answered.verdict.result == {"total": answered.seq}

    await asyncio.gather(*(one(i) for i in range(1_000)))
    await until(lambda: room.seq == 1_000)


async def test_row_8_and_9_lost_messages_are_noticed_and_fetched(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    talker, quiet = [await (await new_node()).open(SHOW) for _ in range(2)]
    heard = Heard()
    quiet.add_listener(heard)
    receive, dropped = quiet._hear, 0

    def drop_some(entry: Entry) -> None:
        nonlocal dropped
        if entry.first in (3, 4, 10):
            dropped += 1
            if dropped <= 3:
                return
        receive(entry)

    channel = SHOW
    _deliver, missed = quiet._feed._rooms[channel]
    quiet._feed._rooms[channel] = (drop_some, missed)
    await adds(talker, 10)
    await until(lambda: quiet.seq == 10)
    assert dropped >= 3
    assert heard.positions == [(n, n) for n in range(1, 11)]


async def test_row_15_own_entries_come_twice_and_count_once(new_node: NewNode) -> None:
    room = await (await new_node()).open(SHOW)
    entries: list[Entry] = []
    receive = room._hear

    def note(entry: Entry) -> None:
        entries.append(entry)
        receive(entry)

    channel = SHOW
    room._feed._rooms[channel] = (note, room._feed._rooms[channel][1])
    await adds(room, 50)
    await until(lambda: len(entries) == 50)
    assert total(room) == 50


async def test_a_message_damaged_on_its_way_is_dropped_and_fetched(new_node: NewNode) -> None:
    talker, quiet = [await (await new_node()).open(SHOW) for _ in range(2)]
    channel = SHOW
    hear, damaged = quiet._hear, 0

    def damage_one(entry: Entry) -> None:
        nonlocal damaged
        if entry.first == 2 and not damaged:
            damaged += 1
            entry = msgspec.structs.replace(entry, payload=entry.payload[:-1] + b"!")
        hear(entry)

    quiet._feed._rooms[channel] = (damage_one, quiet._feed._rooms[channel][1])
    await adds(talker, 3)
    await until(lambda: quiet.seq == 3)
    assert damaged == 1
    assert not quiet.halted
    assert quiet.room.dump() == talker.room.dump()


async def test_row_6_an_entry_that_contradicts_ours_halts_and_rebuilds_the_room(new_node: NewNode) -> None:
    room = await (await new_node()).open(SHOW)
    await adds(room, 3)
    heard = Heard()
    room.add_listener(heard)
    payload = msgspec.msgpack.encode(Batch(b"x" * 16, (add(1_000),)))
    forged = make_entry("", room.epoch, 3, 1, 1, "n", 1, payload)
    room._hear(forged)
    assert room.halted
    assert (await room.ask(add())).verdict == UNAVAILABLE
    await heard.until(lambda: bool(heard.resets))
    assert total(room) == 3
    await adds(room, 1)


async def test_row_23_a_replica_that_failed_half_way_is_rebuilt(new_node: NewNode) -> None:
    weak = Tally()
    well = await (await new_node()).open(SHOW)
    room = await (await new_node(features=(Lifecycle(), weak))).open(SHOW)
    weak.fails_at = 2
    await adds(well, 3)
    await until(lambda: room.seq == 3 and not room.halted)
    assert room.room.dump() == well.room.dump()


async def test_row_24_an_unknown_kind_halts_instead_of_being_skipped(
    new_node: NewNode, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liveserver.rooms.live.REBUILDS_MAX", 1)
    room = await (await new_node()).open(SHOW)
    newer = command("auction:teleport", ANA, msgspec.defstruct("Nothing", [])())
    payload = msgspec.msgpack.encode(Batch(b"x" * 16, (newer,)))
    await room._log.append("newer-node", 1, SystemClock().now_ms(), 1, payload)
    await until(lambda: room.halted and room._rebuilding is not None and room._rebuilding.done())
    assert "auction:teleport" in room.halted
    assert (await room.ask(add())).verdict == UNAVAILABLE


async def test_row_25_a_damaged_snapshot_is_passed_over(new_node: NewNode, pool: Pool) -> None:
    room = await (await new_node()).open(SHOW)
    for name in ("one", "two"):
        await room.ask(promise(name))
        await until(lambda: not pending(room.room))
    await recorded(room)
    assert len(await store.snapshots(pool, SHOW)) == 2
    newest = "seq = (SELECT max(seq) FROM room_snapshots)"
    await pool.execute(f"UPDATE room_snapshots SET dump = substr(dump, 1, 40) WHERE {newest}")
    assert len(await store.snapshots(pool, SHOW)) == 1
    assert (await recorded_room(pool, SHOW, FEATURES)).dump() == room.room.dump()
    await pool.execute("UPDATE room_snapshots SET dump = '\\x00', digest = sha256('\\x00')")
    assert (await recorded_room(pool, SHOW, FEATURES)).dump() == room.room.dump()


async def test_row_27_two_recorders_at_once_write_everything_once(new_node: NewNode, pool: Pool) -> None:
    rooms = [await (await new_node()).open(SHOW) for _ in range(2)]
    await asyncio.gather(*(room.ask(add()) for _ in range(100) for room in rooms))
    await until(lambda: all(room.seq == 200 for room in rooms))
    await asyncio.gather(*(room._recorder.flush(WAIT_S) for room in rooms))
    facts = await store.facts_after(pool, SHOW, 0, 1_000)
    assert [fact.payload["total"] for fact in facts] == list(range(1, 201))


async def test_row_28_a_commit_whose_reply_was_lost_is_not_repeated(
    new_node: NewNode, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = 0

    async def lose_after_commit(connection: Connection, show: str, rows: Sequence[store.NewFact]) -> None:
        nonlocal lost
        if lost == 0:
            lost = 1
            # Commits what was written so far, as if the COMMIT's reply, not the COMMIT, had been lost.
            await connection.execute(
                store.QUERIES.move_watermark, show, 0, rows[-1].seq, 0, hash_of[rows[-1].seq], "n", 0, False
            )
            await connection.execute("COMMIT")
            raise OSError("the reply was lost")

    hash_of: dict[int, str] = {}
    room = await (await new_node(projectors=[lose_after_commit])).open(SHOW)
    apply = room._apply

    def note(entry: Entry) -> bool:
        hash_of[entry.last] = entry.hash
        return apply(entry)

    monkeypatch.setattr(room, "_apply", note)
    await asyncio.gather(*(room.ask(add()) for _ in range(10)))
    await adds(room, 3)
    await recorded(room)
    facts = await store.facts_after(pool, SHOW, 0)
    assert lost == 1
    assert [fact.payload["total"] for fact in facts] == list(range(1, 14))


async def test_row_17_a_stepped_clock_pauses_until_it_is_put_right(new_node: NewNode) -> None:
    room = await (await new_node()).open(SHOW)
    await adds(room, 1)
    assert room._log_clock._offset_ms is not None
    room._log_clock._offset_ms += (
        7_200_000  # as if Redis's clock, and PostgreSQL's on the same machine, were set back
    )
    assert (await room.ask(add())).verdict == PAUSED
    assert (await room.ask(add())).verdict == PAUSED, "two clocks of one machine do not outvote a show's time"
    room._log_clock._offset_ms -= 7_200_000
    await adds(room, 1)
    assert total(room) == 2


async def test_nothing_is_acknowledged_beyond_what_can_be_recorded(new_node: NewNode) -> None:
    async def away(connection: Connection, show: str, rows: Sequence[store.NewFact]) -> None:
        if is_away:
            raise asyncpg.PostgresConnectionError("PostgreSQL is away")

    is_away = True
    room = await (await new_node(projectors=[away], unrecorded_max=5)).open(SHOW)
    answers = [await room.ask(add()) for _ in range(8)]
    taken = [a for a in answers if isinstance(a.verdict, Decision)]
    refused = [a.verdict for a in answers if isinstance(a.verdict, Rejected)]
    assert len(taken) == 5
    assert {(r.code, r.retryable) for r in refused} == {("unavailable", True)}
    is_away = False
    await until(lambda: room.unrecorded == 0)
    await adds(room, 1)
    assert total(room) == 6


async def test_row_10_a_wiped_log_is_rebuilt_from_node_and_record_without_loss(
    new_node: NewNode, engines: Engines
) -> None:
    room = await (await new_node()).open(SHOW)
    heard = Heard()
    room.add_listener(heard)
    await adds(room, 10)
    epoch = room.epoch
    assert engines.redis_admin_url is not None
    admin = Redis.from_url(engines.redis_admin_url)
    await admin.flushall()
    await admin.aclose()
    answered = await room.ask(add())
    assert isinstance(answered.verdict, Decision)
    assert answered.verdict.result == {"total": 11}
    assert room.epoch > epoch
    assert [reset[1] for reset in heard.resets] == [10]
    other = await (await new_node()).open(SHOW)
    assert other.room.dump() == room.room.dump()


async def test_valkey_killed_and_restarted_loses_no_answer(own_engines: Engines, new_node: NewNode) -> None:
    await _migrated(own_engines.database_url)
    hub = await new_node(redis_url=own_engines.redis_url, database_url=own_engines.database_url)
    room = await hub.open(SHOW)
    acknowledged = 0

    async def bids() -> None:
        nonlocal acknowledged
        for _ in range(40):
            answered = await room.ask(add())
            acknowledged += isinstance(answered.verdict, Decision)

    bidders = [asyncio.create_task(bids()) for _ in range(10)]
    await until(lambda: acknowledged > 50)
    os.kill(own_engines.pids["Valkey"], signal.SIGKILL)
    await asyncio.gather(*bidders)
    await adds(room, 1)
    assert total(room) >= acknowledged + 1
    await recorded(room)
    other = await (
        await new_node(redis_url=own_engines.redis_url, database_url=own_engines.database_url)
    ).open(SHOW)
    assert other.room.dump() == room.room.dump()


async def _migrated(database_url: str) -> None:
    from liveserver.infra.migrations import migrate

    await migrate(database_url)


async def test_a_command_sent_again_is_answered_with_its_first_place_in_the_log(new_node: NewNode) -> None:
    room, other = [await (await new_node()).open(SHOW) for _ in range(2)]
    asked = add(client="phone", number=1)
    first = await room.ask(asked)
    await adds(room, 3)
    await until(lambda: other.seq == 4)
    for elsewhere in (room, other):
        again = await elsewhere.ask(asked)
        assert (again.seq, again.ts, again.verdict) == (first.seq, first.ts, Decision((), {"total": 1}))
    assert total(room) == 4
