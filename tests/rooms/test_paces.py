"""One person's rate over everything they have open: counted in the room, the same on every replica."""

import asyncio

import msgspec
import pytest

from liveserver.gateway.limits import Limits
from liveserver.kernel.errors import Rejected
from liveserver.rooms import paces
from liveserver.rooms.edge import command
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.model import Actor, Command, Decision
from liveserver.rooms.room import Room
from liveserver.rooms.virtual import VirtualLog
from tests.rooms.conftest import NewNode
from tests.support.tally import Add, Tally

FEATURES = (Lifecycle(), Tally())
EVERY_MS, BURST = 200, 3
ANA, BO = Actor("u_ana", "Ana", "viewer"), Actor("u_bo", "Bo", "viewer")


def add(
    who: Actor = ANA, client: str = "", number: int = 0, pace: tuple[int, int] = (EVERY_MS, BURST)
) -> Command:
    return command("tally:add", who, Add(1), client, number, 0, pace)


def log() -> VirtualLog:
    return VirtualLog("show_1", FEATURES)


def wait_of(verdict: object) -> int:
    assert isinstance(verdict, Rejected), verdict
    assert (verdict.code, verdict.retryable) == ("rate_limited", True)
    return verdict.detail["wait_ms"]


def test_a_burst_then_one_after_the_other():
    show = log()
    assert all(isinstance(show.tell(add()), Decision) for _ in range(BURST))
    assert wait_of(show.tell(add())) == EVERY_MS
    show.wait_until(show.now_ms + EVERY_MS - 1)
    assert wait_of(show.tell(add())) == 1
    show.wait_until(show.now_ms + 1)
    assert isinstance(show.tell(add()), Decision)
    assert wait_of(show.tell(add())) == EVERY_MS


def test_everybody_has_their_own_share_and_who_has_no_rate_is_not_counted():
    show = log()
    for _ in range(BURST):
        show.tell(add())
    assert isinstance(show.tell(add(BO)), Decision)
    assert all(isinstance(show.tell(add(pace=(0, 0))), Decision) for _ in range(50))


def test_a_command_sent_again_after_the_wait_is_decided_and_a_retry_costs_nothing():
    show = log()
    for number in range(1, BURST + 1):
        show.tell(add(client="phone", number=number))
    assert isinstance(show.tell(add(client="phone", number=1)), Decision), "a retry is answered, not counted"
    wait_ms = wait_of(show.tell(add(client="phone", number=9)))
    show.wait_until(show.now_ms + wait_ms)
    assert isinstance(show.tell(add(client="phone", number=9)), Decision), "the refusal was not remembered"


def test_it_survives_a_snapshot_and_snapshots_from_before_it_load():
    show = log()
    for _ in range(BURST):
        show.tell(add())
    room = Room.load(show.room.dump(), FEATURES)
    assert room.paces == show.room.paces
    assert room.dump() == show.room.dump()
    image = msgspec.msgpack.decode(show.room.dump())
    del image["paces"]
    image["version"] = 1
    assert Room.load(msgspec.msgpack.encode(image), FEATURES).paces.until == {}


def test_who_was_silent_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paces, "PEOPLE_MAX", 2)
    show = log()
    for name in ("a", "b", "a", "c"):
        show.tell(add(Actor(name, name, "viewer")))
    assert list(show.room.paces.until) == ["a tally:add", "c tally:add"]


def test_who_has_their_whole_share_again_is_forgotten():
    show = log()
    for number in range(50):
        show.tell(add(Actor(f"u_{number}", "Somebody", "viewer")))
    show.wait_until(show.now_ms + EVERY_MS)
    for _ in range(25):
        show.tell(add(BO, pace=(1, 1_000)))
    assert list(show.room.paces.until) == ["u_bo tally:add"]


async def test_two_nodes_give_nobody_twice_the_rate(new_node: NewNode):
    rooms = [await (await new_node()).open("show_1") for _ in range(2)]
    slow = (60_000, BURST)
    answers = await asyncio.gather(*(room.ask(add(pace=slow)) for _ in range(10) for room in rooms))
    assert sum(isinstance(answer.verdict, Decision) for answer in answers) == BURST


@pytest.mark.parametrize(
    ("cost", "limits", "expected"),
    [
        ("bid", Limits(bids_per_s=5, bids_burst=10), (200, 20)),
        ("chat", Limits(chats_per_s=1, chats_burst=5), (1_000, 10)),
        ("bid", Limits(bids_per_s=0), (0, 0)),
        ("bid", Limits(bids_per_s=5_000), (0, 0)),
        ("host", Limits(), (0, 0)),
        ("reaction", Limits(), (0, 0)),
    ],
)
def test_what_the_edge_settles(cost: str, limits: Limits, expected: tuple[int, int]):
    assert limits.pace(cost) == expected  # pyright: ignore[reportArgumentType] - a cost
