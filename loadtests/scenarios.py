"""The evenings that can be played: who comes, how often they act, what goes wrong. Figures only; `people` acts them out.

They are made to be understood, not to be average: each puts one question to the server.
"""

import msgspec

Pause = tuple[float, float]
"""Seconds between two acts of one person, drawn evenly from that range; (0, 0): as soon as the last one is answered."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`viewers`, `chatters` and `bidders` are shares of all users; one more user is the host."""

    name: str
    asks: str
    """The question it puts."""
    viewers: int
    chatters: int
    bidders: int
    look_pause_s: Pause = (4, 12)
    chat_pause_s: Pause = (3, 9)
    bid_pause_s: Pause = (0.5, 3)
    lot_ms: int | None = 12_000
    """How long a lot runs at least; None: one lot that ends shortly before the load does."""
    extend_ms: int = 3_000
    """How much a late bid extends a lot, at most once or twice: lots have to end for the next to open."""
    rush_ms: int | None = None
    """Bidders wait until so little is left, if that is less than the greater part of the lot; None: they don't."""
    streams_in: bool = False
    """Whether people come all the while until the rush instead of as fast as they can be started."""
    cut_every_s: int = 0
    """All connections are cut at once, again and again; 0: none is."""
    must: tuple[str, ...] = ()
    """Statistics without which the question was not put at all."""


_ALWAYS = ("connect", "hello", "room:join", "lot:opened")

SCENARIOS: dict[str, Scenario] = {
    each.name: each
    for each in (
        Scenario(
            name="quiet",
            asks="A small show: is everything told at once while little happens?",
            viewers=8,
            chatters=1,
            bidders=2,
            chat_pause_s=(5, 15),
            bid_pause_s=(2, 6),
            must=(*_ALWAYS, "chat:send", "chat:new", "bid:place", "bid:accepted"),
        ),
        Scenario(
            name="drop",
            asks="A popular lot: viewers stream in, and everybody bids in its last half minute.",
            viewers=5,
            chatters=1,
            bidders=6,
            chat_pause_s=(2, 6),
            bid_pause_s=(0.3, 1.5),
            lot_ms=None,
            rush_ms=30_000,
            streams_in=True,
            must=(*_ALWAYS, "bid:place", "bid:accepted", "lot:sold"),
        ),
        Scenario(
            name="hammer",
            asks="Bids as fast as answers come: how many are decided, and how long does a bidder wait?",
            viewers=1,
            chatters=0,
            bidders=4,
            bid_pause_s=(0, 0),
            lot_ms=10_000,
            must=(*_ALWAYS, "bid:place", "bid:accepted"),
        ),
        Scenario(
            name="storm",
            asks="Everybody's connection breaks at once: how soon is everybody back, with nothing missed?",
            viewers=8,
            chatters=2,
            bidders=2,
            cut_every_s=12,
            must=(*_ALWAYS, "room:join after", "resume", "bid:place", "chat:new"),
        ),
    )
}


def lot_ms(scenario: Scenario, run_s: int) -> int:
    """How long a lot runs in a load of that length; one lot for all of it leaves some seconds at either end."""
    return scenario.lot_ms or max(5_000, run_s * 1000 - 10_000)


def rush_ms(scenario: Scenario, run_s: int) -> int | None:
    """How much of a lot is left when its bidders begin; None: they don't wait."""
    if scenario.rush_ms is None:
        return None
    return min(scenario.rush_ms, lot_ms(scenario, run_s) * 2 // 3)


def users_at(scenario: Scenario, users: int, run_s: int, at_s: float) -> int:
    """How many people are wanted `at_s` seconds after the beginning."""
    rush = rush_ms(scenario, run_s)
    if not scenario.streams_in or rush is None:
        return users
    until_s = max(2.0, run_s - 10 - rush / 1000)
    first = max(2, users // 5)
    share = min(1.0, at_s / until_s)
    return min(users, first + int((users - first) * share))
