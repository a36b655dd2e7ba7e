"""What the newest comparison of the books came to, looked at again every minute, for numbers and alarms. It compares nothing."""

import asyncio
import logging

from liveserver.infra.database import AWAY, Pool
from liveserver.kernel.tasks import end
from liveserver.payouts.store import Q

LOOK_MS = 60_000
"""Books are compared once a night, or when somebody asks."""

log = logging.getLogger(__name__)


async def newest_found(pool: Pool) -> int:
    """How many things differ by the newest comparison; 0 when there was none."""
    return await pool.fetchval(Q.newest_found) or 0


class BooksWatch:
    """How many things differ, as last seen while started."""

    def __init__(self, pool: Pool) -> None:
        self.found = 0
        self._pool = pool
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.create_task(self._run(), name="watch books")

    async def aclose(self) -> None:
        """Stops looking."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                self.found = await newest_found(self._pool)
            except AWAY as error:
                log.debug("books_not_seen", extra={"error": repr(error)})
            await asyncio.sleep(LOOK_MS / 1000)
