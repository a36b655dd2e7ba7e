"""A clock that can be set for one process, by libfaketime (Debian's package `faketime`).

Monotonic time stays true, as it does when a machine's clock is stepped: only the time of day moves.
"""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

LIBRARIES = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib64/faketime/libfaketime.so.1"),
    Path("/usr/lib/faketime/libfaketime.so.1"),
    Path("/usr/local/lib/faketime/libfaketime.so.1"),
)


def missing() -> str:
    """Why no clock can be set on this machine; empty when it can."""
    return "" if _library() else "libfaketime is not installed (Debian: apt-get install faketime)"


def _library() -> Path | None:
    return next((path for path in LIBRARIES if path.is_file()), None)


def environment_off_by(seconds: float) -> dict[str, str]:
    """What a process needs in its environment to have a clock that is off by so much, always."""
    library = _library()
    assert library is not None, missing()
    return {"LD_PRELOAD": str(library), "FAKETIME": f"{seconds:+g}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class SteppedClock:
    """The clock of processes that are started with `environment`; true until it is stepped, and stepped for all at once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def new(cls) -> "SteppedClock":
        """A true clock."""
        folder = Path(tempfile.mkdtemp(prefix="ls-clock-", dir="/tmp"))
        folder.chmod(0o755)  # the engines' user reads it
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        clock = cls(folder / "clock")
        clock.step(0)
        return clock

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "SteppedClock":
        """The clock of a process that was started with this environment."""
        return cls(Path(environment["FAKETIME_TIMESTAMP_FILE"]))

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to have this clock."""
        library = _library()
        assert library is not None, missing()
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Read at every call: a step is there at once, at some 10 us a call.
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, seconds: float) -> None:
        """The clock is off by so much from now on; 0 heals it."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{seconds:+g}\n")
        draft.chmod(0o644)
        draft.replace(self._file)  # never seen half-written
