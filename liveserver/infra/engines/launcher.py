"""Runs one engine as a child process: starts it, waits until it is ready, brings it back when it dies, stops it.

It knows no engine: what to run, how to see that it is ready and which signal stops it are given by `Recipe`.
"""

import asyncio
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from liveserver.infra.engines.errors import LOG_TAIL_MAX_BYTES, EngineError, explain, ran_out_of_space
from liveserver.infra.engines.identity import Identity
from liveserver.infra.engines.processes import remember, remembered, still_runs

LOG_MAX_BYTES = 8 * 1024 * 1024
"""An engine's log is cut to nothing beyond this, looked at every `LOG_CHECK_MS`: it must not fill the disk by itself."""
LOG_CHECK_MS = 60_000
READY_MAX_MS = 120_000
"""Recovery after a crash may take a while; an engine that is not ready by then is stopped and reported."""
READY_POLL_MS = 10
READY_NEWS_MS = 3_000
"""After this long the wait is mentioned, so that nobody thinks the start hangs."""
STOP_STEP_MS = 10_000
"""How long each signal of the escalation gets before the next."""
RESTARTS_MAX = 5
RESTARTS_WINDOW_MS = 600_000
"""An engine that dies more often than this within the window is given up: something is wrong that a restart won't mend."""
FULL_PAUSE_MS = 2_000
"""Pause before an engine that ended because its disk is full is started again. That is tried for as long as it takes, and
counts as no death: the engine is sound, and only somebody who frees space can tell how long it takes."""
FULL_BELOW_BYTES = 1024 * 1024
"""With less than this left the disk is the cause whatever the engine said: its log may lie on the same disk."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the launcher must know of an engine."""

    name: str
    argv: list[str]
    folder: Path
    log: Path
    identity: Identity
    ready: Callable[[int], Awaitable[bool]]
    """Given the engine's pid, asked until True; says False or raises OSError while the engine is not there yet."""
    stop_signals: tuple[signal.Signals, ...]
    """Gentlest first; SIGKILL is added at the end."""
    orphan_signal: signal.Signals
    """Sent by the kernel when the server dies without a word (Linux)."""
    passing_words: str = r"(?!)"
    """A pattern of refusals that pass by themselves: the start is tried again while a predecessor's children end."""
    predecessor_gone: Callable[[int], None] = field(default=lambda _: None)
    """Clears what the dead process with that pid left, before every start."""


def tied_to_us(signal_number: int) -> Callable[[], None] | None:
    """What a child runs before its program, so that the kernel sends it this signal when we die; None where there is no such
    thing."""
    if not sys.platform.startswith("linux"):
        return None  # elsewhere an orphan is possible; the next start then names its pid
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    server = os.getpid()

    def tie_to_parent() -> None:
        # Runs in the child after the change of user, which would clear the setting. Only system calls here: other
        # threads of the server may hold locks in this forked copy that nobody will ever release.
        prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != server:
            os._exit(1)  # the server died between fork and prctl: nobody would tell us

    return tie_to_parent


def spawn(
    argv: list[str],
    *,
    folder: Path,
    identity: Identity,
    output: int,
    orphan_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a child that dies with us, as the engines' user, outside our terminal's process group.

    Must be called in the main thread: PR_SET_PDEATHSIG fires when the *thread* that started the child ends.
    Raises `EngineError` when the system refuses.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(
            "engines must be started from the main thread: the kernel ties them to the starting thread"
        )
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # The engines' user may not be allowed to enter the folder we were started in.
            cwd=folder,
            # Only what engines need: our environment holds secrets (LIVESERVER_JWT_SECRET) that are none of theirs.
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(folder)},
            # Own session: Ctrl-C in the terminal is for the server, which still needs its engines to say goodbye.
            start_new_session=True,
            user=identity.uid if identity.switch else None,
            group=identity.gid if identity.switch else None,
            extra_groups=[] if identity.switch else None,
            umask=0o077,
            preexec_fn=tied_to_us(orphan_signal),  # noqa: PLW1509 - makes system calls only, see there
        )
    except OSError as error:
        raise EngineError(
            f"{Path(argv[0]).name} could not be started: {error.strerror}",
            argv[0],
            f"The user {identity.name} must be able to run it; LIVESERVER_DATABASE_URL and LIVESERVER_REDIS_URL use "
            "existing servers instead.",
        ) from error


