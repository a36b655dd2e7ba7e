"""The port that every payment provider stands behind, in the order in which money moves.

1. A customer saves a card before bidding (`create_customer`, `save_card`), and pays with it off session or on our page
   (`pay`). 2. What happens is asked of the provider (`find_payment`), never concluded from an answer that was lost.
3. Money goes back (`refund`), is taken back by the card's bank (`find_dispute`), 4. goes on to sellers (`transfer`), may return
   from them (`reverse_transfer`), and leaves for their bank (`pay_out`). 5. At night all of it is compared with the
   provider's own books (`transactions`).

Every call that creates or moves something takes an idempotency key; the same key with the same parameters is the same call.
Amounts are integer minor units of ISO 4217; an adapter translates where its provider counts differently. No card data ever
comes here: cards are tokens that the provider's own page elements made.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Literal, NewType, Protocol

import msgspec

from liveserver.kernel.errors import Rejected

EventId = NewType("EventId", str)

PaymentStatus = Literal["needs_card", "needs_action", "processing", "succeeded", "failed", "canceled"]
"""`needs_card`: nobody has paid yet, or the last card was declined; `needs_action`: the buyer has to confirm (3-D Secure);
`failed`: an off-session attempt that was declined. `succeeded` and `canceled` are final."""


class PaymentFailed(Exception):
    """The provider said no, and nothing was moved: the card was declined, or needs its owner."""

    def __init__(self, code: str, message: str, payment: "Payment | None" = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        """`card_declined`, `insufficient_funds`, `expired_card`, `authentication_required`, … as Stripe calls them."""
        self.message = message
        """For the buyer."""
        self.payment = payment


class ProviderRefuses(Exception):
    """The provider finds the call itself wrong: a bug of ours, a wrong key, more refunded than paid. Repeating won't help."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class KeyRefused(ProviderRefuses):
    """The provider does not know us: our key is wrong, or was exchanged. It has not looked at the call, so this says nothing about an
    earlier one that had no answer: money on its way waits until the operator has mended the key."""


class OutcomeUnknown(Exception):
    """No answer, or none that says what happened: it may have been done. Ask again with the same key, or look for it."""


class BadSignature(Exception):
    """An event that the provider did not sign, or that is older than the tolerance."""


class SetupIntent(msgspec.Struct, frozen=True):
    """A card being saved."""

    id: str
    customer: str
    status: Literal["needs_card", "needs_action", "processing", "succeeded", "canceled"]
    client_secret: str
    card: "SavedCard | None" = None


class SavedCard(msgspec.Struct, frozen=True):
    """A card that may be charged off session: what people recognise it by, and the provider's name for it."""

    id: str
    customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


class PaymentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid."""

    order: str
    """Ours; in the payment's metadata and its `transfer_group`, so that it can be searched."""
    attempt: int
    amount: int
    currency: str
    description: str
    customer: str = ""
    card: str = ""
    """A saved card to charge off session, at once; "" for a payment that the buyer completes on our page."""
    receipt_email: str = ""


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the provider has it now."""

    id: str
    status: PaymentStatus
    amount: int
    currency: str
    client_secret: str = ""
    charge: str = ""
    """The charge that succeeded; refunds, transfers and disputes are about it."""
    received: int = 0
    refunded: int = 0
    card: SavedCard | None = None
    error_code: str = ""
    error_message: str = ""
    metadata: Mapping[str, str] = {}
    """`order` and `attempt`, as we set them."""
    created_ts: int = 0


class RefundState(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as the provider has it now."""

    id: str
    charge: str
    amount: int
    currency: str
    status: Literal["pending", "succeeded", "failed", "canceled"]
    error: str = ""
    metadata: Mapping[str, str] = {}
    """`refund`, as we set it."""


