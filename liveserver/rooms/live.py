"""A show's room on this node, kept up to date: it follows the log, answers, tells its listeners, and gets recorded.

There is one way in for entries (`_receive`), whether this node appended them or another, so that order is the log's alone.
It knows no sockets (the gateway listens) and no rule (the room's features decide).
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from redis.exceptions import RedisError

from liveserver.infra.database import Pool
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import UNAVAILABLE, Mendable
from liveserver.kernel.tasks import end
from liveserver.rooms import recovery
from liveserver.rooms.appender import Answer, Appender
from liveserver.rooms.duties import Duties, pending
from liveserver.rooms.feed import Feed
from liveserver.rooms.history import History
from liveserver.rooms.hold import Hold
from liveserver.rooms.listener import Answered, Joined, Listener
from liveserver.rooms.log import Head, LogCorrupt, ShowLog, is_whole
from liveserver.rooms.logclock import LogClock
from liveserver.rooms.model import Command, Entry, Feature, Verdict, Viewer
from liveserver.rooms.numbers import RoomNumbers
from liveserver.rooms.offers import NOT_YET, Offers
from liveserver.rooms.recorder import AWAY, Counts, Projector, Recorder
from liveserver.rooms.room import Applied, LogBroken, Room

log = structlog.get_logger(__name__)

AHEAD_MAX = 1_000
"""Entries kept while the ones before them are fetched; more are dropped and fetched too."""
HASHES_MAX = 256
"""Recent entries' hashes kept: a second copy of an entry must be the same entry."""
WATCH_S = 4.0
"""How often a quiet room compares its position with the log's (faults.md, row 9)."""
WATCH_BUSY_S = 0.8
"""The same while time alone will change the room: a lot is open, or a sale waits to be final."""
SNAPSHOT_COMMANDS = 5_000
"""A snapshot is taken after so many commands, ..."""
SNAPSHOT_APART_MS = 10_000
"""... but not more often than this, for it costs milliseconds of the loop."""
REBUILDS_MAX = 5
"""Rebuilds without getting further in between after which a room stays halted: rebuilding does not help it."""
REBUILD_PAUSE_S = 0.5


