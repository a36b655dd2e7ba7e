"""Watches a simulated show and knows by itself what must hold: written from the rules' text, sharing no code with them."""

from dataclasses import dataclass, field
from typing import Any

from liveserver.auction import chain
from liveserver.auction import model as m
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import Command, Decision, Verdict
from liveserver.rooms.room import Applied
from liveserver.spotlight import model as spot


@dataclass
class LotSeen:
    terms: m.Terms
    ends_at: int
    hard_ends_at: int | None
    maxima: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Bidder -> (maximum, seq)."""
    exacts: list[tuple[str, int]] = field(default_factory=list)
    price: int | None = None
    bids: int = 0
    closing: bool = False
    hammered: tuple[str, int] | None = None
    sold: bool = False
    passed: bool = False

    def ranked(self) -> list[str]:
        return sorted(self.maxima, key=lambda who: (-self.maxima[who][0], self.maxima[who][1]))

    def step(self, price: int) -> int:
        table = self.terms.rules.increments
        step = table.steps[0]
        for bound, next_step in zip(table.bounds, table.steps, strict=True):
            if price >= bound:
                step = next_step
        return step

    def formula(self) -> int:
        """price = min(M1, M2 + inc(M2)), start for a single bidder; below a reserve R the maximum shows, at it R."""
        ranked, rules = self.ranked(), self.terms.rules
        first = self.maxima[ranked[0]][0]
        if len(ranked) == 1:
            price = rules.start
        else:
            second = self.maxima[ranked[1]][0]
            price = min(first, second + self.step(second))
        if rules.reserve is not None:
            price = max(price, min(first, rules.reserve))
        return price


class Oracle:
    """Sees every entry of a log in order."""

    def __init__(self) -> None:
        self.lots: dict[str, LotSeen] = {}
        self.first_verdicts: dict[tuple[str, str, int], Any] = {}
        self.counts: dict[str, int] = {}
        self.shown: spot.ProductOffered | None = None
        self.given: dict[tuple[str, str], int] = {}
        self.sold: dict[tuple[str, str], int] = {}
        self.bought: dict[tuple[str, str], int] = {}
        self.claims: set[str] = set()
        self.chained: list[tuple[int, int, m.LotFact]] = []

    def sees(self, applied: Applied) -> None:
        for command, verdict in zip(applied.commands, applied.verdicts, strict=True):
            self._same_verdict_again(command, verdict)
            code = verdict.code if isinstance(verdict, Rejected) else "ok"
            key = f"{command.kind} {code}"
            self.counts[key] = self.counts.get(key, 0) + 1
        for seq, fact in applied.facts:
            if isinstance(fact, m.LotFact):
                self.chained.append((seq, applied.entry.ts, fact))
                self._lot_fact(fact, seq, applied.entry.ts)
            elif isinstance(fact, spot.ProductOffered):
                self._offered(fact)
            elif isinstance(fact, spot.ClaimMade):
                self._claimed(fact)

    def _offered(self, fact: spot.ProductOffered) -> None:
        self.shown = fact
        for good in fact.goods:
            key = (fact.card.id, good.variant)
            assert good.given >= self.given.get(key, 0), "what a show was given is not taken from it"
            self.given[key] = good.given
            assert good.left == good.given - self.sold.get(key, 0)

    def _claimed(self, fact: spot.ClaimMade) -> None:
        key, own = (fact.product, fact.variant), (fact.product, fact.buyer)
        self.sold[key] = self.sold.get(key, 0) + fact.quantity
        self.bought[own] = self.bought.get(own, 0) + fact.quantity
        assert self.sold[key] <= self.given[key], "never oversold"
        assert fact.left == self.given[key] - self.sold[key]
        assert self.shown is not None
        assert self.shown.card.id == fact.product, "only what is shown is sold"
        assert self.bought[own] <= self.shown.limit, "nobody gets more than the limit"
        assert fact.claim not in self.claims, "a claim is made once"
        self.claims.add(fact.claim)

    def _same_verdict_again(self, command: Command, verdict: Verdict) -> None:
        if not command.client:
            return
        key = (command.actor.id, command.client, command.number)
        said: Any = verdict.result if isinstance(verdict, Decision) else verdict
        assert self.first_verdicts.setdefault(key, said) == said, (
            f"a retry was told something else: {command}"
        )

    def _lot_fact(self, fact: m.LotFact, seq: int, ts: int) -> None:
        if isinstance(fact, m.LotOpened):
            assert fact.lot not in self.lots, "a lot opens once"
            assert all(lot.hammered or lot.passed for lot in self.lots.values()), "one lot runs at a time"
            self.lots[fact.lot] = LotSeen(fact.terms, fact.ends_at, fact.hard_ends_at)
            return
        lot = self.lots[fact.lot]
        assert not lot.sold, "nothing happens to a lot after it was sold"
        assert not lot.passed, "nothing happens to a lot after it was passed"
        match fact:
            case m.BidAccepted():
                self._bid(lot, fact, seq, ts)
            case m.BidderVoided():
                del lot.maxima[fact.user]
                lot.exacts = [(who, amount) for who, amount in lot.exacts if who != fact.user]
                lot.price = fact.price
                self._leads(lot, fact.leader, fact.price)
            case m.LotClosing():
                assert ts >= fact.ends_at
                lot.closing, lot.ends_at = True, fact.ends_at
            case m.LotHammered():
                assert lot.hammered is None, "one hammer a lot"
                assert ts > lot.ends_at + lot.terms.timing.hammer_ms, "no result within the hammer window"
                assert lot.terms.rules.reserve is None or fact.price >= lot.terms.rules.reserve
                self._leads(lot, fact.winner, fact.price)
                lot.hammered = (fact.winner, fact.price)
            case m.LotSold():
                assert lot.hammered == (fact.winner, fact.price), "sold is what was hammered"
                lot.sold = True
            case m.LotPassed():
                assert lot.hammered is None
                lot.passed = True
            case m.LotExtended():
                assert fact.ends_at > lot.ends_at, "an end never comes earlier"
                assert lot.hard_ends_at is None or fact.ends_at <= lot.hard_ends_at
                lot.ends_at = fact.ends_at
            case _:
                assert isinstance(fact, m.LotCalled)

    def _bid(self, lot: LotSeen, fact: m.BidAccepted, seq: int, ts: int) -> None:
        assert lot.hammered is None, "no bid counts after the hammer"
        assert fact.allowance_ms <= 250
        assert ts - fact.allowance_ms <= lot.ends_at, "a bid after the end counts only by its allowance"
        rules, before = lot.terms.rules, lot.price
        leading = bool(lot.maxima) and lot.ranked()[0] == fact.bidder
        if leading:
            assert fact.amount > lot.maxima[fact.bidder][0], "only a higher maximum replaces one's own"
        else:
            asked = rules.start if before is None else before + lot.step(before)
            assert fact.amount >= asked, "a challenger reaches the visible price plus a step"
        lot.maxima[fact.bidder] = (fact.amount, seq)
        if fact.exact:
            lot.exacts.append((fact.bidder, fact.amount))
        expected = max(lot.formula(), before or 0)
        if fact.exact and lot.ranked()[0] == fact.bidder:
            expected = max(expected, fact.amount)
        assert fact.price == expected, f"price {fact.price}, expected {expected}"
        assert before is None or fact.price >= before, "the price never falls but by a void"
        assert fact.min_next == fact.price + lot.step(fact.price)
        assert fact.ends_at >= lot.ends_at, "an end never comes earlier"
        lot.price, lot.ends_at = fact.price, fact.ends_at
        lot.bids += 1
        self._leads(lot, fact.leader, fact.price)

    def _leads(self, lot: LotSeen, leader: str, price: int | None) -> None:
        if not lot.maxima:
            assert (leader, price) == ("", None)
            return
        assert leader == lot.ranked()[0], "the highest maximum leads, of equal ones the earlier"
        assert price is not None
        assert price <= lot.maxima[leader][0], "nobody pays more than their maximum"

    def at_the_end(self) -> None:
        assert chain.verify(self.chained) is None, "the hash chains of all lots hold"
        for lot in self.lots.values():
            assert lot.sold + lot.passed <= 1, "sold or passed, once"
            assert not lot.sold or lot.hammered is not None
