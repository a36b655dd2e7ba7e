"""The client's protocol without I/O: a table of what each message comes to, and whole histories of losses and reconnects."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from liveserver.client.codecs import ServerBroken
from liveserver.client.happenings import (
    Alone,
    Answered,
    Batch,
    Greeted,
    HelloRefused,
    JoinRefused,
    Resumed,
    Snapshot,
)
from liveserver.client.protocol import BUSY, CUT, KEEP_MS, UNANSWERED_MAX, UNCONFIRMED, ClientProtocol
from liveserver.kernel.errors import Rejected

SHOW = "show_1"


def event(seq: int, type_: str = "chat:new") -> dict[str, Any]:
    return {"type": type_, "seq": seq, "ts": 1_000 + seq, "payload": {"n": seq}}


def batch(after: int, to: int, *seqs: int, epoch: int = 1) -> dict[str, Any]:
    events = [event(seq) for seq in seqs]
    return {"type": "events", "show": SHOW, "epoch": epoch, "from": after, "to": to, "events": events}


def ok(id_: str, **payload: Any) -> dict[str, Any]:
    return {"type": "ok", "id": id_, "payload": payload}


def error(id_: str, code: str, *, retryable: bool = False) -> dict[str, Any]:
    return {
        "type": "error",
        "id": id_,
        "payload": {"code": code, "message": "", "retryable": retryable, "detail": {}},
    }


def greeted() -> ClientProtocol:
    protocol = ClientProtocol("me")
    protocol.connected(0)
    protocol.received(ok(protocol.outgoing()[0]["id"]), 0)
    assert protocol.happened() == [Greeted({}, 0)]
    return protocol


def joined(seq: int = 10, epoch: int = 1) -> ClientProtocol:
    """In the room with everything up to `seq`."""
    protocol = greeted()
    protocol.join(SHOW, 0)
    (join,) = protocol.outgoing()
    protocol.received(ok(join["id"], epoch=epoch, seq=seq, recovered=False, snapshot={"chat": {}}), 1)
    protocol.happened()
    return protocol


def asked_after(protocol: ClientProtocol) -> list[Any]:
    """The `after` of each join that leaves now (None: a snapshot is asked for)."""
    return [m["payload"].get("after") for m in protocol.outgoing() if m["type"] == "room:join"]


def test_nothing_but_hello_leaves_before_hello_is_answered() -> None:
    protocol = ClientProtocol("me", "secret")
    protocol.join(SHOW, 0)
    protocol.command("chat:send", {"text": "hi"}, 0)
    protocol.connected(0)
    (hello,) = protocol.outgoing()
    assert (hello["type"], hello["payload"]) == ("hello", {"client": "me", "token": "secret"})
    protocol.received(ok(hello["id"]), 0)
    assert [m["type"] for m in protocol.outgoing()] == ["room:join", "chat:send"]


# position (epoch 1, seq 10) | message | seqs handed on | position afterwards | `after` of the join that leaves, if any
BATCHES = [
    ("the next one", batch(10, 12, 11, 12), [11, 12], 12, []),
    ("several events of one command", batch(10, 11, 11, 11), [11, 11], 11, []),
    ("nothing that concerns us, but further", batch(10, 15), [], 15, []),
    ("one that overlaps", batch(8, 12, 9, 10, 11, 12), [11, 12], 12, []),
    ("one that is known already", batch(8, 10, 9, 10), [], 10, []),
    ("one behind a gap", batch(11, 12, 12), [], 10, [{"epoch": 1, "seq": 10}]),
    ("one of another epoch", batch(10, 12, 11, epoch=2), [], 10, [{"epoch": 1, "seq": 10}]),
]


@pytest.mark.parametrize(
    ("message", "handed", "seq", "joins"), [row[1:] for row in BATCHES], ids=[r[0] for r in BATCHES]
)
def test_batch(message: dict[str, Any], handed: list[int], seq: int, joins: list[Any]) -> None:
    protocol = joined()
    protocol.received(message, 5)
    got = [e["seq"] for h in protocol.happened() if isinstance(h, Batch) for e in h.events]
    assert (got, protocol.places[SHOW].seq, asked_after(protocol)) == (handed, seq, joins)


def test_while_a_join_is_under_way_batches_are_left_to_its_answer() -> None:
    protocol = joined()
    protocol.received(batch(11, 12, 12), 5)
    (join,) = protocol.outgoing()
    protocol.received(batch(12, 13, 13), 5)
    assert protocol.outgoing() == [], "one join at a time"
    assert protocol.happened() == []
    answer = ok(join["id"], epoch=1, seq=13, recovered=True, events=[event(11), event(12), event(13)])
    protocol.received(answer, 6)
    resumed, missed = protocol.happened()
    assert isinstance(resumed, Resumed)
    assert missed == Batch(SHOW, [event(11), event(12), event(13)])
    protocol.received(batch(13, 14, 14), 7)
    assert protocol.happened() == [Batch(SHOW, [event(14)])]


def test_a_rebuilt_log_is_answered_with_a_snapshot_that_replaces_everything() -> None:
    protocol = joined(seq=900)
    protocol.received(batch(3, 4, 4, epoch=2), 5)
    (join,) = protocol.outgoing()
    protocol.received(ok(join["id"], epoch=2, seq=4, recovered=False, snapshot={"chat": {"fresh": 1}}), 6)
    (snapshot,) = protocol.happened()
    assert isinstance(snapshot, Snapshot)
    assert snapshot.snapshot == {"chat": {"fresh": 1}}
    protocol.received(batch(4, 5, 5, epoch=2), 7)
    assert protocol.happened() == [Batch(SHOW, [event(5)])]


def test_unanswered_commands_leave_again_with_their_ids_after_the_joins() -> None:
    protocol = joined(seq=10)
    bid = protocol.command("bid:place", {"lot": "l", "amount": 5}, 100)
    reaction = protocol.command("reaction:send", {"emoji": "🔥"}, 100)
    protocol.outgoing()
    protocol.disconnected()
    assert protocol.happened() == [Answered(reaction, "reaction:send", CUT, 100)], (
        "reactions are not repeated"
    )
    protocol.connected(200)
    (hello,) = protocol.outgoing()
    protocol.received(ok(hello["id"]), 200)
    join, again = protocol.outgoing()
    assert join["payload"] == {"show": SHOW, "after": {"epoch": 1, "seq": 10}}
    assert again == {"type": "bid:place", "id": bid, "payload": {"lot": "l", "amount": 5}}
    protocol.received(ok(bid, seq=11), 300)
    assert Answered(bid, "bid:place", {"seq": 11}, 100) in protocol.happened()
    protocol.received(ok(bid, seq=11), 300)
    assert protocol.happened() == [], "a second answer means nothing"


def test_ids_rise_over_reconnects() -> None:
    protocol = joined()
    ids = [protocol.command("chat:send", {}, 0) for _ in range(3)]
    protocol.disconnected()
    protocol.connected(0)
    ids += [m["id"] for m in protocol.outgoing()]
    numbers = [int(id_[1:]) for id_ in ids]
    assert numbers == sorted(set(numbers))


def test_what_nobody_answers_is_given_up_and_not_sent_again() -> None:
    protocol = joined()
    bid = protocol.command("bid:place", {}, 0)
    protocol.expire(KEEP_MS - 1)
    assert protocol.happened() == []
    protocol.expire(KEEP_MS)
    assert protocol.happened() == [Answered(bid, "bid:place", UNCONFIRMED, 0)]
    protocol.disconnected()
    protocol.connected(KEEP_MS)
    protocol.received(ok(protocol.outgoing()[-1]["id"]), KEEP_MS)
    assert [m["type"] for m in protocol.outgoing()] == ["room:join"]


def test_an_unanswered_join_is_begun_anew_and_an_unanswered_hello_gives_up_the_connection() -> None:
    protocol = joined(seq=3)
    protocol.received(batch(7, 8, 8), 0)
    protocol.outgoing()
    protocol.expire(KEEP_MS)
    assert asked_after(protocol) == [{"epoch": 1, "seq": 3}]
    protocol = ClientProtocol("me")
    protocol.connected(0)
    protocol.expire(KEEP_MS)
    (refused,) = protocol.happened()
    assert isinstance(refused, HelloRefused)
    assert refused.why.retryable


def test_more_unanswered_commands_than_the_maximum_are_refused_here() -> None:
    protocol = joined()
    for _ in range(UNANSWERED_MAX):
        protocol.command("chat:send", {}, 0)
    one_more = protocol.command("chat:send", {}, 0)
    assert protocol.happened() == [Answered(one_more, "chat:send", BUSY, 0)]
    assert protocol.unanswered == UNANSWERED_MAX


def test_refusals_of_hello_and_join_are_handed_on() -> None:
    protocol = ClientProtocol("me", "old token")
    protocol.connected(0)
    protocol.received(error(protocol.outgoing()[0]["id"], "bad_token"), 0)
    assert protocol.happened() == [HelloRefused(Rejected("bad_token", ""))]
    protocol = greeted()
    protocol.join(SHOW, 0)
    protocol.received(error(protocol.outgoing()[0]["id"], "unavailable", retryable=True), 0)
    assert protocol.happened() == [JoinRefused(SHOW, Rejected("unavailable", "", retryable=True))]
    protocol.rejoin(SHOW, 1)
    assert asked_after(protocol) == [None]


def test_a_room_left_is_not_spoken_of_any_more() -> None:
    protocol = joined()
    protocol.leave(SHOW, 0)
    assert [m["type"] for m in protocol.outgoing()] == ["room:leave"]
    protocol.received(batch(10, 11, 11), 0)
    assert protocol.happened() == []
    protocol.disconnected()
    protocol.connected(0)
    protocol.received(ok(protocol.outgoing()[0]["id"]), 0)
    assert protocol.outgoing() == []


def test_events_that_stand_alone_pass() -> None:
    protocol = joined()
    outbid = {"type": "bid:outbid", "show": SHOW, "ts": 5, "payload": {"lot": "l"}}
    protocol.received(outbid, 0)
    assert protocol.happened() == [Alone(SHOW, outbid)]


NONSENSE = [
    {},
    {"type": "events", "show": SHOW},
    {"type": "events", "show": SHOW, "epoch": 1, "from": "1", "to": 12, "events": []},
    {"type": "events", "show": SHOW, "epoch": 1, "from": 10, "to": 12, "events": [{"type": "x"}]},
    {"type": "events", "show": SHOW, "epoch": 1, "from": 10, "to": 12, "events": 7},
]


@pytest.mark.parametrize("message", NONSENSE)
def test_nonsense_of_a_server_is_one_kind_of_exception(message: dict[str, Any]) -> None:
    with pytest.raises(ServerBroken):
        joined().received(message, 0)


# -- whole histories


class ModelServer:
    """The server's side as docs/PROTOCOL.md promises it: a log, a lane that sends batches, joins answered at once."""

    def __init__(self) -> None:
        self.epoch = 1
        self.log: list[tuple[int, int]] = []
        """(seq, events of this command); commands may have none."""
        self.seq = 0
        self.kept_from = 0
        self.flushed = 0
        self.wire: list[dict[str, Any]] = []
        self.listening = False

    def append(self, events: int) -> None:
        self.seq += 1
        self.log.append((self.seq, events))

    def events(self, after: int) -> list[dict[str, Any]]:
        return [
            {**event(seq), "k": [self.epoch, seq, i]} for seq, n in self.log if seq > after for i in range(n)
        ]

    def flush(self) -> None:
        if self.listening and self.seq > self.flushed:
            events = self.events(self.flushed)
            head = {"type": "events", "show": SHOW, "epoch": self.epoch}
            self.wire.append({**head, "from": self.flushed, "to": self.seq, "events": events})
        self.flushed = self.seq

    def reset(self) -> None:
        self.epoch += 1
        self.log, self.seq, self.kept_from, self.flushed = [], 0, 0, 0

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "hello":
            self.wire.append(ok(message["id"]))
        elif message["type"] == "room:join":
            self.listening = True
            after = message["payload"].get("after")
            reply: dict[str, Any] = {"epoch": self.epoch, "seq": self.seq, "recovered": False}
            if after and after["epoch"] == self.epoch and self.kept_from <= after["seq"] <= self.seq:
                reply |= {"recovered": True, "events": self.events(after["seq"])}
            else:
                reply["snapshot"] = {"upto": [self.epoch, self.seq]}
            self.wire.append(ok(message["id"], **reply))


