"""Lists that are read page by page: a page's shape, and cursors that say where the next one starts.

Cursors are positions in an order (keyset), not offsets: a page stays right while rows come and go. They are opaque to
clients and carry no permission; a list checks its reader on every page.
"""

import base64
import binascii
from typing import Generic, TypeVar, cast

import msgspec

from liveserver.kernel.errors import Rejected

CURSOR_LENGTH_MAX = 200
"""Longest cursor taken from outside: ours hold two numbers and an id."""
PAGE_ITEMS_MAX = 1_000
"""Most items of one page, whatever the caller's own limit: as many as the setting `page_items_max` may say."""
INT64_MAX = 2**63 - 1
"""Numbers in cursors are compared with bigint columns."""

T = TypeVar("T")

BAD_CURSOR = Rejected(
    "bad_cursor", "This list position is not valid. Start from the first page.", detail={"field": "cursor"}
)


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list, and the cursor of the page after it (None: this is the last)."""

    items: tuple[T, ...]
    next: str | None = None


def write_cursor(*position: int | str) -> str:
    """The cursor for a position: the values the list is ordered by, ending in an id."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def read_cursor(text: str, shape: type[T]) -> T | Rejected:
    """The position in a cursor that `write_cursor` made; `shape` is its tuple type. `BAD_CURSOR` for anything else."""
    if len(text) > CURSOR_LENGTH_MAX:
        return BAD_CURSOR
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(raw, type=shape)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return BAD_CURSOR
    return position if _is_storable(position) else BAD_CURSOR


def _is_storable(position: object) -> bool:
    """Whether its parts can be compared with columns: numbers as bigint, texts without the one character PostgreSQL refuses."""
    values = cast(tuple[object, ...], position) if isinstance(position, tuple) else (position,)
    return all(
        abs(value) <= INT64_MAX if isinstance(value, int) else isinstance(value, str) and "\0" not in value
        for value in values
    )


def page_limit(wanted: int) -> int:
    """How many items a page gets: what was asked for, but at least one and at most `PAGE_ITEMS_MAX`."""
    return max(1, min(wanted, PAGE_ITEMS_MAX))
