"""The studio: a host plans shows, fills their queues and adds products. All forms; the console uses the API for the same."""

from aiohttp import web

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ShowId, UserId
from liveserver.shows.errors import LOT_NOT_FOUND, SHOW_NOT_FOUND
from liveserver.shows.model import QueuedLot, Show
from storefront.bodies import FormData, read_form
from storefront.problems import Refused, status_of
from storefront.services import services_of
from storefront.visitors import Visitor, check_form, need, visitor_of
from storefront.web import fields
from storefront.web.account import form_refused
from storefront.web.cards import cards_of
from storefront.web.context import Form, StudioPage, StudioShowPage
from storefront.web.render import render, see_other
from storefront.web.show import PRESET_NAMES, PRODUCTS_SHOWN_MAX

HOSTS = frozenset({"host", "admin"})
SHOWS_SHOWN_MAX = 100
EMPTY = Form()
NAMES = {
    "scheduled_ts": "scheduled",
    "chat.slow_ms": "slow_s",
    "chat.blocked_words": "blocked_words",
    "variant": "product",
}
"""Fields of the domain that have another name in a form."""


async def studio(request: web.Request) -> web.Response:
    """GET /studio"""
    visitor = await host_of(request)
    return await _studio(request, visitor)


async def create_show(request: web.Request) -> web.Response:
    """POST /studio/shows"""
    visitor, form = await submitted(request)
    try:
        made = await services_of(request).shows.create(visitor.identity, fields.show_draft(form))
    except Refused as refused:
        made = refused.rejected
    if isinstance(made, Rejected):
        return await _studio(request, visitor, shows=_again(form, fields.SHOW_FIELDS, made), status=made)
    return see_other(_show_path(made.id))


async def create_product(request: web.Request) -> web.Response:
    """POST /studio/products"""
    visitor, form = await submitted(request)
    try:
        made = await services_of(request).catalog.create(visitor.identity, fields.product_draft(form))
    except Refused as refused:
        made = refused.rejected
    if isinstance(made, Rejected):
        shown = _again(form, fields.PRODUCT_FIELDS, made)
        return await _studio(request, visitor, products=shown, status=made)
    return see_other("/studio")


async def studio_show(request: web.Request) -> web.Response:
    """GET /studio/shows/{id}"""
    visitor = await host_of(request)
    show = await _own_show(request, visitor, request.match_info["id"])
    edited = request.query.get("lot", "")
    lot = next((lot for lot in await _queue(request, show) if lot.id == edited), None)
    lots = Form(fields.lot_values(lot, show.currency)) if lot is not None else EMPTY
    return await _studio_show(request, show, lots=lots, edited=lot.id if lot is not None else "")


async def edit_show(request: web.Request) -> web.Response:
    """POST /studio/shows/{id}"""
    visitor, form = await submitted(request)
    show = await _own_show(request, visitor, request.match_info["id"])
    try:
        done = await services_of(request).shows.update(
            visitor.identity, show.id, fields.show_changes(form, show)
        )
    except Refused as refused:
        done = refused.rejected
    if isinstance(done, Rejected):
        shown = _again(form, fields.SHOW_FIELDS + fields.CHAT_FIELDS, done)
        return await _studio_show(request, show, form=shown, status=done)
    return see_other(_show_path(show.id))


async def add_lot(request: web.Request) -> web.Response:
    """POST /studio/shows/{id}/lots"""
    visitor, form = await submitted(request)
    show = await _own_show(request, visitor, request.match_info["id"])
    try:
        made = await services_of(request).shows.enqueue(
            visitor.identity, show.id, fields.lot_draft(form, show)
        )
    except Refused as refused:
        made = refused.rejected
    if isinstance(made, Rejected):
        shown = _again(form, fields.LOT_FIELDS, made)
        return await _studio_show(request, show, lots=shown, status=made)
    return see_other(_show_path(show.id))


async def order_lots(request: web.Request) -> web.Response:
    """POST /studio/shows/{id}/lots/order"""
    visitor, form = await submitted(request)
    show = await _own_show(request, visitor, request.match_info["id"])
    lots = [LotId(lot) for lot in form.several("lots")]
    done = await services_of(request).shows.reorder(visitor.identity, show.id, lots)
    if isinstance(done, Rejected):
        return await _studio_show(request, show, lots=form_refused({}, _general(done)), status=done)
    return see_other(_show_path(show.id))


