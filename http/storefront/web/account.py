"""Sign-in, registration, sign-out, and one's own page."""

from aiohttp import web

from liveserver.accounts.model import Session
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from storefront.bodies import FormData, read_form
from storefront.carts import merge_into
from storefront.problems import SIGN_IN_FIRST, Refused, status_of
from storefront.results import results_of
from storefront.services import services_of
from storefront.visitors import check_form, client_address, drop_session, keep_session, visitor_of
from storefront.web.cards import cards_of
from storefront.web.context import Form, MePage, RegisterPage, SignInPage
from storefront.web.home import SHELF_MAX, reminded_shows
from storefront.web.render import person_of, render, safe_path, see_other

WON_MAX = 100


async def sign_in_page(request: web.Request) -> web.Response:
    """GET /sign-in"""
    visitor = await visitor_of(request)
    after = safe_path(request.query.get("next", "/"))
    if visitor.signed_in:
        return see_other(after)
    return await render(request, "sign_in.html", SignInPage(Form(), after))


async def sign_in(request: web.Request) -> web.Response:
    """POST /sign-in"""
    form = await _own_form(request)
    after = safe_path(form.text("next"))
    done = await services_of(request).accounts.sign_in(
        form.text("email"), form.raw("password"), client_address(request)
    )
    if isinstance(done, Rejected):
        page = SignInPage(form_refused(form.values("email"), done), after)
        return await render(request, "sign_in.html", page, status=status_of(done))
    return await _signed_in(request, done, after)


async def register_page(request: web.Request) -> web.Response:
    """GET /register"""
    visitor = await visitor_of(request)
    after = safe_path(request.query.get("next", "/"))
    if visitor.signed_in:
        return see_other(after)
    return await render(request, "register.html", _register_page(request, Form(), after))


async def register(request: web.Request) -> web.Response:
    """POST /register"""
    form = await _own_form(request)
    after = safe_path(form.text("next"))
    accounts, address = services_of(request).accounts, client_address(request)
    made = await accounts.register(form.text("name"), form.text("email"), form.raw("password"), ip=address)
    if isinstance(made, Rejected):
        shown = form_refused(form.values("name", "email", "sells"), made)
        return await render(
            request, "register.html", _register_page(request, shown, after), status=status_of(made)
        )
    sells = form.checked("sells") and services_of(request).settings.hosts_may_register
    if sells:
        await accounts.set_role(made.id, "host")
    done = await accounts.sign_in(form.text("email"), form.raw("password"), address)
    if isinstance(done, Rejected):
        # Registered, but signing in has to wait (too many from this address): the form for it says so.
        page = SignInPage(form_refused(form.values("email"), done), after)
        return await render(request, "sign_in.html", page, status=status_of(done))
    return await _signed_in(request, done, "/studio" if sells and after == "/" else after)


async def sign_out(request: web.Request) -> web.Response:
    """POST /sign-out"""
    visitor = await visitor_of(request)
    check_form(request, visitor, (await read_form(request)).raw("csrf"))
    if visitor.token:
        await services_of(request).accounts.sign_out(visitor.token)
    response = see_other("/")
    drop_session(request, response)
    # "Back" must not show the former person's pages from the browser's cache.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def me(request: web.Request) -> web.Response:
    """GET /me"""
    services = services_of(request)
    visitor = await visitor_of(request)
    person = person_of(visitor)
    if person is None:
        raise Refused(SIGN_IN_FIRST)
    user = UserId(person.id)
    own = await services.shows.by_host(user, None, SHELF_MAX) if person.sells else None
    assert not isinstance(own, Rejected), "the first page has no cursor to be wrong"
    page = MePage(
        account=visitor.session.user if visitor.session is not None else None,
        person=person,
        won=await results_of(request).won_by(user, WON_MAX),
        reminded=await cards_of(
            request, await reminded_shows(request, visitor.identity), await services.shows.reminders(user)
        ),
        shows=await cards_of(request, own.items) if own is not None else (),
    )
    return await render(request, "me.html", page)


def form_refused(values: dict[str, str], rejected: Rejected) -> Form:
    """The form again, with the refusal beside the field it names, or above all fields."""
    field = str(rejected.detail.get("field", ""))
    if field:
        return Form(values, {field: rejected.message})
    return Form(values, {}, rejected.message)


async def _own_form(request: web.Request) -> FormData:
    form = await read_form(request)
    check_form(request, await visitor_of(request), form.raw("csrf"))
    return form


async def _signed_in(request: web.Request, done: tuple[Session, str], after: str) -> web.Response:
    session, token = done
    # Before the next page: it may be the checkout of what the guest had in their cart.
    await merge_into(request, session.user.id)
    response = see_other(after)
    keep_session(request, response, token)
    return response


def _register_page(request: web.Request, form: Form, after: str) -> RegisterPage:
    settings = services_of(request).settings
    return RegisterPage(form, after, settings.password_length_min, settings.hosts_may_register)
