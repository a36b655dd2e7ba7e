"""What happens to orders between a buyer's card and a seller's account, in three acts, and how it must have ended.

The acts ask the real checkout and the double of Stripe; nobody here tells the server what came of it: that only events do.
"""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from liveserver.accounts.model import NEVER_MS, NO_SESSION, Identity
from liveserver.checkout.model import Session
from liveserver.cli.paying import Paying
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.inventory import store as inventory
from liveserver.jobs.queue import enqueue
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.orders import moves, refunds, store
from liveserver.orders.model import Order, OrderJob
from tests.checkout.stage import BERN
from tests.doubles.stripe.server import StripeDouble
from tests.orders.shop import LAMP, draft

HOUR_MS = 3_600_000
LAMPS = 100_000
PART = 2_000
SELLERS = tuple(UserId(f"user_seller_{number}") for number in range(4))
_numbers = itertools.count(1)


class Market:
    """Sellers with accounts at the provider, a shelf of lamps, and buyers who come once."""

    def __init__(self, pool: Pool, paying: Paying, stripe: StripeDouble) -> None:
        self.pool, self.paying, self.stripe, self.clock = pool, paying, stripe, SystemClock()
        self.payments: dict[str, str] = {}
        """What was paid with last, by order."""

    async def opens(self) -> None:
        await self.pool.execute(
            "INSERT INTO products (id, seller, title, description, price, currency, images, created_ts, search_title, search_rest) "
            "VALUES ('product_1', $1, 'Lamp', '', 5000, 'USD', '{}', 1, '', '')",
            SELLERS[0],
        )
        await self.pool.execute(
            "INSERT INTO variants (id, product, position, sku, color, size, stock, price) "
            "VALUES ($1, 'product_1', 1, $1, '', '', 0, 5000)",
            LAMP,
        )
        async with transaction(self.pool) as on:
            await inventory.count(on, LAMP, LAMPS, self.clock.now_ms())
        for seller in SELLERS:
            opened = await self.paying.money.accounts.open(seller, "DE")
            assert not isinstance(opened, Rejected), opened

    async def places(self, card: str = "") -> Order:
        """An order of one lamp from somebody new; with a card it is a winner's, and a job will charge that."""
        number = next(_numbers)
        buyer = Identity(f"user_buyer_{number}", f"Buyer {number}", "viewer", True, NO_SESSION, NEVER_MS)
        if card:
            setup = await self.paying.cards.begin(buyer, "buyer@example.org")
            assert not isinstance(setup, Rejected), setup
            self.stripe.confirm_setup(setup.id, card)
            assert not isinstance(await self.paying.cards.finish(buyer.id, setup.id), Rejected)
        now = self.clock.now_ms()
        wish = draft(
            "auction" if card else "cart",
            buyer=buyer.id,
            buyer_name=buyer.name,
            seller=SELLERS[number % len(SELLERS)],
            address=BERN,
            due_ts=now + HOUR_MS,
        )
        async with transaction(self.pool) as on:
            order = await moves.place(on, wish, now)
            assert isinstance(order, Order), order
            if card:
                await enqueue(on, "checkout.charge", OrderJob(order.id), once=f"charge:{order.id}")
        return order

    async def pays(self, order: Order, *cards: str) -> None:
        """Its buyer enters one card after the other on the payment page."""
        buyer = Identity(order.buyer, order.buyer_name, "viewer", True, NO_SESSION, NEVER_MS)
        session = await self.paying.checkout.pay(buyer, order.id)
        while isinstance(session, Rejected) and session.code == "payment_unknown":  # it says: try again
            session = await self.paying.checkout.pay(buyer, order.id)
        assert isinstance(session, Session), session
        self.payments[order.id] = session.intent
        for card in cards:
            self.stripe.confirm(session.intent, card)

    async def moves(self, *steps: Callable[[Connection, int], Awaitable[object]]) -> None:
        """What seller and buyer do with a paid order."""
        async with transaction(self.pool) as on:
            for step in steps:
                done = await step(on, self.clock.now_ms())
                assert not isinstance(done, Rejected), done

    async def now(self, order: Order) -> Order:
        found = await store.find(self.pool, order.id)
        assert found is not None, "orders stay"
        return found


Act = Callable[[Market, Order], Awaitable[None]]


async def _nothing(market: Market, order: Order) -> None:
    """This act has none of it."""


def _enters(*cards: str) -> Act:
    async def act(market: Market, order: Order) -> None:
        await market.pays(order, *cards)

    return act


def _answers(*agreed: bool) -> Act:
    async def act(market: Market, order: Order) -> None:
        for yes in agreed:
            await market.pays(order, "card_asks")
            market.stripe.authenticate(market.payments[order.id], agreed=yes)

    return act


def _disputed(*, won: bool | None = None) -> Act:
    async def act(market: Market, order: Order) -> None:
        await market.pays(order, "card_pays")
        await _taken_back(won=won)(market, order)

    return act


def _taken_back(*, won: bool | None = None) -> Act:
    async def act(market: Market, order: Order) -> None:
        dispute = market.stripe.dispute(market.payments[order.id])
        if won is not None:
            market.stripe.decide(dispute["id"], won=won)

    return act


