"""What was measured, as it is kept in `docs/benchmarks/results.json`: one point a measurement, and on what machine.

It judges nothing; tables, medians and ratios are the report's.
"""

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "benchmarks"
FILE = FOLDER / "results.json"
NODES_FILE = FOLDER / "nodes.json"
"""The scenario `nodes`, which the page about scale is made of: measured at another time, and in no table of the report."""
SHOP_FILE = FOLDER / "shop.json"
"""The scenario `shop`, which has a page of its own."""
OF_THEIR_OWN = {"nodes": NODES_FILE, "shop": SHOP_FILE}
"""Scenarios that are kept apart from the report's run."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One measured period of one server under one load."""

    scenario: str
    peer: str
    case: str = ""
    """Which of the scenario's settings: "10,000 x 500/s"."""
    round: int = 0
    connections: int = 0
    rate: float = 0
    """Frames a second that were sent."""
    failed: str = ""
    """Why there are no figures."""
    ratio: float = 0
    """Delivered (or answered) of what was due."""
    per_s: float = 0
    """Deliveries (or answers) a second."""
    p50_ms: float = 0
    p95_ms: float = 0
    p99_ms: float = 0
    p999_ms: float = 0
    max_ms: float = 0
    cpu_share: float = 0
    """Of its core, in the measured period: the server's own processes."""
    core_share: float = 0
    """Of that core, everything: the kernel's network work is charged to no process. On a quiet machine the rest is the server's."""
    rss_bytes: int = 0
    """At the end of the measured period."""
    rss_empty_bytes: int = 0
    """Before anybody came."""
    generator_share: float = 0
    late_p99_ms: float = 0
    """How late the generator sent; what is late because of it counts as latency all the same."""
    lost: int = 0
    more: Mapping[str, float] = {}
    """What only this scenario has."""
    series: Mapping[str, list[tuple[float, float]]] = {}
    """Values over time: seconds since the measured period began, and the value."""

    @property
    def rss_per_connection(self) -> float:
        """Bytes that one connection added."""
        return (self.rss_bytes - self.rss_empty_bytes) / max(1, self.connections)

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU a delivery."""
        return self.cpu_share / self.per_s * 1e6 if self.per_s else 0.0


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured."""

    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    system: str
    python: str
    commit: str


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the benchmarks. Points of scenarios that are run again replace the older ones."""

    machine: Machine
    date: str
    quick: bool
    versions: Mapping[str, str]
    """By peer's name."""
    titles: Mapping[str, str] = {}
    missing: Mapping[str, str] = {}
    """Peers that could not run, and why."""
    points: list[Point]


def machine() -> Machine:
    """This one."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return Machine(
        cpu=model,
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        kernel=platform.release().partition("-")[0],
        system=release.get("PRETTY_NAME", platform.system()),
        python=platform.python_version(),
        commit=_commit(),
    )


def _commit() -> str:
    said = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip()


def today() -> str:
    """The date of a report."""
    return time.strftime("%Y-%m-%d")


def load(path: Path = FILE) -> Results:
    """What was written last. Raises FileNotFoundError and msgspec.ValidationError."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def merged(older: Results, newer: Results) -> Results:
    """The newer run with those scenarios of the older one that it did not run."""
    again = {point.scenario for point in newer.points}
    kept = [point for point in older.points if point.scenario not in again]
    return msgspec.structs.replace(
        newer,
        points=kept + newer.points,
        versions={**older.versions, **newer.versions},
        titles={**older.titles, **newer.titles},
        missing={**older.missing, **newer.missing},
    )


def load_with_nodes() -> Results:
    """The scenario `nodes`, with what the report's own run says of idle viewers. Raises as `load`."""
    return merged(load(), load(NODES_FILE))


def save(results: Results, path: Path = FILE) -> None:
    """Writes it, a line a point, so that it can be read and compared."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = msgspec.json.encode(msgspec.structs.replace(results, points=[]))
    lines = b",\n".join(msgspec.json.encode(_short(point)) for point in results.points)
    assert about.endswith(b'"points":[]}'), "points are the last field"
    path.write_bytes(about.removesuffix(b"[]}") + b"[\n" + lines + b"\n]}\n")


def _short(value: Any) -> Any:
    """Figures of seven digits: more than a measurement has, and short to read."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {name: _short(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(part) for part in value]
    return _short(msgspec.structs.asdict(value)) if isinstance(value, Point) else value
