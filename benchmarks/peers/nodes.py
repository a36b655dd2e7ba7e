"""Several liveserver nodes on one PostgreSQL and one Valkey, each on a core of its own as far as there are enough.

The first is the peer `liveserver` with its show and its lot; the others join it. Which process is what is told, so that each one's
cost can be: nodes, the recorder beside the first, Valkey, PostgreSQL.
"""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from benchmarks.engines import engines_process
from benchmarks.peers.liveserver import LiveRunning, Started, environment_of, pin
from benchmarks.peers.model import Setting
from benchmarks.peers.process import accepts, children_of
from benchmarks.processes import cpu_s, descendants

START_MAX_S = 60.0
STOP_MAX_S = 30.0
LOOK_S = 0.05
COUNTED = ("liveserver_append_seconds_count", "liveserver_append_seconds_sum", "liveserver_flushes_total")
QUIET = {
    "LIVESERVER_DRAIN_NOTICE_MS": "0",
    "LIVESERVER_DRAIN_SPREAD_MS": "0",
    "LIVESERVER_STOP_GRACE_MS": "1000",
}
"""Nobody is there any more when they stop."""


class Deployment(msgspec.Struct, frozen=True):
    """Running nodes."""

    first: LiveRunning
    ports: Sequence[int]
    nodes: Sequence[int]
    """Process ids, as all below."""
    recorder: Sequence[int]
    valkey: Sequence[int]
    postgres: Sequence[int]
    cores: int
    """That the nodes have between them."""

    def roles(self) -> dict[str, Sequence[int]]:
        """Processes by what they do. PostgreSQL's come and go, so they are looked up anew."""
        return {
            "nodes": self.nodes,
            "recorder": self.recorder,
            "valkey": self.valkey,
            "postgres": [*self.postgres, *descendants(self.postgres)],
        }

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds used so far, by role; of each node besides ("node 1", "node 2" …)."""
        used = {role: cpu_s(pids) for role, pids in self.roles().items()}
        return used | {f"node {at}": cpu_s([pid]) for at, pid in enumerate(self.nodes, start=1)}

    def counted(self) -> dict[str, float]:
        """Some numbers of `/metrics`, summed over the nodes. Raises OSError when one is too busy to tell."""
        told = [
            msgspec.structs.replace(self.first, origin=f"http://127.0.0.1:{port}").metrics()
            for port in self.ports
        ]
        return {name: sum(numbers.get(name, 0.0) for numbers in told) for name in COUNTED}


class _Further:
    """A node beside the first: it serves, and records only if nobody else does."""

    def __init__(self, setting: Setting, core: int, secret: str) -> None:
        self._port = setting.port
        setting.folder.mkdir(parents=True, exist_ok=True)
        with (setting.folder / "server.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "liveserver.cli", "serve", "--port", str(setting.port), "--unlimited", "--recorder", "inside"],
                stdout=log,
                stderr=log,
                env=environment_of(setting, QUIET, secret),
                start_new_session=True,
            )  # fmt: skip
        self._core = core

    def __enter__(self) -> Self:
        deadline = time.monotonic() + START_MAX_S
        while not accepts(self._port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise RuntimeError("a further node did not start")
            time.sleep(LOOK_S)
        pin(self.process.pid, self._core)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def deployment(folder: Path, ports: Sequence[int], connections: int) -> Generator[Deployment]:
    """A node on each of these ports while the block runs. Raises RuntimeError when something does not start.

    Nodes get the first cores, one each as long as one core is left for everything else: this process and what it starts.
    """
    allowed = sorted(os.sched_getaffinity(0) | {0})
    cores = max(1, min(len(ports), len(allowed) - 1))
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed[cores:] or allowed)
    try:
        with ExitStack() as running:
            addresses, parent = running.enter_context(engines_process(folder / "engines"))
            settings = [
                Setting(port, folder / f"node-{port}", *addresses, connections=connections) for port in ports
            ]
            first = Started(settings[0], allowed[0], "fanout", QUIET, True)
            live = running.enter_context(first)
            further = [
                running.enter_context(_Further(setting, allowed[at % cores], first.secret))
                for at, setting in enumerate(settings[1:], start=1)
            ]
            by_name: dict[str, list[int]] = {}
            for pid in children_of(parent):
                by_name.setdefault(Path(f"/proc/{pid}/comm").read_text().strip(), []).append(pid)
            yield Deployment(
                first=live,
                ports=ports,
                nodes=[*live.pids, *(node.process.pid for node in further)],
                recorder=children_of(live.pids[0]),
                valkey=by_name.get("valkey-server", []),
                postgres=by_name.get("postgres", []),
                cores=cores,
            )
    finally:
        os.sched_setaffinity(0, before)
