"""Refusals about orders, as values."""

from liveserver.kernel.errors import Rejected

ORDER_NOT_FOUND = Rejected("order_not_found", "There is no such order, or it is not yours.")
REFUND_NOT_FOUND = Rejected("refund_not_found", "There is no such refund.")
DISPUTE_NOT_FOUND = Rejected("dispute_not_found", "There is no such dispute.")
LATE_PAYMENT = Rejected("late_payment", "The order was paid otherwise or cancelled before this payment came.")
AMOUNT_DIFFERS = Rejected("amount_differs", "The payment is not what the order costs.")
DISPUTED = Rejected(
    "order_disputed", "The buyer's bank is deciding about this payment: wait for its decision."
)
NOTHING_LEFT = Rejected("nothing_left", "All of it was given back already.")
TOO_LARGE = Rejected("amount_too_large", "This is more than one order can come to. Order it in parts.")
NOT_DUE = Rejected("not_due", "There is still time to pay.")


def not_now(verb: str, state: str) -> Rejected:
    """The order's state does not allow it; `detail.state` says where it is."""
    return Rejected(
        "order_state", f"An order that is {state.replace('_', ' ')} can't be {verb}.", detail={"state": state}
    )


def over_refund(left: int) -> Rejected:
    """More would go back than is left; `detail.left` is how much, in minor units."""
    return Rejected(
        "over_refund",
        "More would be refunded than is left of the payment.",
        detail={"field": "amount", "left": left},
    )
