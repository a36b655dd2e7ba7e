"""Random lives of orders: charged, shipped, refunded, disputed, paid out, in every order that is allowed. Shared by the tests
that keep them in memory and those that post them to PostgreSQL.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId, UserId
from liveserver.ledger import rules
from liveserver.ledger.model import Account, Journal, Rates, Refunds, Sale

SELLERS = tuple(UserId(f"user_{name}") for name in ("ana", "ben"))
CURRENCIES = ("USD", "JPY", "KWD")
"""With two, no and three decimals: the books know minor units only, and nothing of one currency may end up in another."""


@dataclass
class Order:
    """One order as the history has it."""

    sale: Sale
    refunded: Refunds = field(default_factory=Refunds)
    """And taken by lost disputes."""
    released: bool = False
    dispute: str = ""
    disputed: int = 0
    finished: bool = False


HAPPENINGS = ("sell", "refund", "release", "dispute", "decide", "level", "ask payout", "end payout")


class History:
    """A world that only posts what its own books say is right."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        """Decides who and how much; replaced by who drives the history."""
        self.orders: list[Order] = []
        self.payouts: dict[str, tuple[UserId, str, int, str]] = {}
        self.balances: Counter[tuple[Account, str, str]] = Counter()
        self.journals: list[Journal] = []
        self._number = 0

    def of(self, account: Account, owner: str, currency: str) -> int:
        """What stands on an account, in its natural sign."""
        raw = self.balances[account, owner, currency]
        return raw if account.normal == "debit" else -raw

    def step(self) -> Sequence[Journal]:
        """One thing that may happen now; what it posts (nothing, if it is refused)."""
        return self.happens(self.rng.choice(HAPPENINGS))

    def happens(self, what: str) -> Sequence[Journal]:
        """One of `HAPPENINGS`, as far as it may be now; what it posts."""
        possible = {
            "sell": self._sell,
            "refund": self._refund,
            "release": self._release,
            "dispute": self._dispute,
            "decide": self._decide,
            "level": self._level,
            "ask payout": self._ask_payout,
            "end payout": self._end_payout,
        }
        made = [journal for journal in possible[what]() if journal is not None]
        for journal in made:
            for line in journal.postings:
                self.balances[line.account, line.owner, journal.currency] += line.amount
        self.journals += made
        return made

    def _new(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_{self._number}"

    def _pick(self, *, released: bool | None = None, disputed: bool = False) -> Order | None:
        found = [
            order
            for order in self.orders
            if not order.finished and bool(order.dispute) == disputed and released in (None, order.released)
        ]
        return self.rng.choice(found) if found else None

    def _sell(self) -> list[Journal | None]:
        rng = self.rng
        rates = rng.choice([Rates(), Rates(0, 0, 0), Rates(1_250, 349, 49), Rates(10_000, 290, 30)])
        sold = rules.sale(
            OrderId(self._new("order")), rng.choice(SELLERS), rng.choice(CURRENCIES), rng.choice([1, 7, 99, 5_000, 123_457]),
            rng.choice([0, 413, 1]), rng.choice([0, 0, 17, 431]), rates,
        )  # fmt: skip
        self.orders.append(Order(sold))
        return [rules.captured(sold, self._new("ch"))]

    def _refund(self) -> list[Journal | None]:
        order = self._pick()
        if order is None:
            return []
        amount = self.rng.choice(
            [1, order.sale.total // 3, order.sale.total - order.refunded.total, order.sale.total]
        )
        part = rules.split_refund(order.sale, order.refunded, amount)
        if isinstance(part, Rejected):
            return []
        refund, before = self._new("re"), order.refunded
        order.refunded = Refunds(
            before.item + part.item, before.shipping + part.shipping, before.tax + part.tax
        )
        if order.refunded.total == order.sale.total:
            order.finished = True
        payable = self.of(Account.SELLER_PAYABLE, order.sale.seller, order.sale.currency)
        asked = (
            rules.refunded_after_release(order.sale, refund, before, part, payable)
            if order.released
            else rules.refunded_before_release(order.sale, refund, part)
        )
        if self.rng.random() < 0.7:
            return [asked, rules.refund_paid(refund, order.sale.currency, part.total, order.sale.order)]
        order.refunded, order.finished = before, False
        return [asked, *self._failed(order, refund, part, asked)]

    def _failed(self, order: Order, refund: str, part: Refunds, asked: Journal) -> list[Journal | None]:
        """The provider could not send it: perhaps after the bank had it, perhaps after the goods had arrived."""
        sale, before = order.sale, order.refunded
        late: list[Journal | None] = []
        if self.rng.random() < 0.5:
            late = [
                rules.refund_paid(refund, sale.currency, part.total, sale.order),
                rules.refund_returned(refund, sale.currency, part.total, sale.order),
            ]
        if order.released:
            taken = sum(line.amount for line in asked.postings if line.account is Account.SELLER_RECEIVABLE)
            owed = self.of(Account.SELLER_RECEIVABLE, sale.seller, sale.currency) + taken
            return [*late, rules.refund_failed(sale, refund, before, part, owed)]
        back = rules.refund_failed_before_release(sale, refund, part)
        if self.rng.random() < 0.5:
            return [*late, back]
        order.released = True
        both = Refunds(before.item + part.item, before.shipping + part.shipping, before.tax + part.tax)
        first = [] if both.total == sale.total else [rules.released(sale, both)]
        return [*first, *late, back, rules.released_late(sale, refund, before, part)]

    def _release(self) -> list[Journal | None]:
        order = self._pick(released=False)
        if order is None:
            return []
        order.released = True
        journal = rules.released(order.sale, order.refunded)
        seller, currency = order.sale.seller, order.sale.currency
        gain = -sum(line.amount for line in journal.postings if line.account is Account.SELLER_PAYABLE)
        payable = self.of(Account.SELLER_PAYABLE, seller, currency) + gain
        owed = self.of(Account.SELLER_RECEIVABLE, seller, currency)
        return [journal, rules.owed_settled(seller, currency, order.sale.order, payable, owed)]

    def _dispute(self) -> list[Journal | None]:
        order = self._pick()
        if order is None:
            return []
        order.dispute = self._new("dp")
        left = order.sale.total - order.refunded.total
        order.disputed = self.rng.choice([left, left, (left + 1) // 2, order.sale.total])
        return [
            rules.dispute_opened(order.sale, order.dispute, order.disputed),
            rules.dispute_fee(order.sale, order.dispute, 1_500),
        ]

    def _decide(self) -> list[Journal | None]:
        order = self._pick(disputed=True)
        if order is None:
            return []
        dispute, order.dispute = order.dispute, ""
        if self.rng.random() < 0.5:
            return [rules.dispute_won(order.sale, dispute, order.disputed)]
        before = order.refunded
        part = rules.split_dispute(order.sale, before, order.disputed)
        order.refunded = Refunds(
            before.item + part.item, before.shipping + part.shipping, before.tax + part.tax
        )
        order.finished = order.refunded.total == order.sale.total
        if not order.released:
            return [rules.dispute_lost_before_release(order.sale, dispute, part, order.disputed)]
        payable = self.of(Account.SELLER_PAYABLE, order.sale.seller, order.sale.currency)
        return [rules.dispute_lost_after_release(order.sale, dispute, before, part, order.disputed, payable)]

    def _level(self) -> list[Journal | None]:
        """What a seller has with the provider becomes what is theirs: by a transfer, or by its reversal."""
        seller, currency = self.rng.choice(SELLERS), self.rng.choice(CURRENCIES)
        apart = -sum(
            self.balances[account, seller, currency]
            for account in (Account.SELLER_PAYABLE, Account.PAYOUT_TRANSIT, Account.PSP_SELLERS)
        )
        order = OrderId("order_1")
        if apart > 0:
            return [rules.transferred(seller, currency, self._new("tr"), apart, order)]
        return [rules.transfer_reversed(seller, currency, self._new("trr"), -apart, order)] if apart else []

    def _ask_payout(self) -> list[Journal | None]:
        seller, currency = self.rng.choice(SELLERS), self.rng.choice(CURRENCIES)
        payable = self.of(Account.SELLER_PAYABLE, seller, currency)
        there = self.of(Account.PSP_SELLERS, seller, currency)
        there -= self.of(Account.PAYOUT_TRANSIT, seller, currency)
        available = max(0, min(payable, there))
        amount = self.rng.choice([available, available // 2, available + 1, 0])
        payout = self._new("po")
        asked = rules.payout_requested(seller, currency, payout, amount, available)
        if isinstance(asked, Rejected):
            assert amount > available or amount == 0
            return []
        self.payouts[payout] = (seller, currency, amount, "requested")
        return [asked]

    def _end_payout(self) -> list[Journal | None]:
        if not self.payouts:
            return []
        payout = self.rng.choice(sorted(self.payouts))
        seller, currency, amount, state = self.payouts[payout]
        if state == "requested" and self.rng.random() < 0.6:
            self.payouts[payout] = (seller, currency, amount, "paid")
            return [rules.payout_paid(seller, currency, payout, amount)]
        del self.payouts[payout]
        return [rules.payout_failed(seller, currency, payout, amount, was_paid=state == "paid")]


def assert_sound(history: History) -> None:
    """The invariants of commerce, over all that was posted so far."""
    for journal in history.journals:
        assert sum(line.amount for line in journal.postings) == 0, journal
    for (account, owner, _), raw in history.balances.items():
        if account in (Account.ESCROW, Account.SELLER_PAYABLE, Account.PAYOUT_TRANSIT):
            assert raw <= 0, f"{account} of {owner} is overdrawn"
        if account is Account.SELLER_RECEIVABLE:
            assert raw >= 0, f"{owner} has paid back more than they owed"
        if account is Account.PSP_SELLERS:
            assert raw >= 0, f"{owner} was paid what was not on their account"
    for order in history.orders:
        escrow = history.of(Account.ESCROW, order.sale.order, order.sale.currency)
        if order.released or order.finished:
            assert escrow == 0, f"{order.sale.order} is finished, and escrow holds {escrow}"
        else:
            assert escrow == order.sale.total - order.refunded.total
        assert order.refunded.total <= order.sale.total
    for currency in CURRENCIES:
        _assert_sound_in(history, currency)


def _assert_sound_in(history: History, currency: str) -> None:
    total = sum(raw for (_, _, of), raw in history.balances.items() if of == currency)
    assert total == 0, f"the books in {currency} do not add up"
    in_transit = sum(
        amount for _, of, amount, state in history.payouts.values() if (of, state) == (currency, "requested")
    )
    assert sum(history.of(Account.PAYOUT_TRANSIT, seller, currency) for seller in SELLERS) == in_transit
    assert history.balances[Account.REFUND_TRANSIT, "", currency] == 0, "every refund was sent"
    lasting = [order for order in history.orders if order.dispute and order.sale.currency == currency]
    assert history.balances[Account.DISPUTE_SUSPENSE, "", currency] == sum(
        order.disputed for order in lasting
    )
