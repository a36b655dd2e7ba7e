"""One id type per entity, and how new ids are made: a short prefix, the microsecond, 55 random bits.

Ids sort in the order in which a process made them, and can't be guessed. They are made at the edge, never inside a
room's rules, which must be deterministic.
"""

import re
import secrets
import time
from typing import NewType

UserId = NewType("UserId", str)
ShowId = NewType("ShowId", str)
LotId = NewType("LotId", str)
ProductId = NewType("ProductId", str)
OrderId = NewType("OrderId", str)
SessionId = NewType("SessionId", str)
NodeId = NewType("NodeId", str)

ID_LENGTH_MAX = 40
"""Longest id accepted from outside (ours are 26 characters); bounds keys and log entries."""

ID_PATTERN = r"^[A-Za-z0-9_.:@-]{1,40}$"
"""What an id may look like. No braces: show ids stand inside Redis hash tags."""

_ID = re.compile(r"[A-Za-z0-9_.:@-]{1,40}")


def is_id(text: str) -> bool:
    """Whether text from outside can be an id at all; what can't is found nowhere and asked of no database."""
    return _ID.fullmatch(text) is not None


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def _base32(value: int, length: int) -> str:
    return "".join(_ALPHABET[(value >> (5 * i)) & 31] for i in reversed(range(length)))


_last_us = 0


def new_id(prefix: str) -> str:
    """A new id such as `show_1h4kaj…`: `prefix`, then 11 characters of Unix time in microseconds, then 11 random ones."""
    global _last_us  # noqa: PLW0603 - the order of ids made by one process is this one number
    _last_us = max(_last_us + 1, time.time_ns() // 1_000)
    return f"{prefix}_{_base32(_last_us, 11)}{_base32(secrets.randbits(55), 11)}"
