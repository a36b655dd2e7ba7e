"""Stripe's objects in the words of the port: allow-lists, field by field."""

from typing import Any, Literal

import stripe

from liveserver.payments.port import (
    DisputeState,
    Payment,
    PaymentStatus,
    PayoutState,
    RefundState,
    SavedCard,
    SellerAccount,
    SetupIntent,
    Transaction,
    TransferState,
)
from liveserver.payments.stripe.amounts import from_stripe

_PAYMENT: dict[str, PaymentStatus] = {
    "requires_payment_method": "needs_card",
    "requires_confirmation": "needs_card",
    "requires_action": "needs_action",
    "requires_capture": "processing",
    "processing": "processing",
    "succeeded": "succeeded",
    "canceled": "canceled",
}
_SETUP: dict[str, Literal["needs_card", "needs_action", "processing", "succeeded", "canceled"]] = {
    "requires_payment_method": "needs_card",
    "requires_confirmation": "needs_card",
    "requires_action": "needs_action",
    "processing": "processing",
    "succeeded": "succeeded",
    "canceled": "canceled",
}
_REFUND: dict[str, Literal["pending", "succeeded", "failed", "canceled"]] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}
_PAYOUT: dict[str, Literal["requested", "in_transit", "paid", "failed", "canceled"]] = {
    "pending": "requested",
    "in_transit": "in_transit",
    "paid": "paid",
    "failed": "failed",
    "canceled": "canceled",
}
_LINE: dict[
    str,
    Literal[
        "charge", "refund", "dispute", "dispute_reversal", "fee", "transfer", "transfer_reversal", "payout", "payout_failure", "other",
    ],
] = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund",
    "dispute": "dispute",
    "dispute_reversal": "dispute_reversal",
    "fee": "fee",
    "network_cost": "fee",
    "transfer": "transfer",
    "transfer_reversal": "transfer_reversal",
    "payout": "payout",
    "payout_reversal": "payout_failure",
}  # fmt: skip
"""By Stripe's reporting categories, which name the business and not the booking."""


def name_of(thing: object) -> str:
    """The id of what stands in a field, expanded or not; "" for nothing."""
    if thing is None:
        return ""
    return thing if isinstance(thing, str) else str(getattr(thing, "id", ""))


def metadata(thing: stripe.StripeObject) -> dict[str, str]:
    """What we wrote on something; empty where there is nothing."""
    data: Any = getattr(thing, "metadata", None)
    return {} if data is None else {str(key): str(value) for key, value in data.to_dict().items()}


def _said(error: object, field: str) -> str:
    """A field of an error; "" where there is none of either."""
    return str(getattr(error, field, None) or "")


def card(method: object, customer: str) -> SavedCard | None:
    """The card of a payment method; None for another kind, or one that was not expanded."""
    about: Any = getattr(method, "card", None)
    if about is None:
        return None
    return SavedCard(
        name_of(method),
        customer,
        str(getattr(about, "brand", "") or ""),
        str(getattr(about, "last4", "") or ""),
        int(getattr(about, "exp_month", 0) or 0),
        int(getattr(about, "exp_year", 0) or 0),
    )


def setup(of: stripe.SetupIntent) -> SetupIntent:
    """A card being saved. One that was forgotten since is detached, and no longer anybody's."""
    customer = name_of(of.customer)
    attached = name_of(getattr(of.payment_method, "customer", None))
    saved = card(of.payment_method, customer) if attached else None
    return SetupIntent(of.id, customer, _SETUP.get(of.status, "processing"), of.client_secret or "", saved)