class DisputeState(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as the provider has it now."""

    id: str
    charge: str
    payment: str
    amount: int
    """What the bank has taken: 0 while it only asks."""
    currency: str
    fee: int
    reason: str
    status: Literal["open", "won", "lost"]


class TransferState(msgspec.Struct, frozen=True, kw_only=True):
    """Money that went from us to a seller's account at the provider."""

    id: str
    account: str
    amount: int
    currency: str
    reversed: int = 0
    reversal: str = ""
    """In the answer to `reverse_transfer`: the reversal's own id, as the provider's books name it."""
    metadata: Mapping[str, str] = {}
    """`order`, as we set it."""


class PayoutState(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way from a seller's account at the provider to their bank."""

    id: str
    account: str
    amount: int
    currency: str
    status: Literal["requested", "in_transit", "paid", "failed", "canceled"]
    error: str = ""
    metadata: Mapping[str, str] = {}
    """`payout`, as we set it."""


class SellerAccount(msgspec.Struct, frozen=True):
    """A seller's account at the provider."""

    id: str
    ready: bool
    """May receive transfers and be paid out."""
    wants: tuple[str, ...] = ()
    """What the provider still asks for."""


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the provider's own books. `amount` is gross and signed, `fee` what it kept, `net` their difference."""

    id: str
    type: Literal[
        "charge",
        "refund",
        "dispute",
        "dispute_reversal",
        "fee",
        "transfer",
        "transfer_reversal",
        "payout",
        "payout_failure",
        "other",
    ]
    source: str
    """The charge, refund, dispute, transfer or payout it is about."""
    amount: int
    fee: int
    net: int
    currency: str
    status: Literal["pending", "available"]
    created_ts: int
    available_ts: int


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something the provider tells. Its object is only a hint: handlers fetch the object, for events come late and out of order."""

    id: EventId
    type: str
    """As Stripe calls it: `payment_intent.succeeded`."""
    object: str
    """The id of what it is about."""
    account: str = ""
    """The seller's account it happened on; "" for ours."""
    created_ts: int = 0


class PaymentProvider(Protocol):
    """What the server needs of a payment provider.

    Calls raise `OutcomeUnknown` when there was no usable answer, `ProviderRefuses` when repeating won't help, and `pay`
    also `PaymentFailed`. `find_…` return None for what the provider does not know.
    """

    @property
    def name(self) -> str:
        """`stripe` or `test`; kept with each attempt."""
        ...

    @property
    def test(self) -> bool:
        """No money moves: pages, mails and documents say so. True for the test provider and for Stripe's test keys."""
        ...

    @property
    def publishable_key(self) -> str:
        """What the payment page shows to the provider's script; "" where it has none."""
        ...

    # 1. Cards and payments
    async def create_customer(self, user: str, name: str, email: str, key: str) -> str: ...
    async def save_card(self, customer: str, key: str) -> SetupIntent: ...
    async def find_setup(self, setup: str) -> SetupIntent | None: ...
    async def forget_card(self, card: str) -> None: ...
    async def pay(self, request: PaymentRequest, key: str) -> Payment: ...

    # 2. What became of them
    async def find_payment(self, payment: str) -> Payment | None: ...
    async def search_payments(self, order: str) -> list[Payment]: ...
    async def cancel_payment(self, payment: str) -> Payment:
        """Afterwards it is `canceled`, or has succeeded before: the answer says which."""
        ...

    # 3. Back
    async def refund(self, charge: str, amount: int, currency: str, refund: str, key: str) -> RefundState: ...
    async def find_refund(self, refund: str) -> RefundState | None: ...
    async def find_dispute(self, dispute: str) -> DisputeState | None: ...

    # 4. On to sellers
    async def create_account(self, seller: str, email: str, country: str, key: str) -> SellerAccount: ...
    async def find_account(self, account: str) -> SellerAccount | None: ...
    async def onboarding_url(self, account: str, return_url: str, refresh_url: str) -> str: ...
    async def transfer(
        self, account: str, order: str, charge: str, amount: int, currency: str, key: str
    ) -> TransferState: ...
    async def reverse_transfer(self, transfer: str, amount: int, key: str) -> TransferState: ...
    async def find_transfer(self, transfer: str) -> TransferState | None: ...
    async def find_reversal(self, transfer: str, key: str) -> str | None:
        """The name of the reversal that was asked for with this key; None proves that there is none."""
        ...

    async def pay_out(
        self, account: str, payout: str, amount: int, currency: str, key: str
    ) -> PayoutState: ...
    async def find_payout(self, account: str, payout: str) -> PayoutState | None: ...
    async def search_payout(self, account: str, payout: str, since_ts: int) -> PayoutState | None:
        """By our name for it, among those made since; None proves that there is none."""
        ...

    # 5. The books
    def transactions(self, since_ts: int, until_ts: int) -> AsyncIterator[Transaction]:
        """Lines created in [since, until), the oldest first."""
        ...

    def event(self, body: bytes, signature: str) -> Event:
        """Raises BadSignature, or ValueError for a body that is no event."""
        ...

    async def aclose(self) -> None:
        """Closes its connections."""
        ...


UNKNOWN_OUTCOME = Rejected(
    "payment_unknown",
    "The payment provider has not answered. Nothing is charged twice: try again in a moment.",
    retryable=True,
)
