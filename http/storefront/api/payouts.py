"""`/seller/balance`, `/seller/statement`, `/seller/payouts`: a seller's money; `/admin/rates` and `/admin/reconciliations`: what is
kept of sales, and whether the provider's books say the same as ours.
"""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from msgspec import Meta

from liveserver.infra.database import transaction
from liveserver.jobs.queue import enqueue
from liveserver.kernel.errors import UNAVAILABLE, Rejected
from liveserver.kernel.ids import UserId
from liveserver.kernel.pages import BAD_CURSOR, read_cursor, write_cursor
from liveserver.ledger import rates
from liveserver.ledger import store as ledger
from liveserver.ledger.rates import Rate
from liveserver.ledger.store import NEWEST, STATEMENT_LINES_MAX, Line
from liveserver.payouts import store
from liveserver.payouts.errors import ACCOUNT_NOT_FOUND, PAYOUT_NOT_FOUND
from liveserver.payouts.model import Balance, CompareJob, Payout, PayoutAccount, PayoutStatus, Report
from liveserver.payouts.upkeep import MoneyOut
from storefront.api.documents import Listing
from storefront.api.inputs import Currency, Input
from storefront.api.paging import Cursor, Limit, bounded
from storefront.api.registry import ADMINS, HOSTS, Call, Table, operation
from storefront.orders.export import BOM, plain, written
from storefront.problems import Refused
from storefront.services import Services
from storefront.web.texts import isotime

CSV_LINES_MAX = 20_000
"""Of one statement: more is of no use in a spreadsheet. What is cut says so in the last row."""


class BalanceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A seller's money in one currency, in minor units."""

    currency: str
    held: int
    """Paid by buyers, in escrow until delivery, before fees."""
    arriving: int
    """Theirs, and on its way to their payout account."""
    available: int
    in_transit: int
    """On its way to their bank."""
    owed: int
    """What they owe: new sales pay it first."""
    paid_out: int
    test: bool
    """The payment provider moves no money."""


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that came or went."""

    id: str
    kind: str
    """`released`, `released_late`, `refunded`, `refund_failed`, `dispute_lost`, `payout_requested`, `payout_failed`."""
    object: str
    order: str | None
    ts: int
    amount: int
    """Minor units; negative for what went."""
    balance: int
    """After it: what the seller is owed, less what they owe."""


class PayoutDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way to a seller's bank."""

    id: str
    currency: str
    amount: int
    status: PayoutStatus
    error: str
    test: bool
    created_ts: int
    paid_ts: int | None
    ended_ts: int | None


class AccountDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Where a seller's money goes."""

    ready: bool
    """Money may go there."""
    wants: tuple[str, ...]
    """What the payment provider still asks for, in its own words."""
    test: bool


class LinkDocument(msgspec.Struct, frozen=True):
    """A page of the payment provider's, good for one visit."""

    url: str


class PayoutQuery(msgspec.Struct, frozen=True):
    """Which payouts."""

    cursor: Cursor = ""
    limit: Limit = 20


class StatementQuery(msgspec.Struct, frozen=True):
    """Which lines."""

    currency: Currency
    cursor: Cursor = ""
    limit: Limit = 50


class StatementFile(msgspec.Struct, frozen=True):
    """Which statement."""

    currency: Currency


class NewPayout(Input, frozen=True):
    """A payout to ask for."""

    currency: Currency
    amount: Annotated[int, Meta(ge=1, le=10**12, description="Minor units.")]


class NewAccount(Input, frozen=True):
    """Where the seller is at home."""

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["DE"])]


class NewRate(Input, frozen=True):
    """A commission from now on; `commission_bp` null ends it. Empty `seller` or `category`: all of them."""

    seller: Annotated[str, Meta(max_length=40)] = ""
    category: Annotated[str, Meta(max_length=40)] = ""
    commission_bp: Annotated[int, Meta(ge=0, le=10_000, description="Basis points.")] | None = None
    note: Annotated[str, Meta(max_length=200)] = ""


class Comparison(Input, frozen=True):
    """What to compare; null: since the last comparison in which nothing differed."""

    since_ts: Annotated[int, Meta(ge=0, le=2**53 - 1, description="Unix time in ms.")] | None = None


