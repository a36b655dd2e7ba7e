"""A show's log in Redis: the calls that append to it, read it and open it, and the form of its entries.

It orders and keeps, nothing more: no rule, no retry policy (`appender`), no decision about epochs (`opening`).
"""

import hashlib
import time
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ClusterDownError, MovedError, ReadOnlyError, RedisError, ResponseError

from liveserver.infra.redis import cut, held
from liveserver.infra.shards import Shards
from liveserver.rooms.model import Entry

READ_MAX = 512
"""Entries read from the stream at once; an entry holds up to a few hundred commands."""
UNRECORDED_MAX = 500_000
"""Commands of a show that may wait for PostgreSQL; past this new ones are refused, so that nothing acknowledged is ever
trimmed. Measured with bids: 1 KB each in every process that follows the show, 60 to 200 bytes in Valkey. So 0.5 GB at most,
for a peak of 20 s at twice the pace of recording, or hours of a lively chat while PostgreSQL is away."""
KEEP_MAX = 20_000
"""Recorded commands kept in the stream for nodes that fell behind; older ones are in PostgreSQL."""

ASK_AGAIN_MS = 5
"""How long one WAITAOF waits before the next asks the replicas again. They tell what is on disk when they are asked, and then
once a second: one that is asked while it still writes would be waited for that long. Measured: p50 0.8 ms instead of 1,060."""

_NONE = b"-"
"""Stands for the empty hash before the first entry, where words are split at spaces."""


class LogCorrupt(Exception):
    """An entry's content does not match its hash."""


class Refusal(Exception):
    """The log took nothing, for sure. `code` is NOLOG, FENCED, CLOCK, BACKLOG, STALE or INVALID (see log.lua)."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words


class Head(msgspec.Struct, frozen=True):
    """Where a log stands. `epoch` 0: there is none. `run` is the server that may append, `own_run` the one that answered."""

    epoch: int
    seq: int
    ts: int
    hash: str
    run: str
    recorded: int
    own_run: str
    now_ms: int


def entry_hash(
    prev: str, epoch: int, first: int, count: int, ts: int, node: str, batch: int, payload: bytes
) -> str:
    """The link of the chain, as log.lua makes it. SHA-1 is all that Redis functions have: it detects forks and damage;
    what bidders can check is the lot's own SHA-256 chain."""
    fields = f"{prev}|{epoch}|{first} {count} {ts} {node} {batch}|".encode()
    return hashlib.sha1(fields + payload, usedforsecurity=False).hexdigest()


def make_entry(
    prev: str, epoch: int, first: int, count: int, ts: int, node: str, batch: int, payload: bytes
) -> Entry:
    """An entry as the log would have made it: for virtual logs (replay, simulation)."""
    return Entry(
        epoch,
        first,
        ts,
        node,
        batch,
        prev,
        entry_hash(prev, epoch, first, count, ts, node, batch, payload),
        payload,
        count,
    )


def is_whole(entry: Entry) -> bool:
    """Whether the entry's content matches its hash."""
    return entry.hash == entry_hash(
        entry.prev, entry.epoch, entry.first, entry.count, entry.ts, entry.node, entry.batch, entry.payload
    )


def _entry(epoch: int, header: bytes, payload: bytes) -> Entry:
    first, count, ts, node, batch, prev, own = header.split(b" ")
    return Entry(
        epoch,
        int(first),
        int(ts),
        node.decode(),
        int(batch),
        "" if prev == _NONE else prev.decode(),
        own.decode(),
        payload,
        int(count),
    )


def checked(entry: Entry) -> Entry:
    """The same entry. Raises LogCorrupt when its content does not match its hash."""
    if not is_whole(entry):
        raise LogCorrupt(f"entry {entry.epoch}-{entry.last} does not match its hash")
    return entry


def parse_message(message: bytes) -> Entry:
    """The entry in a message of the show's channel, which is not yet `checked`: most are known already and need no second
    look. Raises ValueError."""
    header, _, payload = message.partition(b"\n")
    epoch, _, rest = header.partition(b" ")
    return _entry(int(epoch), rest, payload)


class Unreplicated(Exception):
    """The batch is in the log, and not on disk at enough replicas in time. Append the same batch again to ask again."""


