"""One `liveserver serve` process on a world's engines: started, killed, paused, started again on its own port.

Its own way to each engine goes through a proxy. What it serves and to whom is the crowd's affair.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from chaos.proxy import Proxy
from liveserver.infra.ports import free_port

READY = "liveserver is ready at "
START_MAX_S = 60
STOP_MAX_S = 60
PR_SET_PDEATHSIG = 1
RECORDER = "liveserver.cli.recorder"


class Node:
    """A serving process, and the recorder process it may keep. `environment` takes effect at the next start."""

    def __init__(
        self, name: str, folder: Path, environment: Mapping[str, str], redis: Proxy, database: Proxy
    ) -> None:
        self.name = name
        self.environment = dict(environment)
        self.redis = redis
        """Its way to Valkey."""
        self.database = database
        """Its way to PostgreSQL."""
        self.port = free_port()
        self.log_path = folder / f"{name}.log"
        self._data_dir = folder / name
        self._process: asyncio.subprocess.Process | None = None
        self._ended: list[asyncio.subprocess.Process] = []
        self._paused: list[int] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "it runs"
        return self._process.pid

    @property
    def recorder_pid(self) -> int | None:
        """Its recorder process; None while there is none."""
        return next(iter(_children(self.pid, RECORDER)), None)

    @property
    def said(self) -> str:
        """Its log, over all its starts."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    async def start(self) -> None:
        """Returns when it serves."""
        assert not self.alive, "it does not run"
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "liveserver.cli", "serve", "--port", str(self.port)),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "LIVESERVER_DATA_DIR": str(self._data_dir), **self.environment},
                start_new_session=True,
                preexec_fn=_tied_to_us(),
            )
        assert self._process.stdout is not None, "it was asked for"
        async with asyncio.timeout(START_MAX_S):
            while line := (await self._process.stdout.readline()).decode():
                if line.startswith(READY):
                    return
        raise AssertionError(f"{self.name} did not start:\n{self.said[-4000:]}")

    async def stop(self) -> None:
        """SIGTERM: it hands over and ends. Harmless when it is dead."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """Kill -9; what it kept as children notices by itself. Harmless when it is dead."""
        await self._end(signal.SIGKILL)

    async def leave(self) -> None:
        """Kill -9 for good: returns when its children are gone as well. They hold what it said its words into, too (uvloop hands
        it on), and a loop that is closed before the other side is cannot be closed cleanly."""
        await self.kill()
        async with asyncio.timeout(STOP_MAX_S):
            for process in self._ended:
                await process.communicate()

    def kill_recorder(self) -> None:
        """Kill -9 of its recorder process."""
        pid = self.recorder_pid
        assert pid is not None, "it keeps a recorder"
        os.kill(pid, signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP of all its processes: as a machine that swaps, or a virtual one that is moved."""
        self._paused = [self.pid, *_children(self.pid, RECORDER)]
        for pid in self._paused:
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self._paused:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass  # somebody gave it up meanwhile
        self._paused = []

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._ended.append(process)
        self.resume()
        if process.returncode is None:
            process.send_signal(how)
        try:
            async with asyncio.timeout(STOP_MAX_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            raise


def _tied_to_us() -> Callable[[], None] | None:
    """Called in the child: whoever kills the harness must not be left with nodes. Elsewhere than on Linux they would be."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _children(pid: int, module: str) -> list[int]:
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if parent == str(pid) and module.encode() in words:
            found.append(int(process.name))
    return found
