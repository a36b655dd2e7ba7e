"""All nodes are restarted one after the other under bidding load, behind a plain round-robin front: nobody loses anything.

Counted from outside: what clients were told, and the record in PostgreSQL. `pytest -s` prints how long people were away.
"""

import asyncio
import random
import statistics
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from time import monotonic

from liveserver.cli.features import FEATURES
from liveserver.cli.front import Front
from liveserver.cli.ports import listen
from liveserver.cli.recompute import verify
from liveserver.client import SNAPSHOT, BidPlaced, LiveClient, LotOpened, Room, Said
from liveserver.client.codecs import Format
from liveserver.infra.database import open_pool
from liveserver.infra.engines import Engines
from liveserver.infra.ports import free_port
from liveserver.kernel.errors import Rejected
from tests.support.server import JWT, Person, Server, person

NODES = 3
BIDDERS = 12
VIEWERS = 24
CHATTERS = 2
BID_PAUSE_S = 0.02
"""What a bidder thinks between an answer and the next bid: so gaps are the servers', and the machine is not the limit."""
CHAT_PAUSE_S = 0.1
STEADY_S = 1.5
"""Load before the first and after each restart."""
WAIT_MS = 30_000
WORST_GAP_MS = 4_000
"""A bidder is away for a spread of a quarter second and one reconnect; the rest is room for a machine that does other things."""
ANSWERS = {"bid_too_low", "already_leading"}
"""Refusals that the room has given: answers like any other."""
NO_ANSWERS = {"unavailable", "cut", "unconfirmed", "not_joined", "rate_limited"}


@dataclass
class Bidder:
    """Bids as long as the lot runs."""

    who: Person
    acknowledged: list[tuple[int, int]] = field(default_factory=list)
    """(seq, amount) of each bid that was answered `ok`."""
    answered_s: list[float] = field(default_factory=list)
    losses: int = 0

    async def bids(self, url: str, show: str, lot: str, stop: asyncio.Event, rng: random.Random) -> None:
        async with LiveClient(url, self.who.token) as client:
            room = await client.join(show)
            while not stop.is_set():
                amount = room.view["auction"]["lots"][lot]["min_next"] + rng.randrange(0, 20) * 100
                placed = await room.bid(lot, amount, confirm=True)
                if isinstance(placed, BidPlaced):
                    self.acknowledged.append((placed.seq, amount))
                else:
                    assert placed.code in ANSWERS | NO_ANSWERS, placed
                if isinstance(placed, BidPlaced) or placed.code in ANSWERS:
                    self.answered_s.append(monotonic())
                await asyncio.sleep(BID_PAUSE_S)
            self.losses = client.losses


@dataclass
class Viewer:
    """Notes every event of a show as it is told."""

    codec: Format
    seqs: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=list)
    snapshots: int = 0
    losses: int = 0
    view: dict[str, object] = field(default_factory=dict)

    async def watches(self, url: str, show: str, lot: str, entered: asyncio.Semaphore) -> None:
        """Until the lot is sold."""
        async with LiveClient(url, codec=self.codec, events_max=100_000) as client:
            room = await client.join(show)
            reader = room.events()
            entered.release()
            async for event in reader:
                if event.type == SNAPSHOT:
                    self.snapshots += 1
                elif event.seq:
                    self.seqs.append(event.seq)
                    self.heard_s.append(monotonic())
                    if event.type == "chat:new":
                        self.texts.append(event.payload["message"])
                    if event.type == "lot:sold":
                        break
            self.losses, self.view = client.losses, room.view["auction"]["lots"][lot]


async def chats(url: str, who: Person, show: str, stop: asyncio.Event, said: list[str]) -> None:
    """Says one thing after the other; `said` are those that stand. Unlike bids none of them supersedes another, so whoever watches
    must have heard them all."""
    async with LiveClient(url, who.token) as client:
        room = await client.join(show)
        number = 0
        while not stop.is_set():
            number += 1
            text = f"{who.name} says {number}"
            answer = await room.chat(text)
            if isinstance(answer, Said):
                said.append(text)
            else:
                assert answer.code in NO_ANSWERS, answer
            await asyncio.sleep(CHAT_PAUSE_S)


@asynccontextmanager
async def a_front(nodes: list[Server]) -> AsyncGenerator[str]:
    """One address for all nodes; gives the WebSocket's."""
    front = Front([("127.0.0.1", int(node.origin.rpartition(":")[2])) for node in nodes])
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    await front.start(listener)
    try:
        yield f"ws://127.0.0.1:{port}/ws"
    finally:
        await front.aclose()


