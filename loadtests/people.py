"""Who comes to a show: viewers, chatters, bidders and the host, as locust's user classes. What they say and when; nothing of sockets.

Everybody is a viewer first: connected, joined, told of everything that happens. How often they act, and how many of each
there are, is the scenario's (`scenarios`).
"""

import contextlib
import itertools
import secrets
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

import gevent
from gevent import GreenletExit
from gevent.event import Event
from locust import User, events, task
from locust.exception import StopUser

from liveserver.kernel.errors import Rejected
from loadtests.evening import Evening
from loadtests.line import Line
from loadtests.lot import LotInView
from loadtests.report import Report
from loadtests.scenarios import Pause

STEP = 100
"""Increment of the lots, in minor units."""
LOT_PAUSE_S = 1.0
"""Between two lots: long enough to see who won."""
LOT_OVERDUE_S = 30.0
"""A lot that is not over so long after its hard end never will be; that is a failure."""
GOODBYE_S = 2.0
"""Longest that a host who goes home waits for the running lot to be taken back."""
EMOJI = ("❤️", "🔥", "👏")
PROCESS = secrets.token_hex(3)
"""Tells people of several load processes apart: each has a person number 0."""
_numbers = itertools.count()


def _report() -> Report:
    def fire(kind: str, name: str, ms: float | None, size: int, failure: Exception | None) -> None:
        events.request.fire(
            request_type=kind,
            name=name,
            response_time=ms,
            response_length=size,
            exception=failure,
            context={},
        )

    return Report(fire)


class Person(User):
    """Somebody with a line to the show. `guest`: comes without signing in, as most viewers do."""

    abstract = True
    guest: ClassVar[bool] = False
    pause: ClassVar[str] = "look_pause_s"
    line: Any = None
    """None until they have set out."""

    def on_start(self) -> None:
        environment: Any = self.environment
        evening = Evening.of(environment)
        # GreenletExit: StopUser would do the same with a traceback, and why is said or counted already.
        if evening is None:
            raise GreenletExit
        self.evening = evening
        self.number = next(_numbers)
        self.random = Random(f"{PROCESS} {self.number}")
        self.lot = LotInView()
        self.line = Line(
            self.evening.target,
            self.evening.show,
            f"load-{PROCESS}-{self.number}",
            self.token(),
            _report(),
            self.evening.newest,
            on_snapshot=self.on_snapshot,
            on_event=self.on_event,
        )
        self.evening.lines.add(self.line)
        self._keeper = gevent.spawn(self.line.keep)
        if not self.line.is_in():
            raise GreenletExit

    def on_stop(self) -> None:
        if self.line is not None:
            self._go_home()

    def _go_home(self) -> None:
        self.evening.lines.discard(self.line)
        self.line.close()

    def token(self) -> str:
        return "" if self.guest else self.evening.passes.person(PROCESS, next(self.evening.signed_in))

    def wait_time(self) -> float:
        low, high = self._pause()
        return self.random.uniform(low, high)

    def _pause(self) -> Pause:
        pause: Pause = getattr(self.evening.scenario, self.pause)
        return pause

    def ask(self, type_: str, **payload: Any) -> dict[str, Any] | Rejected:
        """A command and its answer. Goes home when the line has ended: the failure is counted already."""
        answer = self.line.ask(type_, **payload)
        if answer is None:
            raise StopUser
        return answer

    # -- what is seen

    def on_snapshot(self, snapshot: Mapping[str, Any]) -> None:
        self.lot.snapshot(snapshot.get("auction") or {})

    def on_event(self, type_: str, payload: Mapping[str, Any]) -> None:
        self.lot.event(type_, payload)


class Viewer(Person):
    """Watches, now and then with a heart."""

    guest = True

    @task(5)
    def watch(self) -> None:
        """Nothing: what they are told is measured as it comes."""

    @task(1)
    def react(self) -> None:
        self.ask("reaction:send", emoji=self.random.choice(EMOJI))


