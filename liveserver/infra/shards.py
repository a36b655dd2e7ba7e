"""Which Redis has what: one server, or the primaries of a cluster, each reached by the plain clients of `infra.redis`.

A show's keys carry one hash tag and so lie in one slot. The map is looked up anew when a server says that a slot moved, when one
cannot be reached, and every few seconds. It repeats nothing: whoever got the error decides (an append is never sent twice by a
library's zeal, see docs/adr/0010).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ClusterDownError, RedisError

from liveserver.infra.redis import append_connection, general
from liveserver.kernel.errors import Mendable
from liveserver.kernel.tasks import end

log = structlog.get_logger(__name__)

APPEND_LANES = 4
"""Connections that append to one shard, each one batch at a time; a show keeps to one of them. One core of Python fills two."""
LOOK_S = 5.0
"""How often a cluster is asked for its shape without cause."""
AGAIN_S = 0.25
"""Least pause between two looks: a shard that is down must not be asked about a thousand times a second."""
SHARDS_MAX = 1_000
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

    async def aclose(self) -> None:
        for client in (*self.appends, self.general):
            await client.aclose()


class Shards:
    """The map. Make it with `connect`, or with `around` for a single server whose clients are there already."""

    def __init__(self, urls: Sequence[str], lanes: int) -> None:
        self.clustered = False
        self._urls = tuple(urls)
        self._lanes = lanes
        self._by_address: dict[str, Shard] = {}
        self._slots: list[tuple[int, int, Shard]] = []
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
        shards = cls(_each(url), lanes)
        try:
            await shards._begin()
        except BaseException:
            await shards.aclose()
            raise
        return shards

    def of(self, key: str) -> Shard:
        """Where the key lies, as far as is known. Raises ClusterDownError for a slot that nobody serves."""
        if not self.clustered:
            return next(iter(self._by_address.values()))
        slot = key_slot(key.encode())
        for first, last, shard in self._slots:
            if first <= slot <= last:
                return shard
        self.doubt()
        raise ClusterDownError(f"CLUSTERDOWN no server has slot {slot}")

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
            for shard in self._by_address.values():
                await shard.aclose()

    async def _begin(self) -> None:
        wrong: list[str] = []
        for url in self._urls:
            asking = general(url, connections_max=1)
            try:
                info = await asking.info("cluster")
                self.clustered = bool(int(info.get("cluster_enabled", 0)))
                if self.clustered:
                    self._take(url, await asking.execute_command("CLUSTER", "SLOTS"))
            except (RedisError, OSError, TimeoutError) as error:
                wrong.append(str(error))
                continue
            finally:
                await asking.aclose()
            break
        else:
            raise Mendable(
                f"Redis cannot be reached: {'; '.join(wrong)}", WHERE, "Check the address and that it runs."
            )
        if not self.clustered:
            if len(self._urls) > 1:
                raise Mendable(
                    "Several Redis servers are named, and they are no cluster",
                    WHERE,
                    "Name one server, or members of one cluster.",
                )
            self._by_address = {"": self._shard("", self._urls[0])}
            return
        path = str(urlsplit(self._urls[0]).path)
        if path.strip("/") not in {"", "0"}:
            raise Mendable(
                "A Redis Cluster has no databases besides 0", WHERE, "Leave the database's number away."
            )
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
        """Asks whoever answers first for the cluster's shape."""
        known = [(shard.address, shard.general) for shard in self.all()]
        for address, client in known:
            try:
                async with asyncio.timeout(1):
                    self._take(_at(self._urls[0], address), await client.execute_command("CLUSTER", "SLOTS"))
            except (RedisError, OSError, TimeoutError) as error:
                log.info("shard_does_not_answer", address=address, error=repr(error))
            else:
                return True
        return False

    def _take(self, asked_url: str, rows: Any) -> None:
        """Makes the answer of CLUSTER SLOTS the map: rows of first slot, last slot, primary, replicas."""
        slots: list[tuple[int, int, Shard]] = []
        for first, last, primary, *_ in rows[:SHARDS_MAX]:
            # An empty host stands for the one that was asked (https://valkey.io/commands/cluster-slots/).
            host = _text(primary[0]) or (urlsplit(asked_url).hostname or "")
            address = f"{host}:{int(primary[1])}"
            shard = self._by_address.get(address)
            if shard is None:
                shard = self._shard(address, _at(self._urls[0], address))
                self._by_address[address] = shard
            slots.append((int(first), int(last), shard))
        slots.sort(key=lambda row: row[0])
        if slots == self._slots:
            return
        self._slots = slots
        log.info("shards", addresses=sorted({shard.address for _, _, shard in slots}))
        for callback in self._changed:
            callback()


def _each(url: str) -> list[str]:
    parts = urlsplit(url)
    if not parts.scheme.startswith("redis"):
        return [url]
    credentials, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}")) for host in hosts.split(",")]


def _at(url: str, address: str) -> str:
    """The same address with another host and port."""
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    host, _, port = address.rpartition(":")
    host = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}:{port}"))


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
