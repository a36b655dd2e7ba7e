"""Money out as rows: statements of `queries.sql`, typed on both sides. It decides nothing."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from liveserver.infra.database import Connection, Pool, Record, load_queries
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId, UserId
from liveserver.kernel.pages import Page, page_limit, read_cursor, write_cursor
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.payouts.model import (
    Balance,
    Difference,
    Payout,
    PayoutAccount,
    PayoutId,
    Report,
    Standing,
    Transfer,
    TransferId,
)
from liveserver.payouts.rules import Source

Q = load_queries("liveserver.payouts")
Database = Pool | Connection

TRANSFERS_AT_ONCE = 100
"""Of one seller that are planned or carried out in one go; what is left is done the next time."""
SELLERS_AT_ONCE = 200
"""Sellers whose accounts are brought level in one round."""
REPORTS_SHOWN = 30
_LAST = "z"
"""Behind every id (`po_…`), however the database sorts."""


class Untransferred(Source, frozen=True):
    """An order's share that is not on the seller's account yet."""

    charge: str


class Reversible(Source, frozen=True):
    """A transfer of which something is still there."""

    order: OrderId
    charge: str
    reference: str


async def find_account(on: Database, seller: str, provider: str) -> PayoutAccount | None:
    """A seller's account at a provider."""
    row = await on.fetchrow(Q.find_account, seller, provider)
    return None if row is None else _account(row)


async def find_account_by_reference(on: Database, provider: str, account: str) -> PayoutAccount | None:
    """Whose account it is."""
    row = await on.fetchrow(Q.find_account_by_reference, provider, account)
    return None if row is None else _account(row)


async def hold(on: Connection, seller: UserId, currency: str) -> Standing:
    """What a seller has and owes in a currency, held still until the transaction ends."""
    names = (Account.SELLER_PAYABLE, Account.PAYOUT_TRANSIT, Account.PSP_SELLERS, Account.SELLER_RECEIVABLE)
    held = await ledger.hold(on, [(name, seller, currency) for name in names])
    moving = await _moving(on, seller)
    payable, transit, there, owed = (held[name, seller, currency] for name in names)
    return Standing(payable, transit, there, owed, moving.get(currency, (0, 0))[1])


async def going(on: Connection, seller: UserId, currency: str) -> int:
    """What is about to be transferred to a seller's account and was not posted yet."""
    return (await _moving(on, seller)).get(currency, (0, 0))[0]


async def _moving(on: Database, seller: str) -> dict[str, tuple[int, int]]:
    return {
        row["currency"]: (row["going"], row["giving_back"]) for row in await on.fetch(Q.moving_of, seller)
    }


async def balances(on: Database, seller: UserId) -> list[Balance]:
    """A seller's money, by currency."""
    raw = {(row["account"], row["currency"]): row["balance"] for row in await on.fetch(Q.balances_of, seller)}
    held = {row["currency"]: row["held"] for row in await on.fetch(Q.held_of, seller)}
    paid_out = {row["currency"]: row["paid_out"] for row in await on.fetch(Q.paid_out_of, seller)}
    moving = await _moving(on, seller)
    found: list[Balance] = []
    for row in await on.fetch(Q.currencies_of, seller):
        currency = row["currency"]
        now = Standing(
            payable=-raw.get((Account.SELLER_PAYABLE, currency), 0),
            transit=-raw.get((Account.PAYOUT_TRANSIT, currency), 0),
            there=raw.get((Account.PSP_SELLERS, currency), 0),
            owed=raw.get((Account.SELLER_RECEIVABLE, currency), 0),
            giving_back=moving.get(currency, (0, 0))[1],
        )
        found.append(
            Balance(
                currency=currency,
                held=held.get(currency, 0),
                arriving=now.payable - now.available,
                available=now.available,
                in_transit=now.transit,
                owed=now.owed,
                paid_out=paid_out.get(currency, 0),
            )
        )
    return found


async def untransferred(
    on: Connection, seller: str, currency: str, order: str, *, test: bool, refused_ts: int
) -> list[Untransferred]:
    """Orders of which more is the seller's than went to their account."""
    rows = await on.fetch(Q.untransferred, seller, currency, order, test, refused_ts, TRANSFERS_AT_ONCE)
    return [Untransferred(row["id"], row["left"], row["charge"]) for row in rows]


async def reversible(
    on: Connection, seller: str, currency: str, order: str, provider: str, refused_ts: int
) -> list[Reversible]:
    """Transfers of which something can be taken back, an order's own first."""
    rows = await on.fetch(Q.reversible, seller, currency, order, provider, refused_ts, TRANSFERS_AT_ONCE)
    return [
        Reversible(row["id"], row["left"], OrderId(row["order_id"]), row["charge"], row["reference"])
        for row in rows
    ]


async def add_transfer(on: Connection, transfer: Transfer) -> None:
    """Before the provider is asked."""
    await on.execute(
        Q.add_transfer,
        transfer.id,
        transfer.kind,
        transfer.seller,
        transfer.provider,
        transfer.account,
        transfer.order,
        transfer.charge,
        transfer.currency,
        transfer.amount,
        transfer.key,
        transfer.of,
        transfer.created_ts,
    )


async def open_transfers(on: Database, seller: str, currency: str, provider: str) -> list[Transfer]:
    """What the provider has not answered, the oldest first."""
    rows = await on.fetch(Q.open_transfers, seller, currency, provider, TRANSFERS_AT_ONCE)
    return [_transfer(row) for row in rows]


