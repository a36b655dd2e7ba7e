"""Where mails about accounts lead: confirming an address, and choosing a new password.

|address         |method|template   |page      |who|
|----------------|------|-----------|----------|---|
|/verify         |GET   |verify.html|VerifyPage|everybody; `done`, `sent`|
|/verify         |POST  |- (303)    |          |signed in: sends another mail|
|/verify/{token} |GET   |verify.html|VerifyPage|who has the mail; changes nothing, for mail programs open links to look at them|
|/verify/{token} |POST  |- (303)    |          |confirms the address|
|/reset          |GET   |reset.html |ResetPage |everybody; `done`, `sent`|
|/reset          |POST  |- (303)    |          |email: the answer does not tell whether it has an account|
|/reset/{token}  |GET   |reset.html |ResetPage |who has the mail|
|/reset/{token}  |POST  |- (303)    |          |password|

A token in an address must not get anywhere else: these pages send no Referer to others, are kept nowhere, link to nothing with their own
address in it, and load nothing from elsewhere (as all our pages); nothing of ours writes paths to a log.
"""

from typing import Literal

from aiohttp import web

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from storefront.bodies import FormData, read_form
from storefront.problems import SIGN_IN_FIRST, Refused, status_of
from storefront.services import services_of
from storefront.visitors import check_form, client_address, visitor_of
from storefront.web.account import form_refused
from storefront.web.context import Form, OwnPage, Page
from storefront.web.render import render, see_other

EMPTY = Form()
HIDDEN = "same-origin"
"""The Referer that these pages send: to nobody else. Without any, browsers also send the form's Origin as `null`
(https://fetch.spec.whatwg.org/#append-a-request-origin-header), and our own form would be refused as another site's."""


class VerifyPage(OwnPage, frozen=True):
    """`/verify` and `/verify/{token}`."""

    state: Literal["ask", "done", "sent", "expired", "plain"]
    """ask: the token is good; plain: nobody brought one."""
    email: str = ""
    """The address in question; "" when it is not known who looks."""
    may_resend: bool = False
    form: Form = EMPTY


class ResetPage(OwnPage, frozen=True):
    """`/reset` and `/reset/{token}`."""

    state: Literal["ask", "sent", "choose", "done", "expired"]
    form: Form = EMPTY
    email: str = ""
    """Whose password is chosen."""
    password_length_min: int = 0


async def verify_plain(request: web.Request) -> web.Response:
    """GET /verify"""
    done, sent = "done" in request.query, "sent" in request.query
    return await _verify_page(request, "done" if done else "sent" if sent else "plain")


async def verify_resend(request: web.Request) -> web.Response:
    """POST /verify"""
    await _own_form(request)
    visitor = await visitor_of(request)
    if visitor.session is None:
        raise Refused(SIGN_IN_FIRST)
    asked = await services_of(request).accounts.proofs.ask_verification(
        UserId(visitor.identity.id), client_address(request)
    )
    if isinstance(asked, Rejected):
        return await _verify_page(request, "plain", asked)
    return see_other("/verify?sent=1")


async def verify_page(request: web.Request) -> web.Response:
    """GET /verify/{token}"""
    account = await services_of(request).accounts.proofs.holder(request.match_info["token"], "verify")
    if account is None:
        return await _verify_page(request, "expired", status=404)
    return await _hidden(request, "verify.html", VerifyPage("ask", account.email))


async def verify(request: web.Request) -> web.Response:
    """POST /verify/{token}"""
    await _own_form(request)
    done = await services_of(request).accounts.proofs.verify(request.match_info["token"])
    if isinstance(done, Rejected):
        return await _verify_page(request, "expired", status=status_of(done))
    return see_other("/verify?done=1")


async def reset_ask_page(request: web.Request) -> web.Response:
    """GET /reset"""
    done, sent = "done" in request.query, "sent" in request.query
    return await _hidden(request, "reset.html", ResetPage("done" if done else "sent" if sent else "ask"))


async def reset_ask(request: web.Request) -> web.Response:
    """POST /reset"""
    form = await _own_form(request)
    asked = await services_of(request).accounts.proofs.ask_reset(form.text("email"), client_address(request))
    if isinstance(asked, Rejected):
        page = ResetPage("ask", form_refused(form.values("email"), asked))
        return await _hidden(request, "reset.html", page, status_of(asked))
    return see_other("/reset?sent=1")


async def reset_page(request: web.Request) -> web.Response:
    """GET /reset/{token}"""
    return await _reset_page(request, EMPTY)


async def reset(request: web.Request) -> web.Response:
    """POST /reset/{token}"""
    form = await _own_form(request)
    done = await services_of(request).accounts.proofs.reset(request.match_info["token"], form.raw("password"))
    if isinstance(done, Rejected):
        return await _reset_page(request, form_refused({}, done), status_of(done))
    return see_other("/reset?done=1")


async def _reset_page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    services = services_of(request)
    account = await services.accounts.proofs.holder(request.match_info["token"], "reset")
    if account is None:
        return await _hidden(request, "reset.html", ResetPage("expired"), 404)
    page = ResetPage("choose", form, account.email, services.settings.password_length_min)
    return await _hidden(request, "reset.html", page, status)


async def _verify_page(
    request: web.Request,
    state: Literal["done", "sent", "expired", "plain"],
    refused: Rejected | None = None,
    *,
    status: int = 200,
) -> web.Response:
    session = (await visitor_of(request)).session
    account = None if session is None else session.user
    page = VerifyPage(
        # Whose link it was is not known: what matters to who looks is whether their own address is confirmed.
        "done" if account is not None and account.email_verified and state != "sent" else state,
        email="" if account is None else account.email,
        may_resend=account is not None and not account.email_verified,
        form=EMPTY if refused is None else Form({}, {}, refused.message),
    )
    if page.state == "done":
        status = 200
    return await _hidden(request, "verify.html", page, status_of(refused) if refused else status)


async def _hidden(request: web.Request, template: str, page: Page, status: int = 200) -> web.Response:
    response = await render(request, template, page, status=status)
    response.headers["Referrer-Policy"] = HIDDEN
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


async def _own_form(request: web.Request) -> FormData:
    form = await read_form(request)
    check_form(request, await visitor_of(request), form.raw("csrf"))
    return form
