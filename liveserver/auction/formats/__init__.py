"""The auction formats this release knows: one module each, in the explicit list below.

A format is a pure rule: who leads at which price. Clocks, calls and people are the lot's, the same for every format.
A rule that must change gets a new number beside the old one, which stays as long as open lots or recorded ones may
name it.
"""

from collections.abc import Container

from liveserver.auction.formats import english
from liveserver.kernel.errors import Rejected
from liveserver.rooms.offers import NOT_YET

FORMATS = {("english", 1): english}
"""Rules by (format, version)."""
UNKNOWN_FORMAT = Rejected("unknown_format", "There is no such auction format.", detail={"field": "format"})


def pinned(format: str, withheld: Container[str]) -> int | Rejected:
    """The version of a format that a lot opened now pins: the newest that every living node decides by.

    `withheld` holds what some of them don't know (`rooms.offers`). Refusals: unknown_format, not_yet.
    """
    known = [version for name, version in FORMATS if name == format]
    if not known:
        return UNKNOWN_FORMAT
    offered = [version for version in known if f"{format}.{version}" not in withheld]
    return max(offered) if offered else NOT_YET
