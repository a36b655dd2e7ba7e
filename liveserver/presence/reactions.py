"""Adds up reactions per show between two ticks. No I/O: `service` tells the sums and exchanges them with other nodes."""

from collections.abc import Mapping

from liveserver.kernel.errors import Rejected

REACTIONS = ("❤️", "🔥", "👏", "😂", "😮", "🎉")
"""The emoji that can be sent: few, so that a burst is a handful of numbers however many people react."""
COUNT_MAX = 10_000
"""Most of one emoji in one tick of one show; more are not told apart."""

_KNOWN = {emoji.removesuffix("\ufe0f"): emoji for emoji in REACTIONS}

UNKNOWN_REACTION = Rejected(
    "unknown_reaction", "This reaction is not one of those offered.", detail={"reactions": list(REACTIONS)}
)


def known(emoji: str) -> str | None:
    """The emoji as it is counted, with or without its variation selector; None if it is not offered."""
    return _KNOWN.get(emoji.removesuffix("\ufe0f"))


class Tally:
    """Counts per show and emoji since the last `take`."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, int]] = {}

    def add(self, show: str, counts: Mapping[str, int]) -> None:
        """Adds what people sent; unknown emoji and negative numbers are left out (another node may be newer, or wrong)."""
        sums = self._counts.setdefault(show, {})
        for emoji in REACTIONS:
            count = counts.get(emoji, 0)
            if count > 0:
                sums[emoji] = min(COUNT_MAX, sums.get(emoji, 0) + count)

    def take(self) -> dict[str, dict[str, int]]:
        """Everything so far, and starts anew."""
        taken = {show: counts for show, counts in self._counts.items() if counts}
        self._counts = {}
        return taken
