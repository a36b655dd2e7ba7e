"""`/me/cart`: what somebody means to buy, guests too.

A guest's first POST without a token answers with `token`: send it as `X-Cart-Token` from then on, and once more after signing in, which
merges it into the person's own cart. Browsers' cookies count as well. What did not fit is told by the next `GET /me/cart`, once.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from liveserver.cart.errors import COUPON_NOT_FOUND, ITEM_NOT_FOUND
from liveserver.cart.model import Cart, Item, LeftOut
from liveserver.cart.service import NOTHING, QUANTITY_MAX
from liveserver.kernel.errors import Rejected
from storefront.api.inputs import Input
from storefront.api.registry import EVERYBODY, Call, operation
from storefront.carts import carts_of, owner_of, owner_or_new

Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]


class CartItemDocument(msgspec.Struct, frozen=True, rename="camel"):
    """An item. The price of now counts; `priceChanged` says that it was another when it was added."""

    id: str
    product_id: str
    variant_id: str
    qty: int
    price_at_add: int
    price: int
    price_changed: bool
    title: str
    options: str
    picture: str
    seller: str
    stock: int
    available: bool


class CartGroupDocument(msgspec.Struct, frozen=True, rename="camel"):
    """What is of one seller: ordered and paid by itself (`POST /checkout/session` with `seller`)."""

    seller: str
    seller_name: str
    subtotal: int
    discount: int
    total: int
    coupon: str
    coupon_note: str
    """Why the coupon takes nothing off, or ""."""
    ready: bool


class LeftOutDocument(msgspec.Struct, frozen=True, rename="camel"):
    """What of a guest's cart did not come along; `reason` is the code with which adding it would have been refused."""

    variant_id: str
    title: str
    options: str
    qty: int
    """How many were left out."""
    reason: str
    note: str


class CartDocument(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A cart: goods only, in minor units; postage and taxes depend on where it goes."""

    id: str
    items: tuple[CartItemDocument, ...]
    subtotal: int
    discount: int
    total: int
    currency: str
    groups: tuple[CartGroupDocument, ...]
    left_out: tuple[LeftOutDocument, ...] = ()
    """What the merge of a guest's cart left out: told once, by `GET /me/cart` or the cart's page."""
    token: str = ""
    """Opens this cart for a guest; told once, when it is made."""


class NewItem(Input, frozen=True, rename="camel"):
    """So many more of a variant."""

    variant_id: Annotated[str, Meta(min_length=1, max_length=40)]
    qty: Quantity = 1


class ItemEdit(Input, frozen=True):
    """How many it is to be; 0 takes it out."""

    qty: Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]


class TypedCoupon(Input, frozen=True):
    """A code as it was typed."""

    code: Annotated[str, Meta(min_length=1, max_length=80)]


def item(of: Item) -> CartItemDocument:
    """One item's document."""
    return CartItemDocument(
        id=of.id,
        product_id=of.product,
        variant_id=of.variant,
        qty=of.quantity,
        price_at_add=of.price_at_add,
        price=of.price,
        price_changed=of.price_changed,
        title=of.title,
        options=of.options,
        picture=of.picture,
        seller=of.seller,
        stock=of.stock,
        available=of.available,
    )


def cart(of: Cart, token: str = "", left_out: Sequence[LeftOut] = ()) -> CartDocument:
    """A cart's document."""
    return CartDocument(
        id=of.id,
        items=tuple(map(item, of.items)),
        subtotal=of.subtotal,
        discount=of.discount,
        total=of.total,
        currency=of.currency,
        groups=tuple(
            CartGroupDocument(
                one.seller,
                one.seller_name,
                one.subtotal,
                one.discount,
                one.total,
                one.coupon,
                one.coupon_note,
                one.ready,
            )
            for one in of.groups
        ),
        left_out=tuple(
            LeftOutDocument(one.variant, one.title, one.options, one.quantity, one.reason, one.note)
            for one in left_out
        ),
        token=token,
    )


@operation("GET", "/me/cart", tag="cart", who=EVERYBODY)
async def own_cart(call: Call) -> CartDocument:
    """One's cart, with the prices of now; after a guest's was merged into it, once with what did not fit (`leftOut`)."""
    owner = await owner_of(call.request, call.visitor)
    if owner is None:
        return cart(NOTHING)
    carts = carts_of(call.services)
    return cart(await carts.get(owner), left_out=await carts.left_out(owner))


@operation("POST", "/me/cart/items", tag="cart", who=EVERYBODY, status=201, keyed=True)
async def add_to_cart(call: Call, body: NewItem) -> CartDocument | Rejected:
    """Puts so many more of a variant into the cart, which is in one currency."""
    owner, token = await owner_or_new(call.request, call.visitor)
    done = await carts_of(call.services).add(owner, body.variant_id, body.qty)
    return done if isinstance(done, Rejected) else cart(done, token)


@operation("PATCH", "/me/cart/items/{id}", tag="cart", who=EVERYBODY)
async def change_in_cart(call: Call, id: str, body: ItemEdit) -> CartDocument | Rejected:
    """Sets how many of an item."""
    owner = await owner_of(call.request, call.visitor)
    if owner is None:
        return ITEM_NOT_FOUND
    done = await carts_of(call.services).set_quantity(owner, id, body.qty)
    return done if isinstance(done, Rejected) else cart(done)


@operation("DELETE", "/me/cart/items/{id}", tag="cart", who=EVERYBODY)
async def take_out_of_cart(call: Call, id: str) -> CartDocument | Rejected:
    """Takes an item out."""
    owner = await owner_of(call.request, call.visitor)
    if owner is None:
        return ITEM_NOT_FOUND
    done = await carts_of(call.services).set_quantity(owner, id, 0)
    return done if isinstance(done, Rejected) else cart(done)


@operation("POST", "/me/cart/apply-coupon", tag="cart", who=EVERYBODY)
async def apply_coupon(call: Call, body: TypedCoupon) -> CartDocument | Rejected:
    """Types a coupon, which counts for the goods of the seller whose it is."""
    owner = await owner_of(call.request, call.visitor)
    if owner is None:
        return COUPON_NOT_FOUND
    done = await carts_of(call.services).type_coupon(owner, body.code)
    return done if isinstance(done, Rejected) else cart(done)


@operation("DELETE", "/me/cart/coupon", tag="cart", who=EVERYBODY)
async def drop_coupon(call: Call) -> CartDocument:
    """Forgets the coupons."""
    owner = await owner_of(call.request, call.visitor)
    return cart(NOTHING if owner is None else await carts_of(call.services).drop_coupons(owner))
