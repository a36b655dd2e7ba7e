"""The test provider: customers, cards, payments, refunds, disputes, sellers' accounts, payouts, with the shapes of the port.

It keeps its books in our PostgreSQL, so that it is the same in every process and survives a kill as a real provider would. What
buyers would do on the provider's own page elements, they do on ours: `confirm`, `authenticate`, `confirm_setup`.
"""

import hmac
import secrets
from collections.abc import AsyncIterator

import msgspec

from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.clock import Clock
from liveserver.kernel.ids import new_id
from liveserver.payments.port import (
    BadSignature,
    DisputeState,
    Event,
    Payment,
    PaymentRequest,
    ProviderRefuses,
    RefundState,
    SavedCard,
    SetupIntent,
    Transaction,
)
from liveserver.payments.sandbox import cards
from liveserver.payments.sandbox.books import Books, Declined, Q
from liveserver.payments.sandbox.sellers import Sellers

FEE_BP, FEE_FIXED = 290, 30
"""What it would keep of a charge: 2.9 % and 30 minor units."""
DISPUTE_FEE = 1_500
EVENT_AGE_MAX_MS = 300_000
"""An older signature is refused, as Stripe's is."""
TRANSACTIONS_AT_ONCE = 500


class Customer(msgspec.Struct, frozen=True):
    """Somebody who pays."""

    id: str
    user: str


class _Card(msgspec.Struct, frozen=True):
    card: SavedCard
    behaviour: cards.Behaviour


class _Payment(msgspec.Struct, frozen=True):
    payment: Payment
    customer: str
    off_session: bool
    behaviour: cards.Behaviour = "pays"


