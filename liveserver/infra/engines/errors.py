"""Why an engine is not there, said so that an operator can mend it.

It translates the engines' own words only where they name a cause with a known cure; otherwise it quotes them.
"""

import re

from liveserver.kernel.errors import Mendable

LOG_TAIL_MAX_BYTES = 4_096
"""How much of an engine's log an error quotes at most: its last words, not its life."""
QUOTED_LINES_MAX = 6

_CURES: tuple[tuple[str, str, str], ...] = (
    (
        r"No space left on device|Disk quota exceeded",
        "The disk is full",
        "Free some space there, or choose another folder with LIVESERVER_DATA_DIR.",
    ),
    (
        r"Address already in use|could not bind .*port",
        "The address or port is already in use",
        "Stop what uses it, or choose another.",
    ),
    (
        r"Unexpected end of file reading the append only file|Bad file format reading the append only file|"
        r"AOF (?:file )?.*(?:is not valid|truncated)",
        "Valkey's append-only file is cut off or damaged",
        "It is not cut silently, because acknowledged bids could be lost (aof-load-truncated no). Move the valkey folder "
        "aside and start again: shows are rebuilt from PostgreSQL's record. Keep the folder until that is verified.",
    ),
    (
        r"database files are incompatible with server|was initialized by PostgreSQL version",
        "The data was written by another version of PostgreSQL",
        "Use the release that wrote it, or dump there and restore here.",
    ),
    (
        r"could not (?:create|map) (?:anonymous )?shared memory|Cannot allocate memory|Can't allocate",
        "There is not enough memory",
        "Give the machine more memory or stop other programs.",
    ),
    (
        r"invalid permissions|has wrong ownership|Permission denied|could not change permissions",
        "A folder does not belong to the user the engine runs as",
        "Let that user own it, or choose another folder with LIVESERVER_DATA_DIR.",
    ),
    (
        r"error while loading shared libraries|GLIBC_\S+' not found",
        "The engine's binary does not fit this system",
        "Use a supported system (glibc 2.28 or newer, x86_64 or arm64), or bring own engines with "
        "LIVESERVER_DATABASE_URL and LIVESERVER_REDIS_URL.",
    ),
)


_NO_SPACE = re.compile(
    r"No space left on device|Disk quota exceeded|Short write while writing to the AOF", re.IGNORECASE
)


def ran_out_of_space(words: str) -> bool:
    """Whether an engine's last words say that its disk is full: then it is sound, and goes on once there is room."""
    return _NO_SPACE.search(words) is not None


class EngineError(Mendable):
    """An engine cannot be started, reached or kept: `what` failed, `where`, and how to `mend` it."""


def explain(engine: str, where: str, words: str) -> EngineError:
    """The error for an engine that did not come up, from its own last `words` (log or stderr)."""
    for pattern, what, mend in _CURES:
        if re.search(pattern, words):
            return EngineError(
                f"{engine} did not start: {what[0].lower()}{what[1:]}{_quoted(words)}", where, mend
            )
    mend = "Its log says more; LIVESERVER_DATABASE_URL and LIVESERVER_REDIS_URL use existing servers instead."
    return EngineError(f"{engine} did not start{_quoted(words)}", where, mend)


def _quoted(words: str) -> str:
    lines = [line.strip() for line in words[-LOG_TAIL_MAX_BYTES:].splitlines() if line.strip()]
    return f". It said: {' / '.join(lines[-QUOTED_LINES_MAX:])}" if lines else ""