async def open_transfer_like(
    on: Database, order: str, account: str, currency: str, amount: int
) -> Transfer | None:
    """What we wait to hear of, by what the provider says."""
    row = await on.fetchrow(Q.open_transfer_like, order, account, currency, amount)
    return None if row is None else _transfer(row)


async def settle_transfer(
    on: Connection, transfer: str, status: Literal["done", "failed"], reference: str, error: str, ts: int
) -> bool:
    """False: it was settled before."""
    return await on.fetchval(Q.settle_transfer, transfer, status, reference, error[:500], ts) is not None


async def sellers_apart(on: Database, provider: str) -> list[tuple[UserId, str]]:
    """Sellers and currencies that want a look."""
    rows = await on.fetch(Q.sellers_apart, provider, SELLERS_AT_ONCE)
    return [(UserId(row["seller"]), row["currency"]) for row in rows]


async def find_payout(on: Database, payout: str) -> Payout | None:
    """A payout by its id."""
    row = await on.fetchrow(Q.find_payout, payout)
    return None if row is None else _payout(row)


async def lock_payout(on: Connection, payout: str) -> Payout | None:
    """A payout, held still until the transaction ends."""
    row = await on.fetchrow(Q.lock_payout, payout)
    return None if row is None else _payout(row)


async def payouts_of(
    on: Database, seller: str, cursor: str | None = None, limit: int = 20
) -> Page[Payout] | Rejected:
    """A seller's payouts ("" for everybody's), the newest first. `bad_cursor`."""
    before = read_cursor(cursor, tuple[str]) if cursor else (_LAST,)
    if isinstance(before, Rejected):
        return before
    limit = page_limit(limit)
    rows = [_payout(row) for row in await on.fetch(Q.payouts_of, seller, before[0], limit + 1)]
    shown = rows[:limit]
    return Page(tuple(shown), write_cursor(shown[-1].id) if len(rows) > limit else None)


async def add_payout(on: Connection, payout: Payout) -> None:
    """A payout that is asked for."""
    await on.execute(
        Q.add_payout,
        payout.id,
        payout.seller,
        payout.period,
        payout.counter,
        payout.provider,
        payout.account,
        payout.currency,
        payout.amount,
        payout.actor,
        payout.test,
        payout.created_ts,
    )


async def add_report(on: Database, report: Report) -> Report:
    """Keeps a report; gives it with its number."""
    number = await on.fetchval(
        Q.add_report,
        report.provider,
        report.since_ts,
        report.until_ts,
        report.made_ts,
        report.transactions,
        report.matched,
        report.posted,
        report.found,
        msgspec.to_builtins(report.differences),
        msgspec.to_builtins(report.unsound),
        report.complete,
        report.pending_ts,
    )
    return msgspec.structs.replace(report, id=number)


async def reports(on: Database, limit: int = REPORTS_SHOWN) -> list[Report]:
    """The newest comparisons."""
    return [_report(row) for row in await on.fetch(Q.reports, ledger.NEWEST, limit)]


async def psp_journals(
    on: Database, wanted: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], tuple[int, str, str]]:
    """By kind and object, of those that are posted: what it did to what we have with the provider, currency, order."""
    rows = await on.fetch(Q.psp_journals, [kind for kind, _ in wanted], [object for _, object in wanted])
    return {(row["kind"], row["object"]): (row["amount"], row["currency"], row["order_id"]) for row in rows}


def _account(row: Record) -> PayoutAccount:
    return PayoutAccount(
        seller=UserId(row["seller"]),
        provider=row["provider"],
        account=row["account"],
        ready=row["ready"],
        wants=tuple(row["wants"]),
        checked_ts=row["checked_ts"],
    )


def _transfer(row: Record) -> Transfer:
    return Transfer(
        id=TransferId(row["id"]),
        kind=row["kind"],
        seller=UserId(row["seller"]),
        provider=row["provider"],
        account=row["account"],
        order=OrderId(row["order_id"]),
        charge=row["charge"],
        currency=row["currency"],
        amount=row["amount"],
        key=row["key"],
        of=None if row["of"] is None else TransferId(row["of"]),
        of_reference=row["of_reference"],
        status=row["status"],
        reference=row["reference"],
        created_ts=row["created_ts"],
    )


def _payout(row: Record) -> Payout:
    return Payout(
        id=PayoutId(row["id"]),
        seller=UserId(row["seller"]),
        period=row["period"],
        counter=row["counter"],
        provider=row["provider"],
        account=row["account"],
        currency=row["currency"],
        amount=row["amount"],
        status=row["status"],
        reference=row["reference"],
        error=row["error"],
        actor=row["actor"],
        test=row["test"],
        created_ts=row["created_ts"],
        sent_ts=row["sent_ts"],
        paid_ts=row["paid_ts"],
        ended_ts=row["ended_ts"],
    )


def _report(row: Record) -> Report:
    return Report(
        id=row["id"],
        provider=row["provider"],
        since_ts=row["since_ts"],
        until_ts=row["until_ts"],
        made_ts=row["made_ts"],
        transactions=row["transactions"],
        matched=row["matched"],
        posted=row["posted"],
        found=row["found"],
        differences=msgspec.convert(row["differences"], tuple[Difference, ...]),
        unsound=msgspec.convert(row["unsound"], tuple[str, ...]),
        complete=row["complete"],
        pending_ts=row["pending_ts"],
    )
