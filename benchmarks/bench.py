"""One measurement: a server on one core, the generator on the other, and what both saw in the measured period.

Scenarios say what is started and sent; this module starts, pins, samples and ends it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.load.build import NoCompiler
from benchmarks.load.flood import Group, Outcome, Phase, Plan, Seen, Stream, flood
from benchmarks.peers.liveserver import BID_STAMP, LiveRunning
from benchmarks.peers.model import Peer, Running, Setting, Speech
from benchmarks.processes import core_busy_s, cpu_s, descendants, rss_bytes
from benchmarks.results import Point
from liveserver.infra.ports import free_port

SERVER_CORE = 0
SAMPLE_S = 0.25
"""How often a series is read: cheap beside what is measured."""


class Options(msgspec.Struct, frozen=True):
    """How thorough a run is."""

    rounds: int = 3
    quick: bool = False
    only: frozenset[str] = frozenset()
    """Names of peers; empty: all."""

    @property
    def measure_ms(self) -> float:
        """The measured period."""
        return 3_000 if self.quick else 6_000

    def wants(self, peer: Peer) -> bool:
        """Whether this peer was asked for, and can run."""
        return (not self.only or peer.name in self.only) and not peer.missing()


def say(sentence: str) -> None:
    """Progress, for whoever waits."""
    print(sentence, file=sys.stderr, flush=True)


def keep_off_the_server_core() -> None:
    """Puts this process, and what it starts later (generator, engines), on the other cores. Raises RuntimeError on one core."""
    others = os.sched_getaffinity(0) - {SERVER_CORE}
    if not others:
        raise RuntimeError("the benchmarks need two cores: one for the server, one for the generator")
    os.sched_setaffinity(0, others)


@contextmanager
def started(
    peer: Peer, connections: int, engines: tuple[str, str] = ("", "")
) -> Generator[tuple[Running, int]]:
    """The peer's server and its port, while the block runs. Raises RuntimeError if it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="lsbench-", dir="/tmp"))
    folder.chmod(0o711)  # engines started by root run as another user, who has to pass through
    port = free_port()
    try:
        with peer.start(Setting(port, folder, *engines, connections=connections), SERVER_CORE) as running:
            say(f"  {peer.name} on port {port}, pid {', '.join(map(str, running.pids))}")  # for a profiler
            yield running, port
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Sampler:
    """Reads the server's cost as the generator's phases begin, and a value over time where one is asked for."""

    def __init__(self, running: Running, series: Callable[[], float] | None = None) -> None:
        self._running = running
        self._series = series
        self._empty_bytes = rss_bytes(running.pids)
        self._beside: list[int] = []
        self._begun = self._ended = 0.0
        self._own = self._others = self._core = 0.0
        self._flushes: float | None = 0.0
        self.rss_bytes = 0
        self.values: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def on_phase(self, phase: Phase) -> None:
        """To be called by the generator's runner."""
        if phase == "measuring":
            self._beside = descendants(self._running.pids)
            self._flushes = self._flushed()
            self._begun, self._own, self._others, self._core = self._now()
            if self._series is not None:
                self._thread = threading.Thread(target=self._watch, args=(self._series,), daemon=True)
                self._thread.start()
        elif phase == "measured":
            self._ended, own, others, core = self._now()
            self._own, self._others, self._core = own - self._own, others - self._others, core - self._core
            self.rss_bytes = rss_bytes(self._running.pids)
            before, after = self._flushes, self._flushed()
            self._flushes = None if before is None or after is None else after - before

    def _flushed(self) -> float | None:
        """How often the server has flushed so far; None of servers that don't tell, or are too busy to."""
        if not isinstance(self._running, LiveRunning):
            return None
        try:
            return self._running.metrics().get("liveserver_flushes_total")
        except OSError:
            return None

    def _now(self) -> tuple[float, float, float, float]:
        return time.monotonic(), cpu_s(self._running.pids), cpu_s(self._beside), core_busy_s(SERVER_CORE)

    def _watch(self, series: Callable[[], float]) -> None:
        while not self._stop.wait(SAMPLE_S):
            try:
                value = series()
            except OSError:
                continue  # a server too busy to answer has a gap in its series
            self.values.append((round(time.monotonic() - self._begun, 3), value))

    def stop(self) -> None:
        """Ends the series."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def point(self, outcome: Outcome, group: Seen, **about: object) -> Point:
        """The measurement; `about` are the point's remaining fields."""
        seconds = max(1e-9, self._ended - self._begun)
        given = dict(about)
        more = {
            "beside_cpu_share": self._others / seconds,
            "bytes_per_delivery": _size(group),
            "connects_per_s": group.count / max(group.ready_s, 1e-9),
        }
        if self._flushes is not None:
            more["flushes_per_s"] = self._flushes / seconds
        more.update(given.pop("more", None) or {})  # pyright: ignore[reportArgumentType, reportCallIssue]  # a mapping by convention of this module
        return msgspec.convert(
            {
                "ratio": group.ratio,
                "per_s": group.per_s,
                **{
                    name: getattr(group, name) for name in ("p50_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")
                },
                "cpu_share": self._own / seconds,
                "core_share": self._core / seconds,
                "rss_bytes": self.rss_bytes,
                "rss_empty_bytes": self._empty_bytes,
                "generator_share": outcome.generator.cpu_share,
                "late_p99_ms": outcome.generator.late.p99_ms,
                "lost": sum(seen.lost for seen in outcome.groups),
                "more": more,
                **given,
            },
            Point,
        )