class Engine:
    """A running engine under supervision. `start` once, `stop` once; `failed` is done when it was given up."""

    def __init__(self, recipe: Recipe, on_progress: Callable[[str], None]) -> None:
        self.recipe = recipe
        self.failed: asyncio.Future[EngineError] = asyncio.get_running_loop().create_future()
        self._on_progress = on_progress
        self._process: subprocess.Popen[bytes] | None = None
        self._log: int | None = None
        self._log_start = 0
        """Where in the log the present process began to speak."""
        self._watcher: asyncio.Task[None] | None = None
        self._log_keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "an engine has a pid once it is started"
        return self._process.pid

    async def start(self) -> None:
        """Start and wait until ready. Raises `EngineError` with the engine's own words."""
        self._log = os.open(self.recipe.log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            await self._up()
        except BaseException:
            await self.stop()
            raise
        self._watcher = asyncio.create_task(self._bring_back())
        self._log_keeper = asyncio.create_task(self._keep_log_short())

    async def stop(self) -> None:
        """Stop gently, then less so. Returns when the process is gone; harmless when it already is."""
        for task in (self._watcher, self._log_keeper):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._process is not None:
            for step in (*self.recipe.stop_signals, signal.SIGKILL):
                if self._process.poll() is not None:
                    break
                self._process.send_signal(step)
                try:
                    await asyncio.wait_for(exit_of(self._process), STOP_STEP_MS / 1000)
                except TimeoutError:
                    self._on_progress(f"{self.recipe.name} does not stop at {step.name}")
        if self._log is not None:
            os.close(self._log)
            self._log = None

    async def _up(self) -> None:
        deadline = time.monotonic() + STOP_STEP_MS / 1000
        note = self.recipe.log.with_suffix(".pid")
        while (pid := still_runs(note)) is not None:
            if time.monotonic() > deadline:
                raise EngineError(
                    f"{self.recipe.name} of an earlier run (pid {pid}) still uses the data and does not end",
                    str(self.recipe.folder),
                    f"Wait for it to end or stop it (kill {pid}), then start again.",
                )
            await asyncio.sleep(READY_POLL_MS / 1000)
        if (dead := remembered(note)) is not None:
            self.recipe.predecessor_gone(dead)
        while (words := await self._tried(note)) is not None:
            if time.monotonic() > deadline or not re.search(self.recipe.passing_words, words):
                raise explain(self.recipe.name, str(self.recipe.log), words)
            await asyncio.sleep(READY_POLL_MS / 1000)

    async def _tried(self, note: Path) -> str | None:
        """One start; None when the engine is ready, else what it said before it ended or the wait did."""
        assert self._log is not None, "the log is open while the engine runs"
        self._log_start = os.fstat(self._log).st_size
        began = time.monotonic()
        self._process = spawn(
            self.recipe.argv,
            folder=self.recipe.folder,
            identity=self.recipe.identity,
            output=self._log,
            orphan_signal=self.recipe.orphan_signal,
        )
        remember(note, self._process.pid)
        said_so = False
        while not await self._is_ready():
            waited_ms = (time.monotonic() - began) * 1000
            if self._process.poll() is not None:
                return self._said()
            if waited_ms > READY_MAX_MS:
                return f"{self._said()}\n(not ready after {READY_MAX_MS // 1000} s)"
            if waited_ms > READY_NEWS_MS and not said_so:
                said_so = True
                self._on_progress(f"{self.recipe.name} is still starting (recovering its data?)")
            await asyncio.sleep(READY_POLL_MS / 1000)
        return None

    async def _is_ready(self) -> bool:
        try:
            return await self.recipe.ready(self.pid)
        except OSError:
            return False

    def _said(self) -> str:
        assert self._log is not None, "the log is open while the engine runs"
        start, size = self._log_start, os.fstat(self._log).st_size
        since = max(start, size - LOG_TAIL_MAX_BYTES) if size >= start else 0
        return os.pread(self._log, LOG_TAIL_MAX_BYTES, since).decode(errors="replace")

    async def _bring_back(self) -> None:
        restarts: deque[float] = deque(maxlen=RESTARTS_MAX)
        while True:
            assert self._process is not None, "the watcher runs after the start"
            code = await exit_of(self._process)
            if self._has_no_space():
                await self._pause_for_space(f"ended with {_ending(code)}")
            else:
                now = time.monotonic()
                if len(restarts) == RESTARTS_MAX and (now - restarts[0]) * 1000 < RESTARTS_WINDOW_MS:
                    mend = "See its log, mend the cause and start the server again."
                    died = f"{self.recipe.name} died {RESTARTS_MAX + 1} times within {RESTARTS_WINDOW_MS // 60_000} minutes"
                    return self._give_up(EngineError(died, str(self.recipe.log), mend))
                restarts.append(now)
                self._on_progress(f"{self.recipe.name} ended with {_ending(code)}; starting it again")
            try:
                await self._up_once_there_is_space()
            except EngineError as error:
                return self._give_up(error)
            except OSError as error:
                mend = "Mend the cause it names and start the server again."
                what = f"{self.recipe.name} could not be started again: {error}"
                return self._give_up(EngineError(what, str(self.recipe.folder), mend))

    async def _up_once_there_is_space(self) -> None:
        while True:
            try:
                return await self._up()
            except (EngineError, OSError):  # the latter from our own notes beside its log
                if not self._has_no_space():
                    raise
            await self._pause_for_space("cannot start")

    def _has_no_space(self) -> bool:
        if ran_out_of_space(self._said()):
            return True
        try:
            return shutil.disk_usage(self.recipe.folder).free < FULL_BELOW_BYTES
        except OSError:
            return False  # the folder itself is away: not for want of space

    async def _pause_for_space(self, what: str) -> None:
        """Says why, and waits. The engine's own log says more."""
        self._on_progress(f"{self.recipe.name} {what}: its disk is full. Trying again until there is space")
        await asyncio.sleep(FULL_PAUSE_MS / 1000)

    def _give_up(self, error: EngineError) -> None:
        self._on_progress(str(error))
        if not self.failed.done():
            self.failed.set_result(error)

    async def _keep_log_short(self) -> None:
        while True:
            assert self._log is not None, "the log is open while the engine runs"
            if os.fstat(self._log).st_size > LOG_MAX_BYTES:
                os.ftruncate(self._log, 0)  # the engine appends (O_APPEND), so it goes on at the new end
            await asyncio.sleep(LOG_CHECK_MS / 1000)


def _ending(code: int) -> str:
    return f"code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


async def exit_of(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a child without a thread (one that waits would keep the interpreter from ending)."""
    pidfd_open: Callable[[int], int] | None = getattr(os, "pidfd_open", None)
    if process.poll() is None and pidfd_open is not None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        descriptor = pidfd_open(process.pid)  # not reaped yet, so the pid is still this child's
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    while (code := process.poll()) is None:  # noqa: ASYNC110 - where the system has no pidfd, nothing tells us
        await asyncio.sleep(0.1)
    return code
