"""Runs the load generator: writes its plan, tells when its phases begin, reads its one document.

What the numbers mean is said here; how they are got is in `flood.c`.
"""

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.load.build import program
from benchmarks.peers.model import Frame

Phase = Literal["connected", "warming", "measuring", "measured", "done"]
"""connected: all are ready; warming: streams begin; measuring, measured: the period that counts; done: nothing more is awaited."""

END_MAX_S = 30
"""Longest between the generator's last word and its end. Its phases are bounded by the plan itself."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Connections that behave alike."""

    name: str
    count: int
    path: str = "/"
    subprotocol: str = ""
    hello: Sequence[Frame] = ()
    again: Sequence[Frame] = ()
    """Said instead of `hello` by those who come back in a storm; may hold `{position}` and `{epoch}`."""
    ready: str = ""
    """A connection is ready when these bytes have arrived; empty: when the handshake was answered."""
    resumed: str = ""
    """Of those who come back in a storm, the ones counted as resumed: with `ready` these bytes came."""
    tokens: Path | None = None
    stamp: str = "TS"
    """The two letters before `=` of the stamps this group listens for."""
    position: str = ""
    """`{position}` is the last number that followed these bytes."""
    epoch: str = ""
    deaf: bool = False
    """Once ready they never read again; their receive buffers are small."""
    storm_at_ms: float = 0
    """When, within the measured period, `storm_count` of them are cut off and come back at once."""
    storm_count: int = 0


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """Frames sent at an even rate, in turn by the connections of `source`, whatever comes back (open loop)."""

    source: str
    target: str
    """The group that receives the stamps."""
    to_all: bool
    """Every connection of `target` receives each stamp (fan-out), or only one does (an answer)."""
    rate: float
    """Frames a second in sum."""
    frame: Frame


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Groups connect one after the other, in their order."""

    port: int
    more_ports: Sequence[int] = ()
    """Of further servers: each group's connections go round all of them, beginning with `port`."""
    groups: Sequence[Group]
    streams: Sequence[Stream] = ()
    settle_ms: float = 500
    warm_ms: float = 1_000
    measure_ms: float = 5_000
    drain_ms: float = 3_000
    """How long to wait for what was due in the measured period; ends earlier when all has come."""
    stall_ms: float = 15_000
    """Longest time without any connection getting ready, before the run is given up."""
    opening_max: int = 100
    """Handshakes under way at once."""
    host: str = "127.0.0.1"

    def text(self) -> str:
        """What `flood` reads."""
        lines = [f"host {self.host}", *(f"port {port}" for port in (self.port, *self.more_ports))]
        lines.append(f"opening_max {self.opening_max}")
        times = ("settle_ms", "warm_ms", "measure_ms", "drain_ms", "stall_ms")
        lines += [f"{name} {getattr(self, name)}" for name in times]
        for group in self.groups:
            lines += _group_lines(group)
        lines += [
            f"stream {s.source} {s.target} {'all' if s.to_all else 'one'} {s.rate} {_frame(s.frame)}"
            for s in self.streams
        ]
        return "\n".join(lines) + "\n"


def _frame(frame: Frame) -> str:
    return f"{'binary' if frame.binary else 'text'} {frame.text.encode().hex()}"


def _group_lines(group: Group) -> list[str]:
    lines = [f"group {group.name} {group.count}", f" stamp {group.stamp}"]
    for key in ("path", "subprotocol", "ready", "resumed", "position", "epoch"):
        value: str = getattr(group, key)
        if value:
            lines.append(f" {key} {value.encode().hex()}")
    lines += [f" hello {_frame(frame)}" for frame in group.hello]
    lines += [f" again {_frame(frame)}" for frame in group.again]
    if group.tokens is not None:
        lines.append(f" tokens {group.tokens}")
    if group.deaf:
        lines.append(" deaf")
    if group.storm_count:
        lines.append(f" storm {group.storm_at_ms} {group.storm_count}")
    return lines


class Times(msgspec.Struct, frozen=True):
    """Percentiles in ms, from the moment a frame was due to that at which it, or its answer, was read. Right within 0.8 %."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


class Storm(msgspec.Struct, frozen=True):
    """Coming back: seconds from the cut until half, 99 % and all were ready again; -1 when they never were."""

    count: int
    ready: int
    resumed: int
    failures: int
    """Attempts that were refused or cut; they try again a quarter of a second later."""
    lost: int
    half_s: float
    most_s: float
    all_s: float


class Seen(Times, frozen=True, kw_only=True):
    """What one group saw."""

    name: str
    count: int
    wanted: int
    """Stamps that were due in the measured period, for everybody who should get them; unsent ones included."""
    delivered: int
    """Of them, those that came before the end of the drain."""
    ratio: float
    per_s: float
    """Stamps that arrived within the measured period, a second, whenever they were due."""
    bytes: int
    """Received over the whole run."""
    reads: int
    open_s: float
    """From the group's first connect to its last handshake; `ready_s`: to the last that got ready."""
    ready_s: float
    lost: int
    """Connections that ended after they were ready, and why (`closes`; 1006: without a close frame)."""
    closes: Mapping[str, int]
    storm: Storm | None = None


class Generator(msgspec.Struct, frozen=True):
    """How the generator itself fared: beyond 0.9 of its core, or late by more than some ms, it is what was measured."""

    cpu_share: float
    late: Times


class Outcome(msgspec.Struct, frozen=True):
    """One run's result."""

    seconds: float
    generator: Generator
    groups: Sequence[Seen]

    def group(self, name: str) -> Seen:
        """What that group saw."""
        return next(group for group in self.groups if group.name == name)


class FloodFailed(RuntimeError):
    """The generator gave up; its sentence says why."""


def _nothing(_phase: Phase) -> None:
    pass


def flood(plan: Plan, on_phase: Callable[[Phase], None] = _nothing, binary: Path | None = None) -> Outcome:
    """Runs the plan. `on_phase` is called as phases begin. Raises FloodFailed, and NoCompiler."""
    binary = binary or program("flood")
    with tempfile.NamedTemporaryFile("w", prefix="plan-", suffix=".txt") as file:
        file.write(plan.text())
        file.flush()
        process = subprocess.Popen(
            [binary, file.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with process:
            return _listen(process, on_phase)


def _listen(process: "subprocess.Popen[str]", on_phase: Callable[[Phase], None]) -> Outcome:
    assert process.stdout is not None, "it is a pipe"
    assert process.stderr is not None, "it is a pipe"
    said: list[str] = []
    try:
        for line in process.stderr:
            if line.startswith("@"):
                on_phase(msgspec.convert(line[1:].strip(), Phase))
            else:
                said.append(line.strip())
        out = process.stdout.read()
        if process.wait(END_MAX_S):
            raise FloodFailed(" ".join(said) or f"the load generator ended with {process.returncode}")
        return msgspec.json.decode(out, type=Outcome)
    finally:
        if process.poll() is None:
            process.kill()
