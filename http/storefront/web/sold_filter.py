"""What a seller looks for among their orders, as it stands in the page's address; what can't be read asks for nothing.

The API says no to a wrong filter; a page shows the list without it.
"""

import datetime as dt
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from liveserver.kernel.ids import is_id
from liveserver.orders.model import State
from liveserver.orders.store import EVER, Sought

DAY_MS = 86_400_000
SEARCH_MAX = 100


class Filter(msgspec.Struct, frozen=True):
    """The filter's fields as the form has them."""

    group: str = ""
    show: str = ""
    since: str = ""
    """`2026-11-21`, the first day (UTC)."""
    until: str = ""
    """The last day, with all of it."""
    search: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], groups: Mapping[str, tuple[State, ...]]) -> "Filter":
        """What a query asks for."""
        group, show = query.get("group", ""), query.get("show", "")
        return cls(
            group=group if group in groups else "",
            show=show if is_id(show) else "",
            since=query.get("from", "") if _day(query.get("from", "")) is not None else "",
            until=query.get("to", "") if _day(query.get("to", "")) is not None else "",
            search=query.get("search", "").strip()[:SEARCH_MAX].replace("\0", ""),
        )

    def sought(self, groups: Mapping[str, tuple[State, ...]]) -> Sought:
        """In the orders' words."""
        until = _day(self.until)
        # People write #100001, as pages do.
        text = self.search.removeprefix("#")
        return Sought(
            groups.get(self.group, ()),
            self.show,
            _day(self.since) or 0,
            EVER if until is None else until + DAY_MS,
            text,
        )

    @property
    def narrow(self) -> bool:
        """Asks for less than all."""
        return self != Filter()

    def address(self, **changes: str) -> str:
        """The query of a link that keeps the filter but for the changes."""
        names = {"since": "from", "until": "to"}
        values = {
            names.get(name, name): value for name, value in msgspec.structs.asdict(self).items()
        } | changes
        return urlencode({name: value for name, value in values.items() if value})

    def api_address(self) -> str:
        """The same filter for the API's export."""
        sought = self.sought({})
        values = {
            "show": sought.show,
            "from_ts": str(sought.since_ts) if sought.since_ts else "",
            "to_ts": str(sought.until_ts) if sought.until_ts != EVER else "",
            "search": sought.text,
        }
        return urlencode({name: value for name, value in values.items() if value})


def _day(text: str) -> int | None:
    """The day's beginning in ms."""
    try:
        at = dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    ms = int(at.timestamp() * 1000)
    return ms if ms >= 0 else None
