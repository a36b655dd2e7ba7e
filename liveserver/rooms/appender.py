"""Collects the commands of one turn of the event loop and appends them to a show's log as one batch.

One batch is under way at a time; what arrives meanwhile makes the next one, so that batches grow with load. It never guesses:
a batch whose outcome is unknown is appended again under the same number, which the log answers without appending twice.
It does not apply what was appended: entries reach the room by one path only (`live`), whoever appended them.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
import structlog
from redis.exceptions import RedisError

from liveserver.infra.tracing import span
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import UNAVAILABLE, Rejected
from liveserver.rooms.log import Refusal, ShowLog, Unreplicated
from liveserver.rooms.logclock import LogClock
from liveserver.rooms.model import Batch, Command, Entry, Verdict
from liveserver.rooms.numbers import RoomNumbers
from liveserver.rooms.room import Applied

log = structlog.get_logger(__name__)

BATCH_MAX = 500
"""Commands in one append: past this, bigger batches gain nothing: Valkey alone takes some 137,000 fsynced commands a second at this size."""
BATCH_BYTES_MAX = 512 * 1024
"""Bytes of arguments in one append: one entry must stay far under a subscriber's output buffer."""
QUEUE_MAX = 20_000
"""Commands waiting; more are answered `unavailable` at once."""
WAIT_MAX_MS = 3_000
"""A command is answered within this time or answered `unavailable`: a bidder must not be left guessing."""
RETRY_MS = 50
"""Pause between attempts while the log is away."""

PAUSED = Rejected(
    "paused",
    "The server's clocks disagree; lots are paused for a moment. Your command was not taken.",
    retryable=True,
)
BACKLOG = Rejected(
    "unavailable", "The record is behind; nothing more can be taken until it has caught up.", retryable=True
)

Answer: TypeAlias = Callable[[int, int, Verdict], None]
"""Called exactly once with seq, ts and verdict; seq 0 when the command is not in the log."""


class Ticket(msgspec.Struct):
    """A command on its way into the log, and whom to answer."""

    command: Command
    answer: Answer
    until_ms: int


