"""What processes have cost: CPU time and memory, read from /proc. It starts and ends nothing."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds, user and system, that these processes have used so far; one that is gone counts nothing."""
    return sum(_cpu_s(pid) for pid in pids)


def _cpu_s(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # The name, in brackets, may hold spaces: fields are counted behind it. proc(5): utime and stime are fields 14 and 15.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def rss_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes. Shared pages count in each."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def descendants(pids: Sequence[int]) -> list[int]:
    """Processes started by these, and by those in turn, without these themselves."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found: list[int] = []
    left = list(pids)
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return [pid for pid in found if pid not in pids]


def core_busy_s(core: int) -> float:
    """Seconds that this core has worked so far, for whomever; the kernel's network work, which no process is charged for, included."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            # proc(5): user, nice, system, idle, iowait, irq, softirq, steal.
            user, nice, system, _, _, irq, softirq, *_ = map(int, ticks)
            return (user + nice + system + irq + softirq) / _TICKS_PER_S
    return 0.0


def kernel_tcp_bytes() -> int:
    """Memory that the kernel keeps for all TCP sockets of this machine: what was written and not read is first of all there."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        words = line.split()
        if words[0] == "TCP:":
            return int(words[words.index("mem") + 1]) * _PAGE_BYTES
    return 0