NAMES = (
    "flush flush deliver deliver deliver settle settle lose lose cut connect connect pump trim reset".split()
)
STEPS = st.lists(
    st.one_of(st.tuples(st.just("append"), st.integers(0, 3)), st.tuples(st.sampled_from(NAMES), st.just(0))),
    max_size=80,
)


@settings(max_examples=400, deadline=None)
@given(STEPS)
@example(
    [("cut", 0), ("append", 1), ("flush", 0), ("append", 2), ("connect", 0), ("settle", 0), ("append", 1)]
)
def test_every_event_once_and_in_order_whatever_is_lost(steps: list[tuple[str, int]]) -> None:
    server, protocol = ModelServer(), ClientProtocol("me")
    protocol.join(SHOW, 0)
    connected = False
    seen: list[list[int]] = []
    """Keys of events handed on since the last snapshot."""
    upto = [0, 0]

    def look() -> None:
        nonlocal seen, upto
        for happening in protocol.happened():
            if isinstance(happening, Snapshot):
                seen, upto = [], happening.snapshot["upto"]
            elif isinstance(happening, Batch):
                seen += [e["k"] for e in happening.events]
        place = protocol.places[SHOW]
        if place.epoch == server.epoch:
            assert upto[0] == server.epoch
            expected = [e["k"] for e in server.events(upto[1]) if e["seq"] <= place.seq]
            assert seen == expected, "every event once, in order, up to the position"

    def step(name: str, count: int) -> None:
        nonlocal connected
        match name:
            case "append":
                server.append(count)
            case "flush":
                server.flush()
            case "deliver" if server.wire:
                protocol.received(server.wire.pop(0), 0)
            case "settle":
                for _ in range(4):
                    step("pump", 0)
                    while server.wire:
                        step("deliver", 0)
            case "lose":
                server.flush()
                server.wire[:] = [m for m in server.wire if m["type"] != "events"]
            case "cut" if connected:
                connected, server.listening = False, False
                server.wire.clear()
                protocol.disconnected()
            case "connect" if not connected:
                connected = True
                protocol.connected(0)
            case "pump":
                for message in protocol.outgoing():
                    server.take(message)
            case "trim":
                server.kept_from = server.seq
            case "reset":
                server.reset()
            case _:
                pass
        look()

    step("connect", 0)
    step("settle", 0)
    for name, count in steps:
        step(name, count)
    # Then the network calms down, and one more event shows whatever was lost.
    step("connect", 0)
    step("append", 1)
    step("flush", 0)
    step("settle", 0)
    step("flush", 0)
    step("settle", 0)
    assert (protocol.places[SHOW].epoch, protocol.places[SHOW].seq) == (server.epoch, server.seq)
