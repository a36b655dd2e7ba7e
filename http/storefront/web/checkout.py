"""Checking out as pages: what it costs and where it goes, then the payment of one order.

|address                   |method|template            |page           |who|
|--------------------------|------|--------------------|---------------|---|
|/checkout                 |GET   |checkout.html       |ReviewPage     |signed in; `seller`, `address`, `country`, `method`, `coupon`|
|/checkout                 |POST  |checkout.html (4xx) |ReviewPage     |the same and a new address: orders, 303 to /checkout/{order}|
|/checkout/{order}         |GET   |checkout_pay.html   |PayPage        |the order's buyer (others 404); what Stripe adds when it sends people back is dropped|
|/checkout/{order}/address |POST  |checkout_pay.html   |PayPage        |where it goes, while unpaid|
|/checkout/{order}/pay     |POST  |checkout_pay.html   |PayPage        |`with`: `saved`, or a card of the test provider; `total`|
|/checkout/{order}/answer  |POST  |checkout_pay.html   |PayPage        |`yes`: the test provider's bank question|

Looking at a page charges nothing and begins nothing. A page says "paid" when the order says so, which only the provider's message
brings about; until then it says that it waits.
"""

from collections.abc import Mapping

from aiohttp import web

from liveserver.cart.model import Quote
from liveserver.cart.rules import countries
from liveserver.checkout.model import Attempt, CheckoutWish, Method, SavedAddress
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId, is_id
from liveserver.orders.model import UNPAID, Address, Order
from liveserver.payments.port import UNKNOWN_OUTCOME, OutcomeUnknown, SavedCard
from liveserver.payments.sandbox.cards import BY_TOKEN, CARDS, TestCard
from storefront.api.checkout import checkout_of
from storefront.bodies import FormData, read_form
from storefront.orders import access
from storefront.problems import SIGN_IN_FIRST, Refused, invalid, status_of
from storefront.services import services_of
from storefront.visitors import Visitor, check_form, visitor_of
from storefront.web.context import Form, OwnPage
from storefront.web.render import render, see_other

ADDRESS_FIELDS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")
REQUIRED = ("name", "line1", "city", "country")
BACK_FROM_BANK = "payment_intent_client_secret"
"""What Stripe adds to the address that it sends people back to, beside the payment's id and `redirect_status`."""
UNPAID_STAGES = frozenset({"address", "pay", "confirm"})
"""Where the address can still be changed."""
WISH_FIELDS = ("seller", "address", "method", "coupon", "expected_total")


class ReviewPage(OwnPage, frozen=True):
    """`/checkout`: before anything is ordered."""

    seller: str
    form: Form
    addresses: tuple[SavedAddress, ...]
    methods: tuple[Method, ...]
    countries: Mapping[str, str]
    """Code to name."""
    priced: Quote | None
    """None while it is not known where it goes."""
    error: str
    test: bool


class PayPage(OwnPage, frozen=True):
    """`/checkout/{order}`."""

    order: Order
    stage: str
    """`address`: asked first; `pay`; `confirm`: the bank asks; `processing`; `paid`; `over`: cancelled or too late."""
    card: SavedCard | None
    cards: tuple[TestCard, ...]
    """The test provider's; empty for a real one."""
    missing: str
    """What keeps this server from taking cards: `publishable_key`, or ""."""
    publishable_key: str
    test: bool
    form: Form
    addresses: tuple[SavedAddress, ...]
    countries: Mapping[str, str]
    asks: str
    """The saved card whose bank wants its owner, by the provider's name for it; "" where no card was asked for, or the payment
    waits for the bank already."""
    declined: str
    error: str


async def review(request: web.Request) -> web.Response:
    """GET /checkout"""
    visitor = await _buyer(request)
    query = request.query
    values = {name: query.get(name, "")[:200] for name in (*WISH_FIELDS, *ADDRESS_FIELDS)}
    return await _review(request, visitor, values)


