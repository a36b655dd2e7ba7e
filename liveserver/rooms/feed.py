"""Receives the entries that any node appends, over one connection's sharded subscriptions.

It promises nothing about completeness: messages may be lost, and rooms notice by sequence numbers. After a lost connection
it subscribes again and says so, so that rooms look for what they missed.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from liveserver.kernel.tasks import end
from liveserver.rooms.log import channel_of, parse_message
from liveserver.rooms.model import Entry

log = structlog.get_logger(__name__)

POLL_S = 5.0
"""How long to wait for a message before looking whether the connection still lives."""
RETRY_S = 0.2
"""Pause before connecting again."""


class Feed:
    """One node's subscriptions. `follow` before reading a log, so that nothing falls in between."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pubsub = redis.pubsub()
        self._rooms: dict[bytes, tuple[Callable[[Entry], None], Callable[[], None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def follow(self, show: str, deliver: Callable[[Entry], None], missed: Callable[[], None]) -> None:
        """Delivers the show's entries from now on, unchecked; `missed` is called when some may have been lost."""
        channel = channel_of(show)
        self._rooms[channel.encode()] = (deliver, missed)
        await self._pubsub.ssubscribe(channel)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="feed")

    async def unfollow(self, show: str) -> None:
        """Stops delivering the show's entries."""
        channel = channel_of(show)
        self._rooms.pop(channel.encode(), None)
        try:
            await self._pubsub.sunsubscribe(channel)
        except (RedisError, OSError) as error:
            # A dead connection has no subscriptions either.
            log.debug("unsubscribe_failed", show=show, error=repr(error))

    async def aclose(self) -> None:
        """Ends all subscriptions."""
        await end(self._task)
        await self._pubsub.aclose()

    async def _run(self) -> None:
        while True:
            try:
                message = cast(
                    "Any", await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=POLL_S)
                )
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("feed_lost", error=repr(error))
                await self._resubscribe()
                continue
            if message is None:
                continue
            known = self._rooms.get(message["channel"])
            if known is None:
                continue
            deliver, missed = known
            try:
                entry = parse_message(message["data"])
            except ValueError as error:
                log.error("message_damaged", channel=message["channel"].decode(), error=str(error))
                missed()
                continue
            deliver(entry)

    async def _resubscribe(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                await self._pubsub.aclose()
                self._pubsub = self._redis.pubsub()
                if self._rooms:
                    await self._pubsub.ssubscribe(*(channel.decode() for channel in self._rooms))
            except (RedisError, OSError, TimeoutError):
                continue
            for _, missed in list(self._rooms.values()):
                missed()
            return
