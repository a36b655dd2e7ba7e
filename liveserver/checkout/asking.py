"""Asks the provider about attempts, so that each becomes one payment whatever is lost on the way. Never inside a transaction.

The attempt is committed first, with its key and parameters. Then the call; then, in a transaction of its own, the answer. Whoever
finds an attempt without an answer makes the same call again, or looks for its payment (`rules.next_step`).
"""

import logging

import msgspec

from liveserver.checkout import attempts, rules
from liveserver.checkout.attempts import Retries
from liveserver.checkout.errors import UNCHARGEABLE
from liveserver.checkout.model import Attempt
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import Clock
from liveserver.payments.port import (
    OutcomeUnknown,
    Payment,
    PaymentFailed,
    PaymentProvider,
    ProviderRefuses,
)

log = logging.getLogger(__name__)


class Asking:
    """One provider, asked about attempts."""

    def __init__(self, pool: Pool, provider: PaymentProvider, clock: Clock, retries: Retries) -> None:
        self._pool = pool
        self._provider = provider
        self._clock = clock
        self._retries = retries

    async def resolve(self, attempt: Attempt, *, ending: bool = False) -> tuple[Attempt, Payment | None]:
        """The attempt with the provider's answer to it, and the payment if it was just seen. `ending`: nothing is to be charged any
        more. Raises OutcomeUnknown.
        """
        if attempt.state != "asked":
            return attempt, None
        step = rules.next_step(attempt, self._clock.now_ms(), ending=ending)
        if step == "ask":
            return await self._ask(attempt)
        found = await self._search(attempt)
        if found is not None:
            return await self.note(attempt, found), found
        if step == "search":
            raise OutcomeUnknown(f"{attempt.key} is not found yet")
        log.warning("payment_absent", extra={"order": attempt.order, "attempt": attempt.attempt})
        return await self._over(
            attempt, "absent", "absent", "The payment provider has no such payment."
        ), None

    async def _ask(self, attempt: Attempt) -> tuple[Attempt, Payment | None]:
        if not await attempts.sending(self._pool, attempt, self._clock.now_ms()):
            there = await attempts.find(self._pool, attempt.order, attempt.attempt)
            assert there is not None, "attempts stay"
            return there, None
        return await self.send(attempt)

    async def send(self, attempt: Attempt) -> tuple[Attempt, Payment | None]:
        """Makes the call that is written down as made now, as `resolve` does for others'. Raises OutcomeUnknown."""
        try:
            payment = await self._provider.pay(attempt.request, attempt.key)
        except PaymentFailed as failed:
            if failed.payment is None:
                return await self._over(attempt, "refused", failed.code, failed.message), None
            payment = failed.payment
            if not payment.error_code:
                payment = msgspec.structs.replace(
                    payment, error_code=failed.code, error_message=failed.message
                )
        except ProviderRefuses as refuses:
            log.error("payment_refused", extra={"order": attempt.order, "code": refuses.code})
            why = UNCHARGEABLE.message if refuses.code in rules.UNCHARGEABLE else "The payment was not taken."
            return await self._over(attempt, "refused", refuses.code, why), None
        except OutcomeUnknown:
            await attempts.not_answered(self._pool, attempt, self._clock.now_ms())
            found = await self._search(attempt)
            if found is None:
                raise
            payment = found
        return await self.note(attempt, payment), payment

    async def _search(self, attempt: Attempt) -> Payment | None:
        for payment in await self._provider.search_payments(attempt.order):
            if rules.is_of(attempt, payment):
                # The search may show what was true an hour ago; the payment itself is asked.
                return await self._provider.find_payment(payment.id) or payment
        return None

    async def end(self, attempt: Attempt) -> Attempt:
        """Cancels what could still be paid; the state says whether that was in time. Raises OutcomeUnknown."""
        attempt, _ = await self.resolve(attempt, ending=True)
        if not attempt.live or attempt.state == "succeeded":
            return attempt
        try:
            payment = await self._provider.cancel_payment(attempt.payment)
        except ProviderRefuses:
            # A payment that is being processed can't be cancelled; it ends by itself.
            payment = await self._provider.find_payment(attempt.payment)
            if payment is None:
                raise
        return await self.note(attempt, payment)

    async def ended(self, order: str) -> bool:
        """Whether an order can't be paid any more, having cancelled what could. Raises OutcomeUnknown."""
        there = await attempts.live(self._pool, order)
        return there is None or not (await self.end(there)).live

    async def note(self, attempt: Attempt, payment: Payment) -> Attempt:
        """Keeps what the provider says."""
        async with transaction(self._pool) as on:
            return await attempts.note(on, attempt, payment, self._retries, self._clock.now_ms())

    async def _over(self, attempt: Attempt, state: str, code: str, message: str) -> Attempt:
        async with transaction(self._pool) as on:
            return await attempts.over(on, attempt, state, code, message, self._retries, self._clock.now_ms())