def _size(group: Seen) -> float:
    return group.bytes / group.delivered if group.delivered else 0.0


def viewers(speech: Speech, count: int, name: str = "viewers", **more: object) -> Group:
    """Those who listen."""
    return msgspec.structs.replace(
        Group(
            name=name,
            count=count,
            path=speech.path,
            subprotocol=speech.subprotocol,
            hello=speech.hello,
            ready=speech.ready,
        ),
        **more,
    )


def publisher(speech: Speech) -> Group:
    """The one who speaks; where viewers may speak, a further viewer."""
    if speech.publish_path:
        return Group(name="publisher", count=1, path=speech.publish_path, subprotocol=speech.subprotocol)
    return viewers(speech, 1, "publisher", hello=speech.publish_hello or speech.hello)


def bidders(running: LiveRunning, count: int, rate: float) -> tuple[Group, Stream]:
    """Bidders beside other people, and their bids, so many a second in sum."""
    group = viewers(running.bidders, count, "bidders", tokens=running.tokens, stamp=BID_STAMP)
    return group, Stream(
        source="bidders", target="bidders", to_all=False, rate=rate, frame=running.bidders.say
    )


def chat(speech: Speech, rate: float) -> Stream:
    """What the publisher says to all viewers."""
    return Stream(source="publisher", target="viewers", to_all=True, rate=rate, frame=speech.say)


def run(
    plan: Plan,
    running: Running,
    series: Callable[[], float] | None = None,
    on_phase: Callable[[Phase], None] | None = None,
) -> tuple[Outcome, Sampler]:
    """Runs the generator against a started server; `on_phase` for what has to begin with it. Raises FloodFailed."""
    sampler = Sampler(running, series)

    def told(phase: Phase) -> None:
        sampler.on_phase(phase)
        if on_phase is not None:
            on_phase(phase)

    try:
        return flood(plan, told), sampler
    finally:
        sampler.stop()


TROUBLE = (RuntimeError, OSError, subprocess.SubprocessError)
"""What a peer that fails raises; it is told in the report and the run goes on. Of a missing compiler nothing comes (`NoCompiler`)."""


def failure(error: BaseException, scenario: str, peer: Peer, case: str, number: int) -> Point:
    """A point that says why there are no figures. Raises NoCompiler again: without a generator nothing can be measured."""
    if isinstance(error, NoCompiler):
        raise error
    say(f"  {peer.name}: {error}")
    return Point(scenario=scenario, peer=peer.name, case=case, round=number, failed=str(error)[:500])


def told(point: Point) -> str:
    """A point in one line, for progress."""
    return (
        f"  {point.peer:<14} {point.case:<22} {point.per_s:>11,.0f}/s  ratio {point.ratio:.3f}  p50 {point.p50_ms:>7.1f}  "
        f"p99 {point.p99_ms:>8.1f} ms  cpu {point.cpu_share:>4.0%}, core {point.core_share:>4.0%}  rss/conn {point.rss_per_connection / 1024:>6.1f} KB  "
        f"generator {point.generator_share:.0%}, late p99 {point.late_p99_ms:.1f} ms"
    )
