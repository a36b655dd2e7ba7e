"""Who is sent elsewhere when, over real sockets: watchers first, the bidders of a lot about to close last, nobody too late."""

import asyncio
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from liveserver.gateway.drain import RESULT_MS, TOLD_MS, Sent, Stake
from liveserver.rooms.room import Room
from tests.support.stage import QUICK, SHOW, Client, Stage, on_stage, until

GONE = 4000


class Lots:
    """What is at stake in the shows of this node, as the test says."""

    def __init__(self) -> None:
        self.running: dict[str, tuple[set[str], int]] = {}
        """Ids of bidders and the ms until the hammer, by show."""
        self._began_s = monotonic()

    def __call__(self, room: Room) -> Stake | None:
        people, in_ms = self.running.get(room.show, (None, 0))
        if people is None:
            return None
        # The stage's clock stands still between entries; the hammer comes nearer by ours.
        passed_ms = int((monotonic() - self._began_s) * 1000)
        return Stake(people, room_time(room) + in_ms - passed_ms)


class Moving(Lots):
    """A lot that always ends in a moment."""

    def __call__(self, room: Room) -> Stake | None:
        return Stake(self.running[room.show][0], room_time(room) + 50)


def room_time(room: Room) -> int:
    return room.ts


class Leavers:
    """Notes who was sent away, in order."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def watch(self, name: str, client: Client) -> None:
        self._tasks.append(asyncio.create_task(self._note(name, client)))

    async def _note(self, name: str, client: Client) -> None:
        assert await client.close_code() == GONE
        self.order.append(name)

    async def all(self) -> list[str]:
        async with asyncio.timeout(5):
            await asyncio.gather(*self._tasks)
        return self.order


async def a_room_of(stage: Stage, *names: str, show: str = SHOW) -> Leavers:
    """People in a show, in this order; a name in small letters is a signed-in person, "" a guest."""
    leavers = Leavers()
    await more(stage, leavers, *names, show=show)
    return leavers


async def more(stage: Stage, leavers: Leavers, *names: str, show: str = SHOW) -> None:
    for name in names:
        client = await stage.connect(name)
        await client.join(show)
        leavers.watch(name or "guest", client)


def drained(stage: Stage, **how: Any) -> asyncio.Task[Sent]:
    return asyncio.create_task(stage.gateway.drain(**how))


def fixed(stage: Stage) -> None:
    """The show's clock stands, so that hammers fall when the test says."""
    for room in stage.hub.rooms.values():
        room.server_now = partial(room_time, room.room)


async def test_watchers_go_first_then_bidders_of_a_later_lot_then_those_whose_hammer_falls_soon():
    lots = Lots()
    async with on_stage(stakes=lots) as stage:
        leavers = await a_room_of(stage, "soon", "ana", "")
        await more(stage, leavers, "later", "bo", show="show_2")
        fixed(stage)
        lots.running = {SHOW: ({"u_soon"}, 600), "show_2": ({"u_later"}, 60_000)}
        began_s = monotonic()
        sent = await drained(stage, grace_ms=4_000, spread_ms=300)
        took_ms = (monotonic() - began_s) * 1000
        order = await leavers.all()
        assert set(order[:3]) == {"ana", "guest", "bo"}
        assert order[3:] == ["later", "soon"]
        assert (sent.watching, sent.bidding + sent.cut) == (3, 2)
        assert took_ms >= 600, "kept until the hammer"


async def test_bidders_stay_until_they_have_heard_the_result():
    lots = Lots()
    async with on_stage(stakes=lots) as stage:
        leavers = await a_room_of(stage, "", "ana")
        fixed(stage)
        lots.running = {SHOW: ({"u_ana"}, 1_000)}
        draining = drained(stage, grace_ms=5_000, spread_ms=100)
        await until(lambda: leavers.order == ["guest"])
        lots.running = {}
        hammered_s = monotonic()
        sent = await draining
        assert (await leavers.all()) == ["guest", "ana"]
        assert (monotonic() - hammered_s) * 1000 >= RESULT_MS - 200, "a tick may lie between"
        assert (sent.watching, sent.bidding, sent.cut) == (1, 1, 0)
        assert stage.gateway.stats.drained == 2


async def test_who_begins_to_bid_while_others_go_is_a_bidder_when_their_turn_comes():
    lots = Lots()
    async with on_stage(stakes=lots) as stage:
        leavers = await a_room_of(stage, "a", "b", "c", "ana")
        fixed(stage)
        lots.running = {SHOW: (set(), 900)}
        draining = drained(stage, grace_ms=5_000, spread_ms=800)
        await until(lambda: len(leavers.order) == 1)
        lots.running[SHOW][0].add("u_b")
        await until(lambda: len(leavers.order) == 3)
        assert sorted(leavers.order) == ["a", "ana", "c"]
        lots.running = {}
        await draining
        assert (await leavers.all())[-1] == "b"


