"""Money as pages: a seller's balances, statement and payouts; for the operator commissions and the comparison of the books.

|address                          |method|template        |page          |who|
|---------------------------------|------|----------------|--------------|---|
|/studio/money                    |GET   |money.html      |MoneyPage     |hosts and admins; `currency`, `cursor`|
|/studio/money/account            |POST  |money.html (422)|MoneyPage     |country|
|/studio/money/onboarding         |GET   |- (303 to the provider)|       |as above|
|/studio/money/back               |GET   |- (303)         |              |coming back from the provider|
|/studio/money/payouts            |POST  |money.html (4xx)|MoneyPage     |currency, amount (decimal), key|
|/studio/money/payouts/{id}/cancel|POST  |money.html (4xx)|MoneyPage     |a request that was not sent yet|
|/admin/money                     |GET   |admin_money.html|AdminMoneyPage|admins (others 403); `report`|
|/admin/money/rates               |POST  |admin_money.html (4xx)|AdminMoneyPage|seller (e-mail or id), category, percent, note|
|/admin/money/compare             |POST  |- (303)         |              |has the books compared|
|/admin/money/differences         |POST  |admin_money.html (4xx)|AdminMoneyPage|report, difference, note, seen (1, 0)|

The CSV is the API's (`/api/v1/seller/statement.csv`). What the provider asks a seller is asked on its own pages.
"""

import re
import secrets

import msgspec
from aiohttp import web

from liveserver.accounts import store as people
from liveserver.catalog.model import Category
from liveserver.infra.database import transaction
from liveserver.jobs.queue import enqueue
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.kernel.pages import read_cursor, write_cursor
from liveserver.ledger import rates
from liveserver.ledger import store as ledger
from liveserver.ledger.rates import Rate
from liveserver.ledger.store import NEWEST, Line
from liveserver.payouts import seen, store
from liveserver.payouts.model import Balance, CompareJob, Payout, PayoutAccount, Report
from liveserver.payouts.rules import movable
from liveserver.payouts.seen import Judged, Note
from storefront.addresses import origin_of
from storefront.api.payouts import money_of, onboarding_url
from storefront.api.registry import ADMINS
from storefront.bodies import FormData, read_form
from storefront.idempotency import once
from storefront.problems import Refused, invalid, status_of
from storefront.services import services_of
from storefront.visitors import PROXIES, Visitor, check_form, need, visitor_of
from storefront.web import fields
from storefront.web.account import form_refused
from storefront.web.context import Form, OwnPage
from storefront.web.render import render, see_other
from storefront.web.studio import host_of, submitted

LINES_SHOWN = 25
PAYOUTS_SHOWN = 10
RATES_SHOWN = 30
_PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?")
EMPTY = Form()


class MoneyPage(OwnPage, frozen=True):
    """`/studio/money`."""

    balances: tuple[Balance, ...]
    account: PayoutAccount | None
    currency: str
    """Of the statement; "" when nothing was ever sold."""
    lines: tuple[Line, ...]
    next: str
    first: bool
    payouts: tuple[Payout, ...]
    largest: dict[str, str]
    """By currency, what may be paid out, as an input takes it."""
    test: bool
    key: str
    """For the next form that is sent."""
    account_form: Form
    payout_form: Form
    error: str
    done: str
    """What was just carried out: `asked`, `cancelled`, or ""."""


class AdminMoneyPage(OwnPage, frozen=True):
    """`/admin/money`."""

    default: rates.Rates
    current: tuple[Rate, ...]
    changes: tuple[Rate, ...]
    names: dict[str, str]
    """Of people, by id."""
    categories: tuple[Category, ...]
    form: Form
    reports: tuple[Report, ...]
    report: Report | None
    """The one that is shown in full."""
    found: tuple[Judged, ...]
    """All that it names, the open ones first."""
    notes: tuple[Note, ...]
    """What was said about differences lately."""
    said: Form
    """Of the difference whose note was refused: `difference` is its key."""
    test: bool
    asked: bool
    """A comparison was asked for just now."""


async def money(request: web.Request) -> web.Response:
    """GET /studio/money"""
    return await _money(request, await host_of(request))


