"""One id type per entity, and how new ids are made: a short prefix, 48 bits of time, 62 random bits.

Ids sort by the millisecond in which they were made and can't be guessed. They are made at the edge, never inside a
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


def new_id(prefix: str) -> str:
    """A new id such as `show_01kaj…`: `prefix`, then 10 characters of Unix time in ms, then 12 random ones."""
    return f"{prefix}_{_base32(time.time_ns() // 1_000_000, 10)}{_base32(secrets.randbits(60), 12)}"