def payment(of: stripe.PaymentIntent) -> Payment:
    """A payment, with its latest charge where it was expanded."""
    currency = of.currency.upper()
    error: Any = of.last_payment_error
    charge: Any = of.latest_charge
    succeeded = of.status == "succeeded"
    code, declined = _said(error, "code") or _said(error, "type"), _said(error, "decline_code")
    if code == "card_declined" and declined in {
        "insufficient_funds",
        "authentication_required",
        "expired_card",
    }:
        code = declined
    return Payment(
        id=of.id,
        status=_PAYMENT.get(of.status, "processing"),
        amount=from_stripe(of.amount, currency),
        currency=currency,
        client_secret=of.client_secret or "",
        charge=name_of(charge) if succeeded else "",
        received=from_stripe(getattr(of, "amount_received", 0) or 0, currency),
        refunded=from_stripe(getattr(charge, "amount_refunded", 0) or 0, currency),
        card=card(of.payment_method, name_of(of.customer)),
        error_code=code,
        error_message=_said(error, "message")[:500],
        metadata=metadata(of),
        created_ts=of.created * 1_000,
    )


def refund(of: stripe.Refund) -> RefundState:
    """A refund. What waits for the buyer is pending."""
    currency = of.currency.upper()
    return RefundState(
        id=of.id,
        charge=name_of(of.charge),
        amount=from_stripe(of.amount, currency),
        currency=currency,
        status=_REFUND.get(of.status or "", "pending"),
        error=str(getattr(of, "failure_reason", None) or ""),
        metadata=metadata(of),
    )


def dispute(of: stripe.Dispute) -> DisputeState:
    """A dispute. Its amount is what the bank really took: an inquiry takes nothing."""
    currency = of.currency.upper()
    taken = sum(-line.amount for line in of.balance_transactions if line.amount < 0)
    status: Literal["open", "won", "lost"] = "open"
    if of.status in {"won", "warning_closed"}:
        status = "won"
    elif of.status == "lost":
        status = "lost"
    return DisputeState(
        id=of.id,
        charge=name_of(of.charge),
        payment=name_of(of.payment_intent),
        amount=from_stripe(taken, currency),
        currency=currency,
        fee=from_stripe(sum(line.fee for line in of.balance_transactions if line.fee > 0), currency),
        reason=of.reason,
        status=status,
    )


def account(of: stripe.Account) -> SellerAccount:
    """A seller's account, and what Stripe still asks for."""
    capabilities = getattr(of, "capabilities", None)
    transfers = getattr(capabilities, "transfers", None)
    due = getattr(getattr(of, "requirements", None), "currently_due", None) or ()
    ready = bool(getattr(of, "payouts_enabled", False)) and transfers == "active"
    return SellerAccount(of.id, ready, tuple(str(each) for each in due)[:50])


def transfer(of: stripe.Transfer, reversal: str = "") -> TransferState:
    """A transfer."""
    currency = of.currency.upper()
    return TransferState(
        id=of.id,
        account=name_of(of.destination),
        amount=from_stripe(of.amount, currency),
        currency=currency,
        reversed=from_stripe(of.amount_reversed, currency),
        reversal=reversal,
        metadata=metadata(of),
    )


def payout(of: stripe.Payout, account: str) -> PayoutState:
    """A payout of a seller's account."""
    currency = of.currency.upper()
    return PayoutState(
        id=of.id,
        account=account,
        amount=from_stripe(of.amount, currency),
        currency=currency,
        status=_PAYOUT.get(of.status, "requested"),
        error=str(of.failure_message or of.failure_code or "")[:500],
        metadata=metadata(of),
    )


def transaction(of: stripe.BalanceTransaction) -> Transaction:
    """A line of Stripe's books."""
    currency = of.currency.upper()
    return Transaction(
        id=of.id,
        type=_LINE.get(of.reporting_category, "other"),
        source=name_of(of.source),
        amount=from_stripe(of.amount, currency),
        fee=from_stripe(of.fee, currency),
        net=from_stripe(of.net, currency),
        currency=currency,
        status="available" if of.status == "available" else "pending",
        created_ts=of.created * 1_000,
        available_ts=of.available_on * 1_000,
    )