class LiveRoom:
    """One show on this node. Made and opened by the hub."""

    def __init__(
        self,
        show: str,
        features: Sequence[Feature],
        projectors: Sequence[Projector],
        pool: Pool,
        show_log: ShowLog,
        feed: Feed,
        node: str,
        clock: Clock,
        log_clock: LogClock,
        *,
        offers: Offers | None = None,
        counts: Counts | None = None,
        numbers: RoomNumbers | None = None,
        dedicated: bool = False,
    ) -> None:
        self.show = show
        self._numbers = numbers or RoomNumbers()
        self._since_ts = 0
        """Entries before this were there when the room was built: their age is no lag."""
        self.room = Room(show, features)
        self.halted = ""
        """Why this room takes nothing at the moment; empty while all is well."""
        self.stuck = False
        """Whether it stays so: rebuilding did not help. When nobody is left here, the room is closed and may be opened anew."""
        self._features = features
        self._pool = pool
        self._log = show_log
        self._feed = feed
        self._clock = clock
        self._offers = offers or Offers()
        self._log_clock = log_clock
        self._listeners: list[Listener] = []
        self._history = History(0)
        self._hashes: dict[int, str] = {}
        self._ahead: dict[int, Entry] = {}
        self._catching_up: asyncio.Task[None] | None = None
        self._rebuilding: asyncio.Task[None] | None = None
        self._rebuilds = 0
        self._broke_at = -1
        """How far it had come when it broke last: only getting further shows that rebuilding helped."""
        self._reopening = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._shown: tuple[int, int, dict[str, Any]] | None = None
        self._snapshot_seq = 0
        self._snapshot_at_ms = 0
        self.touched_ms = clock.monotonic_ms()
        self._yielding: asyncio.Task[None] | None = None
        self._duties = Duties(self.server_now, self.submit)
        self._appender = Appender(show_log, node, log_clock, clock, self.reopen, self._receive, self._numbers)
        self._recorder = Recorder(
            pool,
            show,
            node,
            projectors,
            self._on_recorded,
            self._on_broken,
            counts=counts,
            dedicated=dedicated,
            unrecorded_max=show_log.unrecorded_max,
        )
        self._hold = Hold(pool, node, show_log, log_clock, self._appender, self._recorder)

    # -- for its users

    @property
    def epoch(self) -> int:
        """Which life of the log this is; viewers who know another one take a snapshot."""
        return self.room.epoch

    @property
    def seq(self) -> int:
        """The last command applied."""
        return self.room.seq

    @property
    def unrecorded(self) -> int:
        """Commands applied and not yet known to be in PostgreSQL."""
        return self._recorder.waiting

    @property
    def unrecorded_ms(self) -> int:
        """Age of the oldest of these."""
        since_ts = self._recorder.waiting_since_ts
        return 0 if since_ts is None else max(0, self.server_now() - since_ts)

    @property
    def keeps_recording(self) -> bool:
        """Whether this node is able to record the show, so that it may keep the lease."""
        return self._recorder.well and not self.halted

    def server_now(self) -> int:
        """The show's time in ms."""
        return self._log_clock.now_ms()

    def submit(self, command: Command, answer: Answer) -> None:
        """Sends a command into the log. `answer(seq, ts, verdict)` is called exactly once: with seq 0 and a retryable
        refusal if it was not taken. Never raises."""
        self.touched_ms = self._clock.monotonic_ms()
        if self.halted:
            self._numbers.decided(command.kind, UNAVAILABLE)
            answer(0, 0, UNAVAILABLE)
        elif command.kind in self._offers.withheld:
            self._numbers.decided(command.kind, NOT_YET)
            answer(0, 0, NOT_YET)
        else:
            assert self.room.knows(command.kind), f"no feature of this room knows {command.kind}"
            self._appender.submit(command, answer)

    async def ask(self, command: Command) -> Answered:
        """`submit`, awaited."""
        answered: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()

        def answer(seq: int, ts: int, verdict: Verdict) -> None:
            if not answered.done():  # the asker may have been cancelled
                answered.set_result(Answered(seq, ts, verdict))

        self.submit(command, answer)
        return await answered

    def add_listener(self, listener: Listener) -> None:
        """Tells the listener everything from now on."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Tells it nothing more."""
        self._listeners.remove(listener)
        self.touched_ms = self._clock.monotonic_ms()

    def join(self, viewer: Viewer, after: tuple[int, int] | None = None) -> Joined:
        """What the viewer needs to be up to date: the events behind `after` (epoch, seq) if they are still here, else a
        snapshot. Events of later entries reach listeners after this, none is in both."""
        you = self.room.own(viewer)
        if after is not None and after[0] == self.epoch and after[1] <= self.seq:
            events = self._history.after(after[1])
            if events is not None:
                return Joined(self.epoch, self.seq, True, events, None, you)
        return Joined(self.epoch, self.seq, False, None, self._snapshot(), you)

    def _snapshot(self) -> dict[str, Any]:
        """The same object to all who join at one position: the gateway then encodes it once."""
        room = self.room
        if self._shown is None or self._shown[:2] != (room.epoch, room.seq):
            self._shown = (room.epoch, room.seq, room.snapshot())
        return self._shown[2]

    @property
    def idle(self) -> bool:
        """Whether nobody needs this room here: no listener, nothing that time or the record still has to bring."""
        if self.stuck:
            return not self._listeners
        return not (
            self._listeners or self.unrecorded or pending(self.room) or self.room.due_ts() is not None
        )

    # -- opening and closing

    async def open(self) -> None:
        """Brings the room up to date and keeps it so. Raises Mendable when the log can't be opened, LogBroken when the
        recorded log is broken; RedisError, PostgresError and OSError pass through."""
        head = await self._hold.open()
        # What is heard from here on may ask for a catching up: it waits until the room is built, which may be all it wants.
        async with self._reopening:
            await self._feed.follow(self.show, self._hear, self._look)
            try:
                await self._build(head)
                while not await self._hold.resume(self.epoch):
                    await self._build(await self._hold.open())
            except BaseException:
                await self._feed.unfollow(self.show)
                raise
        self._watch = asyncio.create_task(self._watch_top(), name=f"watch {self.show}")

    async def aclose(self) -> None:
        """Answers what was submitted, records what is left, and stops following."""
        await self._appender.aclose()
        await end(self._watch, self._catching_up, self._rebuilding, self._yielding)
        self._duties.disarm()
        await self._feed.unfollow(self.show)
        await self._recorder.aclose()
        await self._hold.let_go()

    async def _build(self, head: Head) -> None:
        room = await recovery.recorded_room(self._pool, self.show, self._features)
        room.epoch = max(room.epoch, head.epoch)
        self.room = room
        self._shown = None
        self._since_ts = self.server_now()
        self._history = History(room.seq)
        self._hashes.clear()
        self._ahead.clear()
        self._snapshot_seq = room.seq
        self._recorder.start(room.seq)
        await self._fetch()
        self._arm()
        self._confirm()

    # -- entries in

    def _hear(self, entry: Entry) -> None:
        """An entry from the channel. Most are this node's own, applied when their append was answered."""
        if self._hashes.get(entry.last) == entry.hash and entry.epoch == self.epoch:
            return
        if is_whole(entry):
            self._receive(entry)
        else:
            log.error("message_damaged", show=self.show, seq=entry.first)
            self._look()

    def _receive(self, entry: Entry) -> None:
        """The one way in. Applies the entry if it is the next one, keeps it if it is early, checks it if it was here."""
        room = self.room
        if self.halted or entry.epoch < room.epoch:
            return
        if entry.epoch > room.epoch:
            self._look()
        elif entry.first == room.seq + 1:
            if self._apply(entry) and self._ahead:
                self._apply_ahead()
        elif entry.first > room.seq:
            self._numbers.gaps += 1
            if len(self._ahead) < AHEAD_MAX:
                self._ahead[entry.first] = entry
            self._look()
        elif self._hashes.get(entry.last, entry.hash) != entry.hash:
            self._on_broken(LogBroken(f"show {self.show}: two different entries end at {entry.last}"))

    def _apply_ahead(self) -> None:
        while (entry := self._ahead.pop(self.room.seq + 1, None)) is not None:
            if not self._apply(entry):
                return
        for first in [first for first in self._ahead if first <= self.room.seq]:
            del self._ahead[first]

    def _apply(self, entry: Entry) -> bool:
        try:
            applied = recovery.take(self.room, entry)
        except Exception as error:
            log.exception("room_broken", show=self.show, seq=entry.first)
            self._on_broken(LogBroken(str(error)))
            return False
        if entry.ts >= self._since_ts:
            lag_ms = self._log_clock.now_ms() - entry.ts
            # Clocks may differ by a little: nothing is applied before it happened.
            self._numbers.apply_lag_s.add(lag_ms / 1000 if lag_ms > 0 else 0.0)
        self._hashes[entry.last] = entry.hash
        if len(self._hashes) > HASHES_MAX:
            del self._hashes[next(iter(self._hashes))]
        self._history.extend(entry.ts, applied.events)
        self._recorder.take(applied, self._dump_if_due(applied))
        self._appender.decided(applied)
        for listener in self._listeners:
            listener.on_applied(entry.first, entry.last, entry.ts, applied.events)
        self._arm()
        return True

    def _dump_if_due(self, applied: Applied) -> bytes | None:
        if self._recorder.standby:
            return None  # who records takes the snapshots too
        milestone = any(fact.milestone for _, fact in applied.facts)
        now_ms = self._clock.monotonic_ms()
        if not milestone and (
            self.room.seq - self._snapshot_seq < SNAPSHOT_COMMANDS
            or now_ms - self._snapshot_at_ms < SNAPSHOT_APART_MS
        ):
            return None
        self._snapshot_seq, self._snapshot_at_ms = self.room.seq, now_ms
        return self.room.dump()

    # -- gaps, silence, restarts

    def _look(self) -> None:
        """Fetches what the log has and this room has not, in the background."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._catch_up(), name=f"catch up {self.show}")

    async def _catch_up(self) -> None:
        if self.halted:
            return  # it is being rebuilt
        try:
            head = await self._log.head()
            astray = head.epoch != self.epoch or head.run != head.own_run or head.seq < self.seq
            if astray or self._appender.held:
                await self.reopen()
            else:
                before = self.seq
                await self._fetch()
                self._numbers.refilled += self.seq - before
        except (*AWAY, RedisError, Mendable) as error:
            log.warning("catch_up_failed", show=self.show, error=str(error))
        except (LogBroken, LogCorrupt) as error:
            self._on_broken(LogBroken(str(error)))

    async def _fetch(self) -> None:
        room = self.room
        async for entry in recovery.entries_behind(self._pool, self._log, room):
            self._receive(entry)
            if self.halted or self.room is not room:
                return  # a room that was built anew meanwhile fetches for itself; the old one would never get further
        self._apply_ahead()

    async def _watch_top(self) -> None:
        """A lost message on a quiet show is noticed here, and so is a server that came back empty."""
        waited_s = 0.0
        while True:
            await asyncio.sleep(WATCH_BUSY_S)
            waited_s += WATCH_BUSY_S
            busy = self.room.due_ts() is not None or bool(pending(self.room)) or self._appender.held
            if not busy and waited_s < WATCH_S:
                continue
            waited_s = 0.0
            try:
                head = await self._log.head()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("log_away", show=self.show, error=repr(error))
                continue
            self._log_clock.observe(head.now_ms)
            elsewhere = head.epoch != self.epoch or head.run != head.own_run or head.seq != self.seq
            if elsewhere or self._appender.held:
                self._look()
            self._confirm()
            self._arm()

    async def reopen(self) -> None:
        """Makes the log take appends from the present server again, and follows it into a new epoch if it was rebuilt.

        Raises like `open`, and TimeoutError when this node's tail could not be recorded.
        """
        async with self._reopening:
            before = self.epoch
            agreed = False
            while not agreed:
                await self._follow(await self._hold.open())
                agreed = await self._hold.resume(self.epoch)
            if self.epoch != before:
                self._numbers.epochs += 1
                log.warning("room_follows_epoch", show=self.show, epoch=self.epoch, seq=self.seq)
                for listener in self._listeners:
                    listener.on_reset(self.epoch, self.seq)

    async def _follow(self, head: Head) -> None:
        """Steps into the log's epoch, with the room as it is if the log goes on from there, else with a new one."""
        if head.epoch == self.epoch:
            await self._fetch()
            return
        following = await self._log.read(head.epoch, self.seq, 1)
        goes_on = (
            following[0].prev == self.room.head
            if following
            else (head.seq, head.hash) == (self.seq, self.room.head)
        )
        if goes_on:
            self.room.epoch = head.epoch
            self._history = History(self.seq)
            await self._fetch()
        else:
            await self._build(head)

    def asked(self) -> None:
        """Another node wants to open the log again: yields in the background, then looks what became of it."""
        if self._yielding is None or self._yielding.done():
            self._yielding = asyncio.create_task(self._yield(), name=f"yield {self.show}")

    async def _yield(self) -> None:
        try:
            await self._hold.yield_log()
        except AWAY as error:
            log.warning("yield_failed", show=self.show, error=repr(error))  # the next beat asks again
        self._look()

    def _on_broken(self, error: LogBroken) -> None:
        if not self.halted:
            self.halted = str(error)
            if self.room.seq > self._broke_at:
                self._broke_at, self._rebuilds = self.room.seq, 0
            log.error("room_halted", show=self.show, reason=self.halted)
            # Else it broke again while it is being rebuilt.
            if self._rebuilding is None or self._rebuilding.done():
                self._rebuilding = asyncio.create_task(self._rebuild(), name=f"rebuild {self.show}")

    async def _rebuild(self) -> None:
        while self._rebuilds < REBUILDS_MAX:
            self._rebuilds += 1
            self._numbers.rebuilds += 1
            await asyncio.sleep(REBUILD_PAUSE_S)
            try:
                async with self._reopening:
                    head = await self._hold.open()
                    self.halted = ""
                    await self._build(head)
                    if not self.halted and not await self._hold.resume(self.epoch):
                        self._look()  # the log was opened again meanwhile
            except (*AWAY, RedisError) as error:
                self.halted = str(error)
                self._rebuilds -= 1  # away is not broken: go on trying
                continue
            except (LogBroken, LogCorrupt, Mendable) as error:
                self.halted = str(error)
                log.error("rebuild_failed", show=self.show, reason=self.halted)
                continue
            if not self.halted:
                for listener in self._listeners:
                    listener.on_reset(self.epoch, self.seq)
                return
        log.critical("room_stays_halted", show=self.show, reason=self.halted)
        self.stuck = True
        for listener in tuple(self._listeners):
            listener.on_halted()

    # -- what the server itself appends

    def _arm(self) -> None:
        if self.halted:
            self._duties.disarm()
        else:
            self._duties.arm(self.room)

    async def _on_recorded(self, seq: int) -> None:
        self._confirm()
        try:
            await self._log.recorded(self.epoch, seq)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("trim_failed", show=self.show, error=repr(error))  # the next one says more

    def _confirm(self) -> None:
        self._duties.confirm(self.room, self._recorder.seq)
