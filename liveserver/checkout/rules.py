"""What may be done about an attempt, and when: pure, on times in milliseconds.

The provider keeps an idempotency key for 24 h, and with it a failure that it once answered with, whether or not the payment was
made. Its search lags behind by up to an hour in bad times (Stripe, "Search: data freshness"). From these two follows all here.
"""

from typing import Literal

from liveserver.checkout.model import Attempt
from liveserver.payments.port import Payment

KEY_TRUSTED_MS = 23 * 3_600_000
"""So long after an attempt was written down the same key surely means the same call; an hour less than Stripe keeps it."""
UNKNOWNS_MAX = 3
"""After so many calls without an answer it is the stored failure that is answered (a key replays a 500): asking on tells nothing."""
SEARCHABLE_AFTER_MS = 3_600_000
"""So long after the last call a payment that can't be found is not there."""

UNCHARGEABLE = frozenset({"amount_too_small", "amount_too_large", "amount_unfit"})
"""The provider moves no such amount of this currency, whoever pays with whatever card: as Stripe calls it, and one name of ours for
fractions that it does not count."""

Step = Literal["ask", "search", "prove"]


def next_step(attempt: Attempt, now: int, *, ending: bool = False) -> Step:
    """For an attempt without an answer. `ask`: the same call with the same key. `search`: a payment that is found counts, one that
    is not may still turn up. `prove`: one that is not found is not there, and another attempt may be made.

    A call with a card charges it, should the first never have arrived: whoever is `ending` an order does not ask so.
    """
    assert attempt.state == "asked", "an attempt with an answer is asked for by its payment's id"
    charges = bool(attempt.request.card)
    if (
        not (ending and charges)
        and attempt.unknowns < UNKNOWNS_MAX
        and now - attempt.created_ts < KEY_TRUSTED_MS
    ):
        return "ask"
    return "prove" if now - attempt.asked_ts >= SEARCHABLE_AFTER_MS else "search"


def is_of(attempt: Attempt, payment: Payment) -> bool:
    """Whether a payment that was found is this attempt's, by the metadata we gave it."""
    return (payment.metadata.get("order"), payment.metadata.get("attempt")) == (
        attempt.order,
        str(attempt.attempt),
    )


def meaning(payment: Payment) -> Literal["declined", "action", "other"]:
    """What a payment that has not succeeded means for its order."""
    if payment.error_code == "authentication_required":
        return "action"
    if payment.status == "failed" or (payment.status == "needs_card" and payment.error_code):
        return "declined"
    return "action" if payment.status == "needs_action" else "other"


def declined_off_session(attempt: Attempt) -> bool:
    """Whether a winner's card was declined in a way that another time may cure; a bank that wants its owner is not."""
    return (
        attempt.off_session
        and attempt.state in {"failed", "needs_card"}
        and attempt.error_code not in {"", "authentication_required"}
    )


def nobody_could_pay(last: Attempt | None) -> bool:
    """Whether it was the provider that would not take the last payment, for a reason that is not the buyer's card."""
    return last is not None and last.state == "refused"


def another_time_may_do(attempt: Attempt) -> bool:
    """Whether a winner's charge that the provider refused is made again: a key may have been exchanged, an amount stays what it is."""
    return attempt.off_session and attempt.state == "refused" and attempt.error_code not in UNCHARGEABLE


def retry_after_ms(off_session_attempts: int, retries: int, pause_ms: int) -> int | None:
    """When a winner's declined card is tried again, None for not any more."""
    return pause_ms if off_session_attempts <= retries else None
