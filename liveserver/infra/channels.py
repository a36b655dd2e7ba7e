"""Sharded subscriptions of one process: each channel at the server that has its slot, found again when that changes.

It promises nothing about completeness: messages may be lost, and `missed` says when. After a lost connection, and after a
slot moved, it subscribes again by itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot
from redis.exceptions import MovedError, RedisError

from liveserver.infra.shards import Shard, Shards
from liveserver.kernel.tasks import end

log = structlog.get_logger(__name__)

CONFIRM_MAX_S = 5.0
"""How long a subscription may take to be confirmed."""
POLL_S = 5.0
"""After so much silence a line asks whether its server is still there; after as much again without an answer it is lost. TCP
alone would wait a quarter of an hour for a server whose machine is gone."""
RETRY_S = 0.2
"""Pause before connecting again."""
AWAY = (RedisError, OSError, TimeoutError)

MESSAGE_WORDS = 3
"""Kind, channel, and data or count (https://valkey.io/topics/pubsub/, RESP2)."""

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
        synchronously and must not raise. Raises RedisError, OSError or TimeoutError when the server can't be had."""
        self._wanted[channel] = (deliver, missed)
        try:
            await self._place(channel)
        except BaseException:
            await self.unsubscribe(channel)
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
            line = self._lines[shard] = _Line(shard, self._heard, self._missed, self._taken_away, self._lost)
        self._places[channel] = shard
        await line.add(channel)

    def _heard(self, channel: str, data: bytes) -> None:
        wanted = self._wanted.get(channel)
        if wanted is not None:
            wanted[0](data)

    def _missed(self, channel: str) -> None:
        wanted = self._wanted.get(channel)
        if wanted is not None:
            wanted[1]()

    def _lost(self) -> None:
        """A line lost its server, which may not come back."""
        self._shards.doubt()

    def _taken_away(self, channel: str) -> None:
        """The server has, or got, nothing to do with this channel: its slot has moved."""
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
                    await self._move_one(channel)
                except AWAY as error:
                    log.warning("channel_not_moved", channel=channel, error=repr(error))
                    left = True
            await self._forget_lines()
            # Looked at again: the map may have changed while we waited for a server.
            if not left and all(self._is_placed(channel) for channel in self._wanted):
                return
            self._shards.doubt()
            await asyncio.sleep(RETRY_S)

    def _is_placed(self, channel: str) -> bool:
        return channel in self._places and self._places[channel] is self._shards.find(channel)

    async def _move_one(self, channel: str) -> None:
        if self._is_placed(channel):
            return
        old = self._places.pop(channel, None)
        if old is not None and old in self._lines:
            await self._lines[old].drop(channel)
        if channel in self._wanted:
            await self._place(channel)
            self._missed(channel)

    async def _forget_lines(self) -> None:
        """Ends the connections to servers that have nothing of ours any more."""
        known, used = set(self._shards.all()), set(self._places.values())
        for shard in [shard for shard in self._lines if shard not in known and shard not in used]:
            await self._lines.pop(shard).aclose()


class _Line:
    """One connection's subscriptions at one shard. One task connects and reads; others only send.

    Not redis-py's PubSub: that connects anew by itself, from whichever side notices first, and subscribes all channels at once,
    which servers of a cluster refuse (docs/adr/0010).
    """

    def __init__(
        self,
        shard: Shard,
        heard: Callable[[str, bytes], None],
        missed: Callable[[str], None],
        taken_away: Callable[[str], None],
        lost: Callable[[], None],
    ) -> None:
        self._shard = shard
        self._heard = heard
        self._missed = missed
        self._taken_away = taken_away
        self._lost = lost
        self._channels: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._link: AbstractConnection | None = None
        self._needed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def add(self, channel: str) -> None:
        """Returns once the server has confirmed the subscription."""
        confirmed = self._waiting[channel] = asyncio.get_running_loop().create_future()
        self._channels.add(channel)
        self._needed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"channels {self._shard.address}")
        try:
            await self._send("SSUBSCRIBE", channel)
            async with asyncio.timeout(CONFIRM_MAX_S):
                await confirmed
        finally:
            if self._waiting.get(channel) is confirmed:
                del self._waiting[channel]
            if not confirmed.cancel() and not confirmed.cancelled():
                confirmed.exception()  # heard, should sending have failed first

    async def drop(self, channel: str) -> None:
        """Delivers nothing more of it. Never raises what the server's absence raises."""
        if channel not in self._channels:
            return
        self._channels.discard(channel)
        self._fail(channel, ConnectionError(f"nobody wants {channel} here any more"))
        try:
            await self._send("SUNSUBSCRIBE", channel)
        except AWAY as error:
            # A dead connection has no subscriptions either.
            log.debug("unsubscribe_failed", channel=channel, error=repr(error))

    async def aclose(self) -> None:
        """Ends the connection."""
        # Said besides being cancelled: redis-py may swallow a cancellation (python/cpython#86296).
        self._closed = True
        await end(self._task)

    async def _send(self, word: str, channel: str) -> None:
        link = self._link
        if (
            link is not None and link.is_connected
        ):  # else it is subscribed with the others when there is a connection
            await link.send_command(word, channel, check_health=False)

    def _fail(self, channel: str, error: Exception) -> None:
        """Tells who waits for the subscription that it does not come."""
        waiting = self._waiting.get(channel)
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)

    async def _run(self) -> None:
        while not self._closed:
            if not self._channels:
                self._needed.clear()
                await self._needed.wait()
                continue
            link = self._shard.connection()
            try:
                await link.connect()
                await self._follow(link)
            except AWAY as error:
                log.warning("feed_lost", address=self._shard.address, error=repr(error))
                for channel in tuple(self._waiting):
                    self._fail(channel, error)
                self._lost()
                await asyncio.sleep(RETRY_S)
            finally:
                self._link = None
                await link.disconnect(nowait=True)

    async def _follow(self, link: AbstractConnection) -> None:
        """Subscribes and reads until nobody wants anything here."""
        self._link = link
        # One by one: channels of one SSUBSCRIBE must lie in one slot (https://valkey.io/commands/ssubscribe/).
        for channel in sorted(self._channels):
            if channel in self._channels:  # still
                await link.send_command("SSUBSCRIBE", channel, check_health=False)
        asked = False
        while self._channels and not self._closed:
            try:
                said = cast("Any", await link.read_response(timeout=POLL_S, disconnect_on_error=False))
            except MovedError as error:
                self._moved(error.slot_id)
                continue
            if said is not None:
                asked = False
                # A PING is answered by two words while something is subscribed, and by one when nothing is.
                if isinstance(said, list) and len(words := cast("list[Any]", said)) == MESSAGE_WORDS:
                    self._take(*words)
            elif asked:
                raise ConnectionError(f"no answer in {POLL_S} s")
            else:
                asked = True
                await link.send_command("PING", check_health=False)

    def _take(self, kind: bytes, name: bytes, data: Any) -> None:
        channel = name.decode()
        if channel not in self._channels:
            return
        if kind == b"smessage":
            self._heard(channel, data)
        elif kind == b"ssubscribe":
            waiting = self._waiting.get(channel)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
            else:
                self._missed(channel)  # subscribed again after a lost connection
        elif kind == b"sunsubscribe":
            # By the server itself, for whoever unsubscribes is forgotten first.
            self._gone(channel)

    def _moved(self, slot: int) -> None:
        for channel in [name for name in self._channels if key_slot(name.encode()) == slot]:
            self._gone(channel)

    def _gone(self, channel: str) -> None:
        self._channels.discard(channel)
        self._fail(channel, ConnectionError(f"{channel} has moved elsewhere"))
        self._taken_away(channel)
