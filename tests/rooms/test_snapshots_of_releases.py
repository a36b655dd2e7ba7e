"""Snapshots between releases: one may read the other's, or refuse it; none drops what it does not know (row 25).

The later release is made up: a feature whose state has a field more, and one that the earlier release does not have at all.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
import pytest

from benchmarks.micro import decisions as micro
from liveserver.auction.formats import UNKNOWN_FORMAT, english, pinned
from liveserver.cli.features import FEATURES
from liveserver.infra.database import Pool
from liveserver.rooms import store
from liveserver.rooms.hub import Hub, RoomUnreadable
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.model import LOG_VERSION, Batch, Fact
from liveserver.rooms.offers import NOT_YET
from liveserver.rooms.recovery import recorded_room
from liveserver.rooms.room import LogBroken, Room
from liveserver.rooms.virtual import VirtualLog
from tests.rooms.conftest import NewNode
from tests.rooms.test_live import adds, recorded
from tests.support.tally import Sum, Tally, add, promise

SHOW = "show_1"
EARLIER = (Lifecycle(), Tally())


class LaterSum(Sum, omit_defaults=True):
    cheers: int = 0


class LaterTally(Tally):
    state: ClassVar[type[msgspec.Struct]] = LaterSum


class Raffle(Tally):
    name: ClassVar[str] = "raffle"
    commands: ClassVar[dict[str, type[msgspec.Struct]]] = {}
    facts: ClassVar[tuple[type[Fact], ...]] = ()


LATER = (Lifecycle(), LaterTally(), Raffle())


def a_show(features: Any) -> VirtualLog:
    log = VirtualLog(SHOW, features)
    log.tell(add(3))
    log.tell(promise("gold"))
    return log


def test_row_25_what_a_later_release_has_not_used_yet_costs_nothing_either_way():
    later, earlier = a_show(LATER).room, a_show(EARLIER).room
    assert Room.load(earlier.dump(), LATER).dump() == later.dump()
    assert Room.load(later.dump(), EARLIER).dump() == earlier.dump()


def test_row_25_a_field_that_was_used_is_refused_by_who_would_lose_it():
    room = a_show(LATER).room
    room.states["tally"].cheers = 1
    with pytest.raises(LogBroken, match="state of tally holds what this release does not know"):
        Room.load(room.dump(), EARLIER)
    assert Room.load(room.dump(), LATER).states["tally"].cheers == 1


def test_row_25_a_feature_that_was_used_is_refused_by_who_would_lose_it():
    room = a_show(LATER).room
    room.states["raffle"].total = 1
    with pytest.raises(LogBroken, match="state of raffle"):
        Room.load(room.dump(), EARLIER)


def _busy_room() -> Room:
    log = micro.started()
    log.append(*micro.bids(micro.LOT, 5), *micro.chatter(5))
    return log.room


def _lot(states: dict[str, Any]) -> dict[str, Any]:
    return states["auction"]["lots"][micro.LOT]


@pytest.mark.parametrize(
    "add_to",
    [
        lambda states: _lot(states).update(rush=1),
        lambda states: _lot(states)["terms"].update(tax=1),
        lambda states: _lot(states)["terms"]["rules"].update(cap=1),
        lambda states: next(iter(_lot(states)["book"]["bidders"].values())).append(1),
        lambda states: states["chat"]["messages"][0].update(likes=1),
        lambda states: next(iter(states["chat"]["senders"].values()))[0].append(1),
    ],
)
def test_row_25_nothing_is_lost_at_any_depth(add_to: Callable[[dict[str, Any]], None]):
    image = msgspec.msgpack.decode(_busy_room().dump())
    add_to(image["states"])
    with pytest.raises(LogBroken, match="holds what this release does not know"):
        Room.load(msgspec.msgpack.encode(image), FEATURES)


def test_a_snapshot_that_says_its_defaults_is_read():
    room = _busy_room()
    image = msgspec.msgpack.decode(room.dump())
    _lot(image["states"]).update(status="open", calls=0, barred=[], reason="")
    image["states"]["chat"].update(pinned=None, mutes={})
    assert Room.load(msgspec.msgpack.encode(image), FEATURES).dump() == room.dump()


async def test_row_25_who_can_t_read_the_newest_snapshot_takes_the_one_before_or_the_log(
    new_node: NewNode, pool: Pool
):
    room = await (await new_node()).open(SHOW)
    await adds(room, 5)
    await recorded(room)
    newer = Room.load(room.room.dump(), LATER)
    newer.states["tally"].cheers = 1
    await store.insert_snapshot(pool, SHOW, newer.seq, newer.epoch, newer.head, newer.dump())  # pyright: ignore[reportArgumentType] - a pool executes as well
    assert (await recorded_room(pool, SHOW, EARLIER)).dump() == room.room.dump()


async def test_row_24_a_show_that_only_a_newer_release_can_follow_is_not_opened_here(
    new_node: NewNode, pool: Pool
):
    newer: Hub = await new_node()
    room = await newer.open(SHOW)
    await adds(room, 1)
    await recorded(room)

    class Older(Tally):
        commands = {kind: args for kind, args in Tally.commands.items() if kind != "tally:add"}  # noqa: RUF012 - as the protocol has it

    older: Hub = await new_node(features=(Lifecycle(), Older()))
    assert not older.outdated
    with pytest.raises(RoomUnreadable, match="tally:add"):
        await older.open(SHOW)
    assert older.outdated, "a newer node serves the show: people are better there"
    assert not newer.outdated


def test_row_24_what_can_t_be_decoded_here_stops_the_room():
    class Newer(msgspec.Struct, array_like=True):
        salt: int
        parts: dict[str, int]

    log = VirtualLog(SHOW, EARLIER)
    entry = log.entry((add(),))
    room = Room(SHOW, EARLIER)
    with pytest.raises(LogBroken, match="can't be read here"):
        room.apply(msgspec.structs.replace(entry, payload=msgspec.msgpack.encode(Newer(1, {"x": 1}))))
    strange = msgspec.structs.replace(add(), args=msgspec.Raw(msgspec.msgpack.encode({"n": "many"})))
    with pytest.raises(LogBroken, match="at 1 can't be read here"):
        room.apply(
            msgspec.structs.replace(
                entry, payload=msgspec.msgpack.encode(Batch(b"", (strange,), LOG_VERSION))
            )
        )


def test_row_24_a_lot_pins_the_newest_version_that_every_node_decides_by(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(pinned.__globals__["FORMATS"], ("english", 2), english)
    assert pinned("english", ()) == 2
    assert pinned("english", {"english.2"}) == 1
    assert pinned("english", {"english.1", "english.2"}) == NOT_YET
    assert pinned("dutch", ()) == UNKNOWN_FORMAT


def test_every_feature_s_state_leaves_out_what_has_its_default():
    kept = [feature.name for feature in FEATURES if not feature.state.__struct_config__.omit_defaults]
    assert kept == [], "an older node could not read a snapshot once such a state has a field more"