def shared(engines: Engines, **more: str) -> dict[str, str]:
    return {
        "LIVESERVER_DATABASE_URL": engines.database_url,
        "LIVESERVER_REDIS_URL": engines.redis_url,
        "LIVESERVER_BIDS_PER_S": "0",
        "LIVESERVER_CHATS_PER_S": "0",
        **JWT,
        **more,
    }


async def opened(room: Room, duration_ms: int) -> str:
    lot = await room.open_lot(
        title="Leica M3",
        start=100,
        increments="flat:100",
        clock={"duration_ms": duration_ms, "window_ms": 0, "extend_ms": 0, "hammer_ms": 300},
    )
    assert isinstance(lot, LotOpened), lot
    return lot.lot


async def test_all_nodes_are_restarted_under_load_and_nobody_loses_anything(
    own_engines: Engines, new_data_dir: Callable[[], Path]
) -> None:
    settings = shared(
        own_engines,
        LIVESERVER_DRAIN_NOTICE_MS="600",
        LIVESERVER_DRAIN_SPREAD_MS="1500",
        LIVESERVER_STOP_GRACE_MS="8000",
    )
    nodes = [Server(new_data_dir(), settings, port=free_port()) for _ in range(NODES)]
    bidders = [Bidder(person(f"Bidder{i}")) for i in range(BIDDERS)]
    viewers = [Viewer("msgpack" if i % 2 else "json") for i in range(VIEWERS)]
    said: list[str] = []
    stop, rng, entered = asyncio.Event(), random.Random(9), asyncio.Semaphore(0)
    restarts_s: list[float] = []
    async with AsyncExitStack() as stack:
        for node in nodes:
            await stack.enter_async_context(node)
        url = await stack.enter_async_context(a_front(nodes))
        hana = person("Hana", "host")
        show = await nodes[0].new_show(hana)
        host = await stack.enter_async_context(LiveClient(url, hana.token))
        stage = await host.join(show)
        assert not isinstance(await stage.start_show(), Rejected)
        lot = await opened(stage, 600_000)
        async with asyncio.TaskGroup() as people:
            for viewer in viewers:
                people.create_task(viewer.watches(url, show, lot, entered))
            for _ in viewers:
                await entered.acquire()
            bidding = [people.create_task(bidder.bids(url, show, lot, stop, rng)) for bidder in bidders]
            for i in range(CHATTERS):
                people.create_task(chats(url, person(f"Chatter{i}"), show, stop, said))
            await asyncio.sleep(STEADY_S)
            for node in nodes:
                began_s = monotonic()
                assert await node.stop() == 0
                await node.start()
                restarts_s.append(monotonic() - began_s)
                await asyncio.sleep(STEADY_S)
            stop.set()
            await asyncio.wait(bidding)  # a bid under way would be told, rightly, that the lot is closed
            closed = await stage.close_lot(lot)
            assert not isinstance(closed, Rejected), closed
        assert await stage.until(lambda: stage.view["auction"]["lots"][lot]["status"] == "sold", WAIT_MS)
        result = stage.view["auction"]["lots"][lot]
    recorded = await recorded_bids(own_engines, show)
    print(figures(bidders, viewers, len(recorded), said, restarts_s))

    # By amount, which one bidder never has accepted twice: the answer to a bid that was asked again, after its first answer was
    # lost, names the place of the repetition.
    promised = {(bidder.who.id, amount) for bidder in bidders for _, amount in bidder.acknowledged}
    entered_bids = list(recorded.values())
    assert len(promised) == sum(len(bidder.acknowledged) for bidder in bidders) > 0
    assert promised - set(entered_bids) == set(), "a bid that was acknowledged is not in the record"
    assert len(set(entered_bids)) == len(entered_bids), "a bid that was asked again counted twice"
    top = max(amount for _, amount in recorded.values())
    winner = next(who for _, (who, amount) in sorted(recorded.items()) if amount == top)
    assert (result["leader"], result["bids"]) == (
        next(bidder.who.name for bidder in bidders if bidder.who.id == winner),
        len(recorded),
    )
    for viewer in viewers:
        assert viewer.snapshots == 0, "each resume was within the history"
        assert all(a <= b for a, b in pairwise(viewer.seqs)), "in order"
        assert sorted(viewer.texts) == sorted(said), "each chat message once"
        assert viewer.view == result, "all have seen the same"
    assert sum(viewer.losses for viewer in viewers) >= VIEWERS, "everybody was sent elsewhere at least once"
    assert max(gaps_ms(bidder.answered_s)[-1] for bidder in bidders) <= WORST_GAP_MS
    for node in nodes:
        assert "Traceback" not in node.said
        assert "closing_cut" not in node.said


