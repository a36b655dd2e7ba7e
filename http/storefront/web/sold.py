"""What a seller sold, as pages: orders with filters, one order with all that can be done to it, details for invoices.

|address                               |method|template          |page          |who|
|--------------------------------------|------|------------------|--------------|---|
|/studio/orders                        |GET   |sold.html         |SoldPage      |hosts and admins; `group`, `show`, `from`, `to`, `search`, `cursor`; `part`=1: the list alone|
|/studio/orders/mark                   |GET   |- (JSON)          |              |changes when an order of the shop changes: the page asks for it|
|/studio/orders/{id}                   |GET   |sold_order.html   |SoldOrderPage |the order's seller or an admin (others 404)|
|/studio/orders/{id}/ship              |POST  |sold_order.html (4xx)|SoldOrderPage|carrier, tracking|
|/studio/orders/{id}/deliver           |POST  |as above          |              ||
|/studio/orders/{id}/cancel            |POST  |as above          |              |reason|
|/studio/orders/{id}/refund            |POST  |as above          |              |amount (decimal), reason|
|/studio/orders/{id}/invoice           |POST  |as above          |              |issues it|
|/studio/orders/{id}/invoice.pdf       |GET   |- (PDF)           |              |once issued|
|/studio/orders/{id}/credit-note.pdf   |GET   |- (PDF)           |              |`number`: of a refund of what was invoiced|
|/studio/invoices                      |GET, POST|issuer.html    |IssuerPage    |name, address, tax_id, next|

Every form carries a `key`: what is sent twice is done once. The CSV is the API's (`/api/v1/seller/orders.csv`).
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.kernel.text import clean_line, clean_text
from liveserver.orders import store
from liveserver.orders.issued import Invoice, Issuer
from liveserver.orders.model import UNPAID, Order, State
from liveserver.shows.model import Show
from storefront.api.order_documents import Step, step
from storefront.bodies import FormData
from storefront.idempotency import REUSED, once
from storefront.orders import access, figures, papers
from storefront.orders.access import Q, Whole
from storefront.orders.figures import Taken
from storefront.problems import Refused, invalid, status_of
from storefront.services import services_of
from storefront.visitors import Visitor
from storefront.web import fields
from storefront.web.account import form_refused
from storefront.web.context import Form, OwnPage
from storefront.web.orders import send_credit_note, send_invoice, show_title
from storefront.web.render import render, safe_path, see_other
from storefront.web.sold_filter import Filter
from storefront.web.studio import SHOWS_SHOWN_MAX, host_of, submitted

SHOWN_MAX = 25
GROUPS: dict[str, tuple[State, ...]] = {
    "to_ship": ("paid",),
    "unpaid": tuple(sorted(UNPAID)),
    "shipped": ("shipped",),
    "done": ("delivered", "completed"),
    "cancelled": ("cancelled",),
}
"""What a seller has to do, in this order."""
COUNTED = ("to_ship", "unpaid", "shipped")
"""Groups whose size is shown: what is over is too much to count on each page, and asks for nothing."""
SENT_BEFORE = Rejected(
    "sent_before", "This form was sent before, with something else in it. See what it did; to do this too, send it again."
)  # fmt: skip
"""Somebody went back to a page, changed what stood there and sent it: the page that says so has a fresh key."""
CARRIERS = ("DHL", "FedEx", "UPS", "USPS", "Royal Mail", "La Poste", "PostNL", "Australia Post")
"""Offered while typing; any other may be written."""
ACTIONS = {"ship": "shipped", "deliver": "delivered", "cancel": "cancelled", "refund": "refunded", "invoice": "invoiced"}  # fmt: skip


class SoldPage(OwnPage, frozen=True):
    """`/studio/orders`."""

    orders: tuple[Order, ...]
    filter: Filter
    counts: dict[str, int]
    """Orders by group, for those groups that ask for something to be done."""
    shows: tuple[Show, ...]
    sums: tuple[Taken, ...]
    """Of the last 30 days, by currency."""
    mark: int
    next: str | None
    first: bool


class SoldOrderPage(OwnPage, frozen=True):
    """`/studio/orders/{id}`."""

    order: Order
    of: Whole
    steps: tuple[Step, ...]
    show_title: str
    invoice: Invoice | None
    has_issuer: bool
    carriers: tuple[str, ...]
    largest: str
    """What can still be given back, as an input takes it."""
    key: str
    """For the next form that is sent."""
    form: Form
    action: str
    """The form that was refused: a key of `ACTIONS`, or ""."""
    done: str
    """What was just carried out: a value of `ACTIONS`, or ""."""


class IssuerPage(OwnPage, frozen=True):
    """`/studio/invoices`."""

    form: Form
    next: str
    saved: bool


async def sold(request: web.Request) -> web.Response:
    """GET /studio/orders"""
    visitor = await host_of(request)
    services, seller = services_of(request), UserId(visitor.identity.id)
    wanted = Filter.of(request.query, GROUPS)
    cursor = request.query.get("cursor") or None
    page = await store.of_seller(services.pool, seller, wanted.sought(GROUPS), cursor, SHOWN_MAX)
    if isinstance(page, Rejected):
        raise Refused(page)
    shows = await services.shows.by_host(seller, None, SHOWS_SHOWN_MAX)
    assert not isinstance(shows, Rejected), "the first page has no cursor to be wrong"
    shown = SoldPage(
        orders=page.items,
        filter=wanted,
        counts=await _counts(request, seller),
        shows=shows.items,
        sums=await figures.taken_lately(services.pool, seller, services.clock.now_ms()),
        mark=await services.pool.fetchval(Q.last_of_seller, seller),
        next=page.next,
        first=cursor is None,
    )
    part = request.query.get("part") == "1"
    return await render(request, "sold_list.html" if part else "sold.html", shown)


async def mark(request: web.Request) -> web.Response:
    """GET /studio/orders/mark"""
    visitor = await host_of(request)
    last: int = await services_of(request).pool.fetchval(Q.last_of_seller, visitor.identity.id)
    return web.json_response({"mark": last}, headers={"Cache-Control": "no-store"})


async def sold_order(request: web.Request) -> web.Response:
    """GET /studio/orders/{id}"""
    visitor = await host_of(request)
    return await _page(request, await _own(request, visitor))


async def ship(request: web.Request) -> web.Response:
    """POST /studio/orders/{id}/ship"""

    async def carry_out(visitor: Visitor, order: Order, form: FormData) -> object:
        carrier = clean_line(form.text("carrier"), 60)
        tracking = clean_line(form.text("tracking"), 120)
        if carrier is None or tracking is None:
            return invalid("carrier" if carrier is None else "tracking", "This is too long.")
        return await access.ship(services_of(request), visitor.identity, order.id, carrier, tracking)

    return await _act(request, "ship", carry_out)


async def deliver(request: web.Request) -> web.Response:
    """POST /studio/orders/{id}/deliver"""

    async def carry_out(visitor: Visitor, order: Order, form: FormData) -> object:
        return await access.deliver(services_of(request), visitor.identity, order.id)

    return await _act(request, "deliver", carry_out)


async def cancel(request: web.Request) -> web.Response:
    """POST /studio/orders/{id}/cancel"""

    async def carry_out(visitor: Visitor, order: Order, form: FormData) -> object:
        return await access.cancel_sold(services_of(request), visitor.identity, order.id, _reason(form))

    return await _act(request, "cancel", carry_out)


async def refund(request: web.Request) -> web.Response:
    """POST /studio/orders/{id}/refund"""

    async def carry_out(visitor: Visitor, order: Order, form: FormData) -> object:
        value = fields.amount(form, "amount", order.currency)
        once = form.text("key")[:64]
        return await access.refund(
            services_of(request), visitor.identity, order.id, value, _reason(form), once
        )

    return await _act(request, "refund", carry_out)


async def issue_invoice(request: web.Request) -> web.Response:
    """POST /studio/orders/{id}/invoice"""

    async def carry_out(visitor: Visitor, order: Order, form: FormData) -> object:
        return await papers.issue(services_of(request), visitor.identity, order.id)

    return await _act(request, "invoice", carry_out)


async def invoice_pdf(request: web.Request) -> web.Response:
    """GET /studio/orders/{id}/invoice.pdf"""
    visitor = await host_of(request)
    return await send_invoice(request, await _own(request, visitor))


async def credit_note_pdf(request: web.Request) -> web.Response:
    """GET /studio/orders/{id}/credit-note.pdf"""
    visitor = await host_of(request)
    return await send_credit_note(request, await _own(request, visitor))


async def issuer(request: web.Request) -> web.Response:
    """GET /studio/invoices"""
    visitor = await host_of(request)
    known = await papers.issuer_of(services_of(request).pool, visitor.identity.id)
    values: dict[str, str] = msgspec.to_builtins(known) if known is not None else {}
    after = safe_path(request.query.get("next", ""), "")
    return await render(
        request, "issuer.html", IssuerPage(Form(values), after, request.query.get("saved") == "1")
    )


async def put_issuer(request: web.Request) -> web.Response:
    """POST /studio/invoices"""
    visitor, form = await submitted(request)
    name, address = clean_line(form.text("name"), 120, 1), clean_text(form.text("address"), 500)
    tax_id, after = clean_line(form.text("tax_id"), 40), safe_path(form.text("next"), "")
    wrong: Rejected | None = None
    if name is None:
        wrong = invalid("name", "A name has 1 to 120 characters.")
    elif not address:
        wrong = invalid("address", "An invoice needs its issuer's address, of at most 500 characters.")
    elif tax_id is None:
        wrong = invalid("tax_id", "A tax number has at most 40 characters.")
    if wrong is not None or name is None or address is None or tax_id is None:
        assert wrong is not None, "what can't be read was refused"
        shown = form_refused(form.values("name", "address", "tax_id"), wrong)
        return await render(request, "issuer.html", IssuerPage(shown, after, False), status=status_of(wrong))
    made = Issuer(name=name, address=address, tax_id=tax_id)
    await papers.put_issuer(services_of(request), visitor.identity.id, made)
    return see_other(after or "/studio/invoices?saved=1")


async def _own(request: web.Request, visitor: Visitor) -> Order:
    found = await access.sold(services_of(request).pool, visitor.identity, request.match_info["id"])
    if isinstance(found, Rejected):
        raise Refused(found)
    return found


async def _act(
    request: web.Request, action: str, carry_out: Callable[[Visitor, Order, FormData], Awaitable[Any]]
) -> web.Response:
    """Carries a form out once, however often it is sent; a refusal comes back as the page, with what was typed."""
    visitor, form = await submitted(request)
    order = await _own(request, visitor)
    path = f"/studio/orders/{order.id}?done={ACTIONS[action]}"

    async def answer() -> web.Response:
        done = await carry_out(visitor, order, form)
        if isinstance(done, Rejected):
            raise Refused(done)
        return web.Response(body=path.encode())  # kept with the key; what the browser gets is below

    typed = form.values("carrier", "tracking", "amount", "reason")
    try:
        await once(request, visitor, msgspec.json.encode(typed), answer, form.text("key")[:64] or None)
    except Refused as refused:
        again = SENT_BEFORE if refused.rejected.code == REUSED.code else refused.rejected
        return await _page(request, await _own(request, visitor), action, typed, again)
    return see_other(path)


async def _page(
    request: web.Request,
    order: Order,
    action: str = "",
    typed: dict[str, str] | None = None,
    refused: Rejected | None = None,
) -> web.Response:
    pool = services_of(request).pool
    whole = await access.whole(pool, order)
    page = SoldOrderPage(
        order=order,
        of=whole,
        steps=tuple(step(order, one) for one in whole.history),
        show_title=await show_title(request, order),
        invoice=await papers.invoice_of(pool, order.id),
        has_issuer=await papers.issuer_of(pool, order.seller) is not None,
        carriers=CARRIERS,
        largest=fields.plain_amount(order.refundable, order.currency),
        key=secrets.token_urlsafe(16),
        form=form_refused(typed or {}, refused) if refused is not None else Form(),
        action=action,
        done=request.query.get("done", ""),
    )
    return await render(
        request, "sold_order.html", page, status=status_of(refused) if refused is not None else 200
    )


async def _counts(request: web.Request, seller: str) -> dict[str, int]:
    states = [state for group in COUNTED for state in GROUPS[group]]
    rows = await services_of(request).pool.fetch(Q.counts_of_seller, seller, states)
    by_state: dict[str, int] = {row["state"]: row["orders"] for row in rows}
    return {group: sum(by_state.get(state, 0) for state in GROUPS[group]) for group in COUNTED}


def _reason(form: FormData) -> str:
    """A reason chosen from the list, or written."""
    text = clean_line(form.text("reason"), 500)
    if text is None:
        raise Refused(invalid("reason", "A reason has at most 500 characters."))
    return text