async def _inquired(market: Market, order: Order) -> None:
    await market.pays(order, "card_pays")
    market.stripe.dispute(market.payments[order.id], inquiry=True)


async def _decided_for_us(market: Market, order: Order) -> None:
    (dispute,) = (
        thing["id"]
        for thing in market.stripe.objects.values()
        if thing["object"] == "dispute" and thing["payment_intent"] == market.payments[order.id]
    )
    market.stripe.decide(dispute, won=True)


async def _delivered(market: Market, order: Order) -> None:
    await market.moves(
        lambda on, ts: moves.ship(on, order.id, order.seller, "Post", "RR1", ts),
        lambda on, ts: moves.deliver(on, order.id, order.seller, ts),
    )


def _refunded(amount: int = 0) -> Act:
    async def act(market: Market, order: Order) -> None:
        await market.moves(
            lambda on, ts: refunds.request(on, order.id, order.seller, amount or order.total, "scratch", ts)
        )

    return act


async def _sent_back(market: Market, order: Order) -> None:
    """The buyer's bank does not take the refund."""
    market.stripe.send_back(
        await market.pool.fetchval("SELECT reference FROM refunds WHERE order_id = $1", order.id)
    )


async def _cancelled(market: Market, order: Order) -> None:
    await market.moves(lambda on, ts: moves.cancel(on, order.id, order.seller, "broken", ts))


async def _paid_and_cancelled_at_once(market: Market, order: Order) -> None:
    """The seller does not know yet, and nobody has asked the provider."""
    await market.pays(order, "card_pays")
    await _cancelled(market, order)


async def _given_up(market: Market, order: Order) -> None:
    await market.pays(order)
    done = await market.paying.checkout.cancel(order.id, order.buyer, "changed my mind")
    assert isinstance(done, Order), done


@dataclass(frozen=True)
class Life:
    """One kind. Each act begins when all that followed from the one before is done."""

    end: tuple[str, str, str, str]
    """State, funds, refund, dispute."""
    journals: tuple[str, ...]
    """What is posted for it, each once. Without what goes to the seller's account, which follows the seller's balance."""
    first: Act = _nothing
    then: Act = _nothing
    last: Act = _nothing
    card: str = ""
    """The winner's saved one; "" for who buys from a cart."""


PAID = ("paid", "held", "none", "none")
REFUNDED = ("refund_paid", "refunded")
DISPUTED = ("dispute_fee", "dispute_opened")
LIVES: dict[str, Life] = {
    "pays": Life(PAID, ("captured",), _enters("card_pays")),
    "is declined, then pays": Life(PAID, ("captured",), _enters("card_declined", "card_empty", "card_pays")),
    "is asked by the bank, and agrees": Life(PAID, ("captured",), _answers(True)),
    "refuses at first": Life(PAID, ("captured",), _answers(False, True)),
    "wins": Life(PAID, ("captured",), card="card_pays"),
    "wins with a bad card, then pays": Life(
        PAID, ("captured",), then=_enters("card_pays"), card="card_later"
    ),
    "gets it": Life(
        ("delivered", "released", "none", "none"), ("captured", "released"), _enters("card_pays"), _delivered
    ),
    "gets a part back": Life(
        ("paid", "held", "partial", "none"), ("captured", *REFUNDED), _enters("card_pays"), _refunded(PART)
    ),
    "gets a part back that their bank does not take": Life(
        PAID,
        ("captured", *REFUNDED, "refund_returned", "refund_failed"),
        _enters("card_pays"),
        _refunded(PART),
        _sent_back,
    ),
    "gets all back": Life(
        ("paid", "reversed", "full", "none"), ("captured", *REFUNDED), _enters("card_pays"), _refunded()
    ),
    "is told that it is broken": Life(
        ("cancelled", "reversed", "full", "none"), ("captured", *REFUNDED), _enters("card_pays"), _cancelled
    ),
    "gets it, then a part back": Life(
        ("delivered", "released", "partial", "none"),
        ("captured", *REFUNDED, "released"),
        _enters("card_pays"),
        _delivered,
        _refunded(PART),
    ),
    "disputes, and loses": Life(
        ("paid", "held", "none", "won"),
        ("captured", *DISPUTED, "dispute_won"),
        _disputed(),
        _decided_for_us,
    ),
    "disputes, and wins at once": Life(
        ("paid", "reversed", "none", "lost"),
        ("captured", *DISPUTED, "dispute_lost"),
        _disputed(won=False),
    ),
    "gets it, then disputes, and wins": Life(
        ("delivered", "reversed", "none", "lost"),
        ("captured", *DISPUTED, "dispute_lost", "released"),
        _enters("card_pays"),
        _delivered,
        _taken_back(won=False),
    ),
    "only has the bank ask": Life(PAID, ("captured",), _inquired),
    "pays what was just cancelled": Life(
        ("cancelled", "none", "none", "none"), ("refund_paid", "stray_captured"), _paid_and_cancelled_at_once
    ),
    "gives up": Life(("cancelled", "none", "none", "none"), (), _given_up),
}