def gaps_ms(times_s: list[float]) -> list[float]:
    """Times between one and the next, sorted."""
    return sorted((b - a) * 1000 for a, b in pairwise(times_s))


def figures(
    bidders: list[Bidder], viewers: list[Viewer], recorded: int, said: list[str], restarts_s: list[float]
) -> str:
    """For who runs it with -s: what people noticed."""

    def row(what: str, gaps: list[float]) -> str:
        cuts = statistics.quantiles(gaps, n=20)
        return f"{what:<34} p50 {cuts[9]:7.0f} ms  p95 {cuts[18]:7.0f} ms  worst {gaps[-1]:7.0f} ms"

    each_bidder = sorted(gaps_ms(bidder.answered_s)[-1] for bidder in bidders)
    each_viewer = sorted(gaps_ms(viewer.heard_s)[-1] for viewer in viewers)
    return "\n".join(
        (
            "",
            f"{NODES} nodes restarted in {' '.join(f'{s:.1f}' for s in restarts_s)} s under load; "
            f"{sum(len(b.acknowledged) for b in bidders)} bids acknowledged, {recorded} recorded, {len(said)} chat messages",
            f"reconnects: bidders {sum(b.losses for b in bidders)}, viewers {sum(v.losses for v in viewers)}",
            row("between two answers to a bidder", sorted(g for b in bidders for g in gaps_ms(b.answered_s))),
            row("longest of each bidder", each_bidder),
            row("between two events for a viewer", sorted(g for v in viewers for g in gaps_ms(v.heard_s))),
            row("longest of each viewer", each_viewer),
        )
    )


async def recorded_bids(engines: Engines, show: str) -> dict[int, tuple[str, int]]:
    """Sequence number -> (bidder, maximum), from the facts in PostgreSQL; all must follow from the log again."""
    pool = await open_pool(engines.database_url)
    rows = await pool.fetch(
        "SELECT seq, payload->>'bidder', (payload->>'amount')::bigint FROM facts "
        "WHERE show = $1 AND kind = 'bid_accepted'",
        show,
    )
    report = await verify(pool, show, FEATURES)
    await pool.close()
    assert report.difference is None, report
    return {seq: (bidder, amount) for seq, bidder, amount in rows}


async def test_bidders_of_a_lot_about_to_close_are_kept_until_its_hammer(
    own_engines: Engines, new_data_dir: Callable[[], Path]
) -> None:
    settings = shared(
        own_engines,
        LIVESERVER_DRAIN_NOTICE_MS="0",
        LIVESERVER_DRAIN_SPREAD_MS="300",
        LIVESERVER_STOP_GRACE_MS="20000",
    )
    hana, ana = person("Hana", "host"), person("Ana")
    async with Server(new_data_dir(), settings) as stays, Server(new_data_dir(), settings) as leaves:
        show = await stays.new_show(hana)
        async with (
            LiveClient(stays.socket_url, hana.token) as host,
            LiveClient(leaves.socket_url, ana.token) as bidding,
            LiveClient(leaves.socket_url) as watching,
        ):
            stage, here, there = [await c.join(show) for c in (host, bidding, watching)]
            assert not isinstance(await stage.start_show(), Rejected)
            lot = await opened(stage, 6_000)  # longer than leaving takes to begin on a busy machine
            assert await here.until(lambda: here.lot is not None, WAIT_MS)
            assert isinstance(await here.bid(lot, 500), BidPlaced)
            stopping = asyncio.create_task(leaves.stop())
            async with asyncio.timeout(WAIT_MS / 1000):
                while not watching.losses:  # noqa: ASYNC110  # a count that nobody announces
                    await asyncio.sleep(0.02)
            assert bidding.losses == 0
            assert isinstance(await here.bid(lot, 900), BidPlaced), "still a bidder, on a node that leaves"
            assert await here.until(lambda: here.view["auction"]["lots"][lot]["status"] == "sold", WAIT_MS)
            assert bidding.losses == 0, "the result was told here"
            assert await stopping == 0
            assert there.seq <= here.seq
        assert "Traceback" not in leaves.said
