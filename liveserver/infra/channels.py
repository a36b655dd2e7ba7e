"""Sharded subscriptions of one process: each channel at the server that has its slot, found again when that changes.

It promises nothing about completeness: messages may be lost, and `missed` says when. After a lost connection, and after a
slot moved, it subscribes again by itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import structlog
from redis.exceptions import RedisError

from liveserver.infra.shards import Shard, Shards
from liveserver.kernel.tasks import end

log = structlog.get_logger(__name__)

POLL_S = 5.0
"""How long to wait for a message before looking whether the connection still lives."""
RETRY_S = 0.2
"""Pause before connecting again."""
AWAY = (RedisError, OSError, TimeoutError)

Deliver: TypeAlias = Callable[[bytes], None]
Missed: TypeAlias = Callable[[], None]


class Channels:
    """Subscriptions over as many connections as there are shards with channels of ours."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._wanted: dict[str, tuple[Deliver, Missed]] = {}
        self._lines: dict[Shard, _Line] = {}
        self._places: dict[str, Shard] = {}
        self._moving: asyncio.Task[None] | None = None
        self._closed = False
        shards.on_change(self._move_soon)

    async def subscribe(self, channel: str, deliver: Deliver, missed: Missed) -> None:
        """Delivers the channel's messages from now on; `missed` is called when some may have been lost. Both are called
        synchronously and must not raise. Raises RedisError or OSError when the server can't be reached."""
        self._wanted[channel] = (deliver, missed)
        try:
            await self._place(channel)
        except BaseException:
            del self._wanted[channel]
            raise

    async def unsubscribe(self, channel: str) -> None:
        """Delivers nothing more of it."""
        self._wanted.pop(channel, None)
        shard = self._places.pop(channel, None)
        line = None if shard is None else self._lines.get(shard)
        if line is not None:
            await line.drop(channel)

    async def aclose(self) -> None:
        """Ends all subscriptions."""
        self._closed = True
        await end(self._moving)
        for line in self._lines.values():
            await line.aclose()
        self._lines.clear()

    async def _place(self, channel: str) -> None:
        shard = self._shards.of(channel)
        line = self._lines.get(shard)
        if line is None:
            line = self._lines[shard] = _Line(shard, self._heard, self._lost, self._taken_away)
        self._places[channel] = shard
        await line.add(channel)

    def _heard(self, channel: str, data: bytes) -> None:
        wanted = self._wanted.get(channel)
        if wanted is not None:
            wanted[0](data)

    def _lost(self, channels: list[str]) -> None:
        """A line has subscribed to these again after some silence."""
        self._shards.doubt()
        for channel in channels:
            wanted = self._wanted.get(channel)
            if wanted is not None:
                wanted[1]()

    def _taken_away(self, channel: str) -> None:
        """The server ended a subscription by itself: the slot has moved."""
        if channel in self._wanted:
            self._places.pop(channel, None)
            self._shards.doubt()
            self._move_soon()

    def _move_soon(self) -> None:
        if not self._closed and (self._moving is None or self._moving.done()):
            self._moving = asyncio.create_task(self._move(), name="move channels")

    async def _move(self) -> None:
        """Brings every channel to where it belongs now."""
        while not self._closed:
            left = False
            for channel in list(self._wanted):
                try:
                    left |= not await self._move_one(channel)
                except AWAY as error:
                    log.warning("channel_not_moved", channel=channel, error=repr(error))
                    left = True
            if not left:
                return
            self._shards.doubt()
            await asyncio.sleep(RETRY_S)

    async def _move_one(self, channel: str) -> bool:
        old = self._places.get(channel)
        if old is self._shards.of(channel):
            return True
        if old is not None:
            await self._lines[old].drop(channel)
        if channel not in self._wanted:
            return True
        await self._place(channel)
        self._wanted[channel][1]()
        return True


class _Line:
    """One connection's subscriptions at one shard."""

    def __init__(
        self,
        shard: Shard,
        heard: Callable[[str, bytes], None],
        lost: Callable[[list[str]], None],
        taken_away: Callable[[str], None],
    ) -> None:
        self._shard = shard
        self._pubsub = shard.general.pubsub()
        self._channels: set[str] = set()
        self._heard = heard
        self._lost = lost
        self._taken_away = taken_away
        self._task: asyncio.Task[None] | None = None

    async def add(self, channel: str) -> None:
        self._channels.add(channel)
        await self._pubsub.ssubscribe(channel)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"channels {self._shard.address}")

    async def drop(self, channel: str) -> None:
        if channel not in self._channels:
            return
        self._channels.discard(channel)
        try:
            await self._pubsub.sunsubscribe(channel)
        except AWAY as error:
            # A dead connection has no subscriptions either.
            log.debug("unsubscribe_failed", channel=channel, error=repr(error))

    async def aclose(self) -> None:
        await end(self._task)
        await self._pubsub.aclose()

    async def _run(self) -> None:
        while True:
            try:
                message = cast(
                    "Any", await self._pubsub.get_message(ignore_subscribe_messages=False, timeout=POLL_S)
                )
            except AWAY as error:
                log.warning("feed_lost", address=self._shard.address, error=repr(error))
                await self._again()
                continue
            if message is None:
                continue
            channel = message["channel"].decode()
            if message["type"] == "smessage":
                self._heard(channel, message["data"])
            elif message["type"] == "sunsubscribe" and channel in self._channels:
                self._channels.discard(channel)
                self._taken_away(channel)

    async def _again(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S)
            wanted = sorted(self._channels)
            try:
                await self._pubsub.aclose()
                self._pubsub = self._shard.general.pubsub()
                if wanted:
                    await self._pubsub.ssubscribe(*wanted)
            except AWAY:
                self._lost(wanted)  # looks where they are now: this server may not come back
                continue
            self._lost(wanted)
            return
