"""The same lives of orders as a machine that Hypothesis drives and shrinks: what happens, to whom and how much are its choices, and
after every single step all invariants of commerce hold.
"""

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from liveserver.ledger.model import Account
from tests.ledger.histories import CURRENCIES, HAPPENINGS, SELLERS, History, assert_sound

CHOICES = st.randoms(use_true_random=False)


class Commerce(RuleBasedStateMachine):
    """Sales, refunds, deliveries, disputes, transfers and payouts of two sellers in three currencies."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History(0)
        self.posted: set[tuple[str, str]] = set()

    def happens(self, what: str, choices: random.Random) -> None:
        self.history.rng = choices
        for journal in self.history.happens(what):
            key = (journal.kind, journal.object)
            assert key not in self.posted, f"{key} is posted twice"
            self.posted.add(key)

    @rule(choices=CHOICES)
    def something_is_sold(self, choices: random.Random) -> None:
        self.happens("sell", choices)

    @rule(choices=CHOICES)
    def something_is_sold_and_delivered(self, choices: random.Random) -> None:
        self.happens("sell", choices)
        self.happens("release", choices)

    @rule(what=st.sampled_from(HAPPENINGS[1:]), choices=CHOICES)
    def something_happens_to_it(self, what: str, choices: random.Random) -> None:
        self.happens(what, choices)

    @rule(choices=CHOICES)
    def a_seller_takes_it_all_and_the_bank_sends_it_back(self, choices: random.Random) -> None:
        for what in ("level", "ask payout", "end payout", "end payout", "end payout"):
            self.happens(what, choices)

    @invariant()
    def the_books_are_sound(self) -> None:
        assert_sound(self.history)

    @invariant()
    def nobody_can_be_paid_more_than_is_theirs(self) -> None:
        for seller in SELLERS:
            for currency in CURRENCIES:
                paid = sum(
                    amount
                    for owner, of, amount, state in self.history.payouts.values()
                    if (owner, of, state) == (seller, currency, "paid")
                )
                earned = sum(
                    -line.amount
                    for journal in self.history.journals
                    if journal.currency == currency and not journal.kind.startswith("payout")
                    for line in journal.postings
                    if (line.account, line.owner) == (Account.SELLER_PAYABLE, seller)
                )
                assert 0 <= paid <= earned


Commerce.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCommerce = Commerce.TestCase
