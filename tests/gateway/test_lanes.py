"""The lanes' promise, whatever the order of events, joins, leaves and flushes: everybody gets everything once, in order."""

import asyncio
import json
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveserver.gateway import lanes as lanes_module
from liveserver.gateway.codecs import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Codec, Inbound
from liveserver.gateway.lanes import Lanes, condensed
from liveserver.gateway.limits import Limits
from liveserver.gateway.stats import Stats
from liveserver.rooms.model import ROOM, Event
from tests.support.probe import ROUTES
from tests.support.stage import until

INBOUND = Inbound(ROUTES)
CODECS = [Codec(name, INBOUND) for name in (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL)]


def unframed(data: bytes) -> list[dict[str, Any]]:
    """Documents of unmasked frames, read by hand."""
    documents = []
    while data:
        length, at = data[1], 2
        if length == 126:
            length, at = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(data[2:10], "big"), 10
        payload, text = data[at : at + length], data[0] == 0x81
        documents.append(json.loads(payload) if text else msgpack.unpackb(payload))
        data = data[at + length :]
    return documents


class Viewer:
    """Keeps the rules of a client: a batch continues where it is, or it has lost something."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.position = 0
        self.seqs: list[int] = []
        self.states: list[dict[str, Any]] = []
        self.here = True

    def send(self, data: bytes) -> None:
        for document in unframed(data):
            if document["type"] != "events":
                self.states.append(document)
                continue
            assert document["from"] == self.position, "a loss that was none"
            self.position = document["to"]
            for event in document["events"]:
                assert document["from"] < event["seq"] <= document["to"]
                self.seqs.append(event["seq"])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("entry"), st.integers(1, 3), st.integers(0, 2)),
        st.tuples(st.just("join"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("leave"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("turns"), st.integers(1, 6), st.just(0)),
        st.tuples(st.just("state"), st.integers(0, 9), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_everybody_gets_every_event_behind_their_join_once_and_in_order(steps, slice_size):
    before, lanes_module.SLICE = lanes_module.SLICE, slice_size
    try:
        asyncio.run(_play(steps))
    finally:
        lanes_module.SLICE = before


async def _play(steps):
    lanes = Lanes("show_1", 1, 0, Limits(flush_interval_ms=0, state_interval_ms=10), Stats())
    viewers: list[tuple[Viewer, int]] = []
    told: list[int] = []
    seq = 0
    for kind, number, events in steps:
        match kind:
            case "entry":
                first, seq = seq + 1, seq + number
                told += [first] * events
                lanes.push(seq, 0, [(first, Event("x", {}, ROOM)) for _ in range(events)])
            case "join":
                viewer = Viewer(CODECS[number])
                viewers.append((viewer, seq))
                viewer.position = lanes.admit(viewer, seq)
                assert viewer.position <= seq
            case "leave" if viewers:
                viewer, _ = viewers[number % len(viewers)]
                viewer.here = False
                lanes.dismiss(viewer)
                viewer.send = lambda data: None  # as a closed connection does
            case "turns":
                for _ in range(number):
                    await asyncio.sleep(0)
            case "state":
                lanes.put("viewer:count", seq, {"count": number})
            case _:
                pass
    await until(lambda: not lanes.pending and not lanes.flushing)
    for viewer, joined in viewers:
        if viewer.here:
            assert viewer.seqs == [each for each in told if each > joined]
            assert viewer.position == lanes.sent_to
    lanes.close()


def test_only_the_newest_of_a_type_and_lot_is_kept():
    def event(kind, lot, n):
        return (n, 0, Event(kind, {"n": n}, ROOM, lot))

    pending = [
        event("bid:accepted", "a", 1),
        event("chat:new", "", 2),
        event("bid:accepted", "b", 3),
        event("lot:extended", "a", 4),
        event("chat:new", "", 5),
        event("bid:accepted", "a", 6),
    ]
    assert [seq for seq, _, _ in condensed(pending)] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_frames_of_every_length_form(size):
    for codec in CODECS:
        assert unframed(codec.frame({"x": "y" * size})) == [{"x": "y" * size}]


async def test_a_long_flush_gives_the_loop_its_turns(monkeypatch):
    monkeypatch.setattr(lanes_module, "SLICE", 10)
    lanes = Lanes("show_1", 1, 0, Limits(flush_interval_ms=0), Stats())
    viewers = [Viewer(CODECS[0]) for _ in range(100)]
    for viewer in viewers:
        lanes.admit(viewer, 0)
    lanes.push(1, 0, [(1, Event("x", {}))])
    served = []
    for _ in range(12):
        await asyncio.sleep(0)
        served.append(sum(viewer.position for viewer in viewers))
    assert served[:10] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]


async def test_latest_values_wait_for_their_tick_and_only_the_newest_is_sent():
    lanes = Lanes("show_1", 1, 0, Limits(state_interval_ms=50), Stats())
    viewer = Viewer(CODECS[0])
    lanes.admit(viewer, 0)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for n in range(200):
        lanes.put("viewer:count", n, {"count": n})
        lanes.put("reaction:burst", n, {"counts": {"x": n}})
        await asyncio.sleep(0.001)
    ticks = int((loop.time() - began_s) / 0.05) + 1
    counts = [each["payload"]["count"] for each in viewer.states if each["type"] == "viewer:count"]
    assert 2 <= len(counts) <= ticks
    assert counts == sorted(set(counts))
    lanes.close()
