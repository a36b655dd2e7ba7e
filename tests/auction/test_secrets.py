"""What nobody may see: maxima, the reserve, keys; and what only staff may see: who bids. Looked for in 10,000 states."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from liveserver.auction import model as m
from liveserver.auction.feature import Auction
from liveserver.auction.recording import lot_fact
from liveserver.rooms.model import ROOM, STAFF_ONLY, Viewer
from tests.support.shows import EVERYBODY, LocalShow

STATES = 10_000
HISTORIES = 100
PEOPLE = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn")


def numbers_and_words(value: Any) -> Iterator[int | str]:
    """All values and keys in a payload."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from numbers_and_words(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from numbers_and_words(inner)
    elif not isinstance(value, bool) and value is not None:
        yield value


class Watch:
    """Reads along what staff and everybody are shown, after each step."""

    def __init__(self, show: LocalShow) -> None:
        self.show = show
        self.seen = 0
        self.to_everybody: set[int | str] = set()
        self.to_staff: set[int | str] = set()
        self.states = 0

    def look(self) -> None:
        self.states += 1
        fresh = self.show.events[self.seen :]
        self.seen = len(self.show.events)
        everybody = [e.payload for _, _, e in fresh if e.audience == ROOM]
        staff = [e.payload for _, _, e in fresh if e.audience == STAFF_ONLY]
        onlookers = [EVERYBODY, Viewer("u_nobody", "viewer")]
        everybody += [self.show.snapshot(viewer) for viewer in onlookers]
        staff += [self.show.snapshot(Viewer(f"u_{role}", role)) for role in ("moderator", "host", "admin")]
        self.to_everybody.update(numbers_and_words(everybody))
        self.to_staff.update(numbers_and_words(staff))
        self.check()

    def check(self) -> None:
        lot = self.show.state.lots.get(self.show.state.running)
        if lot is not None:
            secret: set[int | str] = {lot.secret}
            if lot.book.price is not None and lot.book.top > lot.book.price:
                secret.add(lot.book.top)
            reserve = lot.terms.rules.reserve
            if reserve is not None and reserve != lot.book.price and not self.reserve_was_met():
                secret.add(reserve)
            assert not secret & (self.to_everybody | self.to_staff)
        assert not [w for w in self.to_everybody if isinstance(w, str) and w.startswith("u_")]

    def reserve_was_met(self) -> bool:
        """Then the price jumped to it, by the rule: from there on it is no secret."""
        return any(isinstance(f, m.BidAccepted) and f.reserve == "met" for _, _, f in self.show.facts)

    def check_all_amounts(self) -> None:
        """In the end: no amount that anybody bid is to be found, unless it was a price."""
        bids = [f for _, _, f in self.show.facts if isinstance(f, m.BidAccepted)]
        prices = {f.price for _, _, f in self.show.facts if isinstance(f, m.BidAccepted | m.BidderVoided)}
        nexts = {f.min_next for _, _, f in self.show.facts if isinstance(f, m.BidAccepted | m.BidderVoided)}
        hidden = {f.amount for f in bids} - prices - nexts
        assert not hidden & (self.to_everybody | self.to_staff)
        commitments = {f.commitment for f in bids}
        assert not commitments & (self.to_everybody | self.to_staff)


def history(seed: int) -> Watch:
    rng = random.Random(seed)
    show = LocalShow(seed=str(seed))
    watch = Watch(show)
    # Large odd amounts: nothing else in a payload looks like them by chance.
    start = rng.randrange(10**6, 10**7)
    reserve = rng.choice([None, start + rng.randrange(10**8, 10**9)])
    show.opens(
        start=start, reserve=reserve, increments=f"flat:{rng.randrange(10**4, 10**5)}", duration_ms=10**7
    )
    watch.look()
    for _ in range(STATES // HISTORIES):
        roll = rng.random()
        if not show.state.running:
            show.opens(start=start, reserve=reserve, duration_ms=10**7)
        elif roll < 0.85:
            least = show.lot["min_next"]
            show.person(rng.choice(PEOPLE)).bids(
                least + rng.randrange(10**5, 10**8), exact=rng.random() < 0.1, rtt_ms=rng.randrange(600)
            )
        elif roll < 0.9:
            show.host.voids(show.person(rng.choice(PEOPLE)))
        elif roll < 0.95:
            show.host.calls()
            show.wait(3_000)
        elif roll < 0.97:
            show.host.closes()
            show.jump(rng.randrange(1_000))
        watch.look()
    return watch


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_no_secret_is_shown_in_any_state(seed: int):
    watch = history(seed)
    watch.check_all_amounts()
    assert watch.states >= STATES // HISTORIES
    assert any(isinstance(w, str) and w.startswith("u_") for w in watch.to_staff), "staff do see who bids"


@pytest.mark.parametrize("seed", range(5))
def test_the_record_tells_the_same_events_later(seed: int):
    """Catch-up goes through the recorded JSON: nothing more and nothing less than what the socket told."""
    show = history(seed).show
    feature = Auction()
    again: list[tuple[int, int, Any]] = []
    for seq, ts, fact in show.facts:
        if isinstance(fact, m.LotFact):
            payload = msgspec.json.decode(msgspec.json.encode(fact))
            recorded = lot_fact(payload.pop("type"), payload)
            assert recorded == fact
            again += [(at, ts, event) for at, event in feature.events([(seq, recorded)], ts)]
    assert again == [row for row in show.events if not row[2].type.startswith("show:")]


def test_raising_a_hidden_maximum_moves_nothing_but_the_count_and_the_chain():
    shows = [LocalShow(), LocalShow()]
    for show, raised in zip(shows, (50_000, 70_000), strict=True):
        show.opens(start=1000)
        show.ana.bids(raised)
        show.ben.bids(5000)
    low, high = ({**show.lot, "head": ""} for show in shows)
    assert low == high
    for first, second in zip(shows[0].public_events(), shows[1].public_events(), strict=True):
        assert first["payload"] | {"head": ""} == second["payload"] | {"head": ""}
