"""What must hold for every history: one winner, no fall without a void, the rule from scratch, equal replicas, the reducer's law."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liveserver.auction import chain
from liveserver.auction import model as m
from liveserver.rooms.model import Decision
from tests.auction.histories import Step, play, steps, terms
from tests.support.shows import LocalShow, brought_up_to_date, public

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def played(history: list[Step], with_terms: dict[str, Any]) -> LocalShow:
    show = LocalShow()
    show.opens(**with_terms)
    for step in history:
        play(show, step, with_terms)
    show.ends()
    return show


def step_of(rules: Any, price: int) -> int:
    """From the rule's text: the step of the highest bound that is not above the price."""
    rows = list(zip(rules.increments.bounds, rules.increments.steps, strict=True))
    return [step for bound, step in rows if bound <= price][-1] if price >= rows[0][0] else rows[0][1]


class Naive:
    """The rule as auction-rules.md says it, computed from all bids of a lot anew each time."""

    def __init__(self, terms: m.Terms) -> None:
        self.rules = terms.rules
        self.bids: list[tuple[str, int, int, bool]] = []
        self.price: int | None = None

    def standing(self) -> list[tuple[str, int]]:
        best: dict[str, tuple[int, int]] = {}
        for who, amount, when, _ in self.bids:
            if who not in best or amount > best[who][0]:
                best[who] = (amount, when)
        return [(who, best[who][0]) for who in sorted(best, key=lambda w: (-best[w][0], best[w][1]))]

    def reckon(self) -> tuple[str, int | None]:
        ranked = self.standing()
        if not ranked:
            self.price = None
            return "", None
        leader, top = ranked[0]
        price = self.rules.start
        if len(ranked) > 1:
            price = min(top, ranked[1][1] + step_of(self.rules, ranked[1][1]))
        if self.rules.reserve is not None:
            price = max(price, min(top, self.rules.reserve))
        price = max([price, *(amount for who, amount, _, exact in self.bids if exact and who == leader)])
        self.price = max(price, self.price or 0)
        return leader, self.price

    def bid(self, fact: m.BidAccepted, seq: int) -> tuple[str, int | None]:
        self.bids.append((fact.bidder, fact.amount, seq, fact.exact))
        return self.reckon()

    def void(self, user: str) -> tuple[str, int | None]:
        self.bids = [bid for bid in self.bids if bid[0] != user]
        self.price = None
        return self.reckon()


@SLOW
@given(steps(), terms)
def test_leader_and_price_are_what_the_rule_gives_from_scratch(
    history: list[Step], with_terms: dict[str, Any]
):
    show = played(history, with_terms)
    naive: dict[str, Naive] = {}
    for seq, _, fact in show.facts:
        if isinstance(fact, m.LotOpened):
            naive[fact.lot] = Naive(fact.terms)
        elif isinstance(fact, m.BidAccepted):
            before = naive[fact.lot].price
            assert naive[fact.lot].bid(fact, seq) == (fact.leader, fact.price)
            assert before is None or fact.price >= before
            assert fact.min_next == fact.price + step_of(naive[fact.lot].rules, fact.price)
            assert fact.bids == len(naive[fact.lot].bids)
            assert fact.price <= fact.top
        elif isinstance(fact, m.BidderVoided):
            assert naive[fact.lot].void(fact.user) == (fact.leader, fact.price)
            assert fact.bids == len(naive[fact.lot].bids)
        elif isinstance(fact, m.LotHammered):
            standing = naive[fact.lot].standing()
            assert (fact.winner, fact.price) == (standing[0][0], naive[fact.lot].price)


@SLOW
@given(steps(), terms)
def test_every_lot_ends_once_and_has_one_winner_at_most(history: list[Step], with_terms: dict[str, Any]):
    show = played(history, with_terms)
    opened = [f.lot for _, _, f in show.facts if isinstance(f, m.LotOpened)]
    ended = [f.lot for _, _, f in show.facts if isinstance(f, m.LotSold | m.LotPassed)]
    assert sorted(opened) == sorted(ended)
    decided = {f.lot: f for _, _, f in show.facts if isinstance(f, m.LotHammered)}
    for sale in (f for _, _, f in show.facts if isinstance(f, m.LotSold)):
        assert (sale.winner, sale.price) == (decided[sale.lot].winner, decided[sale.lot].price)
    after: set[str] = set()
    for _, _, fact in show.facts:
        if isinstance(fact, m.LotFact):
            assert fact.lot not in after or isinstance(fact, m.LotSold), "nothing happens to a decided lot"
            if isinstance(fact, m.LotHammered | m.LotPassed):
                after.add(fact.lot)