class Appender:
    """The way into one show's log from this node.

    `reopen` is awaited when the log refuses this server (restarted, or lost); `appended` is handed each entry made.
    """

    def __init__(
        self,
        show_log: ShowLog,
        node: str,
        log_clock: LogClock,
        clock: Clock,
        reopen: Callable[[], Awaitable[None]],
        appended: Callable[[Entry], None],
        numbers: RoomNumbers | None = None,
    ) -> None:
        self.node = node
        self._numbers = numbers or RoomNumbers()
        self._log = show_log
        self._log_clock = log_clock
        self._clock = clock
        self._reopen = reopen
        self._appended = appended
        self._queue: deque[Ticket] = deque()
        self._underway: dict[int, list[Ticket]] = {}
        self._batch = 0
        self._unsafe = 0
        """The batch that the log's replicas may lack; 0 for none."""
        self._waiting: tuple[Applied, list[Ticket]] | None = None
        """What is applied and decided, and not answered yet for that reason."""
        self.held = False
        """Whether nothing is acknowledged at the moment."""
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def submit(self, command: Command, answer: Answer) -> None:
        """Puts a command into the next batch. Never raises; `answer` may be called before this returns."""
        if self._closed or len(self._queue) >= QUEUE_MAX:
            self._numbers.decided(command.kind, UNAVAILABLE)
            answer(0, 0, UNAVAILABLE)
            return
        self._queue.append(Ticket(command, answer, self._clock.monotonic_ms() + WAIT_MAX_MS))
        if self._task is None:
            # The task first runs in the loop's next turn: all that this turn brings goes into one batch.
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"append {self._log.show}")

    def decided(self, applied: Applied) -> None:
        """Answers the commands of an entry that was applied, if they are this node's and were not given up.

        While the log's replicas lack the entry, the answers wait for them; while held, nothing is promised any more.
        """
        entry = applied.entry
        if entry.node != self.node:
            return
        tickets = self._underway.pop(entry.batch, None)
        if tickets is None:
            return
        if self.held:
            self._refuse(tickets, UNAVAILABLE)
        elif entry.batch == self._unsafe:
            self._waiting = (applied, tickets)
        else:
            self._answer(applied, tickets)

    def hold(self) -> None:
        """From now on nothing is acknowledged: others may decide without this node how the log goes on."""
        self.held = True

    def release(self) -> None:
        """This node agrees with the log again."""
        self.held = False

    async def aclose(self) -> None:
        """Lets what was submitted be answered, then takes no more."""
        self._closed = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=WAIT_MAX_MS / 1000)
        self._expire(self._clock.monotonic_ms() + WAIT_MAX_MS)

    async def _run(self) -> None:
        try:
            while self._queue:
                tickets = self._next_batch()
                if tickets:
                    with span("append", show=self._log.show, commands=len(tickets)):
                        await self._append(tickets)
        except Exception:
            # A promise of ours is broken, not the users': whoever waits is told, and the next command starts anew.
            log.exception("append_failed", show=self._log.show)
            for batch in tuple(self._underway):
                self._give_up(batch, UNAVAILABLE)
            self._expire(self._clock.monotonic_ms() + WAIT_MAX_MS)
        finally:
            self._task = None

    def _next_batch(self) -> list[Ticket]:
        self._expire(self._clock.monotonic_ms())
        tickets: list[Ticket] = []
        size = 0
        while self._queue and len(tickets) < BATCH_MAX and size < BATCH_BYTES_MAX:
            ticket = self._queue.popleft()
            size += len(ticket.command.args)
            tickets.append(ticket)
        return tickets

    def _expire(self, now_ms: int) -> None:
        while self._queue and self._queue[0].until_ms <= now_ms:
            self._refuse((self._queue.popleft(),), UNAVAILABLE)

    async def _append(self, tickets: list[Ticket]) -> None:
        self._batch += 1
        batch = self._batch
        self._underway[batch] = tickets
        self._unsafe = batch if self._log.replicas else 0
        payload = msgspec.msgpack.encode(Batch(secrets.token_bytes(16), tuple(t.command for t in tickets)))
        until_ms = tickets[0].until_ms
        began_s = time.perf_counter()
        while batch in self._underway or self._waiting is not None:
            left_ms = until_ms - self._clock.monotonic_ms()
            if left_ms <= 0:
                self._give_up(batch, UNAVAILABLE)
                return
            try:
                entry = await self._log.append(
                    self.node, batch, self._log_clock.now_ms(), len(tickets), payload, wait_ms=left_ms
                )
            except Refusal as refusal:
                await self._refused(batch, refusal)
            except Unreplicated as error:
                log.warning("replicas_behind", show=self._log.show, error=str(error))
            except (RedisError, OSError, TimeoutError) as error:
                self._numbers.appends_unknown += 1
                log.warning("append_unknown", show=self._log.show, batch=batch, error=repr(error))
                await self._pause()
            else:
                self._numbers.append_s.add(time.perf_counter() - began_s)
                self._unsafe = 0
                self._appended(entry)
                self._answer_waiting()
                return

    def _answer_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            applied, tickets = waiting
            if self.held:
                self._refuse(tickets, UNAVAILABLE)
            else:
                self._answer(applied, tickets)

    async def _refused(self, batch: int, refusal: Refusal) -> None:
        self._numbers.refused(refusal.code)
        if refusal.code in ("FENCED", "NOLOG"):
            log.warning("append_refused", show=self._log.show, code=refusal.code)
            await self._try_reopen()
        elif refusal.code == "CLOCK":
            self._log_clock.observe(int(refusal.words))
            self._give_up(batch, PAUSED)
            await self._try_reopen()
        elif refusal.code == "BACKLOG":
            self._give_up(batch, BACKLOG)
        else:
            raise AssertionError(f"a batch of ours was refused: {refusal}")

    async def _try_reopen(self) -> None:
        try:
            await self._reopen()
        except Exception as error:  # noqa: BLE001 - whatever keeps the log shut, the batch waits until its time is up
            log.error("reopen_failed", show=self._log.show, error=str(error))
            await self._pause()

    def _give_up(self, batch: int, verdict: Rejected) -> None:
        # Should it be in the log after all, its entry comes by the channel, and the client's retry finds the verdict.
        waiting, self._waiting = self._waiting, None
        self._refuse(self._underway.pop(batch, ()) if waiting is None else waiting[1], verdict)

    async def _pause(self) -> None:
        await asyncio.sleep(RETRY_MS / 1000)
        self._expire(self._clock.monotonic_ms())

    def _answer(self, applied: Applied, tickets: Sequence[Ticket]) -> None:
        counts, seq, ts = self._numbers.verdicts, applied.entry.first, applied.entry.ts
        for ticket, verdict in zip(tickets, applied.verdicts, strict=True):
            counts[ticket.command.kind][verdict.code] += 1
            if seq in applied.repeats:
                ticket.answer(*applied.repeats[seq], verdict)
            else:
                ticket.answer(seq, ts, verdict)
            seq += 1

    def _refuse(self, tickets: Sequence[Ticket], verdict: Rejected) -> None:
        for ticket in tickets:
            self._numbers.decided(ticket.command.kind, verdict)
            ticket.answer(0, 0, verdict)
