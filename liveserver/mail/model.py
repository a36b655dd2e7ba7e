"""The words of mails: what each template is told. Amounts are minor units, paths are below the public address."""

from typing import Literal

import msgspec

OrderTemplate = Literal[
    "won", "receipt", "shipped", "refunded", "payment_failed", "action_required", "cancelled"
]
AccountTemplate = Literal["welcome", "verify", "reset"]
SellerTemplate = Literal["new_order", "payout_paid", "payout_failed", "dispute"]


class OrderMail(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """To a buyer, about an order."""

    template: OrderTemplate
    to: str
    name: str
    number: int
    title: str
    amount: int
    currency: str
    path: str
    note: str = ""
    """A reason, a tracking number: in words of somebody else."""
    test: bool = False
    """The payment provider moves no money."""


class AccountMail(msgspec.Struct, frozen=True, kw_only=True, tag="account"):
    """To somebody about their account."""

    template: AccountTemplate
    to: str
    name: str
    path: str


class SellerMail(msgspec.Struct, frozen=True, kw_only=True, tag="seller"):
    """To a seller."""

    template: SellerTemplate
    to: str
    name: str
    title: str
    amount: int
    currency: str
    path: str
    test: bool = False


Mail = OrderMail | AccountMail | SellerMail


class MailJob(msgspec.Struct, frozen=True):
    """The payload of `mail.send`."""

    mail: Mail
    id: str
    """What the message is called: the same whenever this job is tried."""