async def order(request: web.Request) -> web.Response:
    """POST /checkout"""
    visitor, form = await _sent(request)
    checkout = checkout_of(services_of(request))
    values = form.values(*WISH_FIELDS, *ADDRESS_FIELDS)
    if form.text("do") == "update":
        return await _review(request, visitor, values)
    address = _address(values)
    if isinstance(address, Rejected):
        return await _review(request, visitor, values, address)
    wish = CheckoutWish(
        seller=UserId(values["seller"]),
        address=address,
        method=values["method"],
        coupon=values["coupon"],
        expected_total=_total(values["expected_total"]),
    )
    placed = await checkout.place(visitor.identity, wish)
    if isinstance(placed, Rejected):
        return await _review(request, visitor, values, placed)
    return see_other(f"/checkout/{placed.id}")


async def _review(
    request: web.Request, visitor: Visitor, values: dict[str, str], refused: Rejected | None = None
) -> web.Response:
    checkout, who = checkout_of(services_of(request)), visitor.identity
    if not is_id(values["seller"]):
        return see_other("/cart")
    saved = tuple(await checkout.addresses(who))
    if not values["address"] and not values["line1"] and saved:
        values = {**values, "address": saved[0].id}
    country = next((one.address.country for one in saved if one.id == values["address"]), values["country"])
    methods = tuple(await checkout.methods(who, values["seller"], country)) if country else ()
    if values["method"] not in {method.id for method in methods}:
        values = {**values, "method": methods[0].id if methods else ""}
    address, priced = _address(values), None
    if not isinstance(address, Rejected):
        wish = CheckoutWish(
            seller=UserId(values["seller"]),
            address=address,
            method=values["method"],
            coupon=values["coupon"],
        )
        answer = await checkout.quote(who, wish)
        if isinstance(answer, Rejected):
            refused = refused or answer
        else:
            priced = answer
            if not priced.lines:
                return see_other("/cart")
    page = ReviewPage(
        seller=values["seller"],
        form=_form(values, refused),
        addresses=saved,
        methods=methods,
        countries=countries(),
        priced=priced,
        error=_said(refused),
        test=checkout.provider.test,
    )
    return await render(request, "checkout.html", page, status=200 if refused is None else status_of(refused))


async def pay_page(request: web.Request) -> web.Response:
    """GET /checkout/{order}"""
    visitor = await _buyer(request)
    own = await _own(request, visitor)
    if BACK_FROM_BANK in request.query:
        # Back from a bank's own page: what came of it the provider is asked, and the secret stays in no address.
        return see_other(f"/checkout/{own.id}")
    return await _page(request, own)


async def set_address(request: web.Request) -> web.Response:
    """POST /checkout/{order}/address"""
    visitor, form = await _sent(request)
    own = await _own(request, visitor)
    values = form.values("address", *ADDRESS_FIELDS)
    address = _address(values)
    done = (
        address
        if isinstance(address, Rejected)
        else await checkout_of(services_of(request)).send_to(visitor.identity, own.id, address)
    )
    if isinstance(done, Rejected):
        return await _page(request, own, done, values)
    return see_other(f"/checkout/{own.id}")


async def pay(request: web.Request) -> web.Response:
    """POST /checkout/{order}/pay"""
    visitor, form = await _sent(request)
    services, own = services_of(request), await _own(request, visitor)
    checkout, chosen = checkout_of(services), form.text("with")
    # As the button said: in another window it may go elsewhere by now, which costs something else.
    shown = _total(form.text("total"))
    done = await checkout.pay(visitor.identity, own.id, saved_card=chosen == "saved", expected_total=shown)
    if isinstance(done, Rejected):
        return await _page(request, own, done)
    if chosen != "saved" and services.till is not None and done.status in {"needs_card", "failed"}:
        if chosen not in BY_TOKEN:
            return await _page(request, own, invalid("with", "Choose one of the test cards."))
        try:
            await services.till.confirm(done.intent, chosen)
        except OutcomeUnknown:
            return await _page(request, own, UNKNOWN_OUTCOME)
        await checkout.look(own.id)
    return see_other(f"/checkout/{own.id}")


async def answer(request: web.Request) -> web.Response:
    """POST /checkout/{order}/answer"""
    visitor, form = await _sent(request)
    services, own = services_of(request), await _own(request, visitor)
    live = await checkout_of(services).look(own.id)
    if services.till is not None and live is not None and live.state == "needs_action":
        await services.till.authenticate(live.payment, agreed=form.text("yes") == "1")
        await checkout_of(services).look(own.id)
    return see_other(f"/checkout/{own.id}")


