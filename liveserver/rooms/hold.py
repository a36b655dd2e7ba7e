"""One node's hold on a show: it may acknowledge commands while it agrees with the log, and yields when others ask.

It opens the log (`opening`), records this node's tail before anybody decides how the log goes on (`holders`), and says when
acknowledging may begin again. What the room does about a new epoch is the live room's.
"""

import contextlib

import structlog

from liveserver.infra.database import Pool
from liveserver.rooms import holders
from liveserver.rooms.appender import Appender
from liveserver.rooms.log import Head, ShowLog
from liveserver.rooms.logclock import LogClock
from liveserver.rooms.opening import ensure_open
from liveserver.rooms.recorder import AWAY, Recorder
from liveserver.rooms.room import LogBroken

log = structlog.get_logger(__name__)

FLUSH_S = 2.0
"""How long recording this node's tail may stand still before this attempt is given up."""


class Hold:
    """What stands between a room's appender and its promises."""

    def __init__(
        self,
        pool: Pool,
        node: str,
        show_log: ShowLog,
        log_clock: LogClock,
        appender: Appender,
        recorder: Recorder,
    ) -> None:
        self._pool = pool
        self._show = show_log.show
        self._node = node
        self._log = show_log
        self._log_clock = log_clock
        self._appender = appender
        self._recorder = recorder

    async def open(self) -> Head:
        """The head of the log, once it takes appends. Raises as `opening.ensure_open` does, and TimeoutError when this node's
        tail could not be recorded: it may be all that is left."""
        return await ensure_open(self._pool, self._log, self._log_clock, self._gather)

    async def resume(self, epoch: int) -> bool:
        """Acknowledges again, for the room agrees with the log of this epoch. False when the record is in another by now."""
        resumed = await holders.resume(self._pool, self._show, self._node, epoch)
        if resumed:
            self._appender.release()
        return resumed

    async def yield_log(self) -> None:
        """Acknowledges nothing more, and records all that this node has. Raises as PostgreSQL does, and TimeoutError."""
        self._appender.hold()
        try:
            flushed = await self._recorder.flush(FLUSH_S)
        except LogBroken as error:
            # What the record contradicts can't be added to it; the room is rebuilt from the record then.
            log.error("tail_given_up", show=self._show, waiting=self._recorder.waiting, reason=str(error))
            flushed = True
        if not flushed:
            raise TimeoutError(
                f"{self._recorder.waiting} commands of show {self._show} could not be recorded"
            )
        await holders.yielded(self._pool, self._show, self._node)

    async def let_go(self) -> None:
        """The room is closed. With a tail left this node stays a holder until its silence says that it is gone."""
        if not self._recorder.waiting:
            with contextlib.suppress(*AWAY):
                await holders.let_go(self._pool, self._show, self._node)

    async def _gather(self) -> None:
        await holders.ask(self._pool, self._show)
        await self.yield_log()
        await holders.wait(self._pool, self._show)