async def test_who_leads_the_show_stays_as_long_as_its_bidders():
    lots = Lots()
    async with on_stage(stakes=lots) as stage:
        leavers = await a_room_of(stage, "host", "ana", "")
        fixed(stage)
        lots.running = {SHOW: (set(), 400)}
        draining = drained(stage, grace_ms=5_000, spread_ms=100)
        await until(lambda: len(leavers.order) == 2)
        lots.running = {}
        await draining
        assert (await leavers.all())[-1] == "host"


async def test_a_hammer_that_never_falls_does_not_outlast_the_grace():
    lots = Moving()  # every look finds the end moved: bidders go on bidding in the last seconds
    async with on_stage(stakes=lots) as stage:
        leavers = await a_room_of(stage, "ana")
        fixed(stage)
        lots.running = {SHOW: ({"u_ana"}, 0)}
        began_s = monotonic()
        sent = await drained(stage, grace_ms=900, spread_ms=100)
        assert (monotonic() - began_s) * 1000 < 900 + 1_500
        assert (sent.bidding, sent.cut) in {(1, 0), (0, 1)}
        assert await leavers.all() == ["ana"]


async def test_viewers_go_one_after_the_other_over_the_spread_and_come_back_at_once():
    async with on_stage() as stage:
        viewers = [await stage.connect("", join=True) for _ in range(20)]
        began_s = monotonic()
        draining = drained(stage, grace_ms=5_000, spread_ms=1_000)
        await until(lambda: stage.gateway.stats.drained >= 2)
        assert stage.gateway.stats.drained <= 10, "not all at once"
        assert (await draining).watching == 20
        assert (monotonic() - began_s) * 1000 >= 800
        assert [await viewer.close_code() for viewer in viewers] == [GONE] * 20
        assert {viewer.socket.close_reason for viewer in viewers} == {f"draining {TOLD_MS}"}


async def test_with_nowhere_to_go_all_are_sent_away_at_once_and_told_to_spread():
    lots = Lots()
    async with on_stage(stakes=lots) as stage:
        viewers = [await stage.connect(name, join=True) for name in ("ana", "", "")]
        fixed(stage)
        lots.running = {SHOW: ({"u_ana"}, 60_000)}
        began_s = monotonic()
        sent = await drained(stage, grace_ms=5_000, hold=False)
        assert (monotonic() - began_s) * 1000 < 1_000
        assert (sent.watching, sent.bidding, sent.cut) == (3, 0, 0)
        assert {await viewer.close_code() for viewer in viewers} == {GONE}
        assert {viewer.socket.close_reason for viewer in viewers} == {"draining 5000"}


async def test_hurry_sends_all_away_now():
    lots = Lots()
    async with on_stage(stakes=lots) as stage:
        leavers = await a_room_of(stage, "ana", "", "")
        fixed(stage)
        lots.running = {SHOW: ({"u_ana"}, 20_000)}
        hurry = asyncio.Event()
        draining = drained(stage, grace_ms=30_000, spread_ms=20_000, hurry=hurry)
        await until(lambda: stage.gateway.stats.draining)
        hurry.set()
        began_s = monotonic()
        sent = await draining
        assert (monotonic() - began_s) * 1000 < 1_500
        assert sent.cut >= 2
        assert sorted(await leavers.all()) == ["ana", "guest", "guest"]


async def test_while_draining_nobody_gets_in_and_who_is_in_fills_their_gaps():
    lots = Lots()
    async with on_stage(stakes=lots) as stage:
        ana = await stage.connect("ana", join=True)
        undecided = await stage.connect("")
        fixed(stage)
        lots.running = {SHOW: ({"u_ana"}, 20_000)}
        # Held for long, so that those without a stake wait their turn too.
        draining = drained(stage, grace_ms=30_000, spread_ms=20_000)
        await until(lambda: stage.gateway.stats.draining)
        late = await stage.connect()
        assert await late.close_code() == GONE
        assert late.socket.close_reason == f"draining {TOLD_MS}"
        with suppress(ConnectionClosed):  # they may have been sent away before they decided
            await undecided.send("room:join", show=SHOW)
        assert await undecided.close_code() == GONE
        here = await ana.join(after={"epoch": 1, "seq": stage.room.seq})
        assert here["recovered"] is True
        assert (await ana.ok("clock:sync", t0=1))["t0"] == 1
        draining.cancel()


async def test_joins_that_wait_in_line_are_sent_elsewhere_too():
    async with on_stage(replace(QUICK, joins_per_s=0.5)) as stage:
        clients = [await stage.connect("") for _ in range(4)]
        for client in clients:
            await client.send("room:join", show=SHOW)
        await until(lambda: stage.gateway.stats.messages == 8)
        stage.gateway.refuse(TOLD_MS)
        codes = [asyncio.create_task(client.close_code()) for client in clients]
        done, waiting = await asyncio.wait(codes, timeout=1)
        assert len(done) >= 3, "one was let in before"
        assert {task.result() for task in done} == {GONE}
        for task in waiting:
            task.cancel()
