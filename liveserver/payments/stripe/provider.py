"""Stripe as a payment provider: separate charges and transfers, cards saved for off-session use, Connect accounts for sellers.

Nothing is decided here. Orders and attempts travel in the metadata, so that what was lost can be searched.
"""

from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import stripe
from stripe import StripeClient

from liveserver.payments.port import (
    BadSignature,
    DisputeState,
    Event,
    EventId,
    OutcomeUnknown,
    Payment,
    PaymentFailed,
    PaymentRequest,
    PayoutState,
    ProviderRefuses,
    RefundState,
    SellerAccount,
    SetupIntent,
    Transaction,
    TransferState,
)
from liveserver.payments.stripe import shapes
from liveserver.payments.stripe.amounts import to_stripe
from liveserver.payments.stripe.asking import asked, client_of, found
from liveserver.payments.stripe.keys import moves_no_money

SIGNATURE_AGE_MAX_S = 300
"""As Stripe's own libraries have it."""
LINES_MAX = 100_000
"""Lines of the books in one comparison: several busy days."""
PAGE = 100


class _Told(msgspec.Struct, frozen=True):
    class Data(msgspec.Struct, frozen=True):
        class Object(msgspec.Struct, frozen=True):
            id: str = ""

        object: Object

    id: str
    type: str
    data: Data
    created: int
    account: str = ""


