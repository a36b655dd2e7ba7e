"""What people do with their carts: add, change, take out, type a coupon; and a guest's cart that becomes a person's.

Everything here is about what somebody means to buy: stock is only looked at, and taken when it is ordered.
"""

import secrets
from collections.abc import Mapping, Sequence

import msgspec

from liveserver.cart import coupons, store
from liveserver.cart.errors import (
    CART_FULL,
    COUPON_NOT_FOUND,
    ITEM_NOT_FOUND,
    OWN_GOODS,
    TOO_MANY,
    VARIANT_NOT_FOUND,
    bad,
    other_currency,
)
from liveserver.cart.model import Cart, CartOwner, Group, Item, LeftOut, of_guest, of_person
from liveserver.cart.rules import coupon_code
from liveserver.cart.store import Database, Q
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.inventory.errors import out_of_stock
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId, is_id, new_id

ITEMS_MAX = 100
"""Different things in a cart, as many as an order has lines."""
QUANTITY_MAX = 100
"""Of one thing."""
KEPT_MS = 90 * 86_400_000
"""A cart that nobody has changed for so long is forgotten."""
SWEEP_MAX = 500
"""Carts forgotten in one transaction."""
TOKEN_BYTES = 32
TOKEN_LENGTH = 43
"""256 random bits as URL-safe base 64."""
NOTHING = Cart(id="", currency="", groups=())