async def _page(
    request: web.Request, own: Order, refused: Rejected | None = None, values: dict[str, str] | None = None
) -> web.Response:
    services = services_of(request)
    checkout, who = checkout_of(services), (await visitor_of(request)).identity
    live = await checkout.look(own.id)
    found = await access.bought(services.pool, who, own.id)
    assert isinstance(found, Order), "it was one's own a moment ago"
    stage = stage_of(found, live, services.clock.now_ms())
    provider, till = checkout.provider, services.till
    card = await checkout.card_of(who.id) if stage == "pay" else None
    asks = card.id if card is not None and till is None and _wants_owner(live, card) else ""
    page = PayPage(
        order=found,
        stage="confirm" if asks else stage,
        card=card,
        cards=CARDS if till is not None else (),
        missing="" if till is not None or provider.publishable_key else "publishable_key",
        publishable_key=provider.publishable_key,
        test=provider.test,
        form=_form(values or {}, refused),
        addresses=tuple(await checkout.addresses(who)) if stage in UNPAID_STAGES else (),
        countries=countries() if stage in UNPAID_STAGES else {},
        asks=asks,
        declined=_declined(live) if live is not None and found.state == "payment_failed" else "",
        error=_said(refused),
    )
    return await render(
        request,
        "checkout_pay.html",
        page,
        status=200 if refused is None else status_of(refused),
        stripe=till is None and bool(provider.publishable_key) and stage in {"pay", "confirm"},
    )


def stage_of(order: Order, live: Attempt | None, now_ts: int) -> str:
    """Where the buyer is with an order."""
    if order.paid_ts is not None and order.state != "cancelled":
        return "paid"
    if live is not None and live.state in {"processing", "succeeded"} and order.state in UNPAID:
        return "processing"
    if order.state not in UNPAID or now_ts >= order.due_ts:
        return "over"
    if order.address is None:
        return "address"
    return "confirm" if live is not None and live.state == "needs_action" else "pay"


def _wants_owner(live: Attempt | None, card: SavedCard) -> bool:
    """Whether a saved card was charged, and its bank wants its owner: the same payment goes on, with them there."""
    return (
        live is not None
        and live.state == "needs_card"
        and live.error_code == "authentication_required"
        and live.request.card == card.id
    )


def _declined(live: Attempt) -> str:
    """Why, for the buyer. The provider's own sentence about a bank's question is for programmers."""
    if live.error_code in {"authentication_required", "payment_intent_authentication_failure"}:
        return "The bank did not get its confirmation."
    return live.error


def _address(values: dict[str, str]) -> str | Address | Rejected:
    """A saved address's id, or the one that was written. What is right in it the cart judges."""
    if values.get("address", "") not in {"", "new"}:
        return values["address"]
    for name in REQUIRED:
        if not values.get(name, "").strip():
            return invalid(name, "Fill this in.")
    return Address(**{name: values.get(name, "").strip() for name in ADDRESS_FIELDS})


def _total(text: str) -> int | None:
    """What a form says that its buyer was shown, in minor units."""
    return int(text) if text.isascii() and text.isdigit() else None


def _form(values: dict[str, str], refused: Rejected | None) -> Form:
    field = str(refused.detail.get("field", "")) if refused is not None else ""
    return Form(values, {field: refused.message} if refused is not None and field in ADDRESS_FIELDS else {})


def _said(refused: Rejected | None) -> str:
    """What stands above the form: all that is not said at a field."""
    if refused is None or refused.detail.get("field") in ADDRESS_FIELDS:
        return ""
    return refused.message


async def _own(request: web.Request, visitor: Visitor) -> Order:
    found = await access.bought(services_of(request).pool, visitor.identity, request.match_info["order"])
    if isinstance(found, Rejected):
        raise Refused(found)
    return found


async def _buyer(request: web.Request) -> Visitor:
    visitor = await visitor_of(request)
    if not visitor.signed_in:
        raise Refused(SIGN_IN_FIRST)
    return visitor


async def _sent(request: web.Request) -> tuple[Visitor, FormData]:
    visitor = await _buyer(request)
    form = await read_form(request)
    check_form(request, visitor, form.raw("csrf"))
    return visitor, form
