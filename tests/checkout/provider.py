"""A payment provider in memory for tests of checkout: it counts what it charged, keeps keys as Stripe does, and fails on demand."""

import itertools
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from liveserver.payments.port import (
    DisputeState,
    Event,
    EventId,
    OutcomeUnknown,
    Payment,
    PaymentFailed,
    PaymentRequest,
    PaymentStatus,
    ProviderRefuses,
    RefundState,
    SavedCard,
)

KEPT_MS = 24 * 3_600_000
Fault = Literal["before", "after", "stored_500", "killed_before", "killed_after"]


class Killed(BaseException):
    """The process ended here."""


class Provider:
    """`PaymentProvider`, as far as checkout uses it."""

    name = "memory"
    test = True
    publishable_key = "pk_memory"

    def __init__(self, now: Callable[[], int], first: int = 1) -> None:
        self._now = now
        self._ids = itertools.count(first)
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, RefundState] = {}
        self.disputes: dict[str, DisputeState] = {}
        self.events: list[Event] = []
        self.keys: dict[str, tuple[int, Any, Any]] = {}
        self.cards: dict[str, str] = {"pm_good": ""}
        """Saved cards, with the code that they are declined with."""
        self.faults: list[Fault] = []
        """What happens to the next calls that move something."""
        self.refuses: ProviderRefuses | None = None
        """What every call to pay is answered with: it finds the call itself wrong."""
        self.search_lags = False
        self.declined_status: PaymentStatus = "needs_card"
        """What an off-session payment is after it was declined; Stripe's wait for another card."""
        self.calls: list[str] = []

    @property
    def charged(self) -> int:
        return sum(payment.received for payment in self.payments.values())

    @property
    def charges(self) -> int:
        return sum(1 for payment in self.payments.values() if payment.charge)

    @property
    def given_back(self) -> int:
        return sum(one.amount for one in self.refunds.values() if one.status == "succeeded")

    def _tell(self, type_: str, about: str) -> None:
        self.events.append(
            Event(id=EventId(f"evt_{next(self._ids)}"), type=type_, object=about, created_ts=self._now())
        )

    def _once(self, key: str, parameters: Any, effect: Callable[[], Any]) -> Any:
        """Under a key: the first answer again, whatever it was, for a day."""
        self.calls.append(key)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "killed_before":
            raise Killed
        if fault == "before":
            raise OutcomeUnknown("the call did not arrive")
        kept = self.keys.get(key)
        if kept is not None and self._now() - kept[0] < KEPT_MS:
            assert kept[1] == parameters, "a key is used with the parameters it had first"
            answer = kept[2]
        else:
            try:
                answer = effect()
            except (PaymentFailed, ProviderRefuses) as error:
                answer = error
            if fault == "stored_500":
                answer = OutcomeUnknown("500")
            self.keys[key] = (self._now(), parameters, answer)
        if fault == "killed_after":
            raise Killed
        if fault == "after":
            raise OutcomeUnknown("the answer was lost")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pay(self, request: PaymentRequest, key: str) -> Payment:
        return self._once(key, request, lambda: self._pay(request))

    def _pay(self, request: PaymentRequest) -> Payment:
        if self.refuses is not None:
            raise self.refuses
        made = Payment(
            id=f"pi_{next(self._ids)}",
            status="needs_card",
            amount=request.amount,
            currency=request.currency,
            client_secret="secret",
            metadata={"order": request.order, "attempt": str(request.attempt)},
            created_ts=self._now(),
        )
        self.payments[made.id] = made
        self._tell("payment_intent.created", made.id)
        if not request.card:
            return made
        code = self.cards[request.card]
        if not code:
            return self.succeed(made.id)
        failed = self._set(made.id, status=self.declined_status, error_code=code, error_message="No.")
        self._tell("payment_intent.payment_failed", made.id)
        raise PaymentFailed(code, "No.", failed)

    def _set(self, payment: str, **changes: Any) -> Payment:
        self.payments[payment] = msgspec.structs.replace(self.payments[payment], **changes)
        return self.payments[payment]

    def succeed(self, payment: str) -> Payment:
        """The buyer enters a card that pays."""
        now = self.payments[payment]
        if now.status in {"succeeded", "canceled"}:
            return now
        self._tell("payment_intent.succeeded", payment)
        return self._set(
            payment,
            status="succeeded",
            charge=f"ch_{next(self._ids)}",
            received=now.amount,
            error_code="",
            error_message="",
        )

    def decline(self, payment: str) -> None:
        """The buyer enters a card that does not."""
        if self.payments[payment].status not in {"succeeded", "canceled"}:
            self._set(payment, status="needs_card", error_code="card_declined", error_message="No.")
            self._tell("payment_intent.payment_failed", payment)

    async def find_payment(self, payment: str) -> Payment | None:
        return self.payments.get(payment)

    async def search_payments(self, order: str) -> list[Payment]:
        if self.search_lags:
            return []
        return [one for one in self.payments.values() if one.metadata["order"] == order]

    async def cancel_payment(self, payment: str) -> Payment:
        now = self.payments[payment]
        if now.status == "processing":
            raise ProviderRefuses("payment_intent_unexpected_state", "It is being processed.")
        if now.status not in {"succeeded", "canceled"}:
            now = self._set(payment, status="canceled")
            self._tell("payment_intent.canceled", payment)
        return now

    async def refund(self, charge: str, amount: int, currency: str, refund: str, key: str) -> RefundState:
        return self._once(
            key, (charge, amount, currency, refund), lambda: self._refund(charge, amount, currency, refund)
        )

    def _refund(self, charge: str, amount: int, currency: str, refund: str) -> RefundState:
        payment = next(one for one in self.payments.values() if one.charge == charge)
        if payment.refunded + amount > payment.received:
            raise ProviderRefuses("charge_already_refunded", "More than was paid.")
        self._set(payment.id, refunded=payment.refunded + amount)
        made = RefundState(
            id=f"re_{next(self._ids)}",
            charge=charge,
            amount=amount,
            currency=currency,
            status="succeeded",
            metadata={"refund": refund},
        )
        self.refunds[made.id] = made
        self._tell("refund.created", made.id)
        self._tell("refund.updated", made.id)
        return made

    async def find_refund(self, refund: str) -> RefundState | None:
        return self.refunds.get(refund)

    async def find_dispute(self, dispute: str) -> DisputeState | None:
        return self.disputes.get(dispute)


class Cards:
    """Who has saved which card."""

    def __init__(self) -> None:
        self.saved: dict[str, SavedCard] = {}

    def save(self, user: str, card: str = "pm_good") -> None:
        self.saved[user] = SavedCard(card, "cus_1", "visa", "4242", 12, 2030)

    async def card_of(self, on: object, user: str) -> SavedCard | None:
        return self.saved.get(user)
