"""How a seller ships and what they take off, in the studio.

|address                       |method|template           |page        |who|
|------------------------------|------|-------------------|------------|---|
|/studio/shipping              |GET   |shipping.html      |ShippingPage|hosts and admins; `edit`: the id of a way to change|
|/studio/shipping              |POST  |shipping.html (422)|ShippingPage|a new way: name, currency, first, further, free_from, countries|
|/studio/shipping/{id}         |POST  |shipping.html (422)|ShippingPage|another in its place|
|/studio/shipping/{id}/remove  |POST  |- (303 back)       |            |as above|
|/studio/coupons               |GET   |coupons.html       |CouponsPage |as above|
|/studio/coupons               |POST  |coupons.html (422) |CouponsPage |code, kind, value, currency, minimum, until, uses_max, person_max, goods (all, some), categories, products (repeated)|
|/studio/coupons/{id}          |POST  |- (303 back)       |            |`active`: 1 or 0|
"""

from decimal import Decimal, InvalidOperation

from aiohttp import web

from liveserver.cart import coupons, shipping
from liveserver.cart.model import Coupon, CouponDraft, Method, MethodDraft
from liveserver.cart.rules import countries
from liveserver.catalog.model import Category, Product
from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, UserId
from storefront.api.registry import HOSTS
from storefront.bodies import FormData, read_form
from storefront.problems import Refused, invalid, status_of
from storefront.services import services_of
from storefront.visitors import check_form, need, visitor_of
from storefront.web.account import form_refused
from storefront.web.context import Form, OwnPage
from storefront.web.fields import CURRENCIES, amount, moment, plain_amount, rejected_field, whole
from storefront.web.render import render, see_other
from storefront.web.show import PRODUCTS_SHOWN_MAX

METHOD_FIELDS = ("name", "currency", "first", "further", "free_from", "countries")
COUPON_FIELDS = (
    "code",
    "kind",
    "value",
    "currency",
    "minimum",
    "until",
    "uses_max",
    "person_max",
    "tz_offset_min",
    "goods",
)
COUPON_NAMES = {"percent_bp": "value", "amount": "value", "until_ts": "until"}


class ShippingPage(OwnPage, frozen=True):
    """`/studio/shipping`."""

    methods: tuple[Method, ...]
    form: Form
    edited: str
    """The id of the way that the form changes; "" for a new one."""
    currencies: tuple[str, ...]
    countries: dict[str, str]


class CouponsPage(OwnPage, frozen=True):
    """`/studio/coupons`."""

    coupons: tuple[Coupon, ...]
    form: Form
    chosen: frozenset[str]
    """Products and categories that are ticked in the form."""
    products: tuple[Product, ...]
    """The seller's newest, to choose from."""
    more: bool
    """They have others, which the form does not show."""
    categories: tuple[Category, ...]
    titles: dict[str, str]
    """What the products and categories of coupons are called, by id; without those that are gone."""
    currencies: tuple[str, ...]


async def ways(request: web.Request) -> web.Response:
    """GET /studio/shipping"""
    seller, edited = await _seller(request), request.query.get("edit", "")
    there = {one.id: one for one in await shipping.of_seller(services_of(request).pool, seller)}
    if edited not in there:
        return await _ways(request, seller, Form())
    one = there[edited]
    values = {
        "name": one.name,
        "currency": one.currency,
        "first": plain_amount(one.first, one.currency),
        "further": plain_amount(one.further, one.currency),
        "free_from": plain_amount(one.free_from, one.currency),
        "countries": ", ".join(one.countries),
    }
    return await _ways(request, seller, Form(values), edited)


async def add_way(request: web.Request) -> web.Response:
    """POST /studio/shipping"""
    return await _keep_way(request, "")


async def change_way(request: web.Request) -> web.Response:
    """POST /studio/shipping/{id}"""
    return await _keep_way(request, request.match_info["id"])


async def _keep_way(request: web.Request, edited: str) -> web.Response:
    seller, form = await _sent(request)
    try:
        draft = _method(form)
        async with transaction(services_of(request).pool) as on:
            if edited:
                done = await shipping.change(on, seller, edited, draft)
            else:
                done = await shipping.add(on, seller, draft)
    except Refused as refused:
        done = refused.rejected
    if isinstance(done, Rejected):
        shown = form_refused(form.values(*METHOD_FIELDS), done)
        return await _ways(request, seller, shown, edited, status_of(done))
    return see_other("/studio/shipping")


async def remove_way(request: web.Request) -> web.Response:
    """POST /studio/shipping/{id}/remove"""
    seller, _ = await _sent(request)
    async with transaction(services_of(request).pool) as on:
        refused = await shipping.remove(on, seller, request.match_info["id"])
    if refused is not None:
        raise Refused(refused)
    return see_other("/studio/shipping")