class StripeProvider:
    """See `liveserver.payments.port.PaymentProvider` for what each method promises."""

    def __init__(self, secret_key: str, publishable_key: str, webhook_secret: str, api_url: str) -> None:
        self._key = secret_key
        self._publishable_key = publishable_key
        self._webhook_secret = webhook_secret
        self._api_url = api_url
        self._made: StripeClient | None = None

    @property
    def name(self) -> str:
        return "stripe"

    @property
    def test(self) -> bool:
        return moves_no_money(self._key)

    @property
    def publishable_key(self) -> str:
        return self._publishable_key

    @property
    def _stripe(self) -> StripeClient:
        # Made at the first call: its connections belong to the event loop.
        if self._made is None:
            self._made = client_of(self._key, self._api_url)
        return self._made

    async def aclose(self) -> None:
        """Closes its connections."""
        if self._made is not None:
            await cast("Any", self._made)._requestor._client.close_async()  # the SDK offers no public way

    # 1. Cards and payments

    async def create_customer(self, user: str, name: str, email: str, key: str) -> str:
        made = await asked(
            self._stripe.v1.customers.create_async(
                _params(name=name, email=email, metadata={"user": user}), {"idempotency_key": key}
            )
        )
        return made.id

    async def save_card(self, customer: str, key: str) -> SetupIntent:
        made = await asked(
            self._stripe.v1.setup_intents.create_async(
                _params(customer=customer, usage="off_session", payment_method_types=["card"]),
                {"idempotency_key": key},
            )
        )
        return shapes.setup(made)

    async def find_setup(self, setup: str) -> SetupIntent | None:
        there = await found(
            self._stripe.v1.setup_intents.retrieve_async(setup, {"expand": ["payment_method"]})
        )
        return None if there is None else shapes.setup(there)

    async def forget_card(self, card: str) -> None:
        try:
            await found(self._stripe.v1.payment_methods.detach_async(card))
        except ProviderRefuses:
            # Perhaps it is nobody's any more: an earlier call was carried out whose answer was lost.
            there = await found(self._stripe.v1.payment_methods.retrieve_async(card))
            if there is not None and shapes.name_of(there.customer):
                raise

    async def pay(self, request: PaymentRequest, key: str) -> Payment:
        off_session = {"off_session": True, "confirm": True} if request.card else {}
        params = _params(
            amount=to_stripe(request.amount, request.currency),
            currency=request.currency.lower(),
            description=request.description,
            metadata={"order": request.order, "attempt": str(request.attempt)},
            transfer_group=request.order,
            customer=request.customer,
            receipt_email=request.receipt_email,
            payment_method=request.card,
            payment_method_types=["card"],
            expand=["latest_charge", "payment_method"],
            **off_session,
        )
        try:
            made = await asked(self._stripe.v1.payment_intents.create_async(params, {"idempotency_key": key}))
        except PaymentFailed as failed:
            declined = await self._declined(failed)
            raise PaymentFailed(failed.code, failed.message, declined) from failed
        return shapes.payment(made)

    async def _declined(self, failed: PaymentFailed) -> Payment | None:
        """The payment that the decline is about, as Stripe has it now."""
        cause = failed.__cause__
        assert isinstance(cause, stripe.CardError), "declines come from Stripe"
        intent = getattr(cause.error, "payment_intent", None)
        return await self.find_payment(shapes.name_of(intent)) if intent is not None else None

    # 2. What became of them

    async def find_payment(self, payment: str) -> Payment | None:
        there = await found(
            self._stripe.v1.payment_intents.retrieve_async(
                payment, {"expand": ["latest_charge", "payment_method"]}
            )
        )
        return None if there is None else shapes.payment(there)

    async def search_payments(self, order: str) -> list[Payment]:
        page = await asked(
            self._stripe.v1.payment_intents.search_async(
                {"query": f"metadata['order']:'{order}'", "limit": PAGE}
            )
        )
        return [shapes.payment(each) for each in page.data]

    async def cancel_payment(self, payment: str) -> Payment:
        try:
            done = await asked(self._stripe.v1.payment_intents.cancel_async(payment))
        except ProviderRefuses:
            # It has succeeded, or was cancelled before: what it is now is the answer.
            there = await self.find_payment(payment)
            if there is None or there.status not in {"succeeded", "canceled"}:
                raise
            return there
        return shapes.payment(done)

    # 3. Back

    async def refund(self, charge: str, amount: int, currency: str, refund: str, key: str) -> RefundState:
        made = await asked(
            self._stripe.v1.refunds.create_async(
                {"charge": charge, "amount": to_stripe(amount, currency), "metadata": {"refund": refund}},
                {"idempotency_key": key},
            )
        )
        return shapes.refund(made)

    async def find_refund(self, refund: str) -> RefundState | None:
        there = await found(self._stripe.v1.refunds.retrieve_async(refund))
        return None if there is None else shapes.refund(there)

    async def find_dispute(self, dispute: str) -> DisputeState | None:
        there = await found(self._stripe.v1.disputes.retrieve_async(dispute))
        return None if there is None else shapes.dispute(there)

    # 4. On to sellers

    async def create_account(self, seller: str, email: str, country: str, key: str) -> SellerAccount:
        made = await asked(
            self._stripe.v1.accounts.create_async(
                _params(
                    type="express",
                    country=country,
                    email=email,
                    capabilities={"transfers": {"requested": True}},
                    settings={"payouts": {"schedule": {"interval": "manual"}}},
                    metadata={"seller": seller},
                ),
                {"idempotency_key": key},
            )
        )
        return shapes.account(made)

    async def find_account(self, account: str) -> SellerAccount | None:
        there = await found(self._stripe.v1.accounts.retrieve_async(account))
        return None if there is None else shapes.account(there)

    async def onboarding_url(self, account: str, return_url: str, refresh_url: str) -> str:
        made = await asked(
            self._stripe.v1.account_links.create_async(
                {
                    "account": account,
                    "type": "account_onboarding",
                    "return_url": return_url,
                    "refresh_url": refresh_url,
                }
            )
        )
        return made.url

    async def transfer(
        self, account: str, order: str, charge: str, amount: int, currency: str, key: str
    ) -> TransferState:
        made = await asked(
            self._stripe.v1.transfers.create_async(
                {
                    "amount": to_stripe(amount, currency),
                    "currency": currency.lower(),
                    "destination": account,
                    "source_transaction": charge,
                    "transfer_group": order,
                    "metadata": {"order": order},
                },
                {"idempotency_key": key},
            )
        )
        return shapes.transfer(made)

    async def reverse_transfer(self, transfer: str, amount: int, key: str) -> TransferState:
        there = await asked(self._stripe.v1.transfers.retrieve_async(transfer))
        reversal = await asked(
            self._stripe.v1.transfers.reversals.create_async(
                transfer,
                {"amount": to_stripe(amount, there.currency.upper()), "metadata": {"key": key}},
                {"idempotency_key": key},
            )
        )
        now = await asked(self._stripe.v1.transfers.retrieve_async(transfer))
        return shapes.transfer(now, reversal.id)

    async def find_transfer(self, transfer: str) -> TransferState | None:
        there = await found(self._stripe.v1.transfers.retrieve_async(transfer))
        return None if there is None else shapes.transfer(there)

    async def find_reversal(self, transfer: str, key: str) -> str | None:
        page = await asked(self._stripe.v1.transfers.reversals.list_async(transfer, {"limit": PAGE}))
        for each in page.data:
            if shapes.metadata(each).get("key") == key:
                return each.id
        if page.has_more:
            raise OutcomeUnknown("the transfer has more reversals than are looked through")
        return None

    async def pay_out(self, account: str, payout: str, amount: int, currency: str, key: str) -> PayoutState:
        made = await asked(
            self._stripe.v1.payouts.create_async(
                {
                    "amount": to_stripe(amount, currency),
                    "currency": currency.lower(),
                    "metadata": {"payout": payout},
                },
                {"idempotency_key": key, "stripe_account": account},
            )
        )
        return shapes.payout(made, account)

    async def find_payout(self, account: str, payout: str) -> PayoutState | None:
        there = await found(self._stripe.v1.payouts.retrieve_async(payout, None, {"stripe_account": account}))
        return None if there is None else shapes.payout(there, account)

    async def search_payout(self, account: str, payout: str, since_ts: int) -> PayoutState | None:
        page = await asked(
            self._stripe.v1.payouts.list_async(
                {"limit": PAGE, "created": {"gte": since_ts // 1_000}}, {"stripe_account": account}
            )
        )
        for each in page.data:
            if shapes.metadata(each).get("payout") == payout:
                return shapes.payout(each, account)
        if page.has_more:
            raise OutcomeUnknown("the account has more payouts than are looked through")
        return None

    # 5. The books

    async def transactions(self, since_ts: int, until_ts: int) -> AsyncIterator[Transaction]:
        # Stripe lists the newest first; they are read whole, to be told in the order in which they were made.
        lines: list[Transaction] = []
        after = ""
        while True:
            page = await asked(
                self._stripe.v1.balance_transactions.list_async(
                    _params(
                        created={"gte": since_ts // 1_000, "lt": -(-until_ts // 1_000)},
                        limit=PAGE,
                        starting_after=after,
                    )
                )
            )
            lines += [shapes.transaction(each) for each in page.data]
            if not page.has_more or not page.data:
                break
            assert len(lines) < LINES_MAX, "more lines than one comparison can hold: compare shorter periods"
            after = page.data[-1].id
        for line in reversed(lines):
            if since_ts <= line.created_ts < until_ts:
                yield line

    # Events

    def event(self, body: bytes, signature: str) -> Event:
        if not self._webhook_secret:
            raise BadSignature("there is no secret to check signatures with")
        try:
            stripe.WebhookSignature.verify_header(
                body.decode(), signature, self._webhook_secret, SIGNATURE_AGE_MAX_S
            )
        except stripe.SignatureVerificationError as error:
            raise BadSignature(str(error)) from error
        try:
            told = msgspec.json.decode(body, type=_Told)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error
        return Event(
            id=EventId(told.id),
            type=told.type,
            object=told.data.object.id,
            account=told.account,
            created_ts=told.created * 1_000,
        )


def _params(**given: Any) -> Any:
    """Parameters, without those that are empty: to Stripe an empty text is a wish to delete."""
    return {name: value for name, value in given.items() if value != ""}
