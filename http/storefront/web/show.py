"""The show page and the host's console: their first paint from the record and the live room; the socket does the rest."""

from typing import Any
from urllib.parse import quote

from aiohttp import web

from liveserver.auction.clock import PRESETS
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ShowId
from liveserver.orders import store as order_store
from liveserver.orders.model import UNPAID
from liveserver.orders.store import Sought
from liveserver.rooms.model import STAFF
from liveserver.sales.telling import document
from liveserver.shows.model import Show
from liveserver.shows.rules import role_in
from storefront.problems import FORBIDDEN, NOT_FOUND, SIGN_IN_FIRST, Refused
from storefront.results import RESULTS_MAX, results_of
from storefront.rooms import look, running_lot
from storefront.services import Services, services_of
from storefront.visitors import Visitor, visitor_of
from storefront.web import texts
from storefront.web.cards import cards_of, cover, show_path
from storefront.web.context import Boot, HostPage, ShowPage
from storefront.web.home import reminders_of
from storefront.web.render import person_of, render

RESULTS_LIVE_MAX = 20
PRODUCTS_SHOWN_MAX = 100
ORDERS_SHOWN_MAX = 100
SOCKET_PATH = "/ws"
PRESET_NAMES: tuple[str, ...] = ("live", *(name for name in PRESETS if name != "live"))


async def found_show(request: web.Request) -> Show:
    """The show named in the address. Raises Refused when there is none."""
    show = await services_of(request).shows.get(ShowId(request.match_info["id"]))
    if show is None:
        raise Refused(NOT_FOUND)
    return show


async def show_page(request: web.Request) -> web.Response:
    """GET /shows/{id}"""
    services = services_of(request)
    show = await found_show(request)
    visitor = await visitor_of(request)
    seen = await look(services, show, visitor.identity)
    lot = running_lot(seen.snapshot) if seen is not None else None
    (card,) = await cards_of(request, (show,), await reminders_of(request, visitor.identity))
    role = role_in(show, visitor.identity)
    limit = RESULTS_MAX if show.status == "ended" else RESULTS_LIVE_MAX
    page = ShowPage(
        show=show,
        card=card,
        role=role,
        lot=lot,
        results=await results_of(request).of_show(show, limit) if show.status != "scheduled" else (),
        boot=_boot(
            request,
            show,
            visitor,
            seen.document() if seen is not None else None,
            orders=await _to_pay(services, show, visitor),
        ),
        social_title=f"{show.title} · {show.host_name}",
        social_text=show.description[:200] or f"{show.host_name} runs a live auction.",
        may_host=role in STAFF,
    )
    return await render(request, "show.html", page, frames=services.settings.frame_ancestors)


async def host_page(request: web.Request) -> web.Response:
    """GET /shows/{id}/host"""
    services = services_of(request)
    show = await found_show(request)
    visitor = await visitor_of(request)
    role = role_in(show, visitor.identity)
    if role not in STAFF:
        raise Refused(FORBIDDEN if visitor.signed_in else SIGN_IN_FIRST)
    seen = await look(services, show, visitor.identity)
    products = await services.catalog.by_seller(show.host, None, PRODUCTS_SHOWN_MAX)
    assert not isinstance(products, Rejected), "the first page has no cursor to be wrong"
    totals = await results_of(request).totals([show.id])
    sums = await order_store.sums_of_show(services.pool, show.id, show.host)
    earned = sum(each.paid + each.waiting for each in sums if each.currency == show.currency)
    page = HostPage(
        show=show,
        role=role,
        queue=tuple(await services.shows.queue(show.id)),
        products=products.items,
        results=await results_of(request).of_show(show, RESULTS_MAX),
        # Shows of before there were orders have their results alone.
        sold_total=earned if sums else totals[show.id].total if show.id in totals else 0,
        paid_total=sum(each.paid for each in sums if each.currency == show.currency),
        boot=_boot(
            request,
            show,
            visitor,
            seen.document() if seen is not None else None,
            PRESET_NAMES,
            await _sold(services, show, visitor),
        ),
    )
    return await render(request, "host.html", page)


async def _to_pay(services: Services, show: Show, visitor: Visitor) -> tuple[dict[str, Any], ...]:
    """What the visitor has bought in this show and not paid yet."""
    if not visitor.signed_in:
        return ()
    sought = Sought(states=tuple(sorted(UNPAID)), show=show.id)
    found = await order_store.of_buyer(services.pool, visitor.identity.id, sought, None, ORDERS_SHOWN_MAX)
    assert not isinstance(found, Rejected), "the first page has no cursor to be wrong"
    return tuple(document(order, "buyer") for order in found.items)


async def _sold(services: Services, show: Show, visitor: Visitor) -> tuple[dict[str, Any], ...]:
    """What the show's seller sold in it; nobody else sees who owes what."""
    if visitor.identity.id != show.host:
        return ()
    sought = Sought(show=show.id)
    found = await order_store.of_seller(services.pool, show.host, sought, None, ORDERS_SHOWN_MAX)
    assert not isinstance(found, Rejected), "the first page has no cursor to be wrong"
    return tuple(document(order, "seller") for order in found.items)


def _boot(
    request: web.Request,
    show: Show,
    visitor: Visitor,
    room: dict[str, object] | None,
    presets: tuple[str, ...] = (),
    orders: tuple[dict[str, Any], ...] = (),
) -> Boot:
    locale = texts.locale_for(request.headers.get("Accept-Language", ""))
    return Boot(
        show=show.id,
        title=show.title,
        host=show.host_name,
        currency=show.currency,
        status=show.status,
        scheduled_ts=show.scheduled_ts,
        picture=cover(show),
        socket=SOCKET_PATH,
        user=person_of(visitor),
        role=role_in(show, visitor.identity),
        csrf=visitor.csrf,
        locale=locale.replace("_", "-"),
        now_ms=services_of(request).clock.now_ms(),
        sign_in=f"/sign-in?next={quote(show_path(show.id), safe='')}",
        presets=presets,
        orders=orders,
        room=room,
    )
