"""A buyer's orders as pages: the list, one order with its history, cancelling, the receipt.

|address                    |method|template         |page           |who|
|---------------------------|------|-----------------|---------------|---|
|/orders                    |GET   |orders.html      |OrdersPage     |signed in; `show` (open, coming, done), `cursor`|
|/orders/{id}               |GET   |order.html       |OrderPage      |the order's buyer (others 404)|
|/orders/{id}/cancel        |POST  |order.html (4xx) |OrderPage      |field: reason|
|/orders/{id}/receipt.pdf   |GET   |- (PDF)          |               |once it is paid|
|/orders/{id}/invoice.pdf   |GET   |- (PDF)          |               |once its seller has issued it|
|/orders/{id}/credit-note.pdf|GET  |- (PDF)          |               |`number`: of a refund of what was invoiced|

Paying is the checkout's page. What may happen to an order is decided in `liveserver.orders`.
"""

from aiohttp import web

from liveserver.kernel.errors import Rejected
from liveserver.kernel.text import clean_line
from liveserver.orders import credit_notes, store
from liveserver.orders.errors import ORDER_NOT_FOUND
from liveserver.orders.issued import Invoice
from liveserver.orders.model import UNPAID, Order, State
from liveserver.orders.store import Sought
from storefront.api.order_documents import TOLD_BUYERS, Step, step
from storefront.bodies import read_form
from storefront.orders import access
from storefront.orders.access import Whole
from storefront.orders.papers import PRINTER, invoice_of, pdf
from storefront.problems import SIGN_IN_FIRST, Refused, invalid, status_of
from storefront.services import services_of
from storefront.visitors import Visitor, check_form, visitor_of
from storefront.web.context import OwnPage
from storefront.web.render import render, see_other

SHOWN_MAX = 20
GROUPS: dict[str, tuple[State, ...]] = {
    "open": tuple(sorted(UNPAID)),
    "coming": ("paid", "shipped"),
    "done": ("delivered", "completed", "cancelled"),
}
"""What people look for: what they have to pay, what they wait for, what is over."""


class OrdersPage(OwnPage, frozen=True):
    """`/orders`."""

    orders: tuple[Order, ...]
    group: str
    """A key of `GROUPS`, or "" for all."""
    next: str | None
    first: bool


class OrderPage(OwnPage, frozen=True):
    """`/orders/{id}`."""

    order: Order
    of: Whole
    steps: tuple[Step, ...]
    payable: bool
    """It waits for its buyer to pay."""
    may_cancel: bool
    invoice: Invoice | None
    show_title: str
    error: str
    done: str
    """What was just carried out: `cancelled`."""


async def orders(request: web.Request) -> web.Response:
    """GET /orders"""
    visitor = await _buyer(request)
    group = request.query.get("show", "")
    group = group if group in GROUPS else ""
    cursor = request.query.get("cursor") or None
    page = await store.of_buyer(
        services_of(request).pool, visitor.identity.id, Sought(GROUPS.get(group, ())), cursor, SHOWN_MAX
    )
    if isinstance(page, Rejected):
        raise Refused(page)
    return await render(request, "orders.html", OrdersPage(page.items, group, page.next, cursor is None))


async def order(request: web.Request) -> web.Response:
    """GET /orders/{id}"""
    visitor = await _buyer(request)
    found = await access.bought(services_of(request).pool, visitor.identity, request.match_info["id"])
    if isinstance(found, Rejected):
        raise Refused(found)
    return await _page(request, found)


async def cancel(request: web.Request) -> web.Response:
    """POST /orders/{id}/cancel"""
    visitor = await _buyer(request)
    form = await read_form(request)
    check_form(request, visitor, form.raw("csrf"))
    services, id = services_of(request), request.match_info["id"]
    reason = clean_line(form.text("reason"), 500)
    done = (
        invalid("reason", "A reason has at most 500 characters.")
        if reason is None
        else await access.cancel_bought(services, visitor.identity, id, reason)
    )
    if not isinstance(done, Rejected):
        return see_other(f"/orders/{done.id}?done=cancelled")
    found = await access.bought(services.pool, visitor.identity, id)
    if isinstance(found, Rejected):
        raise Refused(found)
    return await _page(request, found, refused=done)


async def receipt_pdf(request: web.Request) -> web.Response:
    """GET /orders/{id}/receipt.pdf"""
    visitor = await _buyer(request)
    pool = services_of(request).pool
    found = await access.bought(pool, visitor.identity, request.match_info["id"])
    if isinstance(found, Rejected) or found.paid_ts is None:
        raise Refused(ORDER_NOT_FOUND)
    refunds = await store.refunds_of(pool, found.id)
    body = await request.app[PRINTER].receipt(found, refunds)
    return pdf(body, f"receipt-{found.number}")


async def invoice_pdf(request: web.Request) -> web.Response:
    """GET /orders/{id}/invoice.pdf"""
    visitor = await _buyer(request)
    found = await access.bought(services_of(request).pool, visitor.identity, request.match_info["id"])
    if isinstance(found, Rejected):
        raise Refused(found)
    return await send_invoice(request, found)


async def send_invoice(request: web.Request, of: Order) -> web.Response:
    """The order's invoice; the caller has checked whose order it is. Raises Refused when none was issued."""
    issued = await invoice_of(services_of(request).pool, of.id)
    if issued is None:
        raise Refused(ORDER_NOT_FOUND)
    body = await request.app[PRINTER].invoice(of, issued)
    return pdf(body, f"invoice-{issued.name}")


async def credit_note_pdf(request: web.Request) -> web.Response:
    """GET /orders/{id}/credit-note.pdf"""
    visitor = await _buyer(request)
    found = await access.bought(services_of(request).pool, visitor.identity, request.match_info["id"])
    if isinstance(found, Rejected):
        raise Refused(found)
    return await send_credit_note(request, found)


async def send_credit_note(request: web.Request, of: Order) -> web.Response:
    """The order's credit note of the number in the query; the caller has checked whose order it is. Raises Refused for others."""
    wanted = request.query.get("number", "")
    notes = (await credit_notes.of_orders(services_of(request).pool, [of.id])).get(of.id, ())
    note = next((one for one in notes if str(one.number) == wanted), None)
    if note is None:
        raise Refused(ORDER_NOT_FOUND)
    body = await request.app[PRINTER].credit_note(of, note)
    return pdf(body, f"credit-note-{note.name}")


async def show_title(request: web.Request, of: Order) -> str:
    """The show an order was made in, "" if there was none or it is gone."""
    if not of.show:
        return ""
    return await services_of(request).pool.fetchval(access.Q.title_of_show, of.show) or ""


async def _buyer(request: web.Request) -> Visitor:
    visitor = await visitor_of(request)
    if not visitor.signed_in:
        raise Refused(SIGN_IN_FIRST)
    return visitor


async def _page(request: web.Request, found: Order, refused: Rejected | None = None) -> web.Response:
    services = services_of(request)
    now_ts = services.clock.now_ms()
    whole = await access.whole(services.pool, found)
    page = OrderPage(
        order=found,
        of=whole,
        steps=tuple(step(found, one, TOLD_BUYERS) for one in whole.history),
        payable=found.state in UNPAID and now_ts < found.due_ts,
        may_cancel=found.state != "cancelled" and access.buyer_may_cancel(found, now_ts) is None,
        invoice=await invoice_of(services.pool, found.id),
        show_title=await show_title(request, found),
        error=refused.message if refused is not None else "",
        done=request.query.get("done", ""),
    )
    return await render(
        request, "order.html", page, status=status_of(refused) if refused is not None else 200
    )
