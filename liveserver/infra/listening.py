"""One connection that hears channels of PostgreSQL (LISTEN/NOTIFY), and listens anew when it is lost.

NOTIFY is quick but not certain: while the connection is away nothing is heard, and nothing is told again. Whoever relies on it
also looks from time to time, or has `anew` told. What is said on the channels is the caller's business.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

import asyncpg

from liveserver.infra.database import ACQUIRE_MAX_MS, Pool

HEARTBEAT_MS = 10_000
"""How often the listening connection is asked whether it still is one."""
RETRY_MIN_MS, RETRY_MAX_MS = 100, 5_000
"""Pause before listening anew after a loss; doubled each time."""

log = logging.getLogger(__name__)


def _nothing() -> None:
    """Nobody wants to know."""


class Listening:
    """One LISTEN connection, held out of the pool while started. `heard` has by channel whom to call with what is said, in the event
    loop: they must not block. `anew()` is called whenever it begins to listen, for what was said before was missed."""

    def __init__(
        self, pool: Pool, heard: Mapping[str, Callable[[str], None]], anew: Callable[[], None] = _nothing
    ) -> None:
        self._pool = pool
        self._told = dict(heard)
        self._name = " ".join(self._told)
        self._anew = anew
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._closing = False

    async def start(self) -> None:
        """Returns once notices of others are heard. Raises TimeoutError when the database lets nobody listen."""
        assert self._task is None, "listening is started once"
        self._task = asyncio.create_task(self._listen_for_ever(), name=f"listen {self._name}")
        await asyncio.wait_for(self._listening.wait(), ACQUIRE_MAX_MS / 1000)

    async def aclose(self) -> None:
        """Gives the connection back. Must come before the pool is closed."""
        task, self._task = self._task, None
        if task is not None:
            self._closing = True
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def listening(self) -> None:
        """Waits until notices are heard (again)."""
        await self._listening.wait()

    async def _listen_for_ever(self) -> None:
        pause_ms = RETRY_MIN_MS
        # The wish to stop is kept beside the cancellation: giving back a connection that is being lost at the same moment
        # fails, and that failure takes the cancellation's place.
        while not self._closing:
            try:
                await self._listen()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if self._closing:
                    return
                log.warning("notices_not_heard", extra={"channel": self._name, "error": repr(error)})
            pause_ms = RETRY_MIN_MS if self._listening.is_set() else min(2 * pause_ms, RETRY_MAX_MS)
            self._listening.clear()
            await asyncio.sleep(pause_ms / 1000)

    async def _listen(self) -> None:
        """Listens until the connection is lost."""
        async with self._pool.acquire(timeout=ACQUIRE_MAX_MS / 1000) as connection:
            lost = asyncio.Event()

            def on_lost(_: object) -> None:
                lost.set()

            connection.add_termination_listener(on_lost)
            for channel in self._told:
                await connection.add_listener(channel, self._heard)
            self._anew()
            self._listening.set()
            try:
                while not lost.is_set():
                    try:
                        await asyncio.wait_for(lost.wait(), HEARTBEAT_MS / 1000)
                    except TimeoutError:
                        await connection.execute("SELECT 1", timeout=HEARTBEAT_MS / 1000)
            finally:
                if not connection.is_closed():
                    connection.remove_termination_listener(on_lost)
                    for channel in self._told:
                        await connection.remove_listener(channel, self._heard)

    def _heard(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        self._told[channel](str(payload))
