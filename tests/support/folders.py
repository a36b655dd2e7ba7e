"""Data directories of engines that tests start: in memory where there is room, since a fsync of a disk takes milliseconds and tests
wait for thousands of them. The engines' settings stay those of the product; what a slow or full disk does is tested in tests/faults.

It starts nothing, and does not look at what it removes: whoever starts engines in a folder ends them first.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
DISK = Path("/tmp")
ROOM_MIN_BYTES = 2 * 1024**3
"""What must be free in memory: a few servers at a time have 80 MB each, and the write-ahead log of the shared ones may take 1 GB."""
_NAME = re.compile(r"ls-(\d+)-\w+")


@contextmanager
def data_dirs() -> Iterator[Callable[[], Path]]:
    """A maker of data directories, short (socket paths) and open to the user that root's engines run as; all are removed at the end."""
    made: list[Path] = []

    def make() -> Path:
        made.append(new())
        return made[-1] / "data"

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


def new() -> Path:
    """One folder, whose removal is up to the caller, or to a later `sweep`."""
    # pytest's tmp_path lies in a 0700 folder, which `nobody` could not enter.
    made = Path(tempfile.mkdtemp(prefix=f"ls-{os.getpid()}-", dir=_place()))
    made.chmod(0o711)
    return made


def sweep() -> None:
    """Removes what processes that are gone left behind, as the killed do: memory would be short of it until the machine starts anew."""
    for place in (MEMORY, DISK):
        for folder in place.glob("ls-*"):
            found = _NAME.fullmatch(folder.name)
            if found is not None and not _lives(int(found[1])):
                shutil.rmtree(folder, ignore_errors=True)


def _place() -> Path:
    try:
        about = os.statvfs(MEMORY)
    except FileNotFoundError:
        return DISK
    # Containers often have 64 MB there, or forbid programs, of which a data directory may hold copies.
    roomy = about.f_bavail * about.f_frsize >= ROOM_MIN_BYTES and not about.f_flag & os.ST_NOEXEC
    return MEMORY if roomy else DISK


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
