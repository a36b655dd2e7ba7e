"""What tests of carts say: somebody puts things into a cart, a seller ships and has coupons, an order is placed."""

from typing import Any

from liveserver.accounts.model import NEVER_MS, NO_SESSION, Identity
from liveserver.cart import coupons, shipping
from liveserver.cart.model import Cart, CartOwner, Coupon, CouponDraft, Method, MethodDraft, of_person
from liveserver.cart.quotes import Quotes
from liveserver.cart.service import Carts
from liveserver.cart.taxes import TaxPort
from liveserver.checkout.baskets import CartBaskets
from liveserver.checkout.model import CheckoutWish
from liveserver.checkout.service import Checkout
from liveserver.config import Settings
from liveserver.infra.database import Pool, transaction
from liveserver.inventory import store as inventory
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.orders.model import Address, Order
from tests.checkout.provider import Cards, Provider

TS = 1_700_000_000_000
SAM, TIA = "user_sam", "user_tia"
BERN = Address(name="Bea", line1="Gasse 1", city="Bern", postal_code="3011", country="CH")
ROME = Address(name="Bea", line1="Via 1", city="Rome", postal_code="00100", country="IT")


def person(id: str) -> Identity:
    return Identity(id, id.removeprefix("user_").title(), "viewer", True, NO_SESSION, NEVER_MS)


BEA = person("user_bea")
BEAS = of_person(BEA.id)


class Market:
    """See the module."""

    def __init__(self, pool: Pool, taxes: TaxPort | None = None) -> None:
        self.pool = pool
        self.clock = VirtualClock(TS)
        self.carts = Carts(pool, self.clock)
        self.quotes = Quotes(self.clock, Settings(), taxes)
        self.checkout = Checkout(
            pool, Provider(self.clock.now_ms), Cards(), CartBaskets(self.quotes), self.clock, Settings()
        )

    async def offers(
        self, name: str, seller: str, price: int, *, stock: int, currency: str = "USD", category: str = ""
    ) -> None:
        """A product with one variant, both called by its name."""
        await self.pool.execute(
            "INSERT INTO products (id, seller, title, description, price, currency, images, category, created_ts, search_title, "
            "search_rest) VALUES ($1, $2, $1, '', $3, $4, '{}', nullif($5, ''), 1, '', '')",
            name,
            seller,
            price,
            currency,
            category,
        )
        await self.pool.execute(
            "INSERT INTO variants (id, product, position, sku, color, size, stock, price) VALUES ($1, $1, 1, $1, '', '', 0, $2)",
            name,
            price,
        )
        await self.has(name, stock)

    async def has(self, variant: str, stock: int) -> None:
        async with transaction(self.pool) as on:
            await inventory.count(on, variant, stock, TS)

    async def puts(self, variant: str, quantity: int = 1, owner: CartOwner = BEAS) -> Cart:
        done = await self.carts.add(owner, variant, quantity)
        assert isinstance(done, Cart), done
        return done

    async def ships(self, name: str = "Parcel", seller: str = SAM, **how: Any) -> Method:
        given = {"currency": "USD", "first": 413, "further": 100, **how}
        async with transaction(self.pool) as on:
            made = await shipping.add(on, seller, MethodDraft(name=name, **given))
        assert isinstance(made, Method), made
        return made

    async def coupon(self, code: str = "SAVE", seller: str = SAM, **how: Any) -> Coupon:
        given = how if {"percent_bp", "amount"} & set(how) else {"percent_bp": 1_000, **how}
        async with transaction(self.pool) as on:
            made = await coupons.add(on, seller, CouponDraft(code=code, **given), TS)
        assert isinstance(made, Coupon), made
        return made

    async def orders(
        self, who: Identity = BEA, seller: str = SAM, address: Address = BERN, **wish: Any
    ) -> Order | Rejected:
        return await self.checkout.place(who, CheckoutWish(seller=UserId(seller), address=address, **wish))

    async def ordered(self, who: Identity = BEA, seller: str = SAM, **wish: Any) -> Order:
        done = await self.orders(who, seller, **wish)
        assert isinstance(done, Order), done
        return done


def code_of(done: object) -> str:
    """The refusal's code; fails when it is none."""
    assert isinstance(done, Rejected), done
    return done.code