def money_of(services: Services) -> MoneyOut:
    """Raises Refused where this server handles no money."""
    if services.money is None:
        raise Refused(UNAVAILABLE)
    return services.money


@operation("GET", "/seller/balance", tag="money", who=HOSTS)
async def balance(call: Call) -> Listing[BalanceDocument]:
    """One's own money, by currency."""
    money = money_of(call.services)
    found = await store.balances(call.services.pool, UserId(call.who.id))
    return Listing(tuple(balance_document(one, test=money.provider.test) for one in found))


@operation("GET", "/seller/statement", tag="money", who=HOSTS)
async def statement(call: Call, query: StatementQuery) -> Listing[StatementLine] | Rejected:
    """What came to one's account and went, the newest first."""
    before = read_cursor(query.cursor, tuple[int]) if query.cursor else (NEWEST,)
    if isinstance(before, Rejected):
        return BAD_CURSOR
    limit = min(bounded(call, query.limit), STATEMENT_LINES_MAX - 1)
    lines = await ledger.statement(
        call.services.pool, UserId(call.who.id), query.currency, before[0], limit + 1
    )
    shown = lines[:limit]
    after = write_cursor(int(shown[-1].journal)) if len(lines) > limit else None
    return Listing(tuple(map(_line, shown)), after)


@operation("GET", "/seller/statement.csv", tag="money", who=HOSTS)
async def statement_csv(call: Call, query: StatementFile) -> Table:
    """The whole statement of a currency as CSV, the newest first."""
    name = f"statement-{query.currency.lower()}.csv"
    return Table(name, _rows(call.services, UserId(call.who.id), query.currency))


@operation("GET", "/seller/payouts", tag="money", who=HOSTS)
async def payouts(call: Call, query: PayoutQuery) -> Listing[PayoutDocument] | Rejected:
    """One's payouts, the newest first."""
    page = await store.payouts_of(
        call.services.pool, call.who.id, query.cursor or None, bounded(call, query.limit)
    )
    if isinstance(page, Rejected):
        return page
    return Listing(tuple(map(payout_document, page.items)), page.next)


@operation("POST", "/seller/payouts", tag="money", who=HOSTS, status=201, keyed=True)
async def request_payout(call: Call, body: NewPayout) -> PayoutDocument | Rejected:
    """Has available money sent to one's bank."""
    money = money_of(call.services)
    done = await money.payouts.ask(UserId(call.who.id), body.currency, body.amount, call.who.id)
    return done if isinstance(done, Rejected) else payout_document(done)


@operation("GET", "/seller/payouts/{id}", tag="money", who=HOSTS)
async def one_payout(call: Call, id: str) -> PayoutDocument | Rejected:
    """One of one's payouts."""
    found = await store.find_payout(call.services.pool, id)
    if found is None or found.seller != call.who.id:
        return PAYOUT_NOT_FOUND
    return payout_document(found)


@operation("POST", "/seller/payouts/{id}/cancel", tag="money", who=HOSTS)
async def cancel_payout(call: Call, id: str) -> PayoutDocument | Rejected:
    """Takes a request back that was not sent yet."""
    done = await money_of(call.services).payouts.cancel(UserId(call.who.id), id)
    return done if isinstance(done, Rejected) else payout_document(done)


@operation("GET", "/seller/payout-account", tag="money", who=HOSTS)
async def payout_account(call: Call) -> AccountDocument | Rejected:
    """Where one's money goes."""
    money = money_of(call.services)
    found = await money.accounts.of(UserId(call.who.id))
    return ACCOUNT_NOT_FOUND if found is None else _account(found, test=money.provider.test)


@operation("POST", "/seller/payout-account", tag="money", who=HOSTS, status=201, keyed=True)
async def open_payout_account(call: Call, body: NewAccount) -> AccountDocument | Rejected:
    """Opens an account at the payment provider; the second time it is the same."""
    money = money_of(call.services)
    done = await money.accounts.open(UserId(call.who.id), body.country)
    return done if isinstance(done, Rejected) else _account(done, test=money.provider.test)


