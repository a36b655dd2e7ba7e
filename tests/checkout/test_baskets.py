"""Real carts checked out: what was ordered leaves the cart, coupons are used, stock is held, others' addresses stay theirs."""

import asyncio

import pytest

from liveserver.accounts.model import NEVER_MS, NO_SESSION, Identity
from liveserver.cart import addresses, coupons
from liveserver.cart.model import Cart, CouponDraft, Kept, of_person
from liveserver.cart.quotes import Quotes
from liveserver.cart.service import Carts
from liveserver.checkout.baskets import CartBaskets
from liveserver.checkout.model import CheckoutWish, Session
from liveserver.checkout.service import Checkout
from liveserver.config import Settings
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders.model import Order
from tests.checkout.stage import BEA, BERN, EVE, Stage
from tests.orders.shop import LAMP, SELLER, TS, VASE, stock


class Counter:
    """The stage with real carts."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.stage = Stage(pool)
        clock, settings = self.stage.clock, Settings()
        self.carts = Carts(pool, clock)
        self.checkout = Checkout(
            pool,
            self.stage.provider,
            self.stage.cards,
            CartBaskets(Quotes(clock, settings)),
            clock,
            settings,
        )

    async def puts(self, who: Identity, variant: str, quantity: int = 1) -> None:
        done = await self.carts.add(of_person(who.id), variant, quantity)
        assert isinstance(done, Cart), done

    async def left(self, who: Identity) -> int:
        return await self.carts.count(of_person(who.id))

    async def starts(self, who: Identity, **wish: object) -> Session | Rejected:
        given = {"seller": SELLER, "address": BERN, **wish}
        return await self.checkout.start(who, CheckoutWish(**given))  # type: ignore[arg-type]  # a wish's fields


@pytest.fixture
async def counter(shop: Pool) -> Counter:
    return Counter(shop)


def code(answer: object) -> str:
    assert isinstance(answer, Rejected), answer
    return answer.code


async def test_what_was_ordered_leaves_the_cart_and_is_held(counter: Counter) -> None:
    await counter.puts(BEA, LAMP, 2)
    session = await counter.starts(BEA, expected_total=10_000)
    assert isinstance(session, Session)
    assert (session.order.total, await counter.left(BEA), await stock(counter.pool)) == (10_000, 0, 48)
    assert code(await counter.starts(BEA)) == "cart_empty"


async def test_a_refused_order_leaves_the_cart_as_it_was(counter: Counter) -> None:
    await counter.puts(BEA, LAMP, 2)
    assert code(await counter.starts(BEA, expected_total=1)) == "price_changed"
    assert (await counter.left(BEA), await stock(counter.pool)) == (2, 50)


async def test_a_coupon_for_one_is_used_by_one(counter: Counter) -> None:
    async with transaction(counter.pool) as on:
        made = await coupons.add(on, SELLER, CouponDraft(code="HALF", percent_bp=5_000, uses_max=1), TS)
    assert not isinstance(made, Rejected)
    people = [BEA, EVE]
    for who in people:
        await counter.puts(who, LAMP)
    answers = await asyncio.gather(*(counter.starts(who, coupon="HALF") for who in people))
    totals = [answer.order.total for answer in answers if isinstance(answer, Session)]
    assert totals == [2_500]
    # Whoever was too late has ordered nothing: their cart is whole, and nothing of it is held.
    assert sum([await counter.left(who) for who in people]) == 1
    assert await stock(counter.pool) == 49


async def test_somebody_else_s_address_is_not_there(counter: Counter) -> None:
    async with transaction(counter.pool) as on:
        kept = await addresses.add(on, EVE.id, BERN, TS)
    assert isinstance(kept, Kept)
    await counter.puts(BEA, LAMP)
    assert code(await counter.starts(BEA, address=kept.id)).endswith("not_found")
    assert await counter.left(BEA) == 1


async def test_never_more_is_ordered_than_there_is(counter: Counter) -> None:
    people = [Identity(f"user_{n}", f"P{n}", "viewer", True, NO_SESSION, NEVER_MS) for n in range(30)]
    for who in people:
        await counter.puts(who, VASE)
    wish = CheckoutWish(seller=SELLER, address=BERN)
    answers = await asyncio.gather(*(counter.checkout.place(who, wish) for who in people))
    assert sum(isinstance(answer, Order) for answer in answers) == 5
    assert {answer.code for answer in answers if isinstance(answer, Rejected)} == {"out_of_stock"}
    assert await stock(counter.pool, VASE) == 0
