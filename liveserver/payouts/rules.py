"""What follows from figures alone: how much goes to a seller's account at the provider and how much comes back, and which state
of a payout may follow which.

The source of truth is the ledger: a seller's account at the provider is to hold what is theirs by our books, and no more.
"""

from collections.abc import Sequence

import msgspec

from liveserver.kernel.money import decimals
from liveserver.payments.port import PayoutState
from liveserver.payouts.model import PayoutStatus, Standing

PERIOD_DAY_MS = 86_400_000


def apart(now: Standing, going: int) -> int:
    """How much is missing on a seller's account at the provider (negative: how much is too much there).

    `going` is what is about to be transferred there and was not posted yet.
    """
    return now.payable + now.transit - (now.there + going - now.giving_back)


class Source(msgspec.Struct, frozen=True):
    """Something from which money can be taken: an order's share that was not transferred, or a transfer."""

    id: str
    amount: int


def step(currency: str) -> int:
    """What amounts to and from sellers are multiples of, in minor units. Stripe moves currencies of three decimals in hundredths,
    ariary whole, and forints and Taiwan's dollars whole where they are paid out (https://docs.stripe.com/currencies); the test provider
    is treated alike.
    """
    if currency in {"HUF", "MGA", "TWD"}:
        return 100
    return 10 if decimals(currency) == 3 else 1


def movable(amount: int, currency: str) -> int:
    """As much of an amount as can be moved."""
    return amount - amount % step(currency)


def take(amount: int, sources: Sequence[Source], step: int = 1) -> list[Source]:
    """The amount, a multiple of `step`, taken from these one after the other: of each as much as it has, up to the next step (what one
    gives too much another gives too little, and together they have it). What they lack stays untaken.
    """
    assert amount >= 0, "nobody takes less than nothing"
    assert amount % step == 0, "what can't be moved is not taken"
    taken: list[Source] = []
    for source in sources:
        part = min(amount, -(-source.amount // step) * step)
        if part > 0:
            taken.append(Source(source.id, part))
            amount -= part
    return taken


_FROM: dict[PayoutStatus, frozenset[PayoutStatus]] = {
    "in_transit": frozenset({"requested"}),
    "paid": frozenset({"requested", "in_transit"}),
    # Stripe: "payouts that fail may initially show as paid, then change to failed" (API reference, the payout object, status).
    "failed": frozenset({"requested", "in_transit", "paid"}),
    "cancelled": frozenset({"requested", "in_transit"}),
}
_AS_WE_SAY: dict[str, PayoutStatus] = {
    "requested": "in_transit",
    "in_transit": "in_transit",
    "paid": "paid",
    "failed": "failed",
    "canceled": "cancelled",
}


def next_status(now: PayoutStatus, said: PayoutState) -> PayoutStatus | None:
    """What a payout becomes by what the provider says of it; None when that is nothing new, or older than what we know."""
    then = _AS_WE_SAY[said.status]
    return then if now in _FROM[then] else None
