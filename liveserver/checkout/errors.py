"""Refusals of checkout, as values."""

from liveserver.kernel.errors import Rejected

CART_EMPTY = Rejected("cart_empty", "There is nothing of this seller in your cart any more.")
TOO_LATE = Rejected("payment_window_over", "The time to pay this order is over.")
NO_ADDRESS = Rejected("no_address", "Say where it goes before you pay.", detail={"field": "address"})
NO_CARD = Rejected("no_card", "You have saved no card. Enter one, or save one first.")
PROCESSING = Rejected(
    "payment_processing", "A payment of this order is being processed. Wait for its outcome.", retryable=True
)
TOO_MANY_ATTEMPTS = Rejected(
    "too_many_payments", "This order was tried to be paid too often. Ask the seller."
)
NOT_TAKEN = Rejected(
    "payment_refused", "The payment provider does not take this payment. It has been written down."
)
UNCHARGEABLE = Rejected(
    "amount_unchargeable",
    "The payment provider does not take this amount: it is too small, too large, or in parts too small to be moved. Ask the seller; "
    "nothing of it counts against you.",
)


def price_changed(expected: int, total: int, figures: dict[str, int | str]) -> Rejected:
    """It costs something else now; `detail` has the new figures, in minor units."""
    return Rejected(
        "price_changed",
        "The price has changed since you saw it. Look at the new total.",
        detail={"expected": expected, "total": total, **figures},
    )
