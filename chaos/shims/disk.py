"""A disk that can be filled or slowed down for one process: `faultydisk.c`, compiled when it is first needed.

It fills no real disk, needs no rights, and touches only files below one folder.
"""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("faultydisk.c")
CONTROL_BYTES = 16
COMPILE_MAX_S = 60


def missing() -> str:
    """Why no disk can be made faulty on this machine; empty when it can."""
    if not sys.platform.startswith("linux"):
        return "the shim is for Linux"
    return "" if _compiler() else "no C compiler is installed (Debian: apt-get install gcc libc6-dev)"


def _compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@functools.cache
def library() -> Path:
    """The compiled shim, where any user may read it; once a process. Raises CalledProcessError with the compiler's words."""
    compiler = _compiler()
    assert compiler is not None, missing()
    folder = Path(tempfile.mkdtemp(prefix="ls-shim-", dir="/tmp"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "faultydisk.so"
    subprocess.run(
        [compiler, *"-std=gnu11 -Wall -Wextra -Werror -O2 -fPIC -shared -o".split(), made, SOURCE, "-ldl"],
        check=True,
        capture_output=True,
        text=True,
        timeout=COMPILE_MAX_S,
    )
    made.chmod(0o755)
    return made


class FaultyDisk:
    """The disk below the folder that a process works in, if it was started with `environment`; sound until told otherwise."""

    def __init__(self, control: Path) -> None:
        self._control = control

    @classmethod
    def new(cls) -> "FaultyDisk":
        """A sound disk. Processes that were started with one environment share its troubles."""
        descriptor, path = tempfile.mkstemp(prefix="disk-", dir=library().parent)
        os.fchmod(descriptor, 0o644)  # the engines' user reads it
        os.close(descriptor)
        disk = cls(Path(path))
        disk._control.write_bytes(b" " * CONTROL_BYTES)
        disk.ok()
        return disk

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "FaultyDisk":
        """The disk of a process that was started with this environment."""
        return cls(Path(environment["FAULTYDISK_CONTROL"]))

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to have this disk."""
        return {"LD_PRELOAD": str(library()), "FAULTYDISK_CONTROL": str(self._control)}

    def ok(self) -> None:
        """There is room, and it is quick."""
        self._say("ok")

    def full(self) -> None:
        """Nothing can grow, and no file be made."""
        self._say("full")

    def slow(self, extra_ms: int) -> None:
        """Each fsync takes so much longer."""
        self._say(f"slow {extra_ms}")

    def _say(self, words: str) -> None:
        with self._control.open("r+b") as file:  # in place: the processes have it mapped
            file.write(words.encode().ljust(CONTROL_BYTES))
