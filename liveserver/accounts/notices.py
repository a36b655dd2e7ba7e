"""Who has to hear that a session ended or an account changed: callbacks here, and the other processes through PostgreSQL.

NOTIFY is quick but not certain (the listening connection may be away), so nobody relies on it alone: edges check their
sessions again every half minute (`Accounts.alive`).
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Literal

import asyncpg

from liveserver.accounts.store import CHANNEL
from liveserver.infra.database import ACQUIRE_MAX_MS, Pool

Kind = Literal["ended", "changed"]

HEARTBEAT_MS = 10_000
"""How often the listening connection is asked whether it still is one."""
RETRY_MIN_MS, RETRY_MAX_MS = 100, 5_000
"""Pause before listening anew after a loss; doubled each time."""

log = logging.getLogger(__name__)


class Notices:
    """One LISTEN connection, held out of the pool while started."""

    def __init__(self, pool: Pool) -> None:
        self.origin = secrets.token_hex(8)
        """Marks this process's own notices, which it has already acted on."""
        self._pool = pool
        self._callbacks: dict[Kind, list[Callable[[str], None]]] = {"ended": [], "changed": []}
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._closing = False

    def on(self, kind: Kind, callback: Callable[[str], None]) -> None:
        """`callback(id)` is called in the event loop; it must not block. It may be told the same id twice."""
        self._callbacks[kind].append(callback)

    def tell(self, kind: Kind, about: str) -> None:
        """Calls this process's callbacks. One that fails does not keep the others from hearing."""
        for callback in self._callbacks[kind]:
            try:
                callback(about)
            except Exception:
                log.exception("notice_callback_failed", extra={"kind": kind})

    async def start(self) -> None:
        """Returns once notices of others are heard. Raises TimeoutError when the database lets nobody listen."""
        assert self._task is None, "notices are started once"
        self._task = asyncio.create_task(self._listen_for_ever(), name="account notices")
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
                log.warning("notices_not_heard", extra={"error": repr(error)})
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
            await connection.add_listener(CHANNEL, self._heard)
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
                    await connection.remove_listener(CHANNEL, self._heard)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        match str(payload).split(" "):
            case [origin, "ended" | "changed" as kind, about]:
                if origin != self.origin:
                    self.tell(kind, about)
            case _:
                log.warning("notice_not_understood")
