"""The virtual log makes the entries a real one would, in the same chain, and lets time take effect when it is due."""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import command
from liveserver.rooms.lifecycle import End, Lifecycle, Start
from liveserver.rooms.log import is_whole
from liveserver.rooms.model import Actor, Context, Decision, Fact, Pending, Verdict, Viewer
from liveserver.rooms.room import Applied, Room
from liveserver.rooms.virtual import VirtualLog

HOST = Actor("user_host", "Hanna", "host")


class Rang(Fact, tag="rang"):
    at: int


class Acknowledged(Fact, tag="acknowledged"):
    seq: int


class Acknowledge(msgspec.Struct, frozen=True):
    seq: int


class AlarmState(msgspec.Struct):
    due: list[int] = []
    rang: list[int] = []
    waiting: list[int] = []
    acknowledged: list[int] = []


class Alarm:
    """Rings twice by time alone; each ring is confirmed once it is recorded."""

    name: ClassVar[str] = "alarm"
    state: ClassVar[Any] = AlarmState
    commands: ClassVar[dict[str, Any]] = {"alarm:ack": Acknowledge}
    facts: ClassVar[Any] = (Rang, Acknowledged)
    guards: ClassVar[frozenset[str]] = frozenset()

    def guard(self, state: AlarmState, kind: str, ctx: Context) -> Rejected | None:
        return None

    def due_ts(self, state: AlarmState) -> int | None:
        return state.due[0] if state.due else None

    def advance(self, state: AlarmState, ctx: Context) -> Sequence[Fact]:
        return (Rang(at=ctx.ts),)

    def decide(self, state: AlarmState, args: Acknowledge, ctx: Context) -> Verdict:
        return Decision((Acknowledged(seq=args.seq),))

    def evolve(self, state: AlarmState, fact: Rang | Acknowledged, ctx: Context) -> None:
        if isinstance(fact, Rang):
            state.due.pop(0)
            state.rang.append(fact.at)
            state.waiting.append(ctx.seq)
        else:
            state.waiting.remove(fact.seq)
            state.acknowledged.append(fact.seq)

    def events(self, facts: Sequence[tuple[int, Fact]], ts: int) -> list[Any]:
        return []

    def snapshot(self, state: AlarmState) -> dict[str, Any]:
        return {}

    def own(self, state: AlarmState, viewer: Viewer) -> dict[str, Any]:
        return {}

    def pending(self, state: AlarmState) -> Sequence[Pending]:
        return [Pending(seq, "alarm:ack", Acknowledge(seq)) for seq in state.waiting]


FEATURES = (Lifecycle(), Alarm())


def test_entries_are_chained_as_the_real_log_chains_them():
    heard: list[Applied] = []
    log = VirtualLog("show_1", FEATURES, on_applied=heard.append)
    log.append(command("show:start", HOST, Start()))
    log.append(command("show:end", HOST, End()))
    first, second = (applied.entry for applied in heard)
    assert is_whole(first)
    assert is_whole(second)
    assert (second.prev, second.first) == (first.hash, first.last + 1)
    assert log.room.states["show"].status == "ended"


def test_a_command_told_alone_gives_its_verdict():
    log = VirtualLog("show_1", FEATURES)
    refused = log.tell(command("show:end", HOST, End()))
    assert isinstance(refused, Rejected)
    assert refused.code == "show_not_live"
    assert isinstance(log.tell(command("show:start", HOST, Start())), Decision)


def test_time_takes_effect_at_the_moment_it_is_due_and_what_follows_is_confirmed():
    log = VirtualLog("show_1", FEATURES, start_ms=1_000)
    alarm = log.room.states["alarm"]
    alarm.due = [1_500, 2_500, 9_000]
    log.wait_until(3_000)
    assert alarm.rang == [1_500, 2_500]
    assert alarm.waiting == []
    assert len(alarm.acknowledged) == 2
    assert log.now_ms == 3_000
    with pytest.raises(AssertionError, match="never runs backwards"):
        log.wait_until(2_999)


def test_the_clock_can_be_moved_until_nothing_is_due_any_more():
    log = VirtualLog("show_1", FEATURES, start_ms=1_000)
    log.room.states["alarm"].due = [1_500, 9_000]
    log.wait_until_quiet()
    assert log.room.states["alarm"].rang == [1_500, 9_000]
    assert log.now_ms == 9_000


def test_the_same_commands_give_the_same_room_to_the_byte_and_another_seed_another_chain():
    def run(seed: str) -> bytes:
        log = VirtualLog("show_1", FEATURES, seed=seed)
        log.append(command("show:start", HOST, Start()))
        return log.room.dump()

    assert run("1") == run("1")
    assert run("1") != run("2")


def test_its_entries_replay_into_an_equal_room():
    entries = []
    log = VirtualLog("show_1", FEATURES, on_applied=lambda applied: entries.append(applied.entry))
    log.append(command("show:start", HOST, Start()), command("show:start", HOST, Start()))
    replica = Room("show_1", FEATURES)
    for entry in entries:
        replica.apply(entry)
    assert replica.dump() == log.room.dump()