@SLOW
@given(steps(), terms)
def test_no_end_comes_earlier_but_by_the_host(history: list[Step], with_terms: dict[str, Any]):
    show = played(history, with_terms)
    ends: dict[str, int] = {}
    hard: dict[str, int | None] = {}
    for _, ts, fact in show.facts:
        if isinstance(fact, m.LotOpened):
            ends[fact.lot], hard[fact.lot] = fact.ends_at, fact.hard_ends_at
        elif isinstance(fact, m.BidAccepted):
            assert fact.ends_at >= ends[fact.lot]
            assert hard[fact.lot] is None or fact.ends_at <= hard[fact.lot]
            assert ts - fact.allowance_ms <= ends[fact.lot], "a bid counts only up to the end"
            assert 0 <= fact.allowance_ms <= 250
            ends[fact.lot] = fact.ends_at
        elif isinstance(fact, m.LotClosing):
            assert fact.cause != "clock" or fact.ends_at == ends[fact.lot]
            ends[fact.lot] = fact.ends_at
        elif isinstance(fact, m.LotHammered):
            assert ts > ends[fact.lot] + 700


@SLOW
@given(steps(), terms, st.data())
def test_replicas_are_equal_to_the_byte(history: list[Step], with_terms: dict[str, Any], data: st.DataObject):
    show = played(history, with_terms)
    dumped = show.room.dump()
    assert show.replayed().dump() == dumped
    at = data.draw(st.integers(0, len(show.entries)), label="snapshot after")
    assert show.restored(at).dump() == dumped


@SLOW
@given(steps(), terms, st.data())
def test_an_old_snapshot_and_the_events_make_the_new_snapshot(
    history: list[Step], with_terms: dict[str, Any], data: st.DataObject
):
    show = LocalShow()
    show.opens(**with_terms)
    taken_after = data.draw(st.integers(0, len(history)), label="joined after")
    for step in history[:taken_after]:
        play(show, step, with_terms)
    view, seen = public(show.snapshot()), len(show.events)
    for step in history[taken_after:]:
        play(show, step, with_terms)
    show.ends()
    from_then_on = LocalShow.public_events(show)[
        sum(e.audience == "room" for _, _, e in show.events[:seen]) :
    ]
    assert brought_up_to_date(view, from_then_on) == public(show.snapshot())
    # In a batch, an accepted bid that a later one of its lot supersedes is left out: nothing may be missed by it.
    last = {e["payload"]["lot"]: i for i, e in enumerate(from_then_on) if e["type"] == "bid:accepted"}
    thinned = [
        e for i, e in enumerate(from_then_on) if e["type"] != "bid:accepted" or last[e["payload"]["lot"]] == i
    ]
    assert brought_up_to_date(view, thinned) == public(show.snapshot())


@SLOW
@given(steps(), terms)
def test_the_chain_of_every_lot_verifies(history: list[Step], with_terms: dict[str, Any]):
    show = played(history, with_terms)
    facts = [(seq, ts, fact) for seq, ts, fact in show.facts if isinstance(fact, m.LotFact)]
    assert chain.verify(facts) is None
    heads = {lot: doc["head"] for lot, doc in show.snapshot()["lots"].items()}
    assert heads == {fact.lot: fact.head for _, _, fact in facts if fact.lot in heads}


@SLOW
@given(steps(), terms)
def test_a_retried_command_gets_its_first_verdict(history: list[Step], with_terms: dict[str, Any]):
    show = LocalShow()
    show.opens(**with_terms)
    for person in (show.ana, show.ben):
        person.client = "tab"
    for step in history:
        play(show, step, with_terms)
    sent = [(c, v) for c, v in show.verdicts if c.client]
    facts = len([f for _, _, f in show.facts if isinstance(f, m.BidAccepted)])
    for command, verdict in sent:
        again = show.tell(command)
        if isinstance(verdict, Decision):
            assert isinstance(again, Decision)
            assert again.result == verdict.result
        else:
            assert again == verdict
    assert len([f for _, _, f in show.facts if isinstance(f, m.BidAccepted)]) == facts
