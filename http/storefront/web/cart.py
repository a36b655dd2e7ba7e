"""The cart as a page: what is in it by seller, what has changed since, and the way to the checkout. Guests have one as well.

|address              |method|template        |page    |who|
|---------------------|------|----------------|--------|---|
|/cart                |GET   |cart.html       |CartPage|everybody|
|/cart/items          |POST  |cart.html (4xx) |CartPage|`variant`, `quantity`: adds, 303 to /cart|
|/cart/items/{id}     |POST  |cart.html (4xx) |CartPage|`quantity` (0, or `remove`: takes it out)|
|/cart/coupon         |POST  |cart.html (4xx) |CartPage|`code`|
|/cart/coupon/remove  |POST  |- (303 back)    |        |`seller`|
"""

from aiohttp import web

from liveserver.cart.errors import COUPON_NOT_FOUND, ITEM_NOT_FOUND, VARIANT_NOT_FOUND
from liveserver.cart.model import Cart, LeftOut
from liveserver.cart.service import NOTHING, QUANTITY_MAX
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import is_id
from storefront.bodies import FormData, read_form
from storefront.carts import carts_of, keep_token, owner_of, owner_or_new
from storefront.problems import Refused, status_of
from storefront.services import services_of
from storefront.visitors import Visitor, check_form, visitor_of
from storefront.web.context import OwnPage
from storefront.web.fields import whole
from storefront.web.render import render, see_other

CODE_LENGTH_MAX = 80


class CartPage(OwnPage, frozen=True):
    """`/cart`."""

    cart: Cart
    refused: Rejected | None
    code: str
    """The coupon that was typed and refused."""
    left_out: tuple[LeftOut, ...]
    """Of the guest's cart that became this one; told once."""
    quantity_max: int = QUANTITY_MAX


async def cart(request: web.Request) -> web.Response:
    """GET /cart"""
    return await _page(request)


async def add(request: web.Request) -> web.Response:
    """POST /cart/items"""
    visitor, form = await _sent(request)
    owner, token = await owner_or_new(request, visitor)
    variant = form.text("variant")
    if not is_id(variant):
        return await _page(request, VARIANT_NOT_FOUND)
    try:
        quantity = whole(form, "quantity", 1)
    except Refused as refused:
        return await _page(request, refused.rejected)
    done = await carts_of(services_of(request)).add(owner, variant, quantity)
    if isinstance(done, Rejected):
        return await _page(request, done)
    response = see_other("/cart")
    keep_token(request, response, token)
    return response


async def change(request: web.Request) -> web.Response:
    """POST /cart/items/{id}"""
    visitor, form = await _sent(request)
    owner = await owner_of(request, visitor)
    if owner is None:
        return await _page(request, ITEM_NOT_FOUND)
    try:
        quantity = 0 if form.text("remove") else whole(form, "quantity", 1)
    except Refused as refused:
        return await _page(request, refused.rejected)
    done = await carts_of(services_of(request)).set_quantity(owner, request.match_info["id"], quantity)
    return await _page(request, done) if isinstance(done, Rejected) else see_other("/cart")


async def coupon(request: web.Request) -> web.Response:
    """POST /cart/coupon"""
    visitor, form = await _sent(request)
    owner, code = await owner_of(request, visitor), form.text("code")[:CODE_LENGTH_MAX]
    done = (
        COUPON_NOT_FOUND if owner is None else await carts_of(services_of(request)).type_coupon(owner, code)
    )
    return await _page(request, done, code) if isinstance(done, Rejected) else see_other("/cart")


async def drop_coupon(request: web.Request) -> web.Response:
    """POST /cart/coupon/remove"""
    visitor, form = await _sent(request)
    owner = await owner_of(request, visitor)
    if owner is not None:
        await carts_of(services_of(request)).drop_coupons(owner, form.text("seller"))
    return see_other("/cart")


async def _page(request: web.Request, refused: Rejected | None = None, code: str = "") -> web.Response:
    owner = await owner_of(request, await visitor_of(request))
    carts = carts_of(services_of(request))
    page = CartPage(
        cart=NOTHING if owner is None else await carts.get(owner),
        refused=refused,
        code=code,
        left_out=() if owner is None else await carts.left_out(owner),
    )
    return await render(request, "cart.html", page, status=200 if refused is None else status_of(refused))


async def _sent(request: web.Request) -> tuple[Visitor, FormData]:
    visitor = await visitor_of(request)
    form = await read_form(request)
    check_form(request, visitor, form.raw("csrf"))
    return visitor, form
