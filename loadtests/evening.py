"""What everybody of one load process shares: target, show, scenario, passes, and who is there. And who looks after them.

The shape of the crowd over time is `shape`'s, what it comes to `verdict`'s.
"""

import itertools
import time
from typing import Any

import gevent
from locust import events
from locust.env import Environment

from loadtests.audit import Newest
from loadtests.line import Line
from loadtests.loopback import Target, target
from loadtests.passes import Passes
from loadtests.scenarios import SCENARIOS, Scenario, lot_ms, rush_ms

CLOCK_S = 10.0
"""Time between two comparisons of clocks, per line."""
LOOK_S = 2.5
"""Time between two looks at all lines."""
PULSE_S = 0.05
"""How often the load's own promptness is felt."""


LAST_CUT_S = 5.0
"""No cut comes later than this before the end: who is cut must have time to be back."""


class Evening:
    """One run of a load. `Evening.of` gives the one that is on."""

    def __init__(self, target: Target, show: str, scenario: Scenario, run_s: int, passes: Passes) -> None:
        self.target = target
        self.show = show
        self.scenario = scenario
        self.run_s = run_s
        self.passes = passes
        self.over = False
        self.newest = Newest()
        self.signed_in = itertools.count()
        """Numbers those who need a pass: given tokens are used from the first one on in every run."""
        self.lines: set[Line] = set()
        self.lot_ms = lot_ms(scenario, run_s)
        self.rush_ms = rush_ms(scenario, run_s)
        self.began_cpu_s = time.process_time()
        self.began_s = time.monotonic()
        self._caretakers: list[Any] = [
            gevent.spawn(each) for each in (self._look_after, self._storms, self._pulse)
        ]

    @classmethod
    def begin(cls, environment: Environment) -> "Evening":
        """As the options say. Raises NotThisMachine before anybody has dialled, also when the web form names a host."""
        options: Any = environment.parsed_options
        environment.evening = None  # type: ignore[attr-defined]  # locust's place for what users share
        evening = cls(
            target(environment.host),
            options.show,
            SCENARIOS[options.scenario],
            int(options.run_time or 0) or 60,
            Passes.of(),
        )
        environment.evening = evening  # type: ignore[attr-defined]  # as above
        return evening

    @classmethod
    def of(cls, environment: Environment) -> "Evening | None":
        """None when no evening could begin."""
        return getattr(environment, "evening", None)

    def last_look(self) -> None:
        """Looks once more whether anybody was forgotten: nothing that is waited for may be older than the last cut."""
        for line in list(self.lines):
            line.last_check(LAST_CUT_S)

    def end(self) -> None:
        self.over = True
        gevent.killall(self._caretakers)

    @property
    def cpu_share(self) -> float:
        """Of one core, used by this process since the beginning."""
        return (time.process_time() - self.began_cpu_s) / max(0.001, time.monotonic() - self.began_s)

    def _look_after(self) -> None:
        synced_s: dict[Line, float] = {}
        while True:
            gevent.sleep(LOOK_S)
            now_s = time.monotonic()
            synced_s = {line: synced_s.get(line, now_s) for line in self.lines}
            for line in list(self.lines):
                line.expire()
                line.check()
                if now_s - synced_s[line] >= CLOCK_S:
                    synced_s[line] = now_s
                    line.look_at_clock()

    def _storms(self) -> None:
        while self.scenario.cut_every_s:
            gevent.sleep(self.scenario.cut_every_s)
            if time.monotonic() - self.began_s > self.run_s - LAST_CUT_S:
                return
            for line in list(self.lines):
                line.cut()

    def _pulse(self) -> None:
        """How late this process is with its own work: the part of every latency that is not the server's."""
        while True:
            due_s = time.perf_counter() + PULSE_S
            gevent.sleep(PULSE_S)
            late_ms = max(0.0, (time.perf_counter() - due_s) * 1000)
            events.request.fire(
                request_type="load",
                name="own delay",
                response_time=late_ms,
                response_length=0,
                exception=None,
                context={},
            )
