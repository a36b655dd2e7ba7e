"""A disk that can be filled or slowed down for one process: `faultydisk.c`, compiled when it is first needed.

It fills no real disk, needs no rights, and touches only files below one folder.
"""

import functools
import shutil
import subprocess
import sys
import tempfile
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
    """The disk below `folder` for processes that are started with `environment`; sound until told otherwise."""

    def __init__(self, folder: Path, control: Path) -> None:
        self._control = control
        control.write_bytes(b"ok".ljust(CONTROL_BYTES))
        control.chmod(0o644)  # the engines' user reads it
        self.environment = {
            "LD_PRELOAD": str(library()),
            "FAULTYDISK_FOLDER": str(folder.resolve()),
            "FAULTYDISK_CONTROL": str(control),
        }

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
