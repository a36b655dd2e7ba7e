"""The words of the ledger: accounts, postings, journals, and the figures of a sale that later journals need again.

Amounts are integer minor units. A posting's amount is positive for a debit and negative for a credit, so a journal balances
when its amounts add up to nothing.
"""

from enum import StrEnum
from typing import NewType

import msgspec

from liveserver.kernel.ids import OrderId, UserId

JournalId = NewType("JournalId", str)


class Normal(StrEnum):
    """On which side an account's balance grows."""

    DEBIT = "debit"
    CREDIT = "credit"


class Account(StrEnum):
    """The chart of accounts. Values are stored; they are never renamed."""

    PSP_PENDING = "psp_pending"
    """At the payment provider, not yet paid out to us."""
    PSP_AVAILABLE = "psp_available"
    PSP_SELLERS = "psp_sellers"
    """At the payment provider, on sellers' own accounts there; one for each seller."""
    BANK = "bank"
    SELLER_RECEIVABLE = "seller_receivable"
    """What a seller owes us: refunds and disputes beyond what stood on their account."""
    DISPUTE_SUSPENSE = "dispute_suspense"
    """Taken by the card's bank while it decides."""

    ESCROW = "escrow"
    """Paid by a buyer and nobody's yet; one for each order."""
    SELLER_PAYABLE = "seller_payable"
    PAYOUT_TRANSIT = "payout_transit"
    BUYER_WALLET = "buyer_wallet"
    LOYALTY_LIABILITY = "loyalty_liability"
    AFFILIATE_PAYABLE = "affiliate_payable"
    SHIPPING_PASS_THROUGH = "shipping_pass_through"  # noqa: S105 - no password
    """Postage that goes on to the carrier."""
    TAX_PAYABLE = "tax_payable"
    REFUND_TRANSIT = "refund_transit"
    """Promised to a buyer and not yet out of the payment provider."""

    COMMISSION = "commission"
    PROCESSING = "processing"
    PREMIUM = "premium"

    PSP_EXPENSE = "psp_expense"
    DISPUTE_EXPENSE = "dispute_expense"
    CHARGEBACK_EXPENSE = "chargeback_expense"
    AFFILIATE_EXPENSE = "affiliate_expense"
    LOYALTY_EXPENSE = "loyalty_expense"

    @property
    def normal(self) -> Normal:
        """Assets and expenses grow by debits; what we owe and what we earn by credits."""
        return Normal.DEBIT if self in _DEBIT_NORMAL else Normal.CREDIT


_DEBIT_NORMAL = frozenset(
    {
        Account.PSP_PENDING,
        Account.PSP_AVAILABLE,
        Account.PSP_SELLERS,
        Account.BANK,
        Account.SELLER_RECEIVABLE,
        Account.DISPUTE_SUSPENSE,
        Account.PSP_EXPENSE,
        Account.DISPUTE_EXPENSE,
        Account.CHARGEBACK_EXPENSE,
        Account.AFFILIATE_EXPENSE,
        Account.LOYALTY_EXPENSE,
    }
)
OWNED = frozenset(
    {
        Account.ESCROW,
        Account.PSP_SELLERS,
        Account.SELLER_PAYABLE,
        Account.SELLER_RECEIVABLE,
        Account.PAYOUT_TRANSIT,
        Account.BUYER_WALLET,
        Account.LOYALTY_LIABILITY,
        Account.AFFILIATE_PAYABLE,
    }
)
"""Accounts that exist once for each owner: an order (escrow) or a person. All others exist once."""
NEVER_NEGATIVE = frozenset(
    {
        Account.ESCROW,
        Account.PSP_SELLERS,
        Account.SELLER_PAYABLE,
        Account.SELLER_RECEIVABLE,
        Account.PAYOUT_TRANSIT,
    }
)
"""Accounts whose balance the database refuses to see below zero, whoever posts."""


class Posting(msgspec.Struct, frozen=True):
    """One line: so much on one account."""

    account: Account
    amount: int
    """Minor units; debit positive, credit negative, never 0."""
    owner: str = ""


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What one event came to. (`kind`, `object`) is unique: what is reported twice is posted once."""

    kind: str
    object: str
    """The payment provider's object, or ours, that the event is about."""
    currency: str
    order: OrderId | None
    postings: tuple[Posting, ...]
    reverses: JournalId | None = None
    memo: str = ""


class Rates(msgspec.Struct, frozen=True):
    """What we keep of a sale. Rates are basis points (1/100 of a percent)."""

    commission_bp: int = 800
    processing_bp: int = 290
    processing_fixed: int = 30


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """An order's figures, frozen when it is placed: whatever rates change later, these stay."""

    order: OrderId
    seller: UserId
    currency: str
    item: int
    """Goods after discounts."""
    shipping: int = 0
    tax: int = 0
    commission: int
    processing: int

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.item + self.shipping + self.tax

    @property
    def seller_share(self) -> int:
        """What the seller gets of the goods."""
        return self.item - self.commission - self.processing


class Refunds(msgspec.Struct, frozen=True):
    """What was refunded of a sale so far, in all."""

    item: int = 0
    shipping: int = 0
    tax: int = 0

    @property
    def total(self) -> int:
        return self.item + self.shipping + self.tax