class Chatter(Person):
    """Says something new each time; people who repeat themselves are refused."""

    pause = "chat_pause_s"

    def on_start(self) -> None:
        super().on_start()
        self._said = 0

    @task
    def say(self) -> None:
        self._said += 1
        words = self.random.choice(
            ("what a beauty", "how old is it", "hello from here", "mine", "does it work")
        )
        self.ask("chat:send", text=f"{words} {self.number}.{self._said}")


class Bidder(Person):
    """Bids whenever a lot is open: as a maximum some steps above the minimum, by what this bidder has been told."""

    pause = "bid_pause_s"

    def on_start(self) -> None:
        self._opened = Event()
        super().on_start()

    def on_snapshot(self, snapshot: Mapping[str, Any]) -> None:
        super().on_snapshot(snapshot)
        self._look()

    def on_event(self, type_: str, payload: Mapping[str, Any]) -> None:
        super().on_event(type_, payload)
        self._look()

    def _look(self) -> None:
        if self.lot.open:
            self._opened.set()
        else:
            self._opened.clear()

    @task
    def bid(self) -> None:
        # With an end to the wait, so that locust can stop a bidder between lots.
        if not self._opened.wait(timeout=1) or self._too_early():
            return
        lot = self.lot.id
        amount = self.lot.next_amount(STEP, self.random)
        answer = self.ask("bid:place", lot=lot, amount=amount)
        self.lot.answered(lot, answer.detail if isinstance(answer, Rejected) else answer)

    def _too_early(self) -> bool:
        rush_ms = self.evening.rush_ms
        if rush_ms is None:
            return False
        left_ms = self.lot.ends_at - self.line.server_ms() - rush_ms
        if left_ms > 0:
            gevent.sleep(min(1.0, left_ms / 1000))
        return left_ms > 0


class Host(Person):
    """Starts the show and opens one lot after another, so that bidding goes on. There is one."""

    fixed_count = 1

    def on_start(self) -> None:
        self._ended = Event()
        self._status = ""
        super().on_start()

    def token(self) -> str:
        return self.evening.passes.host()

    def wait_time(self) -> float:
        return LOT_PAUSE_S

    def on_snapshot(self, snapshot: Mapping[str, Any]) -> None:
        super().on_snapshot(snapshot)
        self._status = snapshot["show"]["status"]
        self._notice_end()

    def on_event(self, type_: str, payload: Mapping[str, Any]) -> None:
        super().on_event(type_, payload)
        if type_ in {"lot:sold", "lot:passed"} and payload["lot"] == self.lot.id:
            self._ended.set()

    def _notice_end(self) -> None:
        # Ends that happened while the host was away show in the snapshot only.
        if not self.lot.open:
            self._ended.set()

    @task
    def lead(self) -> None:
        if self._status == "scheduled":
            started = self.ask("show:start")
            self._status = "live" if not isinstance(started, Rejected) or started.code == "show_live" else ""
            return
        if not self.lot.open:
            self._open()
        over_in_s = (self.evening.lot_ms + 2 * self.evening.scenario.extend_ms) / 1000
        if not self._ended.wait(timeout=over_in_s + LOT_OVERDUE_S):
            failure = Exception("a lot was not over long after its hard end")
            _report().fire("check", "lots end", None, 0, failure)
            self.ask("lot:pass", lot=self.lot.id)

    def _open(self) -> None:
        self._ended.clear()
        extend_ms = self.evening.scenario.extend_ms
        self.ask(
            "lot:open",
            title=f"Load {self.random.randrange(10_000)}",
            start=STEP * 10,
            increments=f"flat:{STEP}",
            confirm_times=0,  # nobody here means it
            clock={
                "preset": "live",
                "duration_ms": self.evening.lot_ms,
                "window_ms": extend_ms,
                "extend_ms": extend_ms,
                # Bids that never pause would extend a lot for ever.
                "hard_ms": self.evening.lot_ms + 2 * extend_ms,
            },
        )

    def on_stop(self) -> None:
        if self.line is not None and self.lot.open and self.line.why_ended is None:
            with contextlib.suppress(gevent.Timeout), gevent.Timeout(GOODBYE_S):
                self.ask("lot:pass", lot=self.lot.id)
        super().on_stop()
