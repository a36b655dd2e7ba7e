"""A clock that can be set for one process, by libfaketime (Debian's package `faketime`).

Monotonic time stays true, as it does when a machine's clock is stepped: only the time of day moves.
"""

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

    def __init__(self, folder: Path) -> None:
        library = _library()
        assert library is not None, missing()
        self._file = folder / "clock"
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Read at every call: a step is there at once, at some 10 us a call.
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.step(0)

    def step(self, seconds: float) -> None:
        """The clock is off by so much from now on; 0 heals it."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{seconds:+g}\n")
        draft.chmod(0o644)  # the engines' user reads it
        draft.replace(self._file)  # never seen half-written