@operation("POST", "/seller/payout-account/link", tag="money", who=HOSTS)
async def payout_account_link(call: Call) -> LinkDocument | Rejected:
    """The provider's page on which it asks what it wants to know. It leads back to the studio."""
    url = await onboarding_url(call.services, call.who.id, call.services.settings.origin())
    return url if isinstance(url, Rejected) else LinkDocument(url)


@operation("GET", "/admin/rates", tag="operator", who=ADMINS)
async def commission_rates(call: Call) -> Listing[Rate]:
    """The commissions that differ from the default, as they count now."""
    return Listing(tuple(await rates.current(call.services.pool)))


@operation("POST", "/admin/rates", tag="operator", who=ADMINS, status=201, keyed=True)
async def set_commission_rate(call: Call, body: NewRate) -> Rate | Rejected:
    """Sets or ends a commission from now on; orders keep what they were placed with."""
    async with transaction(call.services.pool) as on:
        return await rates.change(
            on, call.who.id, body.seller, body.category, body.commission_bp, body.note,
            call.services.clock.now_ms(),
        )  # fmt: skip


@operation("GET", "/admin/rates/history", tag="operator", who=ADMINS)
async def commission_history(call: Call, query: PayoutQuery) -> Listing[Rate] | Rejected:
    """Every change of a commission, the newest first: who, when, what."""
    page = await rates.history(call.services.pool, query.cursor or None, bounded(call, query.limit))
    return page if isinstance(page, Rejected) else Listing(page.items, page.next)


@operation("GET", "/admin/reconciliations", tag="operator", who=ADMINS)
async def reconciliations(call: Call) -> Listing[Report]:
    """The newest comparisons of the provider's books with ours."""
    return Listing(tuple(await store.reports(call.services.pool)))


@operation("POST", "/admin/reconciliations", tag="operator", who=ADMINS)
async def compare_books(call: Call, body: Comparison) -> None:
    """Has the books compared now; the report appears when it is done."""
    money_of(call.services)
    async with transaction(call.services.pool) as on:
        await enqueue(on, "payouts.compare", CompareJob(body.since_ts), once="compare")


async def onboarding_url(services: Services, seller: str, origin: str) -> str | Rejected:
    """Where the provider asks a seller what it wants to know, and comes back from."""
    return await money_of(services).accounts.page(
        UserId(seller), f"{origin}/studio/money/back", f"{origin}/studio/money/onboarding"
    )


def balance_document(one: Balance, *, test: bool) -> BalanceDocument:
    """As people and programs see it."""
    return BalanceDocument(test=test, **msgspec.structs.asdict(one))


def payout_document(one: Payout) -> PayoutDocument:
    """As its seller sees it."""
    return PayoutDocument(
        id=one.id,
        currency=one.currency,
        amount=one.amount,
        status=one.status,
        error=one.error,
        test=one.test,
        created_ts=one.created_ts,
        paid_ts=one.paid_ts,
        ended_ts=one.ended_ts,
    )


def _account(one: PayoutAccount, *, test: bool) -> AccountDocument:
    return AccountDocument(ready=one.ready, wants=one.wants, test=test)


def _line(one: Line) -> StatementLine:
    return StatementLine(
        id=one.journal,
        kind=one.kind,
        object=one.object,
        order=one.order,
        ts=one.ts,
        amount=one.amount,
        balance=one.balance,
    )


async def _rows(services: Services, seller: UserId, currency: str) -> AsyncIterator[str]:
    yield BOM + written([("line", "time", "kind", "object", "order", "amount", "balance", "currency")])
    before, told = NEWEST, 0
    while told < CSV_LINES_MAX:
        lines = await ledger.statement(services.pool, seller, currency, before, STATEMENT_LINES_MAX)
        if not lines:
            return
        yield written([_row(line, currency) for line in lines])
        before, told = int(lines[-1].journal), told + len(lines)
    yield written([(f"Cut after {CSV_LINES_MAX} lines.",)])


def _row(line: Line, currency: str) -> tuple[str, ...]:
    return (
        line.journal,
        isotime(line.ts),
        line.kind,
        line.object,
        line.order or "",
        _signed(line.amount, currency),
        _signed(line.balance, currency),
        currency,
    )


def _signed(minor: int, currency: str) -> str:
    return f"{'-' if minor < 0 else ''}{plain(abs(minor), currency)}"
