"""What time does to orders that wait: winners' saved cards are charged, and what was not paid in time is over.

Run by jobs, which repeat it until the outcome is known. Nobody is at a screen here.
"""

from liveserver.checkout import attempts, rules
from liveserver.checkout.asking import Asking
from liveserver.checkout.attempts import Retries
from liveserver.checkout.model import Wallet
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.jobs.worker import Later
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.orders import moves
from liveserver.orders import store as orders
from liveserver.orders.errors import NOT_DUE
from liveserver.orders.model import UNPAID, Captured, Order
from liveserver.payments.port import OutcomeUnknown

ASK_AGAIN_MS = 60_000
"""A job that got no answer from the provider asks again after this."""
CLOCKS_APART_MS = 60_000
"""The pause was begun by another process's clock: a second charge that comes so much too early is the one that was planned."""
STILL_PROCESSING_MS = 15 * 60_000
"""A payment that can't be cancelled ends by itself: the expiry looks again after this."""


async def pay_nothing(on: Connection, order: Order, ts: int) -> Order | Rejected:
    """A coupon paid for all of it: there is nothing to charge, and nobody who would tell us."""
    return await moves.paid(on, order.id, Captured("", "", 0, order.currency), ts)


class Winners:
    """See the module. `provider` is the provider's name."""

    def __init__(
        self, pool: Pool, provider: str, cards: Wallet, clock: Clock, asking: Asking, retries: Retries
    ) -> None:
        self._pool = pool
        self._provider = provider
        self._cards = cards
        self._clock = clock
        self._asking = asking
        self._retries = retries

    async def charge(self, order: str) -> None:
        """Charges a winner's saved card, and again when an earlier charge was declined long enough ago. Raises Later.

        Without a card or an address (postage and taxes are not known yet), or while the buyer is paying, nothing is done: they
        have been told that it waits.
        """
        now = await orders.find(self._pool, order)
        if now is None or now.state not in UNPAID or self._clock.now_ms() >= now.due_ts:
            return
        if now.address is None:
            return
        if now.total == 0:
            async with transaction(self._pool) as on:
                await pay_nothing(on, now, self._clock.now_ms())
            return
        try:
            await self._charge(now)
        except OutcomeUnknown as unknown:
            raise Later(ASK_AGAIN_MS, str(unknown)) from unknown

    async def _charge(self, order: Order) -> None:
        there = await attempts.live(self._pool, order.id)
        if there is not None and there.state == "asked":
            there, _ = await self._asking.resolve(there)
            if there.state != "absent":
                return
            there = None
        card = await self._cards.card_of(self._pool, order.buyer)
        if card is None:
            return
        if there is not None:
            if not rules.declined_off_session(there):
                return
            early_ms = there.updated_ts + self._retries.pause_ms - self._clock.now_ms()
            if 0 < early_ms <= CLOCKS_APART_MS:
                raise Later(early_ms, "the pause after the last charge is not quite over")
            if early_ms > 0:
                return
            there = await self._asking.end(there)
            if there.live:
                return
        async with transaction(self._pool) as on:
            begun = await attempts.begin(
                on, order.id, self._provider, card, self._clock.now_ms(), off_session=True
            )
        if not isinstance(begun, Rejected):
            await self._asking.resolve(begun)

    async def expire(self, order: str) -> None:
        """Ends an order that was not paid in time; first its payment, so that nobody pays for what is gone. Raises Later."""
        now = await orders.find(self._pool, order)
        if now is None or now.state not in UNPAID:
            return
        early_ms = now.due_ts - self._clock.now_ms()
        if early_ms > 0:
            raise Later(early_ms, NOT_DUE.message)
        try:
            ended = await self._asking.ended(order)
        except OutcomeUnknown as unknown:
            raise Later(ASK_AGAIN_MS, str(unknown)) from unknown
        if not ended:
            raise Later(STILL_PROCESSING_MS, "its payment is still being processed")
        async with transaction(self._pool) as on:
            locked = await orders.lock(on, order)
            if locked is not None and await attempts.live(on, order) is None:
                blameless = rules.nobody_could_pay(await attempts.last(on, order))
                await moves.expire(on, order, self._clock.now_ms(), blameless=blameless)
