"""Which Redis has what: one server, or the primaries of a cluster, each reached by the plain clients of `infra.redis`.

A show's keys carry one hash tag and so lie in one slot. The map is looked up anew when a server says that a slot moved, when one
cannot be reached, and every few seconds; of several answers the one that knows of the latest failover counts. It repeats nothing: whoever got the error decides (an append is never sent twice by a
library's zeal, see docs/adr/0010).
"""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot
from redis.exceptions import ClusterDownError, RedisError

from liveserver.infra.addresses import each, place_of, url_at, without_database
from liveserver.infra.redis import append_connection, busy, cut, general
from liveserver.kernel.errors import Mendable
from liveserver.kernel.tasks import end

log = structlog.get_logger(__name__)

APPEND_LANES = 4
"""Connections that append to one shard, each one batch at a time; a show keeps to one of them. One core of Python fills two."""
LOOK_S = 2.0
"""How often a cluster is asked for its shape without cause: who waits for a server that hangs is freed by what this finds."""
AGAIN_S = 0.25
"""Least pause between two looks: a shard that is down must not be asked about a thousand times a second."""
ASK_MAX_S = 1.0
"""How long a member may take to say how the cluster looks."""
RANGES_MAX = 16_384
"""Rows of slots in an answer: a row has at least one slot."""
MEMBERS_MAX = 1_000
"""Members remembered to be asked: what the cluster's protocol is made for (https://valkey.io/topics/cluster-spec/)."""
GONE_MAX = 64
"""Shards remembered after they lost their slots, so that what was under way there is closed too."""
WHERE = "LIVESERVER_REDIS_URL"


@dataclass(eq=False)
class Shard:
    """One server that takes writes. `general` is for what may happen twice, `appends` for what may not."""

    address: str
    general: Redis
    appends: Sequence[Redis] = field(default=())

    def lane(self, name: str) -> Redis:
        """The appending connection that this name keeps to."""
        return self.appends[sum(name.encode()) % len(self.appends)]

    def connection(self) -> AbstractConnection:
        """A connection of its own, not yet connected, outside the pool; whoever takes it closes it."""
        return self.general.connection_pool.make_connection()

    @property
    def busy(self) -> bool:
        """Whether somebody is waiting for this server."""
        return any(busy(client) for client in (*self.appends, self.general))

    def cut(self) -> None:
        """Leaves all connections: whoever waits gets an error, and the name may lead to another server by now."""
        for client in (*self.appends, self.general):
            cut(client)

    async def aclose(self) -> None:
        for client in (*self.appends, self.general):
            await client.aclose()


class _Range(NamedTuple):
    """Slots first to last lie at `shard`."""

    first: int
    last: int
    shard: Shard


class _Told(NamedTuple):
    """What one member says of the cluster. Ordered by whom to believe: who sees it well, then who knows of more failovers."""

    well: bool
    epoch: int
    address: str
    rows: list[Any]


