"""The card that somebody has saved: looked at, added, removed.

|address          |method|template        |page     |who|
|-----------------|------|----------------|---------|---|
|/me/cards        |GET   |cards.html      |CardsPage|signed in; `next`, `done`; `setup_intent` when Stripe sends people back|
|/me/cards        |POST  |cards.html (4xx)|CardsPage|`card`: one of the test provider's|
|/me/cards/remove |POST  |- (303 back)    |         |signed in|

With a real provider its own form takes the card (js/pages/checkout.js): no number ever comes here.
"""

from urllib.parse import urlencode

from aiohttp import web

from liveserver.kernel.errors import Rejected
from liveserver.payments.port import UNKNOWN_OUTCOME, OutcomeUnknown, ProviderRefuses, SavedCard
from liveserver.payments.sandbox.cards import BY_TOKEN, CARDS, TestCard
from storefront.api.checkout import cards_of, checkout_of
from storefront.bodies import FormData, read_form
from storefront.problems import SIGN_IN_FIRST, Refused, invalid, status_of
from storefront.services import services_of
from storefront.visitors import Visitor, check_form, visitor_of
from storefront.web.context import OwnPage
from storefront.web.render import render, safe_path, see_other

SETUP_LENGTH_MAX = 120
NOT_SAVED = Rejected("card_not_saved", "This card was not taken. Try another one.")


class CardsPage(OwnPage, frozen=True):
    """`/me/cards`."""

    card: SavedCard | None
    cards: tuple[TestCard, ...]
    missing: str
    publishable_key: str
    test: bool
    next: str
    error: str
    done: str
    """What was just carried out: `saved`, `removed`."""


async def saved_cards(request: web.Request) -> web.Response:
    """GET /me/cards"""
    visitor = await _signed_in(request)
    setup = request.query.get("setup_intent", "")[:SETUP_LENGTH_MAX]
    if not setup:
        return await _page(request, visitor, safe_path(request.query.get("next", ""), ""))
    after = safe_path(request.query.get("next", ""), "")
    try:
        done = await cards_of(services_of(request)).finish(visitor.identity.id, setup)
    except OutcomeUnknown:
        done = UNKNOWN_OUTCOME
    if not isinstance(done, Rejected):
        return see_other(after or "/me/cards?done=saved")
    if request.query.get("redirect_status") == "failed":
        # Back from a bank's own page; the secret that Stripe added stays in no address.
        return see_other(f"/me/cards?{urlencode({'done': 'refused', 'next': after})}")
    return await _page(request, visitor, after, done)


async def save(request: web.Request) -> web.Response:
    """POST /me/cards"""
    visitor, form = await _sent(request)
    services, after = services_of(request), safe_path(form.text("next"), "")
    checkout, cards, till = checkout_of(services), cards_of(services), services.till
    if till is None:
        raise Refused(invalid("card", "Cards are entered into the payment provider's own form."))
    if form.text("card") not in BY_TOKEN:
        return await _page(request, visitor, after, invalid("card", "Choose one of the test cards."))
    try:
        setup = await cards.begin(visitor.identity, await checkout.email_of(visitor.identity))
        if isinstance(setup, Rejected):
            return await _page(request, visitor, after, setup)
        await till.confirm_setup(setup.id, form.text("card"))
        done = await cards.finish(visitor.identity.id, setup.id)
    except ProviderRefuses:
        done = NOT_SAVED
    except OutcomeUnknown:
        done = UNKNOWN_OUTCOME
    if isinstance(done, Rejected):
        return await _page(request, visitor, after, done)
    return see_other(after or "/me/cards?done=saved")


async def remove(request: web.Request) -> web.Response:
    """POST /me/cards/remove"""
    visitor, _ = await _sent(request)
    await cards_of(services_of(request)).forget(visitor.identity.id)
    return see_other("/me/cards?done=removed")


async def _page(
    request: web.Request, visitor: Visitor, after: str, refused: Rejected | None = None
) -> web.Response:
    services = services_of(request)
    checkout, till = checkout_of(services), services.till
    done = request.query.get("done", "")
    said = NOT_SAVED if done == "refused" and refused is None else refused
    key = checkout.provider.publishable_key
    page = CardsPage(
        card=await checkout.card_of(visitor.identity.id),
        cards=CARDS if till is not None else (),
        missing="" if till is not None or key else "publishable_key",
        publishable_key=key,
        test=checkout.provider.test,
        next=after,
        error=said.message if said is not None else "",
        done=done if done in {"saved", "removed"} and refused is None else "",
    )
    status = 200 if refused is None else status_of(refused)
    return await render(request, "cards.html", page, status=status, stripe=till is None and bool(key))


async def _signed_in(request: web.Request) -> Visitor:
    visitor = await visitor_of(request)
    if not visitor.signed_in:
        raise Refused(SIGN_IN_FIRST)
    return visitor


async def _sent(request: web.Request) -> tuple[Visitor, FormData]:
    visitor = await _signed_in(request)
    form = await read_form(request)
    check_form(request, visitor, form.raw("csrf"))
    return visitor, form
