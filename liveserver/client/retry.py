"""When to come back after a lost connection: decides only, waits for nothing (`live` does).

Close codes of 4000-4499 mean "reconnect", 4500-4999 "do not come back"; docs/PROTOCOL.md has the table.
"""

import re
from random import Random

FIRST_MS = 400
"""Ceiling of the first wait: a blip should not be noticed."""
WAIT_MAX_MS = 20_000
"""Longest wait between two attempts: longer ones feel like a dead client."""
SPREAD_MAX_MS = 60_000
"""Most patience that a server's close reason may ask for."""

DRAINING = 4000
"""The server stops and sends its people elsewhere: behind the same address another one answers already, or soon."""

_MENDLESS = frozenset({1002, 1003, 1007, 1009})
"""RFC 6455, 7.4.1: we sent what the server can't take; sending it again would not help."""
_SPREAD = re.compile(r"\A[a-z_]+ (\d{1,6})\Z")


def is_final(code: int) -> bool:
    """Whether this close code forbids coming back by oneself.

    >>> is_final(4000), is_final(4500), is_final(1006)
    (False, True, False)
    """
    return 4500 <= code <= 4999 or code in _MENDLESS


def spread_ms(reason: str) -> int:
    """The time over which clients shall spread their return, as a close reason says it; 0 if it says none.

    >>> spread_ms("draining 5000"), spread_ms("silent")
    (5000, 0)
    """
    found = _SPREAD.match(reason)
    return min(int(found[1]), SPREAD_MAX_MS) if found else 0


def delay_ms(attempt: int, random: Random, spread: int = 0) -> int:
    """How long to wait before attempt `attempt` (0 is the first after a loss).

    The waits double up to `WAIT_MAX_MS` and are jittered, so that ten thousand viewers of a restarted server do not
    arrive in one second. A server that asked for `spread` ms gets a uniform spread over them first.

    >>> all(100 <= delay_ms(0, Random(seed)) <= 400 for seed in range(100))
    True
    """
    if attempt == 0 and spread > 0:
        return random.randrange(min(spread, SPREAD_MAX_MS) + 1)
    ceiling = min(WAIT_MAX_MS, FIRST_MS << min(attempt, 16))
    return ceiling // 4 + random.randrange(ceiling * 3 // 4 + 1)
