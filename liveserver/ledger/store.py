"""The ledger in PostgreSQL: posting journals once, and reading what stands where.

It judges no figures (`rules` does, and the database's own constraints): it makes sure that an event is posted once, and that
whoever asks for a balance before posting holds it still until the transaction ends.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from liveserver.infra.database import Connection, Pool, Record, load_queries
from liveserver.kernel.ids import OrderId, UserId
from liveserver.ledger.model import OWNED, Account, Journal, JournalId, Posting

Q = load_queries("liveserver.ledger")
STATEMENT_LINES_MAX = 200
"""Lines of a statement read at once."""
NEWEST = 2**62
"""Before all: a statement from its newest line."""


class LedgerConflict(Exception):
    """The same event came twice, and not with the same figures: nothing was posted the second time."""


class Line(msgspec.Struct, frozen=True):
    """One line of a person's statement: amounts as that person sees them, what they are owed positive."""

    journal: JournalId
    kind: str
    object: str
    order: OrderId | None
    memo: str
    ts: int
    amount: int
    balance: int


Key = tuple[Account, str, str]
"""Account, owner, currency."""


async def hold(connection: Connection, keys: Iterable[Key]) -> dict[Key, int]:
    """What stands on these owned accounts, in their natural sign, held still until the transaction ends."""
    wanted = sorted(set(keys))
    assert all(key[0] in OWNED for key in wanted), "only accounts with an owner have balances to hold"
    columns = [[str(key[at]) for key in wanted] for at in range(3)]
    await connection.execute(Q.add_balances, *columns)
    rows = await connection.fetch(Q.lock_balances, *columns)
    return {
        (Account(row["account"]), row["owner"], row["currency"]): _natural(
            Account(row["account"]), row["balance"]
        )
        for row in rows
    }


async def post(connection: Connection, journals: Sequence[Journal], ts: int) -> list[JournalId]:
    """Posts what was not posted before; gives the ids of what was posted now. Inside the caller's transaction.

    Raises LedgerConflict for an event that was posted with other figures, and CheckViolationError when an account that must
    not be overdrawn would be.
    """
    await hold(
        connection,
        (
            (line.account, line.owner, journal.currency)
            for journal in journals
            for line in journal.postings
            if line.owner
        ),
    )
    posted: list[JournalId] = []
    for journal in journals:
        number = await connection.fetchval(
            Q.add_journal,
            journal.kind,
            journal.object,
            journal.currency,
            journal.order,
            None if journal.reverses is None else int(journal.reverses),
            journal.memo,
            ts,
        )
        if number is None:
            await _same(connection, journal)
            continue
        lines = journal.postings
        await connection.execute(
            Q.add_postings,
            number,
            list(range(1, len(lines) + 1)),
            [line.account.value for line in lines],
            [line.owner for line in lines],
            [journal.currency] * len(lines),
            [line.amount for line in lines],
        )
        posted.append(JournalId(str(number)))
    return posted


async def _same(connection: Connection, journal: Journal) -> None:
    rows = await connection.fetch(Q.find_journal, journal.kind, journal.object)
    there = tuple(Posting(Account(row["account"]), row["amount"], row["owner"]) for row in rows)
    if there != journal.postings or rows[0]["currency"] != journal.currency:
        raise LedgerConflict(
            f"{journal.kind} of {journal.object} is posted as {there}, and came again as {journal.postings}"
        )


async def balance(on: Pool | Connection, account: Account, owner: str, currency: str) -> int:
    """What stands on an owned account, in its natural sign: what we owe a seller is positive."""
    found = await on.fetchval(Q.balance, account.value, owner, currency)
    return _natural(account, found or 0)


async def journals_of(on: Pool | Connection, order: OrderId) -> list[Journal]:
    """All that was posted for an order, in order."""
    rows = await on.fetch(Q.journals_of_order, order)
    by_id: dict[int, list[Record]] = {}
    for row in rows:
        by_id.setdefault(row["id"], []).append(row)
    return [_journal(lines) for lines in by_id.values()]


async def statement(
    on: Pool | Connection, seller: UserId, currency: str, before: int = NEWEST, limit: int = 50
) -> list[Line]:
    """What came to a seller and went, the newest first; `before` is the last journal of the page before.

    Each line's balance is what they are owed then, less what they owe us.
    """
    rows = await on.fetch(Q.statement, seller, currency, before, min(limit, STATEMENT_LINES_MAX))
    return [
        Line(
            journal=JournalId(str(row["id"])),
            kind=row["kind"],
            object=row["object"],
            order=row["order_id"],
            memo=row["memo"],
            ts=row["ts"],
            amount=-row["amount"],
            balance=-int(row["balance"]),
        )
        for row in rows
    ]


async def trial_balance(on: Pool | Connection) -> Mapping[str, Mapping[Account, int]]:
    """By currency what each account holds in all, debit positive: each currency adds up to nothing."""
    found: dict[str, dict[Account, int]] = {}
    for row in await on.fetch(Q.trial_balance):
        found.setdefault(row["currency"], {})[Account(row["account"])] = row["balance"]
    return found


async def balances_apart(on: Pool | Connection) -> list[str]:
    """Balances that are not the sum of their lines, in words; empty when all is well."""
    return [
        f"{row['account']} of {row['owner']} in {row['currency']} says {row['balance']}, its lines {row['total']}"
        for row in await on.fetch(Q.balances_apart)
    ]


def _journal(rows: Sequence[Record]) -> Journal:
    head = rows[0]
    return Journal(
        kind=head["kind"],
        object=head["object"],
        currency=head["currency"],
        order=head["order_id"],
        reverses=None if head["reverses"] is None else JournalId(str(head["reverses"])),
        memo=head["memo"],
        postings=tuple(Posting(Account(row["account"]), row["amount"], row["owner"]) for row in rows),
    )


def _natural(account: Account, debit: int) -> int:
    return debit if account.normal == "debit" else -debit
