"""Checkout with everything around it for one test: a buyer, a shop, a provider, and the provider's messages on their way."""

from typing import Any

from liveserver.accounts.model import NEVER_MS, NO_SESSION, Identity
from liveserver.cart.model import Quote
from liveserver.checkout import attempts
from liveserver.checkout.model import CheckoutWish, Method, SavedAddress, Session
from liveserver.checkout.service import Checkout
from liveserver.config import Settings
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Rates
from liveserver.orders import moves
from liveserver.orders import store as orders
from liveserver.orders.model import Address, Line, Order
from liveserver.payments.inbox import NotYet
from liveserver.payments.port import Event, PaymentProvider
from tests.checkout.provider import Cards, Provider
from tests.orders.shop import BUYER, LAMP, SELLER, TS, draft

BEA = Identity(BUYER, "Bea", "viewer", True, NO_SESSION, NEVER_MS)
EVE = Identity("user_eve", "Eve", "viewer", True, NO_SESSION, NEVER_MS)
BERN = Address(name="Bea", line1="Gasse 1", city="Bern", postal_code="3011", country="CH")
ROME = Address(name="Bea", line1="Via 1", city="Rome", postal_code="00100", country="IT")
HOUR_MS = 3_600_000


def priced(lines: tuple[Line, ...], shipping: int) -> Quote:
    return Quote(
        seller=SELLER,
        seller_name="Sam",
        currency="USD",
        lines=lines,
        shipping=shipping,
        method="Parcel",
        rates=Rates(),
    )


class Basket:
    """One lamp for everybody; postage by country."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[Line, ...]] = {}
        self.price_of_lamp = 5_000
        self.free = False
        self.addresses = (SavedAddress("adr_1", BERN),)

    def put(self, who: Identity, quantity: int = 1) -> None:
        line = Line(
            product="product_1",
            variant=LAMP,
            title="Lamp",
            quantity=quantity,
            price=self.price_of_lamp,
            discount=self.price_of_lamp * quantity if self.free else 0,
        )
        self.lines[who.id] = (line,)

    async def address(self, on: Connection, who: Identity, address: str | Address) -> Address | Rejected:
        return address if isinstance(address, Address) else BERN

    async def price(
        self, on: Connection, who: Identity, seller: str, address: Address, method: str, coupon: str
    ) -> Quote | Rejected:
        shipping = 0 if self.free else 413 if address.country == "CH" else 900
        return priced(self.lines.get(who.id, ()), shipping)

    async def price_again(self, on: Connection, order: Order, address: Address) -> Quote | Rejected:
        return priced(order.lines, 413 if address.country == "CH" else 900)

    async def ordered(self, on: Connection, who: Identity, order: Order, coupon: str) -> Rejected | None:
        self.lines.pop(who.id, None)
        return None

    async def email_of(self, on: Connection, who: Identity) -> str:
        return "bea@example.org"

    async def saved(self, on: object, who: Identity) -> tuple[SavedAddress, ...]:
        return self.addresses

    async def methods(self, on: object, who: Identity, seller: str, country: str) -> tuple[Method, ...]:
        return (Method("parcel", "Parcel"),) if country == "CH" else ()


class Stage:
    """See the module."""

    def __init__(self, pool: Pool, provider: PaymentProvider | None = None, first: int = 1) -> None:
        self.pool = pool
        self.clock = VirtualClock(TS)
        self.provider = Provider(self.clock.now_ms, first)
        self.cards = Cards()
        self.basket = Basket()
        self.checkout = Checkout(
            pool, provider or self.provider, self.cards, self.basket, self.clock, Settings()
        )
        self.handlers = self.checkout.handlers()

    async def starts(self, who: Identity = BEA, **wish: Any) -> Session:
        """Somebody puts a lamp into the cart and checks out."""
        self.basket.put(who)
        session = await self.checkout.start(who, CheckoutWish(seller=SELLER, address=BERN, **wish))
        assert isinstance(session, Session), session
        return session

    async def won(self, **more: Any) -> Order:
        """Bea has won a lot; two days to pay."""
        async with transaction(self.pool) as on:
            placed = await moves.place(
                on, draft("auction", **{"due_ts": TS + 48 * HOUR_MS, "address": BERN, **more}), TS
            )
        assert isinstance(placed, Order)
        return placed

    async def order(self, order: str) -> Order:
        found = await orders.find(self.pool, order)
        assert found is not None
        return found

    async def tell(self, events: list[Event]) -> None:
        """Delivers messages as they are; what is not known yet is told again at the end."""
        parked = [event for event in events if not await self._apply(event)]
        for event in parked:
            assert await self._apply(event), f"{event} was never understood"

    async def _apply(self, event: Event) -> bool:
        handler = self.handlers.get(event.type)
        if handler is None:
            return True
        try:
            effect = await handler(event)
            if effect is not None:
                async with transaction(self.pool) as on:
                    await effect(on)
        except NotYet:
            return False
        return True

    async def told_all(self) -> None:
        """All messages so far, and those that follow from what they cause."""
        late = True
        while late or self.provider.events:
            events, self.provider.events = self.provider.events, []
            await self.tell(events)
            late = False
            for stray in await self.pool.fetch("SELECT id FROM stray_payments WHERE state = 'requested'"):
                await self.checkout.back.return_stray(stray["id"])
                late = True

    async def live(self, order: str) -> attempts.Attempt | None:
        return await attempts.live(self.pool, order)

    async def attempts(self, order: str) -> list[attempts.Attempt]:
        return await attempts.of_order(self.pool, order)

    async def journals(self, order: str) -> list[str]:
        async with transaction(self.pool) as on:
            order_id = (await orders.find(on, order)).id  # type: ignore[union-attr]  # it is there
            return sorted(journal.kind for journal in await ledger.journals_of(on, order_id))

    async def history(self, order: str) -> list[str]:
        return [line.kind for line in await orders.history(self.pool, order)]

    async def jobs(self, kind: str) -> int:
        return await self.pool.fetchval(
            "SELECT count(*) FROM pgqueuer WHERE entrypoint = $1 AND status = 'queued'", kind
        )

    async def money_is_right(self, order: str) -> None:
        """The one law: what the provider holds for an order is what the order says was paid and not given back."""
        now = await self.order(order)
        kept = self.provider.charged - self.provider.given_back
        owed = await self.pool.fetchval(
            "SELECT coalesce(sum(item + shipping + tax), 0)::bigint FROM refunds WHERE status = 'requested'"
        )
        expected = 0 if now.paid_ts is None else now.total - now.refunded.total + owed
        assert kept == expected, f"{kept} at the provider, {expected} by the order {now.state}"
        async with transaction(self.pool) as on:
            assert await ledger.balances_apart(on) == []
