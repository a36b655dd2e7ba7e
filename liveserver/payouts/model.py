"""The words of money out. Amounts are integer minor units, times milliseconds."""

from typing import Literal, NewType

import msgspec

from liveserver.kernel.ids import OrderId, UserId

PayoutId = NewType("PayoutId", str)
TransferId = NewType("TransferId", str)

PayoutStatus = Literal["requested", "in_transit", "paid", "failed", "cancelled"]
"""requested > in_transit > paid; failed, also after paid: the seller's bank has sent it back; cancelled before it was sent."""


class PayoutAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A seller's account at the payment provider, as it was when last looked at."""

    seller: UserId
    provider: str
    account: str
    ready: bool
    """May receive money and be paid out."""
    wants: tuple[str, ...]
    """What the provider still asks the seller for."""
    checked_ts: int


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Money from us to a seller's account at the provider, or (a reversal) back."""

    id: TransferId
    kind: Literal["transfer", "reversal"]
    seller: UserId
    provider: str
    account: str
    order: OrderId
    charge: str
    currency: str
    amount: int
    key: str
    """The idempotency key that the provider is given."""
    of: TransferId | None
    """Of a reversal: what it takes back."""
    of_reference: str
    """The provider's name for that."""
    status: Literal["requested", "done", "failed"]
    reference: str
    created_ts: int


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """Money from a seller's account at the provider to their bank."""

    id: PayoutId
    seller: UserId
    period: str
    """The day it was asked for, UTC."""
    counter: int
    """Which one of that day: one that failed can be asked for again."""
    provider: str
    account: str
    currency: str
    amount: int
    status: PayoutStatus
    reference: str
    """The provider's name for it, once it has one."""
    error: str
    actor: str
    test: bool
    """The payment provider moves no money."""
    created_ts: int
    sent_ts: int | None
    paid_ts: int | None
    ended_ts: int | None

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return f"po:{self.seller}:{self.period}:{self.counter}"


class Standing(msgspec.Struct, frozen=True):
    """What the ledger holds for a seller in one currency, held still or just read."""

    payable: int
    transit: int
    """Asked for and not yet in their bank."""
    there: int
    """On their account at the provider."""
    owed: int
    """What they owe us."""
    giving_back: int = 0
    """About to be taken back from their account at the provider."""

    @property
    def available(self) -> int:
        """What may be paid out now: theirs by the books, and on their account at the provider."""
        return max(0, min(self.payable, self.there - self.transit - self.giving_back))


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """A seller's money in one currency."""

    currency: str
    held: int
    """Paid by buyers and in escrow until delivery, before fees."""
    arriving: int
    """Theirs, and on its way to their account at the provider."""
    available: int
    """May be paid out now."""
    in_transit: int
    """Asked for, and on its way to their bank."""
    owed: int
    """What they owe us: refunds and disputes beyond what stood on their account. New sales pay it first."""
    paid_out: int
    """In their bank, in all."""


class SellerJob(msgspec.Struct, frozen=True):
    """The payload of jobs about a seller's money in one currency."""

    seller: UserId
    currency: str


class PayoutJob(msgspec.Struct, frozen=True):
    """The payload of jobs about a payout."""

    payout: PayoutId


class CompareJob(msgspec.Struct, frozen=True):
    """The payload of a comparison that somebody asks for."""

    since_ts: int | None = None
    """None: since the last comparison in which nothing differed."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on which the provider's books and ours are not of one mind."""

    kind: Literal["missing_here", "missing_there", "differs", "unknown"]
    """missing_here: the provider has moved what we have not posted; missing_there: the other way round; differs: both have it, with
    other figures; unknown: a line of a kind that we never cause."""
    type: str
    """The provider's type of line, or our kind of journal."""
    object: str
    """What it is about: the provider's name, or ours where it has none."""
    order: str
    currency: str
    here: int | None
    there: int | None
    """Minor units, as they change what we have with the provider."""
    ts: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison came to."""

    id: int = 0
    provider: str
    since_ts: int
    until_ts: int
    made_ts: int
    transactions: int
    """Lines of the provider's books that were looked at."""
    matched: int
    posted: int
    """Journals that only the provider's books give cause for: fees, money become available, money in our bank."""
    found: int
    """How many differences and unsound facts in all; the lists hold the first of them."""
    differences: tuple[Difference, ...]
    unsound: tuple[str, ...]
    """What is wrong with our own books, in words."""
    pending_ts: int | None
    """When the oldest line was made whose money was not available yet; the next comparison reads it again."""
    complete: bool
    """False: there was more to compare than one run does; the next one goes on."""

    @property
    def clean(self) -> bool:
        """All of it was compared, and nothing differs."""
        return self.complete and self.found == 0
