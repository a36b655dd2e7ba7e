"""Starts a server under comparison as a process of its own on one core, waits until it answers, and ends it again.

It knows no server: what is started and what one says to it come from the peers. Linux only: pinning, limits and the signal
that ends an orphan are util-linux's (`prlimit`, `setpriv`, `taskset`), which replace themselves by the server and so keep its pid.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from benchmarks.peers.model import Environment, Running, Setting, Speech

ROOT = Path(__file__).resolve().parents[2]
START_MAX_S = 20.0
"""A server that does not answer by then has failed; Node and FastAPI need a second or two on a busy core."""
STOP_MAX_S = 3.0
"""Whoever is not gone by then after SIGTERM is killed: nothing it still wants to do is measured."""
LOOK_S = 0.02
LAST_WORDS_MAX_CHARS = 2_000
OWN_DESCRIPTORS = 200
"""What a server opens beside its clients: log, epoll, libraries, engines' connections."""


class Server:
    """A started server; as a context manager it ends its processes and waits for them."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, speech: Speech) -> None:
        self._process = process
        self._log = log
        self._speech = speech
        self._pids: list[int] = []

    def wait_until_up(self, port: int, workers_min: int) -> None:
        """Returns once the port accepts and so many children run. Raises RuntimeError with the server's last words."""
        deadline = time.monotonic() + START_MAX_S
        while not accepts(port) or len(children := children_of(self._process.pid)) < workers_min:
            if (code := self._process.poll()) is not None:
                raise RuntimeError(f"ended with {code} while starting; its last words: {self._last_words()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"not up within {START_MAX_S:.0f} s; its last words: {self._last_words()}")
            time.sleep(LOOK_S)
        self._pids = [self._process.pid, *children]

    def end(self) -> None:
        """Ends the server and whatever it started, and waits for it. May be called twice."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # It led a group of its own, so whatever is still in it was started by it.
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_MAX_S
        while any(map(runs, self._pids)) and time.monotonic() < deadline:
            time.sleep(LOOK_S)

    def __enter__(self) -> Running:
        return Running(self._speech, tuple(self._pids))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-LAST_WORDS_MAX_CHARS:].strip() or "(none)"


def launch(
    argv: Sequence[str],
    setting: Setting,
    core: int,
    speech: Speech,
    *,
    environment: Environment | None = None,
    workers_min: int = 0,
) -> Server:
    """Starts `argv` in the checkout, pinned to `core`, and returns when `setting.port` accepts connections.

    Its output goes to `server.log` in the setting's folder. It dies with the thread that calls this (the kernel's rule for
    parent-death signals), so call from one that lives as long as the measurement. Raises RuntimeError if the port is
    taken, descriptors are too few for `setting.connections`, or the server does not come up.
    """
    if accepts(setting.port):
        raise RuntimeError(f"port {setting.port} is taken")
    setting.folder.mkdir(parents=True, exist_ok=True)
    log = setting.folder / "server.log"
    command = [
        *("prlimit", f"--nofile={descriptors_for(setting.connections)}"),
        *("setpriv", "--pdeathsig", "TERM"),
        *("taskset", "--cpu-list", str(core)),
        *argv,
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own: Ctrl+C in a terminal reaches the harness alone, which then ends its servers in order.
            start_new_session=True,
        )
    server = Server(process, log, speech)
    try:
        server.wait_until_up(setting.port, workers_min)
    except BaseException:
        server.end()
        raise
    return server


def descriptors_for(connections: int) -> int:
    """The limit of open files that a server gets: all that the machine allows us. Raises RuntimeError when that is too few."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if connections + OWN_DESCRIPTORS > hard:
        raise RuntimeError(
            f"{connections} connections need more open files than `ulimit -Hn` allows ({hard})"
        )
    return hard


def accepts(port: int) -> bool:
    """Whether something listens on that port of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    """The processes that this one's main thread started and that still run; none when it is gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def runs(pid: int) -> bool:
    """Whether that process is there and has not ended; one that only waits to be reaped has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def lacking(programs: Sequence[str], advice: str) -> str:
    """Words for `Peer.missing`: the first program that is not on the PATH, and what brings it; "" when all are there."""
    for program in (*programs, "prlimit", "setpriv", "taskset"):
        if shutil.which(program) is None:
            return f"{program} is not installed" + (
                f" ({advice})" if program in programs else " (util-linux)"
            )
    return ""


def first_line(*argv: str, of: Callable[[str], str] = str) -> str:
    """What a program says about its version, on either stream; "" when it is not there."""
    if shutil.which(argv[0]) is None:
        return ""
    said = subprocess.run(argv, capture_output=True, text=True, timeout=START_MAX_S, check=False)
    lines = (said.stdout + said.stderr).strip().splitlines()
    return of(lines[0]) if lines else ""
