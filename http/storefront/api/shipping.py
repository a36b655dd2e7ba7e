"""`/seller/shipping-methods` and `/seller/coupons`: how a seller ships, and what they take off."""

from typing import Annotated

import msgspec
from msgspec import Meta

from liveserver.cart import coupons, shipping
from liveserver.cart.model import Coupon, CouponDraft, Method, MethodDraft
from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from storefront.api.documents import Listing
from storefront.api.inputs import Amount, Currency, Input, Moment
from storefront.api.registry import HOSTS, Call, operation

Fee = Annotated[int, Meta(ge=0, le=1_000_000_000, description="Minor units of the currency.")]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")]
Id = Annotated[str, Meta(max_length=40)]


class MethodInput(Input, frozen=True):
    """A way to ship. No countries: everywhere."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    currency: Currency
    first: Fee
    further: Fee = 0
    countries: Annotated[tuple[Country, ...], Meta(max_length=260)] = ()
    free_from: Amount | None = None


class CouponInput(Input, frozen=True):
    """A coupon: either `percent_bp` (basis points) or `amount` with its currency. No products and categories: for everything."""

    code: Annotated[
        str, Meta(min_length=3, max_length=40, description="Letters, digits, - and _; in any case.")
    ]
    percent_bp: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    amount: Annotated[int, Meta(ge=1, le=10**12)] | None = None
    currency: Currency | None = None
    minimum: Amount = 0
    from_ts: Moment = 0
    until_ts: Moment | None = None
    uses_max: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    person_max: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    products: Annotated[tuple[Id, ...], Meta(max_length=100)] = ()
    categories: Annotated[tuple[Id, ...], Meta(max_length=50)] = ()


class CouponEdit(Input, frozen=True):
    """Whether it may be used."""

    active: bool


@operation("GET", "/seller/shipping-methods", tag="seller", who=HOSTS)
async def shipping_methods(call: Call) -> Listing[Method]:
    """One's ways to ship. Without any, one ships free, everywhere."""
    return Listing(tuple(await shipping.of_seller(call.services.pool, call.who.id)))


@operation("POST", "/seller/shipping-methods", tag="seller", who=HOSTS, status=201, keyed=True)
async def add_shipping_method(call: Call, body: MethodInput) -> Method | Rejected:
    """Adds a way to ship."""
    async with transaction(call.services.pool) as on:
        return await shipping.add(on, call.who.id, MethodDraft(**msgspec.structs.asdict(body)))


@operation("PUT", "/seller/shipping-methods/{id}", tag="seller", who=HOSTS)
async def change_shipping_method(call: Call, id: str, body: MethodInput) -> Method | Rejected:
    """Puts another in its place; orders keep what they were quoted."""
    async with transaction(call.services.pool) as on:
        return await shipping.change(on, call.who.id, id, MethodDraft(**msgspec.structs.asdict(body)))


@operation("DELETE", "/seller/shipping-methods/{id}", tag="seller", who=HOSTS)
async def remove_shipping_method(call: Call, id: str) -> Rejected | None:
    """Removes a way to ship."""
    async with transaction(call.services.pool) as on:
        return await shipping.remove(on, call.who.id, id)


@operation("GET", "/seller/coupons", tag="seller", who=HOSTS)
async def own_coupons(call: Call) -> Listing[Coupon]:
    """One's coupons, the newest first, with how often each was used."""
    return Listing(tuple(await coupons.of_seller(call.services.pool, call.who.id)))


@operation("POST", "/seller/coupons", tag="seller", who=HOSTS, status=201, keyed=True)
async def add_coupon(call: Call, body: CouponInput) -> Coupon | Rejected:
    """Makes a coupon. What it takes off is settled for good; it can be ended."""
    draft = CouponDraft(**msgspec.structs.asdict(body))
    async with transaction(call.services.pool) as on:
        return await coupons.add(on, call.who.id, draft, call.services.clock.now_ms())


@operation("PATCH", "/seller/coupons/{id}", tag="seller", who=HOSTS)
async def edit_coupon(call: Call, id: str, body: CouponEdit) -> Rejected | None:
    """Ends a coupon, or lets it be used again."""
    async with transaction(call.services.pool) as on:
        return await coupons.set_active(on, call.who.id, id, active=body.active)