async def open_account(request: web.Request) -> web.Response:
    """POST /studio/money/account"""
    visitor, form = await submitted(request)
    country = form.text("country").upper()
    done = await money_of(services_of(request)).accounts.open(UserId(visitor.identity.id), country)
    if isinstance(done, Rejected):
        return await _money(request, visitor, account=form_refused({"country": country}, done), refused=done)
    # Not straight on to the provider: a form may only lead to this site (the policy's form-action).
    return see_other("/studio/money")


async def onboarding(request: web.Request) -> web.Response:
    """GET /studio/money/onboarding"""
    visitor = await host_of(request)
    services = services_of(request)
    origin = origin_of(request, request.app[PROXIES], services.settings.public_url)
    url = await onboarding_url(services, visitor.identity.id, origin)
    if isinstance(url, Rejected):
        raise Refused(url)
    return see_other(url)


async def back(request: web.Request) -> web.Response:
    """GET /studio/money/back"""
    visitor = await host_of(request)
    await money_of(services_of(request)).accounts.look(UserId(visitor.identity.id))
    return see_other("/studio/money")


async def ask_payout(request: web.Request) -> web.Response:
    """POST /studio/money/payouts"""
    visitor, form = await submitted(request)
    typed = form.values("currency", "amount")

    async def carry_out() -> web.Response:
        currency = form.text("currency")
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise Refused(invalid("currency", "Choose a currency."))
        amount = fields.amount(form, "amount", currency)
        seller = UserId(visitor.identity.id)
        done = await money_of(services_of(request)).payouts.ask(seller, currency, amount, seller)
        if isinstance(done, Rejected):
            raise Refused(done)
        return web.Response(body=done.id.encode())

    try:
        await once(request, visitor, msgspec.json.encode(typed), carry_out, form.text("key")[:64] or None)
    except Refused as refused:
        shown = form_refused(typed, refused.rejected)
        return await _money(request, visitor, payout=shown, refused=refused.rejected)
    return see_other("/studio/money?done=asked")


async def cancel_payout(request: web.Request) -> web.Response:
    """POST /studio/money/payouts/{id}/cancel"""
    visitor, _ = await submitted(request)
    seller = UserId(visitor.identity.id)
    done = await money_of(services_of(request)).payouts.cancel(seller, request.match_info["id"])
    if isinstance(done, Rejected):
        return await _money(request, visitor, refused=done, error=done.message)
    return see_other("/studio/money?done=cancelled")


async def admin_money(request: web.Request) -> web.Response:
    """GET /admin/money"""
    need(await visitor_of(request), ADMINS)
    return await _admin(request)


async def set_rate(request: web.Request) -> web.Response:
    """POST /admin/money/rates"""
    visitor, form = await _admin_form(request)
    services = services_of(request)
    try:
        percent, seller = _basis_points(form), await _seller(request, form)
        async with transaction(services.pool) as on:
            done = await rates.change(
                on, visitor.identity.id, seller, form.text("category")[:40], percent, form.text("note"),
                services.clock.now_ms(),
            )  # fmt: skip
    except Refused as refused:
        done = refused.rejected
    if isinstance(done, Rejected):
        if done.detail.get("field") == "commission_bp":
            done = msgspec.structs.replace(done, detail={"field": "percent"})
        typed = form.values("seller", "category", "percent", "note")
        return await _admin(request, form_refused(typed, done), done)
    return see_other("/admin/money")


async def compare(request: web.Request) -> web.Response:
    """POST /admin/money/compare"""
    await _admin_form(request)
    async with transaction(services_of(request).pool) as on:
        await enqueue(on, "payouts.compare", CompareJob(), once="compare")
    return see_other("/admin/money?asked=1")


async def say_seen(request: web.Request) -> web.Response:
    """POST /admin/money/differences"""
    visitor, form = await _admin_form(request)
    services, wanted = services_of(request), form.text("report")
    report = next((one for one in await store.reports(services.pool) if str(one.id) == wanted), None)
    async with transaction(services.pool) as on:
        done = seen.DIFFERENCE_GONE if report is None else await seen.say(
            on, visitor.identity.id, report, form.text("difference"), form.text("note"), services.clock.now_ms(),
            seen=form.text("seen") == "1",
        )  # fmt: skip
    if isinstance(done, Rejected):
        said = form_refused(form.values("difference", "note"), done)
        return await _admin(request, said=said, refused=done, wanted=wanted)
    return see_other(f"/admin/money?report={wanted}")


