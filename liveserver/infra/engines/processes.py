"""Which process an engine was, remembered on disk, so that a new start waits for a dying predecessor and for nobody else.

It sends no signals: a predecessor that does not end is the operator's to judge.
"""

import os
from pathlib import Path


def remember(note: Path, pid: int) -> None:
    """Write down which process now uses the engine's data."""
    note.write_text(f"{pid} {_birth(pid)}\n")


def remembered(note: Path) -> int | None:
    """The pid written down last, dead or alive."""
    try:
        return int(note.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def still_runs(note: Path) -> int | None:
    """The pid of the remembered process while it lives; None when it ended, even if nobody reaped it yet.

    A pid is used again one day, so on Linux the time of birth must agree as well.
    """
    try:
        pid, birth = note.read_text().split()
        return int(pid) if _birth(int(pid)) == birth else None
    except (FileNotFoundError, ValueError):
        return None


def _birth(pid: int) -> str:
    """When the process was born (clock ticks since boot), "" for none or a zombie; "?" where there is no /proc."""
    try:
        # proc(5): pid (name) state …; the 22nd field is starttime. The name may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "?"
