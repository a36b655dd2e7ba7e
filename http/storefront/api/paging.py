"""What all lists take in common: a cursor and a limit."""

from typing import Annotated

from msgspec import Meta

from liveserver.kernel.pages import CURSOR_LENGTH_MAX
from storefront.api.registry import Call

Cursor = Annotated[
    str,
    Meta(max_length=CURSOR_LENGTH_MAX, description="`next` of the page before; empty for the first page."),
]
Limit = Annotated[
    int, Meta(ge=1, le=1_000, description="Items a page; the server's own limit (100) holds above it.")
]


def bounded(call: Call, limit: int) -> int:
    """The limit, but not more than the operator allows (`page_items_max`)."""
    return min(limit, call.services.settings.page_items_max)
