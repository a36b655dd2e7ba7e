"""Releases side by side: nothing is written that an older living one can't read, and what can't be read is never skipped.

The numbers in names are rows of the project's failure catalogue (docs/operating/faults.md).
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from liveserver.kernel.clock import SystemClock
from liveserver.nodes import service
from liveserver.nodes.model import NodeSeen
from liveserver.rooms.hub import Hub
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.model import LOG_VERSION, Batch, Decision
from liveserver.rooms.offers import NOT_YET, Offers
from liveserver.rooms.room import SNAPSHOT_VERSION, LogBroken, Room
from liveserver.rooms.virtual import VirtualLog
from tests.rooms.conftest import WAIT_S, Heard, NewNode
from tests.support.tally import Tally, add

SHOW = "show_1"
NEW = (Lifecycle(), Tally())


class Older(Tally):
    """The release before: it does not know `tally:add`."""

    commands = {kind: args for kind, args in Tally.commands.items() if kind != "tally:add"}  # noqa: RUF012 - as the protocol has it


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - another node's state, in real time: nothing tells us
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BEAT_S", 0.05)


async def test_row_24_what_an_older_node_cannot_read_is_not_written_until_it_is_gone(new_node: NewNode):
    older: Hub = await new_node(features=(Lifecycle(), Older()))
    newer: Hub = await new_node(features=NEW)
    old_room, new_room = await older.open(SHOW), await newer.open(SHOW)
    refused = 0
    for _ in range(20):
        refused += (await new_room.ask(add())).verdict == NOT_YET
    assert refused == 20
    assert not old_room.halted
    await older.aclose()
    await until(lambda: not newer.offers.withheld)
    assert isinstance((await new_room.ask(add())).verdict, Decision)
    assert not new_room.halted


async def test_row_24_an_older_node_that_comes_back_withholds_it_again(new_node: NewNode):
    newer: Hub = await new_node(features=NEW)
    room = await newer.open(SHOW)
    assert isinstance((await room.ask(add())).verdict, Decision)
    await new_node(features=(Lifecycle(), Older()))
    await until(lambda: bool(newer.offers.withheld))
    assert (await room.ask(add())).verdict == NOT_YET


class Halting(Heard):
    """A listener that may be told that this node is of no use."""

    halted = False

    def on_halted(self) -> None:
        self.halted = True


async def appended(room: LiveRoom, payload: bytes) -> None:
    await room._log.append("newer-node", 1, SystemClock().now_ms(), 1, payload)


async def test_row_24_a_newer_form_halts_the_room_and_its_viewers_are_sent_elsewhere(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("liveserver.rooms.live.REBUILDS_MAX", 1)
    hub: Hub = await new_node(features=NEW)
    room = await hub.open(SHOW)
    heard = Halting()
    room.add_listener(heard)
    await appended(room, msgspec.msgpack.encode(Batch(b"x" * 16, (add(),), LOG_VERSION + 1)))
    await until(lambda: heard.halted)
    assert room.stuck
    assert "newer release" in room.halted
    assert room.seq == 0, "nothing of it was skipped"
    room.remove_listener(heard)
    assert room.idle, "so that it is closed, and opened anew for whoever comes next"


def image_of(room: Room) -> dict[str, Any]:
    return msgspec.msgpack.decode(room.dump())


def test_row_25_a_snapshot_of_a_newer_layout_is_refused():
    image = {**image_of(Room(SHOW, NEW)), "version": SNAPSHOT_VERSION + 1}
    with pytest.raises(LogBroken, match="newer than"):
        Room.load(msgspec.msgpack.encode(image), NEW)


def test_row_25_state_that_an_older_release_would_lose_is_refused_rather_than_dropped():
    log = VirtualLog(SHOW, NEW)
    log.tell(add())
    image = image_of(log.room)
    image["states"]["raffle"] = {"tickets": 3}
    with pytest.raises(LogBroken, match="raffle"):
        Room.load(msgspec.msgpack.encode(image), NEW)


def seen(*kinds: str, python: str = "3.11") -> NodeSeen:
    return NodeSeen(
        id="n", kind="serving", release="1", python=python, origin="", log_version=1, kinds=kinds,
        started_ms=0, silent_ms=0, draining=False, numbers={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("others", "withheld"),
    [
        ([], frozenset()),
        ([seen("bid", "chat", "claim")], frozenset()),
        ([seen("bid", "chat")], frozenset({"claim"})),
        ([seen("bid", "chat", "claim"), seen("bid")], frozenset({"claim", "chat"})),
    ],
)
def test_what_is_withheld(others: list[NodeSeen], withheld: frozenset[str]):
    offers = Offers({"bid", "chat", "claim"})
    offers.compare(others)
    assert offers.withheld == withheld


def test_row_22_different_pythons_are_said(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    Offers().compare([seen(), seen(python="3.13")])
    assert "pythons_differ" in capsys.readouterr().out + caplog.text
