"""Random histories of a show's auctions: what Hypothesis draws, and how it is played. No rule is restated here."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from liveserver.rooms.model import Verdict
from tests.support.shows import LocalShow

BIDDERS = ("Ana", "Ben", "Cleo", "Dan", "Eva")


@dataclass(frozen=True)
class Step:
    """`what` is done by `who` after `wait_ms`; `n` is the amount above the minimum, or whom it is about."""

    what: str
    who: int = 0
    n: int = 0
    wait_ms: int = 0
    rtt_ms: int = 0
    exact: bool = False


def steps(bids_of_ten: int = 7) -> st.SearchStrategy[list[Step]]:
    # Few distinct amounts, so that ties and equal raises come up; waits around windows and hammers.
    amount = st.one_of(st.integers(-150, 1200), st.sampled_from([0, 1, 50, 100, 100, 200, 500, 1000]))
    wait = st.one_of(st.just(0), st.integers(0, 400), st.sampled_from([3_000, 9_999, 21_000, 30_001, 31_000]))
    bid = st.builds(
        Step,
        st.just("bid"),
        st.integers(0, len(BIDDERS) - 1),
        amount,
        wait,
        st.sampled_from([0, 30, 100, 499, 500, 9_000]),
        st.sampled_from([False, False, False, True]),
    )
    act = st.builds(
        Step,
        st.sampled_from(["open", "open", "call", "close", "pass", "void", "timer", "jump"]),
        st.integers(0, len(BIDDERS) - 1),
        st.integers(0, 7),
        wait,
    )
    mixed = st.one_of(*[bid] * bids_of_ten, *[act] * (10 - bids_of_ten))
    return st.lists(mixed, min_size=1, max_size=40)


terms = st.fixed_dictionaries(
    {
        "start": st.sampled_from([1, 100, 1000]),
        "increments": st.sampled_from(["flat:100", "flat:1", "live", "ebay-us"]),
        "reserve": st.sampled_from([None, None, 1000, 1500, 4000]),
        "exact": st.sampled_from([False, False, False, True]),
        "preset": st.sampled_from(["live", "live", "sudden-death"]),
        "hard_ms": st.sampled_from([None, 30_000, 45_000]),
    }
)


def play(show: LocalShow, step: Step, with_terms: dict[str, Any]) -> Verdict:
    """Does one step; whatever it comes to."""
    if step.wait_ms:
        (show.jump if step.what == "jump" else show.wait)(step.wait_ms)
    person = show.person(BIDDERS[step.who])
    match step.what:
        case "bid":
            lot = show.state.lots.get(show.current)
            least = lot.book.min_next if lot is not None else 1000
            amount = max(1, least + step.n)
            return person.bids(amount, show.current or "lot_0", exact=step.exact, rtt_ms=step.rtt_ms)
        case "open":
            given = show.terms(**with_terms)
            return show.host.opens(given)
        case "call":
            return show.host.calls(show.current or "lot_0")
        case "close":
            return show.host.closes(show.current or "lot_0")
        case "pass":
            return show.host.passes(show.current or "lot_0")
        case "void":
            return show.host.voids(person, lot=show.current or "lot_0")
        case _:
            return show.system.closes(show.current or "lot_0")
