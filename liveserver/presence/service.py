"""Presence of one node: counts who comes and goes, adds up with the other nodes, tells the gateway the latest values.

It never waits for Redis where people wait: counting and telling are synchronous, the exchange runs beside them. While
Redis is away each node tells its own changes on top of what it last heard, and reactions reach this node's viewers only.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from redis.exceptions import RedisError

from liveserver.infra.channels import Channels
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.presence.exchange import TTL_MS, Exchange, reactions_channel
from liveserver.presence.reactions import UNKNOWN_REACTION, Tally, known
from liveserver.presence.viewers import COUNT_MS, Viewers

log = structlog.get_logger(__name__)

TICK_MS = 250
"""How often reactions are told: fast enough to feel live, slow enough that a thousand taps are four messages a second."""
RETRY_MS = 1_000
"""Pause after Redis could not be reached."""
CLOSE_MAX_MS = 1_000
"""Longest wait for taking back this node's counts at the end; they expire by themselves."""

AWAY = (RedisError, OSError, TimeoutError)
"""What says that Redis can't be had now."""

OnState = Callable[[str, str, dict[str, Any]], None]
"""Called with show, event type and payload: `viewer:count` {count}, `reaction:burst` {counts}."""

NOT_THERE = Rejected("not_in_room", "Join the show first.")


