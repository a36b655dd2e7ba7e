"""Bidders, viewers and an auctioneer, spread over a world's nodes: they do what people do, and remember what they were told.

When their node dies they go to the next one, as a browser does behind one address. Whether what they were told is true is
the audit's question.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise
from random import Random
from typing import Any, Self

import aiohttp
import jwt
import msgspec

from chaos.viewers import Viewer
from chaos.world import World
from liveserver.client import BidPlaced, LiveClient, LotOpened, Room, Said
from liveserver.kernel.errors import Rejected

STEP = 100
"""Increment of the lots, in minor units."""
START = 100
DECIDED = frozenset({"bid_too_low", "already_leading"})
"""Refusals that the rules gave: answers, as good as an acknowledgement."""
AWAY = frozenset({
    "unavailable", "paused", "cut", "unconfirmed", "rate_limited", "not_joined", "busy", "closed", "joins_limited",
})  # fmt: skip
"""Refusals that say "not now"."""
ENDED = frozenset({"sold", "passed"})
HAMMERED = ENDED | {"hammered"}
WAIT_MAX_S = 120
WARM = 30
"""Acknowledged bids before a fault begins."""


class Acknowledged(msgspec.Struct, frozen=True):
    """A bid that somebody was promised."""

    bidder: str
    seq: int
    amount: int
    lot: str
    at_s: float


class Refused(msgspec.Struct, frozen=True):
    """A bid that was not taken, as far as its bidder was told."""

    bidder: str
    code: str
    at_s: float


class Bidder:
    """Bids with several hands, as long as lots run. `node` is where it goes first."""

    def __init__(self, name: str, node: int, random: Random) -> None:
        self.id = f"ext:{name}"
        self.name = name
        self.node = node
        self.answered_s: list[float] = []
        """When the rules answered: acknowledged, or outbid already."""
        self.client: LiveClient | None = None
        self._random = random

    async def bid(self, room: Room, crowd: "Crowd", pause_s: float) -> None:
        """One hand, until cancelled."""
        while True:
            await asyncio.sleep(pause_s * self._random.uniform(0.5, 1.5))
            await crowd.may_bid.wait()
            lot = room.lot
            if lot is None:
                continue
            amount = int(lot["min_next"]) + self._random.randrange(20) * STEP
            placed = await room.bid(lot["lot"], amount, confirm=True)
            now_s = time.monotonic()
            if isinstance(placed, BidPlaced):
                self.answered_s.append(now_s)
                crowd.acknowledge(Acknowledged(self.id, placed.seq, amount, lot["lot"], now_s))
            else:
                if placed.code in DECIDED:
                    self.answered_s.append(now_s)
                crowd.refused.append(Refused(self.id, placed.code, now_s))

    def longest_wait_s(self, since_s: float) -> float:
        """The longest time without an answer of the rules."""
        times = [since_s, *(at_s for at_s in self.answered_s if at_s > since_s)]
        return max((after - before for before, after in pairwise(times)), default=0.0)


class Crowd:
    """The people of one show, from entering to leaving. The auctioneer opens lots of `lot_ms` one after the other."""

    def __init__(
        self,
        world: World,
        *,
        bidders: int = 8,
        hands: int = 2,
        viewers: int = 6,
        pause_s: float = 0.08,
        lot_ms: int = 1_500,
        seed: int = 1,
        bidders_on: tuple[int, ...] = (),
    ) -> None:
        """`bidders_on`: numbers of the nodes where they bid; empty for all. `pause_s`: a hand's thought between two bids."""
        self.show = ""
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[Refused] = []
        self.lots: list[str] = []
        """Lots the auctioneer was told are open."""
        self.began_s = 0.0
        self.may_bid = asyncio.Event()
        self.may_bid.set()
        self.last_seq = 0
        """Where the show stood when the last lot's result was final."""
        random = Random(seed)
        places = bidders_on or tuple(range(len(world.nodes)))
        self.bidders = [
            Bidder(f"bidder{number}", places[number % len(places)], Random(random.random()))
            for number in range(bidders)
        ]
        self.viewers: list[Viewer] = []
        self._viewer_count = viewers
        self._world = world
        self._hands = hands
        self._pause_s = pause_s
        self._lot_ms = lot_ms
        self._random = random
        self._bidding: list[asyncio.Task[None]] = []
        self._watching: list[asyncio.Task[None]] = []
        self._auctioneer: asyncio.Task[None] | None = None
        self._last_lot = asyncio.Event()
        self._acknowledgement = asyncio.Event()

    @property
    def load(self) -> str:
        """In words, for the table."""
        return f"{len(self.bidders)} bidders, {len(self.viewers)} viewers, {len(self._world.nodes)} nodes"

    async def __aenter__(self) -> Self:
        host = self.token("hana", "host")
        self.show = await _new_show(self._world.nodes[0].origin, host)
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._auctioneer = asyncio.create_task(self._run_lots(host, opened), name="auctioneer")
        try:
            async with asyncio.timeout(WAIT_MAX_S):
                await asyncio.wait({opened, self._auctioneer}, return_when=asyncio.FIRST_COMPLETED)
                if not opened.done():
                    await self._auctioneer
                for number in range(self._viewer_count):
                    codec = "msgpack" if number % 2 else "json"
                    viewer = Viewer(f"viewer{number}", self._urls(number), self.show, codec, self._random)
                    self.viewers.append(viewer)
                    self._watching.append(asyncio.create_task(viewer.run(), name=viewer.name))
                await until(lambda: all(viewer.heard for viewer in self.viewers))
                self._bidding = [
                    asyncio.create_task(self._live(bidder), name=bidder.name) for bidder in self.bidders
                ]
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._leave()

    def token(self, name: str, role: str) -> str:
        """Somebody of the embedding app, known by a token signed with the world's secret."""
        claims = {"sub": name, "name": name.title(), "role": role, "exp": int(time.time()) + 86_400}
        return jwt.encode(claims, self._world.secret, "HS256")

    def acknowledge(self, bid: Acknowledged) -> None:
        """A bidder was told so."""
        self.acknowledged.append(bid)
        self._acknowledgement.set()

    def refusals(self, since_s: float = 0.0) -> Counter[str]:
        """By code."""
        return Counter(refused.code for refused in self.refused if refused.at_s >= since_s)

    # -- what a fault and its drill wait for

    async def warm(self, bids: int = WARM) -> None:
        """Returns when so many more bids were acknowledged, and every bidder has been answered."""
        self.began_s = self.began_s or time.monotonic()
        enough = len(self.acknowledged) + bids
        await until(
            lambda: len(self.acknowledged) >= enough and all(bidder.answered_s for bidder in self.bidders)
        )

    async def first_acknowledged_after(self, since_s: float) -> Acknowledged:
        """The first bid acknowledged after that moment. Raises TimeoutError when nobody gets one."""
        async with asyncio.timeout(WAIT_MAX_S):
            while True:
                if self.acknowledged and self.acknowledged[-1].at_s > since_s:
                    return next(bid for bid in self.acknowledged if bid.at_s > since_s)
                self._acknowledgement.clear()
                await self._acknowledgement.wait()

    async def all_answered_after(self, since_s: float) -> None:
        """Returns when every bidder had an answer after that moment."""
        await until(
            lambda: all(bidder.answered_s and bidder.answered_s[-1] > since_s for bidder in self.bidders)
        )

    @asynccontextmanager
    async def silence(self) -> AsyncGenerator[None]:
        """Nobody bids within the block."""
        self.may_bid.clear()
        yield
        self.may_bid.set()

    async def say(self, text: str, *, on: int) -> int:
        """The host says something, on that node; its sequence number."""
        url = self._world.nodes[on].socket_url
        async with LiveClient(url, self.token("hana", "host"), random=self._random) as client:
            said = await (await client.join(self.show)).chat(text)
            assert isinstance(said, Said), said
            return said.seq

    async def finish(self) -> None:
        """The running lot is the last one: returns when its result is final, and nobody bids any more."""
        self._last_lot.set()
        assert self._auctioneer is not None, "it was entered"
        async with asyncio.timeout(WAIT_MAX_S):
            await self._auctioneer
        await _ended(self._bidding)

    # -- the people

    def _urls(self, first: int) -> list[str]:
        urls = [node.socket_url for node in self._world.nodes]
        first %= len(urls)
        return urls[first:] + urls[:first]

    async def _live(self, bidder: Bidder) -> None:
        token = self.token(bidder.name, "viewer")
        async with LiveClient(self._urls(bidder.node), token, random=self._random) as client:
            bidder.client = client
            room = await client.join(self.show)
            async with asyncio.TaskGroup() as hands:
                for _ in range(self._hands):
                    hands.create_task(bidder.bid(room, self, self._pause_s))

    async def _run_lots(self, token: str, opened: asyncio.Future[None]) -> None:
        # On the last node: a fault that hits one node hits the first, and on the others lots should go on.
        async with LiveClient(self._urls(-1), token, random=self._random) as client:
            room = await client.join(self.show)
            await _insist(room.start_show, "show_live")
            number = 0
            while not self._last_lot.is_set():
                number += 1
                lot = await self._open(room, f"Lot {number}")
                self.lots.append(lot)
                if not opened.done():
                    opened.set_result(None)
                # Its result may still be provisional when the next one opens.
                await room.until(lambda lot=lot: _status(room, lot) in HAMMERED)
            await room.until(lambda: all(_status(room, lot) in ENDED for lot in self.lots))
            self.last_seq = room.seq

    async def _open(self, room: Room, title: str) -> str:
        """Opens it, however long that takes. One of which nobody knows whether it opened is found by its title."""
        clock = {"duration_ms": self._lot_ms, "window_ms": 0, "extend_ms": 0, "hammer_ms": 200}
        while True:
            answer = await room.open_lot(title=title, start=START, increments=f"flat:{STEP}", clock=clock)
            if isinstance(answer, LotOpened):
                return answer.lot
            assert answer.code in AWAY or answer.code in {"lot_open", "lot_known"}, answer
            await asyncio.sleep(0.2)
            for lot in room.view["auction"]["lots"].values():
                if lot["title"] == title:
                    return str(lot["lot"])

    async def _leave(self) -> None:
        tasks = [*self._bidding, *self._watching]
        if self._auctioneer is not None:
            tasks.append(self._auctioneer)
        await _ended(tasks)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    """Ends them. Raises what one of them had died of before."""
    broken = [task for task in tasks if task.done() and not task.cancelled() and task.exception()]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in broken:
        task.result()
    tasks.clear()


def _status(room: Room, lot: str) -> str:
    lots: dict[str, Any] = room.view["auction"]["lots"]
    return str(lots[lot]["status"]) if lot in lots else ""


async def _insist(do: Any, already: str) -> None:
    while isinstance(answer := await do(), Rejected) and answer.code != already:
        assert answer.code in AWAY, answer
        await asyncio.sleep(0.2)


async def _new_show(origin: str, token: str) -> str:
    headers = {"authorization": f"Bearer {token}"}
    body = {"title": "Chaos", "currency": "USD"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{origin}/api/v1/seller/livestreams", json=body, headers=headers) as response,
    ):
        document = await response.json()
        assert response.status < 300, f"{response.status} {document}"
        return str(document["id"])


async def until(condition: Any, wait_max_s: float = WAIT_MAX_S) -> None:
    """Returns when the condition holds; it is looked at often. Raises TimeoutError."""
    async with asyncio.timeout(wait_max_s):
        while not condition():  # noqa: ASYNC110 - what other tasks and processes count
            await asyncio.sleep(0.01)