async def _admin_form(request: web.Request) -> tuple[Visitor, FormData]:
    visitor = await visitor_of(request)
    need(visitor, ADMINS)
    form = await read_form(request)
    check_form(request, visitor, form.raw("csrf"))
    return visitor, form


def _basis_points(form: FormData) -> int | None:
    """`8`, `8.25` or `8,25` percent; empty: no rate of its own. Raises Refused, naming the field."""
    text = form.text("percent").removesuffix("%").strip()
    if not text:
        return None
    found = _PERCENT.fullmatch(text) if text.isascii() else None
    if found is None:
        raise Refused(invalid("percent", "Write a percentage, such as 8 or 6.5."))
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


async def _seller(request: web.Request, form: FormData) -> str:
    """A seller by e-mail or id; "" for all. Raises Refused for nobody."""
    text = form.text("seller")
    if not text:
        return ""
    pool = services_of(request).pool
    if "@" in text:
        found = await people.find_account_by_email(pool, text[:254])
    else:
        found = await people.find_account(pool, UserId(text[:40]))
    if found is None:
        raise Refused(invalid("seller", "There is nobody with this e-mail address or id."))
    return found.id


async def _money(
    request: web.Request,
    visitor: Visitor,
    *,
    account: Form = EMPTY,
    payout: Form = EMPTY,
    refused: Rejected | None = None,
    error: str = "",
) -> web.Response:
    services, seller = services_of(request), UserId(visitor.identity.id)
    out = money_of(services)
    balances = await store.balances(services.pool, seller)
    currencies = [one.currency for one in balances]
    wanted = request.query.get("currency", "")
    currency = wanted if wanted in currencies else next(iter(currencies), "")
    cursor = request.query.get("cursor", "")
    before = read_cursor(cursor, tuple[int]) if cursor else (NEWEST,)
    if isinstance(before, Rejected):
        raise Refused(before)
    lines = await ledger.statement(services.pool, seller, currency, before[0], LINES_SHOWN + 1)
    shown = lines[:LINES_SHOWN]
    payouts = await store.payouts_of(services.pool, seller, None, PAYOUTS_SHOWN)
    assert not isinstance(payouts, Rejected), "the first page has no cursor to be wrong"
    page = MoneyPage(
        balances=tuple(balances),
        account=await out.accounts.of(seller),
        currency=currency,
        lines=tuple(shown),
        next=write_cursor(int(shown[-1].journal)) if len(lines) > LINES_SHOWN else "",
        first=not cursor,
        payouts=payouts.items,
        largest={
            one.currency: fields.plain_amount(movable(one.available, one.currency), one.currency)
            for one in balances
        },
        test=out.provider.test,
        key=secrets.token_urlsafe(16),
        account_form=account,
        payout_form=payout,
        error=error,
        done=request.query.get("done", ""),
    )
    return await render(request, "money.html", page, status=status_of(refused) if refused else 200)


async def _admin(
    request: web.Request,
    form: Form = EMPTY,
    refused: Rejected | None = None,
    *,
    said: Form = EMPTY,
    wanted: str = "",
) -> web.Response:
    services = services_of(request)
    out = money_of(services)
    current = await rates.current(services.pool)
    history = await rates.history(services.pool, None, RATES_SHOWN)
    assert not isinstance(history, Rejected), "the first page has no cursor to be wrong"
    reports = await store.reports(services.pool)
    wanted = wanted or request.query.get("report", "")
    report = next((one for one in reports if str(one.id) == wanted), reports[0] if reports else None)
    found = await seen.judged(services.pool, report) if report is not None else ()
    notes = await seen.history(services.pool)
    ids = {one.seller for one in (*current, *history.items)} | {one.actor for one in (*history.items, *notes)}
    ids |= {one.note.actor for one in found if one.note is not None}
    page = AdminMoneyPage(
        default=rates.default_rates(services.settings, "USD"),
        current=tuple(current),
        changes=history.items,
        names=await _names(request, ids - {""}),
        categories=await services.catalog.categories(),
        form=form,
        reports=tuple(reports),
        report=report,
        found=found,
        notes=notes,
        said=said,
        test=out.provider.test,
        asked=request.query.get("asked") == "1",
    )
    return await render(request, "admin_money.html", page, status=status_of(refused) if refused else 200)


async def _names(request: web.Request, ids: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in sorted(ids):
        person = await people.find_account(services_of(request).pool, UserId(one))
        found[one] = one if person is None else person.name
    return found