def new_token() -> str:
    """What opens a guest's cart: whoever has it has the cart."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Carts:
    """Carts on PostgreSQL. `person_of` an owner is "" for guests."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def get(self, owner: CartOwner) -> Cart:
        """The cart as it stands, with the prices of now."""
        cart = await self._pool.fetchval(Q.find_cart, owner)
        return NOTHING if cart is None else await self._whole(self._pool, cart, owner)

    async def count(self, owner: CartOwner) -> int:
        """How many things are in it."""
        return await store.count(self._pool, owner)

    async def _whole(self, on: Database, cart: str, owner: CartOwner) -> Cart:
        items = await store.items_of(on, cart)
        typed = await store.coupons_of_cart(on, cart)
        by_seller: dict[UserId, list[Item]] = {}
        for item in items:
            by_seller.setdefault(item.seller, []).append(item)
        groups = [
            await self._group(on, owner, seller, goods, typed.get(seller, ""))
            for seller, goods in by_seller.items()
        ]
        return Cart(id=cart, currency=items[0].currency if items else "", groups=tuple(groups))

    async def _group(
        self, on: Database, owner: CartOwner, seller: UserId, items: Sequence[Item], code: str
    ) -> Group:
        discount, refused = 0, None
        if code:
            lines = [item.line() for item in items]
            done = await coupons.apply(
                on, seller, person_of(owner), code, lines, items[0].currency, self._clock.now_ms()
            )
            if isinstance(done, Rejected):
                refused = done
            else:
                discount = sum(line.discount for line in done)
        return Group(
            seller=seller,
            seller_name=items[0].seller_name,
            items=tuple(items),
            coupon=code,
            coupon_refused=refused,
            discount=discount,
        )

    async def add(self, owner: CartOwner, variant: str, quantity: int) -> Cart | Rejected:
        """Puts so many more of a variant into the cart.

        Refusals: `variant_not_found`, `own_goods`, `out_of_stock` (of what would be in it), `bad_quantity`, `cart_currency`,
        `cart_full`.
        """
        if not 1 <= quantity <= QUANTITY_MAX:
            return _bad_quantity()
        async with transaction(self._pool) as on:
            offer = await on.fetchrow(Q.offer, variant) if is_id(variant) else None
            if offer is None:
                return VARIANT_NOT_FOUND
            if offer["seller"] == person_of(owner):
                return OWN_GOODS
            cart = await self._held(on, owner)
            items = await store.items_of(on, cart)
            there = next((item for item in items if item.variant == variant), None)
            wanted = quantity + (there.quantity if there is not None else 0)
            if wanted > offer["stock"]:
                return out_of_stock(variant, offer["stock"])
            if wanted > QUANTITY_MAX:
                return _bad_quantity()
            if items and items[0].currency != offer["currency"]:
                return other_currency(items[0].currency, offer["currency"])
            if there is None and len(items) >= ITEMS_MAX:
                return CART_FULL
            await on.execute(
                Q.put_item, new_id("item"), cart, offer["product"], variant, wanted, offer["price"]
            )
            return await self._whole(on, cart, owner)

    async def set_quantity(self, owner: CartOwner, item: str, quantity: int) -> Cart | Rejected:
        """So many of an item; 0 takes it out. Refusals: `item_not_found`, `out_of_stock`, `bad_quantity`."""
        if not 0 <= quantity <= QUANTITY_MAX:
            return _bad_quantity()
        async with transaction(self._pool) as on:
            cart = await self._held(on, owner)
            there = next((one for one in await store.items_of(on, cart) if one.id == item), None)
            if there is None:
                return ITEM_NOT_FOUND
            if quantity == 0:
                await on.execute(Q.remove_item, cart, item)
            elif quantity > there.stock and quantity > there.quantity:
                return out_of_stock(there.variant, there.stock)
            else:
                # Fewer may always be: somebody may have bought the rest meanwhile.
                await on.execute(Q.set_quantity, cart, item, quantity)
            return await self._whole(on, cart, owner)

    async def type_coupon(self, owner: CartOwner, code: str) -> Cart | Rejected:
        """Keeps a coupon for the goods of the seller whose it is. Refusals: `coupon_not_found` and those of `coupons.apply`."""
        code = coupon_code(code)
        async with transaction(self._pool) as on:
            cart = await self._held(on, owner)
            refused = COUPON_NOT_FOUND
            for group in (await self._whole(on, cart, owner)).groups:
                lines = [item.line() for item in group.items]
                done = await coupons.apply(
                    on,
                    group.seller,
                    person_of(owner),
                    code,
                    lines,
                    group.items[0].currency,
                    self._clock.now_ms(),
                )
                if not isinstance(done, Rejected):
                    await on.execute(Q.put_cart_coupon, cart, group.seller, code)
                    return await self._whole(on, cart, owner)
                # What is wrong with one that is there says more than that another seller has none.
                refused = refused if done is COUPON_NOT_FOUND else done
            return refused

    async def drop_coupons(self, owner: CartOwner, seller: str = "") -> Cart:
        """Forgets the coupons; of one seller if named."""
        async with transaction(self._pool) as on:
            cart = await self._held(on, owner)
            await on.execute(Q.drop_cart_coupons, cart, seller)
            return await self._whole(on, cart, owner)

    async def merge(self, token: str, person: str) -> None:
        """A guest has signed in: what they had is added to their own cart, as far as there is stock, and the guest's is gone.

        What does not fit (too few, the most of one thing, another currency, their own goods, a full cart) is left out and kept for
        `left_out`. What is sold out altogether comes along as such: the cart shows it. The second time nothing is there.
        """
        guest, owner = of_guest(token), of_person(person)
        if await self._pool.fetchval(Q.find_cart, guest) is None:
            return
        async with transaction(self._pool) as on:
            # Always the guest's first: two sign-ins with one cookie wait for each other, not in a circle.
            old = await on.fetchval(Q.lock_cart, guest)
            if old is None:
                return
            cart = await self._held(on, owner)
            present = {item.variant: item for item in await store.items_of(on, cart)}
            left_out: list[tuple[str, str, str, int, str, str]] = []
            for item in await store.items_of(on, old):
                wanted, refused = merged(present, item, person)
                if wanted:
                    await on.execute(
                        Q.put_item,
                        new_id("item"),
                        cart,
                        item.product,
                        item.variant,
                        wanted,
                        item.price_at_add,
                    )
                    present.setdefault(item.variant, item)
                if refused is not None:
                    left, why = refused
                    left_out.append((item.variant, item.title, item.options, left, why.code, why.message))
            if left_out:
                # One cart's worth is kept at most (ITEMS_MAX): what nobody has looked at gives way.
                await on.execute(Q.forget_left_out, cart)
                await on.executemany(Q.leave_out, [(cart, *one) for one in left_out])
            await on.execute(Q.move_cart_coupons, old, cart)
            await on.execute(Q.drop_cart, old)

    async def left_out(self, owner: CartOwner) -> tuple[LeftOut, ...]:
        """What the last merge left out, and why; told once, to whoever asks first."""
        return tuple(
            msgspec.convert(dict(row), LeftOut) for row in await self._pool.fetch(Q.tell_left_out, owner)
        )

    async def sweep(self) -> None:
        """Forgets what nobody has touched for `KEPT_MS`."""
        await self._pool.execute(Q.sweep_carts, self._clock.now_ms() - KEPT_MS, SWEEP_MAX)

    async def _held(self, on: Connection, owner: CartOwner) -> str:
        """The cart, made if there is none, held still until the transaction ends."""
        return await on.fetchval(Q.make_cart, new_id("cart"), owner, self._clock.now_ms())


def person_of(owner: CartOwner) -> str:
    """Whose cart it is; "" for a guest's."""
    return owner.removeprefix("u:") if owner.startswith("u:") else ""


def merged(present: Mapping[str, Item], item: Item, person: str) -> tuple[int, tuple[int, Rejected] | None]:
    """How many of a guest's item a cart with `present` in it has then (0: it does not go in), and how many are left out and why."""
    there = present.get(item.variant)
    currency = next((one.currency for one in present.values()), item.currency)
    if item.seller == person:
        return 0, (item.quantity, OWN_GOODS)
    if item.currency != currency:
        return 0, (item.quantity, other_currency(currency, item.currency))
    if there is None and len(present) >= ITEMS_MAX:
        return 0, (item.quantity, CART_FULL)
    has = there.quantity if there is not None else 0
    most = min(item.stock, QUANTITY_MAX)
    wanted = max(has, min(has + item.quantity, most)) or item.quantity
    if left := has + item.quantity - wanted:
        return wanted, (left, out_of_stock(item.variant, item.stock) if item.stock == most else TOO_MANY)
    return wanted, None


def _bad_quantity() -> Rejected:
    return bad("quantity", f"Write a number from 1 to {QUANTITY_MAX}.")
