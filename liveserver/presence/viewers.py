"""Counts viewers per show: this node's own, what the other nodes last said, and when a new sum is worth telling.

No I/O and no clock: `service` brings both. What it holds is bounded by the gateway's limit on connections (a show is here
while somebody on this node watches it) and by `ASKED_MAX`.
"""

import msgspec

COUNT_MS = 1_000
"""A show's count is told at most this often."""
ASKED_MAX = 500
"""Shows that nobody on this node watches, but whose count a page asked for. The longest unasked go first."""
ASKED_MS = 60_000
"""Such a count is kept fresh for this long after it was last asked for."""


class _Watched(msgspec.Struct):
    own: int = 0
    others: int = 0
    told: int | None = None
    told_ms: int = 0


class _Asked(msgspec.Struct):
    until_ms: int
    others: int = 0


class Viewers:
    """All times are monotonic ms."""

    def __init__(self, count_ms: int = COUNT_MS) -> None:
        self._count_ms = count_ms
        self._watched: dict[str, _Watched] = {}
        self._asked: dict[str, _Asked] = {}
        self._changed: set[str] = set()

    def enter(self, show: str) -> None:
        """One more viewer on this node."""
        watched = self._watched.get(show)
        if watched is None:
            asked = self._asked.pop(show, None)
            watched = self._watched[show] = _Watched(others=asked.others if asked else 0)
        watched.own += 1
        self._changed.add(show)

    def leave(self, show: str) -> None:
        """One viewer less on this node. With the last one the show is forgotten here."""
        watched = self._watched.get(show)
        assert watched is not None, "who leaves a show has entered it"
        watched.own -= 1
        if watched.own == 0:
            del self._watched[show]
            self._changed.discard(show)
        else:
            self._changed.add(show)

    def count(self, show: str, now_ms: int) -> int:
        """The sum as last heard; 0 for a show just asked for the first time (it is fetched for the next)."""
        watched = self._watched.get(show)
        if watched is not None:
            return watched.own + watched.others
        asked = self._asked.pop(show, None) or _Asked(0)
        asked.until_ms = now_ms + ASKED_MS
        self._asked[show] = asked
        if len(self._asked) > ASKED_MAX:
            del self._asked[next(iter(self._asked))]
        return asked.others

    def watches(self, show: str) -> bool:
        """Whether somebody on this node watches the show."""
        return show in self._watched

    def shows(self) -> set[str]:
        """The shows that somebody on this node watches."""
        return set(self._watched)

    def own(self) -> dict[str, int]:
        """This node's viewers of each show that has some."""
        return {show: watched.own for show, watched in self._watched.items()}

    def asked(self, now_ms: int) -> list[str]:
        """Shows without a viewer here whose count somebody asked for lately."""
        for show in [show for show, asked in self._asked.items() if asked.until_ms <= now_ms]:
            del self._asked[show]
        return list(self._asked)

    def heard(self, show: str, others: int) -> None:
        """What all other nodes together have now."""
        watched = self._watched.get(show)
        if watched is None:
            if show in self._asked:
                self._asked[show].others = others
        elif watched.others != others:
            watched.others = others
            self._changed.add(show)

    def due(self, now_ms: int) -> list[tuple[str, int]]:
        """The sums to tell now: those that differ from what was told, and were not told within the last `COUNT_MS`."""
        news: list[tuple[str, int]] = []
        for show in sorted(self._changed):
            watched = self._watched[show]
            total = watched.own + watched.others
            if total == watched.told:
                self._changed.discard(show)
            elif watched.told is None or now_ms - watched.told_ms >= self._count_ms:
                watched.told, watched.told_ms = total, now_ms
                self._changed.discard(show)
                news.append((show, total))
        return news