async def edit_lot(request: web.Request) -> web.Response:
    """POST /studio/lots/{id}"""
    visitor, form = await submitted(request)
    show, lot = await _own_lot(request, visitor)
    try:
        done = await services_of(request).shows.edit(
            visitor.identity, lot.id, fields.lot_changes(form, show, lot)
        )
    except Refused as refused:
        done = refused.rejected
    if isinstance(done, Rejected):
        shown = _again(form, fields.LOT_FIELDS, done)
        return await _studio_show(request, show, lots=shown, edited=lot.id, status=done)
    return see_other(_show_path(show.id))


async def delete_lot(request: web.Request) -> web.Response:
    """POST /studio/lots/{id}/delete"""
    visitor, _ = await submitted(request)
    show, lot = await _own_lot(request, visitor)
    refused = await services_of(request).shows.dequeue(visitor.identity, lot.id)
    if refused is not None:
        return await _studio_show(request, show, lots=form_refused({}, _general(refused)), status=refused)
    return see_other(_show_path(show.id))


async def host_of(request: web.Request) -> Visitor:
    """The host or admin who asks. Raises Refused for others."""
    visitor = await visitor_of(request)
    need(visitor, HOSTS)
    return visitor


async def submitted(request: web.Request) -> tuple[Visitor, FormData]:
    """Who submits, and the form: read and checked before anything is looked up."""
    visitor = await host_of(request)
    form = await read_form(request)
    check_form(request, visitor, form.raw("csrf"))
    return visitor, form


async def _own_show(request: web.Request, visitor: Visitor, show_id: str) -> Show:
    show = await services_of(request).shows.get(ShowId(show_id))
    if show is None or not (visitor.identity.id == show.host or visitor.identity.role == "admin"):
        raise Refused(SHOW_NOT_FOUND)  # other hosts are not told whether it exists
    return show


async def _own_lot(request: web.Request, visitor: Visitor) -> tuple[Show, QueuedLot]:
    lot = await services_of(request).shows.lot(LotId(request.match_info["id"]))
    if lot is None:
        raise Refused(LOT_NOT_FOUND)
    return await _own_show(request, visitor, lot.show), lot


async def _queue(request: web.Request, show: Show) -> tuple[QueuedLot, ...]:
    return tuple(await services_of(request).shows.queue(show.id))


async def _studio(
    request: web.Request,
    visitor: Visitor,
    *,
    shows: Form = EMPTY,
    products: Form = EMPTY,
    status: Rejected | None = None,
) -> web.Response:
    services, user = services_of(request), UserId(visitor.identity.id)
    own_shows = await services.shows.by_host(user, None, SHOWS_SHOWN_MAX)
    own_products = await services.catalog.by_seller(user, None, PRODUCTS_SHOWN_MAX)
    assert not isinstance(own_shows, Rejected), "the first page has no cursor to be wrong"
    assert not isinstance(own_products, Rejected), "the first page has no cursor to be wrong"
    page = StudioPage(
        shows=await cards_of(request, own_shows.items),
        products=own_products.items,
        categories=await services.catalog.categories(),
        currencies=fields.CURRENCIES,
        show_form=shows,
        product_form=products,
    )
    return await render(request, "studio.html", page, status=status_of(status) if status else 200)


async def _studio_show(
    request: web.Request,
    show: Show,
    *,
    form: Form | None = None,
    lots: Form = EMPTY,
    edited: str = "",
    status: Rejected | None = None,
) -> web.Response:
    services = services_of(request)
    products = await services.catalog.by_seller(show.host, None, PRODUCTS_SHOWN_MAX)
    assert not isinstance(products, Rejected), "the first page has no cursor to be wrong"
    (card,) = await cards_of(request, (show,))
    page = StudioShowPage(
        show=show,
        card=card,
        queue=await _queue(request, show),
        products=products.items,
        currencies=fields.CURRENCIES,
        presets=PRESET_NAMES,
        form=form or Form(fields.show_values(show)),
        lot_form=lots,
        lot_edited=edited,
    )
    return await render(request, "studio_show.html", page, status=status_of(status) if status else 200)


def _again(form: FormData, names: tuple[str, ...], rejected: Rejected) -> Form:
    return form_refused(form.values(*names), fields.rejected_field(rejected, NAMES))


def _general(rejected: Rejected) -> Rejected:
    """The refusal without a field: there is no input beside which it could stand."""
    return Rejected(rejected.code, rejected.message, rejected.retryable)


def _show_path(show: str) -> str:
    return f"/studio/shows/{show}"