class Presence:
    """One per node. `start()` begins the exchange; before it, and without Redis, counts are this node's own."""

    def __init__(
        self,
        shards: Shards,
        node: str,
        clock: Clock,
        *,
        tick_ms: int = TICK_MS,
        count_ms: int = COUNT_MS,
        ttl_ms: int = TTL_MS,
    ) -> None:
        self._shards = shards
        self._channels = Channels(shards)
        self._clock = clock
        self._tick_ms = tick_ms
        self._count_ms = count_ms
        self._repeat_ms = ttl_ms // 3
        self._exchange = Exchange(shards, node, ttl_ms)
        self._viewers = Viewers(count_ms)
        self._here, self._outbox = Tally(), Tally()
        self._callbacks: list[OnState] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._put: dict[str, tuple[int, int]] = {}
        """What Redis was last told: count and when."""
        self._entered = asyncio.Event()
        self._closing = False
        """Asked by every loop besides being cancelled: Python 3.11's `wait_for`, which redis-py sends through, swallows a
        cancellation that arrives in the moment the send completes (python/cpython#86296)."""

    def enter(self, show: str) -> None:
        """A viewer of this node joined the show. Each `enter` is followed by one `leave`."""
        self._viewers.enter(show)
        self._entered.set()

    def leave(self, show: str) -> None:
        """A viewer of this node left the show."""
        self._viewers.leave(show)

    def count(self, show: str) -> int:
        """Viewers of the show over all nodes, as last heard. For a show without viewers here the first answer may be
        0: asking makes it known within a second or two."""
        return self._viewers.count(show, self._clock.monotonic_ms())

    def react(self, show: str, emoji: str) -> Rejected | None:
        """Counts a reaction, or says why not: `unknown_reaction`, `not_in_room`. Rate limits are the gateway's."""
        emoji_known = known(emoji)
        if emoji_known is None:
            return UNKNOWN_REACTION
        if not self._viewers.watches(show):
            return NOT_THERE
        self._here.add(show, {emoji_known: 1})
        self._outbox.add(show, {emoji_known: 1})
        return None

    def on_state(self, callback: OnState) -> None:
        """Registers who is told latest values, for shows that have viewers on this node. It must not block or raise."""
        self._callbacks.append(callback)

    async def start(self) -> None:
        """Begins telling and exchanging."""
        assert not self._tasks, "presence starts once"
        self._tasks = [
            asyncio.create_task(self._tell_forever(), name="presence-tell"),
            asyncio.create_task(self._forever(self._exchange_counts, self._count_ms), name="presence-counts"),
            asyncio.create_task(self._forever(self._publish, self._tick_ms), name="presence-publish"),
            asyncio.create_task(self._listen(), name="presence-listen"),
        ]

    async def aclose(self) -> None:
        """Stops, and takes this node's counts back, so that the others need not wait for them to expire."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
        await self._channels.aclose()
        try:
            async with asyncio.timeout(CLOSE_MAX_MS / 1000):
                await self._exchange.withdraw(list(self._put))
        except AWAY as error:
            log.info("presence_not_withdrawn", error=repr(error))
        self._put = {}

    def tell(self) -> None:
        """One tick: hands what is due to the callbacks."""
        for show, counts in self._here.take().items():
            if self._viewers.watches(show):
                self._say(show, "reaction:burst", {"counts": counts})
        for show, count in self._viewers.due(self._clock.monotonic_ms()):
            self._say(show, "viewer:count", {"count": count})

    def _say(self, show: str, kind: str, payload: dict[str, Any]) -> None:
        for callback in self._callbacks:
            callback(show, kind, payload)

    async def _tell_forever(self) -> None:
        while not self._closing:
            await asyncio.sleep(self._tick_ms / 1000)
            try:
                self.tell()
            except Exception:
                # A callback's mistake must not end presence for all shows.
                log.exception("presence_callback_failed")

    async def _forever(self, step: Callable[[], Coroutine[Any, Any, None]], every_ms: int) -> None:
        away = False
        while not self._closing:
            await asyncio.sleep((RETRY_MS if away else every_ms) / 1000)
            try:
                await step()
            except AWAY as error:
                if not away:
                    log.warning("presence_alone", error=repr(error))
                away = True
            else:
                away = False

    async def _exchange_counts(self) -> None:
        wrong: Exception | None = None
        # Each is done whatever became of the one before: of a cluster's servers one may be away, and others not.
        for step in (self._withdraw_gone, self._put_news, self._hear_others):
            try:
                await step()
            except AWAY as error:
                wrong = wrong or error
        if wrong is not None:
            raise wrong

    async def _withdraw_gone(self) -> None:
        own = self._viewers.own()
        gone = [show for show in self._put if show not in own]
        if gone:
            await self._exchange.withdraw(gone)
            for show in gone:
                del self._put[show]

    async def _put_news(self) -> None:
        now_ms = self._clock.monotonic_ms()
        news = {
            show: count for show, count in self._viewers.own().items() if self._is_news(show, count, now_ms)
        }
        if news:
            await self._exchange.put(news)
            self._put |= {show: (count, now_ms) for show, count in news.items()}

    async def _hear_others(self) -> None:
        shows = [*self._viewers.own(), *self._viewers.asked(self._clock.monotonic_ms())]
        await self._exchange.others(shows, self._viewers.heard)

    def _is_news(self, show: str, count: int, now_ms: int) -> bool:
        put = self._put.get(show)
        return put is None or put[0] != count or now_ms - put[1] >= self._repeat_ms

    async def _publish(self) -> None:
        # Taken first: what cannot be sent now is old when Redis is back, and dropped.
        bursts = self._outbox.take()
        if bursts:
            await self._exchange.publish(bursts)

    async def _listen(self) -> None:
        """Follows the reactions of the shows that have viewers here."""
        followed: set[str] = set()
        while not self._closing:
            wanted = self._viewers.shows()
            missing = sorted(wanted - followed)
            # At once, for one whose server is away keeps us waiting, and must not keep the others.
            done = await asyncio.gather(*map(self._follow, missing), return_exceptions=True)
            followed |= {show for show, error in zip(missing, done, strict=True) if error is None}
            for show in sorted(followed - wanted):
                followed.discard(show)
                await self._channels.unsubscribe(reactions_channel(show))
            wrong = [error for error in done if error is not None]
            for error in wrong:
                if not isinstance(error, AWAY):
                    raise error
            if wrong:
                log.info("presence_reactions_lost", shows=len(wrong), error=repr(wrong[0]))
                await asyncio.sleep(RETRY_MS / 1000)
            await asyncio.sleep(self._tick_ms / 1000)
            if not followed and not self._viewers.shows():
                self._entered.clear()
                await self._entered.wait()

    async def _follow(self, show: str) -> None:
        await self._channels.subscribe(reactions_channel(show), self._hears(show), _nothing)

    def _hears(self, show: str) -> Callable[[bytes], None]:
        def hear(message: bytes) -> None:
            counts = self._exchange.read(message)
            if counts is not None and self._viewers.watches(show):
                self._here.add(show, counts)

        return hear


def _nothing() -> None:
    """Lost reactions are not asked for again."""
