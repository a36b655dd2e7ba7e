"""Who sends a request: a session by cookie, anybody by bearer token, or a guest; and whether their form is really ours.

It sets the cookies of sessions; it signs nobody in (`api.auth`, `web.account` do, through `liveserver.accounts`).
"""

import hashlib
from typing import Literal

import msgspec
import structlog
from aiohttp import web

from liveserver.accounts.cookies import session_cookie
from liveserver.accounts.model import Identity, Session, guest, identity_of
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import Actor, Role
from liveserver.shows.model import Show
from liveserver.shows.rules import role_in
from storefront import csrf
from storefront.addresses import Proxies, client_of, origin_of
from storefront.problems import FORBIDDEN, SIGN_IN_FIRST, Refused
from storefront.services import services_of

BEARER_LENGTH_MAX = 4_096
"""Longest token looked at: JWTs of embedding apps are a few hundred characters."""
DAY_S = 86_400

PROXIES = web.AppKey("proxies", Proxies)


class Visitor(msgspec.Struct, frozen=True):
    """Who sends this request."""

    identity: Identity
    via: Literal["cookie", "bearer", "none"]
    token: str
    """Of the session or the bearer; "" for guests."""
    csrf: str
    """What this visitor's forms must carry."""
    session: Session | None = None
    new_guest: bool = False
    """`csrf` was made just now: a page has to set the guest's cookie."""

    @property
    def signed_in(self) -> bool:
        """Whether we know who this is."""
        return self.identity.role != "guest"


_VISITOR = web.RequestKey("visitor", Visitor)


def guest_cookie(*, secure: bool) -> str:
    """The cookie that holds a guest's form token."""
    return "__Host-liveserver-guest" if secure else "liveserver-guest"


async def visitor_of(request: web.Request) -> Visitor:
    """Who sends this request; looked up once. Raises Refused for a bearer token that is no good: it is never a guest's."""
    known = request.get(_VISITOR)
    if known is None:
        known = await _find(request)
        request[_VISITOR] = known
        if known.signed_in:
            structlog.contextvars.bind_contextvars(user=known.identity.id)
    return known


async def _find(request: web.Request) -> Visitor:
    services = services_of(request)
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found = await services.accounts.identify(bearer.strip()[:BEARER_LENGTH_MAX])
        if isinstance(found, Rejected):
            raise Refused(found)
        return Visitor(found, "bearer", bearer.strip(), "")
    secure = services.settings.secure
    token = request.cookies.get(session_cookie(secure=secure), "")
    if token:
        session = await services.accounts.session(token)
        if session is not None:
            identity = identity_of(session.user, session.id, session.expires_ts)
            return Visitor(identity, "cookie", token, session.csrf, session)
    held = request.cookies.get(guest_cookie(secure=secure), "")
    if 20 <= len(held) <= 100:
        return Visitor(guest(), "none", "", held)
    return Visitor(guest(), "none", "", csrf.new_token(), new_guest=True)


def standing_id(visitor: Visitor) -> str:
    """Who asks, also the next time: one's own id, or for a guest that of their browser once it has our cookie. (A guest's own id is
    another one with each request.)"""
    if visitor.signed_in or visitor.new_guest or not visitor.csrf:
        return visitor.identity.id
    return f"guest:{hashlib.sha256(visitor.csrf.encode()).hexdigest()[:16]}"


def own_origins(request: web.Request) -> frozenset[str]:
    """The web origins that are this server: its public one, and the one this request was sent to."""
    proxies, public = request.app[PROXIES], services_of(request).settings.public_url
    return frozenset({origin_of(request, proxies, public), origin_of(request, proxies, "")})


def client_address(request: web.Request) -> str:
    """The client's address, for limits."""
    return client_of(request, request.app[PROXIES])


def check_form(request: web.Request, visitor: Visitor, given: str) -> None:
    """Raises Refused unless this changing request was sent by one of our own pages (`storefront.csrf`)."""
    if csrf.cross_site(request.headers, own_origins(request)):
        raise Refused(csrf.CROSS_SITE)
    if not csrf.same(visitor.csrf, given):
        raise Refused(csrf.BAD_CSRF)


def check_api_call(request: web.Request, visitor: Visitor) -> None:
    """The same for the API: a cookie's authority needs the header `X-CSRF-Token`; a bearer token stands for itself.

    A guest's call has no authority to abuse, but another site's page may not make it in somebody's browser either.
    """
    if request.method in csrf.SAFE_METHODS or visitor.via == "bearer":
        return
    if visitor.via == "cookie":
        check_form(request, visitor, request.headers.get("X-CSRF-Token", ""))
    elif csrf.cross_site(request.headers, own_origins(request)):
        raise Refused(csrf.CROSS_SITE)


def need(visitor: Visitor, roles: frozenset[str]) -> None:
    """Raises Refused unless the visitor has one of these roles on the server."""
    if visitor.identity.role in roles:
        return
    raise Refused(FORBIDDEN if visitor.signed_in else SIGN_IN_FIRST)


def actor_in(show: Show, identity: Identity) -> Actor:
    """Who this is to a show's log."""
    role: Role = role_in(show, identity)
    return Actor(identity.id, identity.name, role, identity.verified)


def keep_session(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Gives the browser its session. The server's record says when it ends; the cookie only outlives it."""
    settings = services_of(request).settings
    response.set_cookie(
        session_cookie(secure=settings.secure),
        token,
        max_age=settings.session_days_max * DAY_S,
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="Lax",
    )


def drop_session(request: web.Request, response: web.StreamResponse) -> None:
    """Takes the session from the browser."""
    secure = services_of(request).settings.secure
    response.del_cookie(session_cookie(secure=secure), path="/", secure=secure, httponly=True, samesite="Lax")


def keep_guest(request: web.Request, response: web.StreamResponse, visitor: Visitor) -> None:
    """Gives a guest the cookie that their forms are compared with, if they have none."""
    if not visitor.new_guest:
        return
    secure = services_of(request).settings.secure
    response.set_cookie(
        guest_cookie(secure=secure), visitor.csrf, path="/", secure=secure, httponly=True, samesite="Lax"
    )