class ShowLog:
    """The log of one show, on whichever server has its slot. Appends go by a connection that repeats nothing by itself."""

    def __init__(
        self, show: str, shards: Shards, *, unrecorded_max: int = UNRECORDED_MAX, replicas: int = 0
    ) -> None:
        self.show = show
        self.channel = channel_of(show)
        self._shards = shards
        self._keys = (f"ls:{{{show}}}:log", f"ls:{{{show}}}:meta", self.channel)
        self.unrecorded_max = unrecorded_max
        self.replicas = replicas
        """Replicas that must have a batch on disk before its commands are acknowledged."""

    async def append(
        self, node: str, batch: int, estimate_ms: int, count: int, payload: bytes, *, wait_ms: int = 1_000
    ) -> Entry:
        """Appends a batch, or returns the entry it made when it was appended before.

        Raises Refusal when nothing was appended, Unreplicated when it was and `replicas` did not have it within `wait_ms`;
        any RedisError or OSError leaves the outcome unknown: append the same batch again, or look for it among the entries.
        """
        args = (node, batch, estimate_ms, count, self.unrecorded_max, payload)
        reply, safe = await self._append(args, wait_ms) if self.replicas else (await self._once(args), True)
        code, echoed = reply[0].decode(), reply[1].decode()
        if echoed != str(batch):
            # The answer to another call: this connection is out of step and can't be trusted (faults.md, row 2).
            cut(self._lane)
            raise ConnectionError(f"asked about batch {batch}, was answered about {echoed}")
        if code != "ok":
            raise Refusal(code, reply[2].decode())
        if not safe:
            raise Unreplicated(f"batch {batch} is not on disk at {self.replicas} replicas after {wait_ms} ms")
        epoch, first, ts, prev, own = reply[2:7]
        return Entry(
            int(epoch),
            int(first),
            int(ts),
            node,
            batch,
            "" if prev == _NONE else prev.decode(),
            own.decode(),
            payload,
            count,
        )

    @property
    def _lane(self) -> Redis:
        return self._shards.of(self.channel).lane(self.show)

    async def _once(self, args: Sequence[Any]) -> Any:
        return await self._call("append", *args, appending=True)

    async def _append(self, args: Sequence[Any], wait_ms: int) -> tuple[Any, bool]:
        """Appends and waits for the replicas, on one connection: WAITAOF counts for the connection that wrote, and no other
        (https://valkey.io/commands/waitaof/)."""
        until_s = time.monotonic() + wait_ms / 1000
        try:
            async with held(self._lane) as say:
                reply = await say(*self._words("append", args))
                safe = reply[0] != b"ok"  # then there is nothing to wait for
                while not safe and time.monotonic() < until_s:
                    local, replicas = await say("WAITAOF", 1, self.replicas, ASK_AGAIN_MS)
                    safe = local >= 1 and replicas >= self.replicas
        except (RedisError, OSError) as error:
            await self._failed(error)
            raise
        return reply, safe

    async def head(self) -> Head:
        """Where the log stands, and the server's identity and time."""
        epoch, seq, ts, own, run, recorded, own_run, now = await self._call("head")
        return Head(
            int(epoch or 0),
            int(seq or 0),
            int(ts or 0),
            own.decode(),
            run.decode(),
            int(recorded or 0),
            own_run.decode(),
            int(now),
        )

    async def open(self, epoch: int, seq: int, ts: int, hash: str, instead_of: Head) -> bool:
        """Creates the log, continuing at `seq`, instead of what `instead_of` described. False when that has changed."""
        old = (instead_of.epoch or "", instead_of.seq if instead_of.epoch else "")
        return (await self._call("open", epoch, seq, ts, hash, *old))[0] == b"ok"

    async def fence(self, head: Head) -> bool:
        """Lets the present server append to the log that `head` described. False when it changed meanwhile."""
        return (await self._call("fence", head.run, head.seq, head.hash))[0] == b"ok"

    async def recorded(self, epoch: int, seq: int) -> None:
        """Says that PostgreSQL has everything up to `seq`, and trims what no resume needs."""
        await self._call("recorded", epoch, seq, max(0, seq - KEEP_MAX))

    async def read(self, epoch: int, after: int, limit: int = READ_MAX) -> list[Entry]:
        """Entries of an epoch behind sequence number `after`, in order; the first may start later if the log was trimmed."""
        try:
            rows = cast(
                "list[tuple[bytes, dict[bytes, bytes]]]",
                await self._shards.of(self.channel).general.xrange(
                    self._keys[0], f"({epoch}-{after}", str(epoch), count=limit
                ),
            )
        except (RedisError, OSError):
            self._shards.doubt()
            raise
        return [checked(_entry(epoch, fields[b"h"], fields[b"p"])) for _, fields in rows]

    def _words(self, name: str, args: Sequence[Any]) -> tuple[Any, ...]:
        return ("FCALL", f"liveserver_{name}_v2", 3, *self._keys, *args)

    async def _call(self, name: str, *args: Any, appending: bool = False) -> Any:
        for first in (True, False):
            shard = self._shards.of(self.channel)
            redis = shard.lane(self.show) if appending else shard.general
            try:
                return cast("Any", await redis.execute_command(*self._words(name, args)))
            except (RedisError, OSError) as error:
                if not (await self._failed(error) and first):
                    raise
        raise AssertionError("the second failure is raised")

    async def _failed(self, error: Exception) -> bool:
        """Mends what the error names; whether the same call may succeed now, and surely changed nothing."""
        if "Function not found" in str(error):
            await load_functions(self._shards.of(self.channel).general)
            return True
        if isinstance(error, ReadOnlyError):
            # The server is a replica now; where its name leads to the new primary, connecting anew finds that.
            self._shards.of(self.channel).cut()
        if not isinstance(error, ResponseError) or isinstance(
            error, MovedError | ReadOnlyError | ClusterDownError
        ):
            self._shards.doubt()
        return False


def channel_of(show: str) -> str:
    """The sharded channel on which a show's entries are published."""
    return f"ls:{{{show}}}:bus"


async def load_functions(redis: Redis) -> None:
    """Loads the library if it is absent. Never replaces one: another release may be using it (faults.md, row 12)."""
    code = files("liveserver.rooms").joinpath("log.lua").read_text()
    try:
        await redis.execute_command("FUNCTION", "LOAD", code)
    except ResponseError as error:
        if "already exists" not in str(error):
            raise