class Sandbox(Sellers):
    """See `liveserver.payments.port.PaymentProvider` for what each method promises."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        super().__init__(Books(pool, clock))
        self._secret = secrets.token_bytes(32)

    @property
    def name(self) -> str:
        return "test"

    @property
    def test(self) -> bool:
        return True

    @property
    def publishable_key(self) -> str:
        return ""

    async def aclose(self) -> None:
        """Its books are in our database: there is nothing to close."""

    # 1. Cards and payments

    async def create_customer(self, user: str, name: str, email: str, key: str) -> str:
        async def work(on: Connection) -> Customer:
            made = Customer(new_id("cus"), user)
            await self.books.add(on, "customer", made.id, made)
            return made

        return (await self.books.once(key, ("customer", user, name, email), Customer, work)).id

    async def save_card(self, customer: str, key: str) -> SetupIntent:
        async def work(on: Connection) -> SetupIntent:
            await self.books.lock(on, "customer", customer, Customer)
            name = new_id("seti")
            made = SetupIntent(name, customer, "needs_card", f"{name}_secret_{secrets.token_hex(8)}")
            await self.books.add(on, "setup", name, made)
            return made

        return await self.books.once(key, ("setup", customer), SetupIntent, work)

    async def find_setup(self, setup: str) -> SetupIntent | None:
        return await self.books.get(self.books.pool, "setup", setup, SetupIntent)

    async def confirm_setup(self, setup: str, token: str) -> SetupIntent:
        """What the buyer does: saves a test card. Raises ProviderRefuses for a card or setup that is none."""
        card = _card(token)
        async with transaction(self.books.pool) as on:
            now = await self.books.lock(on, "setup", setup, SetupIntent)
            if now.status == "succeeded":
                return now
            if why := cards.declines(card.behaviour, off_session=False):
                raise ProviderRefuses(*why)
            saved = await self._new_card(on, now.customer, card)
            done = msgspec.structs.replace(now, status="succeeded", card=saved)
            await self.books.put(on, setup, done)
            await self.books.tell(on, "setup_intent.succeeded", setup)
            return done

    async def _new_card(self, on: Connection, customer: str, card: cards.TestCard) -> SavedCard:
        saved = SavedCard(new_id("pm"), customer, card.brand, card.last4, 12, 2099)
        await self.books.add(on, "card", saved.id, _Card(saved, card.behaviour), about=customer)
        return saved

    async def forget_card(self, card: str) -> None:
        """Nothing is kept that would have to go."""

    async def pay(self, request: PaymentRequest, key: str) -> Payment:
        async def work(on: Connection) -> Payment:
            made = await self._begun(on, request)
            if not request.card:
                return made.payment
            return (await self._charged(on, made)).payment

        return await self.books.once(key, request, Payment, work)

    async def _begun(self, on: Connection, request: PaymentRequest) -> _Payment:
        if request.amount <= 0:
            raise ProviderRefuses("amount_too_small", "An amount is more than nothing.")
        saved = await self.books.lock(on, "card", request.card, _Card) if request.card else None
        if saved is not None and saved.card.customer != request.customer:
            raise ProviderRefuses("payment_method_unexpected_state", "The card is another customer's.")
        name = new_id("pi")
        payment = Payment(
            id=name,
            status="needs_card",
            amount=request.amount,
            currency=request.currency,
            client_secret=f"{name}_secret_{secrets.token_hex(8)}",
            card=None if saved is None else saved.card,
            metadata={"order": request.order, "attempt": str(request.attempt)},
            created_ts=self.books.clock.now_ms(),
        )
        made = _Payment(payment, request.customer, bool(request.card), saved.behaviour if saved else "pays")
        await self.books.add(on, "payment", name, made, about=request.order)
        return made

    async def confirm(self, payment: str, token: str) -> Payment:
        """What the buyer does: pays with a test card on our page. What the card says is in the payment."""
        card = _card(token)
        async with transaction(self.books.pool) as on:
            now = await self.books.lock(on, "payment", payment, _Payment)
            if now.payment.status not in {"needs_card", "failed", "needs_action"}:
                return now.payment
            shown = SavedCard("", now.customer, card.brand, card.last4, 12, 2099)
            changed = msgspec.structs.replace(
                now,
                off_session=False,
                behaviour=card.behaviour,
                payment=msgspec.structs.replace(now.payment, card=shown, status="needs_card"),
            )
            try:
                return (await self._charged(on, changed)).payment
            except Declined as declined:
                await declined.kept(on)
                return declined.payment

    async def authenticate(self, payment: str, *, agreed: bool) -> Payment:
        """What the buyer does at their bank's page: confirms, or does not."""
        async with transaction(self.books.pool) as on:
            now = await self.books.lock(on, "payment", payment, _Payment)
            if now.payment.status != "needs_action":
                return now.payment
            if agreed:
                return (await self._succeeded(on, now)).payment
            why = ("payment_intent_authentication_failure", "The payment was not confirmed.")
            return (await self._declined(on, now, *why, status="needs_card")).payment

    async def _charged(self, on: Connection, now: _Payment) -> _Payment:
        """The card's answer. Raises Declined for a card charged off session that does not pay."""
        off_session = now.off_session
        why = cards.declines(now.behaviour, off_session=off_session)
        if why is None and cards.asks(now.behaviour, off_session=off_session):
            if not off_session:
                return await self._moved(on, now, "payment_intent.requires_action", status="needs_action")
            why = ("authentication_required", "The card's bank wants its owner to confirm.")
        if why is None:
            return await self._succeeded(on, now)
        code, message = why
        failed = msgspec.structs.replace(
            now,
            payment=msgspec.structs.replace(
                now.payment, status="needs_card", error_code=code, error_message=message
            ),
        )

        async def kept(on: Connection) -> None:
            if await self.books.get(on, "payment", now.payment.id, _Payment) is None:
                about = now.payment.metadata["order"]
                await self.books.add(on, "payment", now.payment.id, failed, about=about)
            else:
                await self.books.put(on, now.payment.id, failed)
            await self.books.tell(on, "payment_intent.payment_failed", now.payment.id)

        raise Declined(code, message, failed.payment, kept)

    async def _declined(
        self, on: Connection, now: _Payment, code: str, message: str, status: str
    ) -> _Payment:
        return await self._moved(
            on, now, "payment_intent.payment_failed", status=status, error_code=code, error_message=message
        )

    async def _moved(self, on: Connection, now: _Payment, event: str, **changes: object) -> _Payment:
        moved = msgspec.structs.replace(now, payment=msgspec.structs.replace(now.payment, **changes))
        await self.books.put(on, now.payment.id, moved)
        await self.books.tell(on, event, now.payment.id)
        return moved

    async def _succeeded(self, on: Connection, now: _Payment) -> _Payment:
        charge, payment = new_id("ch"), now.payment
        done = await self._moved(
            on,
            now,
            "payment_intent.succeeded",
            status="succeeded",
            charge=charge,
            received=payment.amount,
            error_code="",
            error_message="",
        )
        fee = (payment.amount * FEE_BP + 5_000) // 10_000 + FEE_FIXED
        await self.books.line(
            on, "charge", charge, payment.amount, payment.currency, min(fee, payment.amount)
        )
        await self.books.add(on, "payment", f"of_{charge}", Customer(payment.id, ""))
        if now.behaviour == "disputed":
            await self._dispute(on, done.payment)
        return done

    # 2. What became of them

    async def find_payment(self, payment: str) -> Payment | None:
        found = await self.books.get(self.books.pool, "payment", payment, _Payment)
        return None if found is None else found.payment

    async def search_payments(self, order: str) -> list[Payment]:
        found = await self.books.about(self.books.pool, "payment", order, _Payment)
        return [each.payment for each in found]

    async def cancel_payment(self, payment: str) -> Payment:
        async with transaction(self.books.pool) as on:
            now = await self.books.lock(on, "payment", payment, _Payment)
            if now.payment.status in {"succeeded", "canceled"}:
                return now.payment
            return (await self._moved(on, now, "payment_intent.canceled", status="canceled")).payment

    # 3. Back

    async def refund(self, charge: str, amount: int, currency: str, refund: str, key: str) -> RefundState:
        async def work(on: Connection) -> RefundState:
            of = await self._of_charge(on, charge)
            paid = of.payment
            if amount <= 0 or paid.refunded + amount > paid.received or currency != paid.currency:
                raise ProviderRefuses("charge_already_refunded", "More would be refunded than is left.")
            await self.books.put(
                on,
                paid.id,
                msgspec.structs.replace(
                    of, payment=msgspec.structs.replace(paid, refunded=paid.refunded + amount)
                ),
            )
            made = RefundState(
                id=new_id("re"),
                charge=charge,
                amount=amount,
                currency=currency,
                status="succeeded",
                metadata={"refund": refund},
            )
            await self.books.add(on, "refund", made.id, made, about=charge)
            await self.books.line(on, "refund", made.id, -amount, currency)
            await self.books.tell(on, "refund.created", made.id)
            return made

        return await self.books.once(key, ("refund", charge, amount, currency, refund), RefundState, work)

    async def _of_charge(self, on: Connection, charge: str) -> _Payment:
        pointer = await self.books.lock(on, "payment", f"of_{charge}", Customer)
        return await self.books.lock(on, "payment", pointer.id, _Payment)

    async def find_refund(self, refund: str) -> RefundState | None:
        return await self.books.get(self.books.pool, "refund", refund, RefundState)

    async def find_dispute(self, dispute: str) -> DisputeState | None:
        return await self.books.get(self.books.pool, "dispute", dispute, DisputeState)

    async def _dispute(self, on: Connection, payment: Payment) -> None:
        made = DisputeState(
            id=new_id("dp"),
            charge=payment.charge,
            payment=payment.id,
            amount=payment.amount,
            currency=payment.currency,
            fee=DISPUTE_FEE,
            reason="fraudulent",
            status="open",
        )
        await self.books.add(on, "dispute", made.id, made, about=payment.charge)
        await self.books.line(on, "dispute", made.id, -made.amount, made.currency, DISPUTE_FEE)
        await self.books.tell(on, "charge.dispute.created", made.id)

    async def decide_dispute(self, dispute: str, *, won: bool) -> DisputeState:
        """What the bank does: gives the payment back, or keeps it."""
        async with transaction(self.books.pool) as on:
            now = await self.books.lock(on, "dispute", dispute, DisputeState)
            if now.status != "open":
                return now
            done = msgspec.structs.replace(now, status="won" if won else "lost")
            await self.books.put(on, dispute, done)
            if won:
                await self.books.line(on, "dispute_reversal", dispute, now.amount, now.currency)
            await self.books.tell(on, "charge.dispute.closed", dispute)
            return done

    # 5. The books

    async def transactions(self, since_ts: int, until_ts: int) -> AsyncIterator[Transaction]:
        now, behind = self.books.clock.now_ms(), (since_ts - 1, "")
        while rows := await self.books.pool.fetch(
            Q.sandbox_transactions, since_ts, until_ts, *behind, TRANSACTIONS_AT_ONCE
        ):
            for row in rows:
                line = msgspec.convert(row["doc"], Transaction)
                behind = (row["created_ts"], row["id"])
                yield msgspec.structs.replace(
                    line, status="available" if line.available_ts <= now else "pending"
                )

    # Events

    def signed(self, event: Event) -> tuple[bytes, str]:
        """The event as it is delivered: its body, and its signature, good for this process."""
        body = msgspec.json.encode(event)
        sent_ms = self.books.clock.now_ms()
        return body, f"t={sent_ms},v1={self._mac(sent_ms, body)}"

    def event(self, body: bytes, signature: str) -> Event:
        sent, _, mac = signature.removeprefix("t=").partition(",v1=")
        sent_ms = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 20 else 0
        if abs(self.books.clock.now_ms() - sent_ms) > EVENT_AGE_MAX_MS:
            raise BadSignature("the signature is too old, or none")
        if not hmac.compare_digest(mac, self._mac(sent_ms, body)):
            raise BadSignature("the signature is another's")
        try:
            return msgspec.json.decode(body, type=Event)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error

    def _mac(self, sent_ms: int, body: bytes) -> str:
        return hmac.digest(self._secret, b"%d." % sent_ms + body, "sha256").hex()


def _card(token: str) -> cards.TestCard:
    card = cards.BY_TOKEN.get(token)
    if card is None:
        raise ProviderRefuses("resource_missing", "There is no such test card.")
    return card
