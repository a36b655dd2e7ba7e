"""Whose cart a request is about: a person's by who they are, a guest's by a token in a cookie or in the header `X-Cart-Token`.

Pages keep the token in a cookie that scripts can't read; clients of the API keep it themselves. A token that still comes along when
somebody has signed in merges what the guest had into their own cart. It decides nothing about goods (`liveserver.cart`).
"""

from aiohttp import web

from liveserver.cart.model import CartOwner, of_guest, of_person
from liveserver.cart.service import KEPT_MS, TOKEN_LENGTH, Carts, new_token
from storefront.services import Services, services_of
from storefront.visitors import Visitor

HEADER = "X-Cart-Token"


def carts_of(services: Services) -> Carts:
    """The carts."""
    return Carts(services.pool, services.clock)


def cart_cookie(*, secure: bool) -> str:
    """The cookie of a guest's cart; with the prefix that keeps sibling domains from planting one."""
    return "__Host-liveserver-cart" if secure else "liveserver-cart"


def token_of(request: web.Request) -> str:
    """The guest's token that came along, or ""."""
    cookie = request.cookies.get(cart_cookie(secure=services_of(request).settings.secure), "")
    token = request.headers.get(HEADER, "") or cookie
    return token if len(token) == TOKEN_LENGTH and token.isascii() else ""


async def owner_of(request: web.Request, visitor: Visitor) -> CartOwner | None:
    """Whose cart it is; None for a guest who has none yet."""
    token = token_of(request)
    if not visitor.signed_in:
        return of_guest(token) if token else None
    if token:
        await carts_of(services_of(request)).merge(token, visitor.identity.id)
    return of_person(visitor.identity.id)


async def merge_into(request: web.Request, person: str) -> None:
    """Somebody has just signed in: what they had as a guest is theirs. Should that fail, the next request with the token does it."""
    if token := token_of(request):
        await carts_of(services_of(request)).merge(token, person)


async def owner_or_new(request: web.Request, visitor: Visitor) -> tuple[CartOwner, str]:
    """Whose cart it is, and a new guest's token, which has to be given to them; "" when they have one or need none."""
    owner = await owner_of(request, visitor)
    if owner is not None:
        return owner, ""
    token = new_token()
    return of_guest(token), token


async def count_of(request: web.Request, visitor: Visitor) -> int:
    """How many things are in the cart, for the header of pages."""
    owner = await owner_of(request, visitor)
    return 0 if owner is None else await carts_of(services_of(request)).count(owner)


def keep_token(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Gives a guest's browser its cart, if it was made just now."""
    if token:
        secure = services_of(request).settings.secure
        response.set_cookie(
            cart_cookie(secure=secure),
            token,
            max_age=KEPT_MS // 1000,
            path="/",
            secure=secure,
            httponly=True,
            samesite="Lax",
        )


def drop_token(request: web.Request, response: web.StreamResponse, visitor: Visitor) -> None:
    """Takes a token from the browser of somebody who has signed in: their own cart has it all."""
    name = cart_cookie(secure=services_of(request).settings.secure)
    if visitor.signed_in and name in request.cookies:
        secure = services_of(request).settings.secure
        response.del_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
