"""Where somebody has things sent: listed, added, changed, removed.

|address                     |method|template            |page         |who|
|----------------------------|------|--------------------|-------------|---|
|/me/addresses               |GET   |addresses.html      |AddressesPage|signed in; `edit`: the id of one to change|
|/me/addresses               |POST  |addresses.html (422)|AddressesPage|a new one|
|/me/addresses/{id}          |POST  |addresses.html (422)|AddressesPage|another in its place|
|/me/addresses/{id}/remove   |POST  |- (303 back)        |             |signed in|
"""

import msgspec
from aiohttp import web

from liveserver.cart import addresses
from liveserver.cart.model import Kept
from liveserver.cart.rules import countries
from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders.model import Address
from storefront.bodies import FormData, read_form
from storefront.problems import SIGN_IN_FIRST, Refused, status_of
from storefront.services import services_of
from storefront.visitors import check_form, visitor_of
from storefront.web.account import form_refused
from storefront.web.context import Form, OwnPage
from storefront.web.render import render, see_other

FIELDS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")


class AddressesPage(OwnPage, frozen=True):
    """`/me/addresses`."""

    addresses: tuple[Kept, ...]
    form: Form
    edited: str
    """The id of the one that the form changes; "" for a new one."""
    countries: tuple[tuple[str, str], ...]
    done: str
    """What was just carried out: `saved`, `removed`."""


async def address_book(request: web.Request) -> web.Response:
    """GET /me/addresses"""
    who = await _person(request)
    edited = request.query.get("edit", "")
    kept = {one.id: one for one in await addresses.all_of(services_of(request).pool, who)}
    if edited not in kept:
        return await _page(request, who, Form())
    one = kept[edited]
    values = {**msgspec.structs.asdict(one.address), "usual": "1" if one.usual else ""}
    return await _page(request, who, Form(values), edited)


async def add(request: web.Request) -> web.Response:
    """POST /me/addresses"""
    who, form = await _sent(request)
    services = services_of(request)
    async with transaction(services.pool) as on:
        done = await addresses.add(
            on, who, _address(form), services.clock.now_ms(), usual=form.checked("usual")
        )
    return await _answer(request, who, form, done)


async def change(request: web.Request) -> web.Response:
    """POST /me/addresses/{id}"""
    who, form = await _sent(request)
    edited = request.match_info["id"]
    async with transaction(services_of(request).pool) as on:
        done = await addresses.change(on, who, edited, _address(form), usual=form.checked("usual"))
    return await _answer(request, who, form, done, edited)


async def remove(request: web.Request) -> web.Response:
    """POST /me/addresses/{id}/remove"""
    who, _ = await _sent(request)
    async with transaction(services_of(request).pool) as on:
        refused = await addresses.remove(on, who, request.match_info["id"])
    if refused is not None:
        raise Refused(refused)
    return see_other("/me/addresses?done=removed")


async def _answer(
    request: web.Request, who: str, form: FormData, done: Kept | Rejected, edited: str = ""
) -> web.Response:
    if not isinstance(done, Rejected):
        return see_other("/me/addresses?done=saved")
    shown = form_refused(form.values(*FIELDS, "usual"), done)
    return await _page(request, who, shown, edited, status_of(done))


async def _page(
    request: web.Request, who: str, form: Form, edited: str = "", status: int = 200
) -> web.Response:
    done = request.query.get("done", "")
    page = AddressesPage(
        addresses=tuple(await addresses.all_of(services_of(request).pool, who)),
        form=form,
        edited=edited,
        countries=tuple(countries().items()),
        done=done if done in {"saved", "removed"} else "",
    )
    return await render(request, "addresses.html", page, status=status)


def _address(form: FormData) -> Address:
    return Address(**form.values(*FIELDS))


async def _person(request: web.Request) -> str:
    visitor = await visitor_of(request)
    if not visitor.signed_in:
        raise Refused(SIGN_IN_FIRST)
    return visitor.identity.id


async def _sent(request: web.Request) -> tuple[str, FormData]:
    who = await _person(request)
    form = await read_form(request)
    check_form(request, await visitor_of(request), form.raw("csrf"))
    return who, form