async def coupon_list(request: web.Request) -> web.Response:
    """GET /studio/coupons"""
    return await _coupons(request, await _seller(request), Form())


async def add_coupon(request: web.Request) -> web.Response:
    """POST /studio/coupons"""
    seller, form = await _sent(request)
    services = services_of(request)
    try:
        async with transaction(services.pool) as on:
            done = await coupons.add(on, seller, _coupon(form), services.clock.now_ms())
    except Refused as refused:
        done = refused.rejected
    if isinstance(done, Rejected):
        shown = form_refused(form.values(*COUPON_FIELDS), rejected_field(done, COUPON_NAMES))
        chosen = frozenset(form.several("products") + form.several("categories"))
        return await _coupons(request, seller, shown, chosen, status_of(done))
    return see_other("/studio/coupons")


async def set_coupon(request: web.Request) -> web.Response:
    """POST /studio/coupons/{id}"""
    seller, form = await _sent(request)
    async with transaction(services_of(request).pool) as on:
        refused = await coupons.set_active(
            on, seller, request.match_info["id"], active=form.text("active") == "1"
        )
    if refused is not None:
        raise Refused(refused)
    return see_other("/studio/coupons")


def _method(form: FormData) -> MethodDraft:
    currency = form.text("currency") or CURRENCIES[0]
    return MethodDraft(
        name=form.text("name"),
        currency=currency,
        countries=tuple(form.text("countries").replace(",", " ").split()),
        first=amount(form, "first", currency),
        further=amount(form, "further", currency) if form.text("further") else 0,
        free_from=amount(form, "free_from", currency) if form.text("free_from") else None,
    )


def _coupon(form: FormData) -> CouponDraft:
    currency = form.text("currency") or CURRENCIES[0]
    percent = form.text("kind") != "amount"
    some = form.text("goods") == "some"
    products, categories = tuple(form.several("products")), tuple(form.several("categories"))
    if some and not products and not categories:
        # Nothing ticked would mean everything: not what "only some" says.
        raise Refused(invalid("goods", "Choose what it is for."))
    return CouponDraft(
        code=form.text("code"),
        percent_bp=_percent(form.text("value")) if percent else None,
        amount=None if percent else amount(form, "value", currency),
        currency=currency,
        minimum=amount(form, "minimum", currency) if form.text("minimum") else 0,
        until_ts=moment(form, "until"),
        uses_max=whole(form, "uses_max", 0) or None,
        person_max=whole(form, "person_max", 0) or None,
        products=products if some else (),
        categories=categories if some else (),
    )


def _percent(text: str) -> int:
    """Basis points of `12.5`. Raises Refused."""
    wrong = Refused(invalid("value", "Write a percentage, such as 10 or 12.5."))
    text = text.strip().removesuffix("%").replace(",", ".").strip()
    if not text.isascii() or len(text) > 8:
        raise wrong
    try:
        points = Decimal(text) * 100
    except InvalidOperation:
        raise wrong from None
    if not points.is_finite() or points != points.to_integral_value():
        raise wrong
    return int(points)


async def _ways(
    request: web.Request, seller: str, form: Form, edited: str = "", status: int = 200
) -> web.Response:
    page = ShippingPage(
        methods=tuple(await shipping.of_seller(services_of(request).pool, seller)),
        form=form,
        edited=edited,
        currencies=CURRENCIES,
        countries=countries(),
    )
    return await render(request, "shipping.html", page, status=status)


async def _coupons(
    request: web.Request, seller: str, form: Form, chosen: frozenset[str] = frozenset(), status: int = 200
) -> web.Response:
    services = services_of(request)
    there = await coupons.of_seller(services.pool, seller)
    own = await services.catalog.by_seller(UserId(seller), None, PRODUCTS_SHOWN_MAX)
    assert not isinstance(own, Rejected), "the first page has no cursor to be wrong"
    categories = await services.catalog.categories()
    titles: dict[str, str] = {one.id: one.title for one in own.items} | {
        one.id: one.name for one in categories
    }
    others = {ProductId(id) for one in there for id in one.products if id not in titles}
    named = await services.catalog.several(sorted(others))
    page = CouponsPage(
        coupons=tuple(there),
        form=form,
        chosen=chosen,
        products=own.items,
        more=own.next is not None,
        categories=categories,
        titles=titles | {id: one.title for id, one in named.items()},
        currencies=CURRENCIES,
    )
    return await render(request, "coupons.html", page, status=status)


async def _seller(request: web.Request) -> str:
    visitor = await visitor_of(request)
    need(visitor, HOSTS)
    return visitor.identity.id


async def _sent(request: web.Request) -> tuple[str, FormData]:
    seller = await _seller(request)
    form = await read_form(request)
    check_form(request, await visitor_of(request), form.raw("csrf"))
    return seller, form
