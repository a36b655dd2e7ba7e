"""Refusals about money out, as values."""

from liveserver.kernel.errors import Rejected

NO_ACCOUNT = Rejected("no_payout_account", "Set up where your money goes first.")
ACCOUNT_NOT_FOUND = Rejected("payout_account_not_found", "There is no payout account yet.")
ACCOUNT_NOT_READY = Rejected(
    "payout_account_not_ready", "The payment provider still needs something from you before it can pay you."
)
ACCOUNT_REFUSED = Rejected(
    "payout_account_refused",
    "The payment provider opens no account for you in this country.",
    detail={"field": "country"},
)
PAYOUT_NOT_FOUND = Rejected("payout_not_found", "There is no such payout, or it is not yours.")
PAYOUT_SENT = Rejected("payout_sent", "It is on its way already: only the bank can end it now.")
TOO_MANY_PAYOUTS = Rejected("too_many_payouts", "No more payouts today. Ask again tomorrow.")
COUNTRY_UNFIT = Rejected(
    "country_unfit", "Write the country's two letters, such as DE.", detail={"field": "country"}
)


def too_small(least: int) -> Rejected:
    """Less than the operator allows; `detail.min` is minor units."""
    return Rejected(
        "payout_too_small", "That is less than is paid out at once.", detail={"field": "amount", "min": least}
    )


def amount_unfit(step: int) -> Rejected:
    """The currency is not moved in so small parts; `detail.step` is minor units."""
    return Rejected(
        "payout_amount_unfit",
        "Banks don't move such small parts of this currency: leave the last digits 0.",
        detail={"field": "amount", "step": step},
    )


def over_payout(available: int) -> Rejected:
    """More than may be paid out now; `detail.available` is minor units."""
    return Rejected(
        "over_payout",
        "More would be paid out than is available.",
        detail={"field": "amount", "available": available},
    )
