"""Checkout as its callers see it: buyers start and pay, jobs charge winners and end what was not paid in time.

It marks nothing paid that costs something: only the provider's own message does (`handlers`). Money that goes back is in `back`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from liveserver.accounts.model import Identity
from liveserver.cart.model import Quote
from liveserver.checkout import attempts, rules
from liveserver.checkout.asking import Asking
from liveserver.checkout.attempts import Retries
from liveserver.checkout.back import Back
from liveserver.checkout.errors import (
    CART_EMPTY,
    NO_ADDRESS,
    NO_CARD,
    NOT_TAKEN,
    PROCESSING,
    TOO_LATE,
    UNCHARGEABLE,
    price_changed,
)
from liveserver.checkout.handlers import handlers
from liveserver.checkout.model import (
    Attempt,
    Baskets,
    CheckoutWish,
    Method,
    SavedAddress,
    Session,
    Wallet,
)
from liveserver.checkout.winners import Winners, pay_nothing
from liveserver.config import Settings
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId, new_id
from liveserver.orders import moves
from liveserver.orders import store as orders
from liveserver.orders.errors import ORDER_NOT_FOUND, not_now
from liveserver.orders.model import UNPAID, Address, Draft, Order
from liveserver.payments.inbox import EventHandler
from liveserver.payments.port import (
    UNKNOWN_OUTCOME,
    OutcomeUnknown,
    Payment,
    PaymentProvider,
    SavedCard,
)

CART_WINDOW_MS = 15 * 60_000
"""So long the goods of a cart are held for who checks out (commerce.md, "Stock")."""
HOUR_MS = 3_600_000

T = TypeVar("T")


class Checkout:
    """See the module."""

    def __init__(
        self,
        pool: Pool,
        provider: PaymentProvider,
        cards: Wallet,
        baskets: Baskets,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._pool = pool
        self._provider = provider
        self._cards = cards
        self._baskets = baskets
        self._clock = clock
        retries = Retries(settings.charge_retries, settings.charge_retry_hours * HOUR_MS)
        self._retries = retries
        self._asking = Asking(pool, provider, clock, retries)
        self._winners = Winners(pool, provider.name, cards, clock, self._asking, retries)
        self.back = Back(pool, provider, clock)

    @property
    def provider(self) -> PaymentProvider:
        """Who takes the payments."""
        return self._provider

    def handlers(self) -> Mapping[str, EventHandler]:
        """What is done about the provider's messages, by their type."""
        return handlers(self._pool, self._provider, self._clock, self._retries)

    # What buyers do

    async def quote(self, who: Identity, wish: CheckoutWish) -> Quote | Rejected:
        """What it would cost now."""
        async with transaction(self._pool) as on:
            address = await self._baskets.address(on, who, wish.address)
            if isinstance(address, Rejected):
                return address
            return await self._baskets.price(on, who, wish.seller, address, wish.method, wish.coupon)

    async def place(self, who: Identity, wish: CheckoutWish) -> Order | Rejected:
        """Orders all of one seller in somebody's cart, and holds the goods; nothing is paid yet.

        Refusals: the cart's, `cart_empty`, `price_changed`, `out_of_stock`.
        """
        try:
            async with transaction(self._pool) as on:
                order, _ = await self._place(on, who, wish, self._clock.now_ms(), pays=False)
                return order
        except _Refused as refused:
            return refused.rejected

    async def start(self, who: Identity, wish: CheckoutWish) -> Session | Rejected:
        """Orders, and begins to pay. When the provider does not answer the order stands: `payment_unknown`, with its id.

        Refusals: as `place`.
        """
        ts = self._clock.now_ms()
        try:
            async with transaction(self._pool) as on:
                order, attempt = await self._place(on, who, wish, ts, pays=True)
                if attempt is None:
                    return await self._session_of_nothing(on, order, ts)
        except _Refused as refused:
            return refused.rejected
        try:
            return await self._session(order, *await self._asking.send(attempt))
        except OutcomeUnknown:
            return _unknown(order)

    async def _place(
        self, on: Connection, who: Identity, wish: CheckoutWish, ts: int, *, pays: bool
    ) -> tuple[Order, Attempt | None]:
        """The order, and if it is paid at once the attempt, for an order that costs something. Raises _Refused."""
        await on.execute(attempts.Q.one_checkout_at_a_time, f"{who.id}:{wish.seller}")
        address = _given(await self._baskets.address(on, who, wish.address))
        priced = _given(await self._baskets.price(on, who, wish.seller, address, wish.method, wish.coupon))
        if not priced.lines:
            raise _Refused(CART_EMPTY)
        if wish.expected_total is not None and wish.expected_total != priced.total:
            raise _Refused(price_changed(wish.expected_total, priced.total, _figures(priced)))
        begun: Attempt | None = None

        async def besides(placed: Order) -> Rejected | None:
            nonlocal begun
            if pays and placed.total:
                begun = await attempts.first(on, placed, self._provider.name, ts)
            return await self._baskets.ordered(on, who, placed, priced.coupon)

        draft = await self._draft(on, who, address, priced, ts)
        return _given(await moves.place(on, draft, ts, besides)), begun

    async def _draft(self, on: Connection, who: Identity, address: Address, priced: Quote, ts: int) -> Draft:
        return Draft(
            origin=f"cart:{new_id('co')}",
            source="cart",
            buyer=UserId(who.id),
            buyer_name=who.name[:60],
            buyer_email=await self._baskets.email_of(on, who),
            seller=priced.seller,
            seller_name=priced.seller_name[:60],
            currency=priced.currency,
            lines=priced.lines,
            coupon=priced.coupon,
            shipping=priced.shipping,
            shipping_method=priced.method,
            taxes=priced.taxes,
            address=address,
            rates=priced.rates,
            due_ts=ts + CART_WINDOW_MS,
            test=self._provider.test,
        )

    async def pay(
        self,
        who: Identity,
        order: str,
        *,
        address: str | Address | None = None,
        saved_card: bool = False,
        expected_total: int | None = None,
    ) -> Session | Rejected:
        """What the payment page needs for an order that waits, with the buyer there. Two tabs get the same payment.

        `expected_total` is what the buyer was shown (None: any): another place may cost something else, and is kept all the same.
        Refusals: `order_not_found`, `order_state`, `payment_window_over`, `no_address`,
        `price_changed`, `no_card`, `payment_processing`, `payment_unknown`, `payment_refused`, `amount_unchargeable`.
        """
        now = await self._payable(who, order)
        if isinstance(now, Rejected):
            return now
        try:
            if address is not None:
                moved = await self._move(who, now, address)
                if isinstance(moved, Rejected):
                    return moved
                now = moved
            if now.address is None:
                return NO_ADDRESS
            if expected_total is not None and expected_total != now.total:
                return price_changed(expected_total, now.total, _figures(now))
            if now.total == 0:
                return await self._pay_nothing(now)
            return await self._pay(now, saved_card=saved_card)
        except OutcomeUnknown:
            return _unknown(now)

    async def send_to(self, who: Identity, order: str, address: str | Address) -> Order | Rejected:
        """Says where an unpaid order goes, which may change what it costs. Refusals: as `pay`, and the cart's."""
        now = await self._payable(who, order)
        if isinstance(now, Rejected):
            return now
        try:
            return await self._move(who, now, address)
        except OutcomeUnknown:
            return _unknown(now)

    async def _payable(self, who: Identity, order: str) -> Order | Rejected:
        now = await orders.find(self._pool, order)
        if now is None or now.buyer != who.id:
            return ORDER_NOT_FOUND
        if now.state not in UNPAID:
            return not_now("paid", now.state)
        return TOO_LATE if self._clock.now_ms() >= now.due_ts else now

    async def _pay(self, order: Order, *, saved_card: bool) -> Session | Rejected:
        card = await self._cards.card_of(self._pool, order.buyer) if saved_card else None
        if saved_card and card is None:
            return NO_CARD
        there = await attempts.live(self._pool, order.id)
        if there is not None:
            there, payment = await self._asking.resolve(there)
            if there.live and _goes_on(there, order, card):
                return await self._session(order, there, payment)
            if there.live:
                there = await self._asking.end(there)
            if there.live:
                return PROCESSING
        return await self._begin(order, card)

    async def _begin(self, order: Order, card: SavedCard | None) -> Session | Rejected:
        async with transaction(self._pool) as on:
            begun = await attempts.begin(on, order.id, self._provider.name, card, self._clock.now_ms())
        if isinstance(begun, Rejected):
            return begun
        attempt, payment = await self._asking.resolve(begun)
        return await self._session(order, attempt, payment)

    async def _session(self, order: Order, attempt: Attempt, payment: Payment | None) -> Session | Rejected:
        if not attempt.payment:
            return UNCHARGEABLE if attempt.error_code in rules.UNCHARGEABLE else NOT_TAKEN
        if payment is None:
            payment = await self._provider.find_payment(attempt.payment)
        assert payment is not None, "the provider knows the payments that it has told us of"
        if payment.status != "needs_card" or payment.error_code:
            # What became of the payment may have changed the order since.
            now = await orders.find(self._pool, order.id)
            assert now is not None, "orders stay"
            order = now
        return Session(
            order=order,
            provider=self._provider.name,
            intent=payment.id,
            client_secret=payment.client_secret,
            publishable_key=self._provider.publishable_key,
            test=self._provider.test,
            status=payment.status,
        )

    async def _pay_nothing(self, order: Order) -> Session | Rejected:
        async with transaction(self._pool) as on:
            return await self._session_of_nothing(on, order, self._clock.now_ms())

    async def _session_of_nothing(self, on: Connection, order: Order, ts: int) -> Session | Rejected:
        paid = await pay_nothing(on, order, ts)
        if isinstance(paid, Rejected):
            return paid
        return Session(
            order=paid,
            provider=self._provider.name,
            intent="",
            client_secret="",
            publishable_key="",
            test=self._provider.test,
            status="free",
        )

    async def look(self, order: str) -> Attempt | None:
        """The attempt that could take money, as the provider has it now; for pages, which show nothing as paid by it.

        Without an answer it is as it was last known.
        """
        there = await attempts.live(self._pool, order)
        if there is None or not there.payment or there.state == "succeeded":
            return there
        try:
            payment = await self._provider.find_payment(there.payment)
        except OutcomeUnknown:
            return there
        return there if payment is None else await self._asking.note(there, payment)

    async def addresses(self, who: Identity) -> Sequence[SavedAddress]:
        """Where somebody may have it sent."""
        return await self._baskets.saved(self._pool, who)

    async def methods(self, who: Identity, seller: str, country: str) -> Sequence[Method]:
        """How a seller sends to a country."""
        return await self._baskets.methods(self._pool, who, seller, country)

    async def card_of(self, user: str) -> SavedCard | None:
        """The card that somebody has saved."""
        return await self._cards.card_of(self._pool, user)

    async def email_of(self, who: Identity) -> str:
        """Where the provider may write to somebody."""
        async with transaction(self._pool) as on:
            return await self._baskets.email_of(on, who)

    async def _move(self, who: Identity, order: Order, address: str | Address) -> Order | Rejected:
        """Sends it elsewhere, which may cost something else: what could be paid at the old price is ended first."""
        if (there := await attempts.live(self._pool, order.id)) is not None:
            there = await self._asking.end(there)
            if there.live:
                return PROCESSING
        ts = self._clock.now_ms()
        async with transaction(self._pool) as on:
            await orders.lock(on, order.id)
            if await attempts.live(on, order.id) is not None:
                return PROCESSING
            where = await self._baskets.address(on, who, address)
            if isinstance(where, Rejected):
                return where
            priced = await self._baskets.price_again(on, order, where)
            if isinstance(priced, Rejected):
                return priced
            return await moves.reprice(on, order.id, where, priced.shipping, priced.method, priced.taxes, ts)

    async def cancel(self, order: str, by: str, reason: str) -> Order | Rejected:
        """Cancels an order: while unpaid, only once it can't be paid any more. Refusals: `payment_processing`, the order's."""
        now = await orders.find(self._pool, order)
        if now is None:
            return ORDER_NOT_FOUND
        try:
            if now.state in UNPAID and not await self._asking.ended(order):
                return PROCESSING
        except OutcomeUnknown:
            return UNKNOWN_OUTCOME
        async with transaction(self._pool) as on:
            locked = await orders.lock(on, order)
            if locked is not None and locked.state in UNPAID and await attempts.live(on, order) is not None:
                return PROCESSING
            return await moves.cancel(on, order, by, reason, self._clock.now_ms())

    # What jobs do

    async def charge(self, order: str) -> None:
        """Charges a winner's saved card; see `winners`. Raises Later."""
        await self._winners.charge(order)

    async def expire(self, order: str) -> None:
        """Ends an order that was not paid in time; see `winners`. Raises Later."""
        await self._winners.expire(order)

    async def refund(self, refund: str) -> None:
        """Has an order's refund sent."""
        await self.back.refund(refund)


class _Refused(Exception):
    """Leaves the transaction, so that nothing of it stays."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(rejected.code)
        self.rejected = rejected


def _given(answer: T | Rejected) -> T:
    """The answer. Raises _Refused."""
    if isinstance(answer, Rejected):
        raise _Refused(answer)
    return answer


def _goes_on(attempt: Attempt, order: Order, card: SavedCard | None) -> bool:
    """Whether the buyer can go on with a payment that is there already."""
    if attempt.state in {"succeeded", "processing"}:
        return True
    if (attempt.request.amount, attempt.request.currency) != (order.total, order.currency):
        return False
    if attempt.state == "needs_action":
        return True
    return card is None and attempt.state == "needs_card"


def _unknown(order: Order) -> Rejected:
    return Rejected(UNKNOWN_OUTCOME.code, UNKNOWN_OUTCOME.message, retryable=True, detail={"order": order.id})


def _figures(priced: Quote | Order) -> dict[str, int | str]:
    return {
        "subtotal": sum(line.price * line.quantity for line in priced.lines),
        "discount": priced.discount,
        "shipping": priced.shipping,
        "tax": sum(line.amount for line in priced.taxes),
        "currency": priced.currency,
    }