class Shards:
    """The map. Make it with `connect`, or with `around` for a single server whose clients are there already."""

    def __init__(self, urls: Sequence[str], lanes: int) -> None:
        self.clustered = False
        self._urls = tuple(urls)
        self._lanes = lanes
        self._by_address: dict[str, Shard] = {}
        self._ranges: list[_Range] = []
        self._others: tuple[str, ...] = ()
        """Addresses of members that are not primaries now: asked when a primary is silent."""
        self._silent: set[str] = set()
        self._gone: deque[Shard] = deque(maxlen=GONE_MAX)
        self._changed: list[Callable[[], None]] = []
        self._doubted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def around(cls, redis: Redis, appends: Sequence[Redis] = ()) -> "Shards":
        """A single server, with clients that the caller closes."""
        shards = cls((), len(appends))
        shards._by_address = {"": Shard("", redis, appends)}
        return shards

    @classmethod
    async def connect(cls, url: str, *, lanes: int = APPEND_LANES) -> "Shards":
        """Finds out what the address leads to: one server, or a member of a cluster (then `url` may name several members,
        separated by commas: redis://user:password@a:6379,b:6379). Raises Mendable when nobody answers or it can't be used."""
        shards = cls(each(url), lanes)
        try:
            await shards._begin()
        except BaseException:
            await shards.aclose()
            raise
        return shards

    def find(self, key: str) -> Shard | None:
        """Where the key lies, as far as is known."""
        if not self.clustered:
            return next(iter(self._by_address.values()))
        slot = key_slot(key.encode())
        at = bisect_right(self._ranges, slot, key=lambda known: known.first) - 1
        return self._ranges[at].shard if at >= 0 and slot <= self._ranges[at].last else None

    def of(self, key: str) -> Shard:
        """As `find`. Raises ClusterDownError for a slot that nobody serves."""
        shard = self.find(key)
        if shard is None:
            self.doubt()
            raise ClusterDownError(f"CLUSTERDOWN no server has the slot of {key}")
        return shard

    def all(self) -> list[Shard]:
        """Every shard."""
        return list(self._by_address.values())

    def doubt(self) -> None:
        """Says that the map may be wrong: somebody was sent elsewhere, or reached nobody. It is looked up anew soon."""
        self._doubted.set()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after slots changed hands. Must not raise."""
        self._changed.append(callback)

    async def aclose(self) -> None:
        """Closes all clients made here."""
        await end(self._task)
        if self._urls:
            for shard in (*self._by_address.values(), *self._gone):
                await shard.aclose()

    async def _begin(self) -> None:
        wrong: list[str] = []
        told: _Told | None = None
        first = ""
        for url in self._urls:
            asking = general(without_database(url), connections_max=1)
            try:
                info = await asking.info("cluster")
                self.clustered = bool(int(info.get("cluster_enabled", 0)))
                told = await _ask(asking, place_of(url)) if self.clustered else None
            except (RedisError, OSError, TimeoutError) as error:
                wrong.append(f"{place_of(url)}: {error}")
                continue
            finally:
                await asking.aclose()
            first = url
            break
        else:
            raise Mendable(
                f"Redis cannot be reached: {'; '.join(wrong)}", WHERE, "Check the address and that it runs."
            )
        if told is None:
            if len(self._urls) > 1:
                raise Mendable(
                    "Several Redis servers are named, and they are no cluster",
                    WHERE,
                    "Name one server, or members of one cluster.",
                )
            self._by_address = {"": self._shard("", first)}
            return
        if first != without_database(first):
            raise Mendable(
                "A Redis Cluster has no databases besides 0", WHERE, "Leave the database's number away."
            )
        self._take(told)
        self._task = asyncio.create_task(self._keep_looking(), name="shards")

    def _shard(self, address: str, url: str) -> Shard:
        return Shard(address, general(url), tuple(append_connection(url) for _ in range(self._lanes)))

    async def _keep_looking(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._doubted.wait()
            except TimeoutError:
                pass
            self._doubted.clear()
            if not await self._look():
                self._doubted.set()
            await asyncio.sleep(AGAIN_S)

    async def _look(self) -> bool:
        """Asks all primaries, and if one is silent the other members too. False when nobody answered."""
        asked = [shard.address for shard in self.all()]
        told = await asyncio.gather(*(_asked(shard.general, shard.address) for shard in self.all()))
        if None in told:
            asked += self._others
            told += await asyncio.gather(*(self._ask_other(address) for address in self._others))
        silent = {address for address, one in zip(asked, told, strict=True) if one is None}
        if silent != self._silent:  # not each time: this may be several times a second for hours
            log.warning("shards_silent", addresses=sorted(silent))
            self._silent = silent
        answers = [one for one in told if one is not None and one.rows]
        if not answers:
            return False
        self._take(max(answers, key=lambda one: (one.well, one.epoch)))
        for shard in tuple(self._gone):
            # Whoever still waits for such a server's answer is told that it does not come. Not once only, for redis-py connects
            # anew where it may repeat a command.
            if shard.busy:
                shard.cut()
            else:
                self._gone.remove(shard)
                await shard.aclose()
        return True

    async def _ask_other(self, address: str) -> _Told | None:
        client = general(url_at(self._urls[0], address), connections_max=1)
        try:
            return await _asked(client, address)
        finally:
            await client.aclose()

    def _take(self, told: _Told) -> None:
        """Makes the answer of CLUSTER SLOTS the map: rows of first slot, last slot, primary, replicas."""
        ranges: list[_Range] = []
        others = [place_of(url) for url in self._urls]
        for first, last, primary, *replicas in told.rows[:RANGES_MAX]:
            address = _place(primary, told.address)
            if address is None:
                continue  # a server that the cluster itself cannot name
            shard = self._by_address.get(address)
            if shard is None:
                shard = self._by_address[address] = self._shard(address, url_at(self._urls[0], address))
            ranges.append(_Range(int(first), int(last), shard))
            others += [place for replica in replicas if (place := _place(replica, told.address)) is not None]
        ranges.sort(key=lambda known: known.first)
        self._others = tuple(dict.fromkeys(place for place in others if place not in self._by_address))[
            :MEMBERS_MAX
        ]
        if ranges == self._ranges:
            return
        self._ranges = ranges
        serving = {known.shard for known in ranges}
        gone = [shard for shard in self.all() if shard not in serving]
        for shard in gone:
            self._gone.append(self._by_address.pop(shard.address))
        log.info("shards", addresses=sorted(self._by_address), gone=[shard.address for shard in gone])
        for callback in self._changed:
            callback()


async def _ask(client: Redis, address: str) -> _Told:
    info = cast("bytes", await client.execute_command("CLUSTER", "INFO")).decode()
    rows = cast("list[Any]", await client.execute_command("CLUSTER", "SLOTS"))
    known = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return _Told(
        known.get("cluster_state") == "ok", int(known.get("cluster_current_epoch", 0)), address, rows
    )


async def _asked(client: Redis, address: str) -> _Told | None:
    try:
        async with asyncio.timeout(ASK_MAX_S):
            return await _ask(client, address)
    except (RedisError, OSError, TimeoutError) as error:
        log.debug("shard_does_not_answer", address=address, error=repr(error))
        return None


def _place(member: Any, asked: str) -> str | None:
    """The address of a member in CLUSTER SLOTS. An empty host stands for the one that was asked, `?` for an unknown one
    (https://valkey.io/commands/cluster-slots/)."""
    host = _text(member[0]) or asked.rpartition(":")[0]
    return None if host == "?" else f"{host}:{int(member[1])}"


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
