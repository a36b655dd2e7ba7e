"""The ledger on the real PostgreSQL: what the database itself refuses, what comes twice, and what comes at once."""

import asyncio

import asyncpg
import pytest

from liveserver.infra.database import Pool, transaction
from liveserver.kernel.ids import OrderId, UserId
from liveserver.ledger import rules, store
from liveserver.ledger.model import Account, Journal, Posting
from tests.ledger.histories import CURRENCIES, SELLERS, History, assert_sound

SELLER = UserId("user_seller")
SALE = rules.sale(OrderId("order_1"), SELLER, "USD", 5_000, 413)
TS = 1_700_000_000_000


async def posts(pool: Pool, *journals: Journal) -> int:
    async with transaction(pool) as connection:
        return len(await store.post(connection, journals, TS))


async def test_a_sale_from_charge_to_payout(pool: Pool):
    await posts(pool, rules.captured(SALE, "ch_1"))
    assert await store.balance(pool, Account.ESCROW, SALE.order, "USD") == 5_413
    await posts(pool, rules.released(SALE))
    assert await store.balance(pool, Account.ESCROW, SALE.order, "USD") == 0
    asked = rules.payout_requested(SELLER, "USD", "po_1", 4_413, payable=4_413)
    assert isinstance(asked, Journal)
    await posts(pool, asked)
    told = await store.statement(pool, SELLER, "USD")
    assert [(line.kind, line.amount, line.balance) for line in told] == [
        ("payout_requested", -4_413, 0),
        ("released", 4_413, 4_413),
    ]
    older = await store.statement(pool, SELLER, "USD", before=int(told[0].journal))
    assert [line.kind for line in older] == ["released"]
    assert [journal.kind for journal in await store.journals_of(pool, SALE.order)] == ["captured", "released"]


async def test_what_is_reported_twice_is_posted_once(pool: Pool):
    assert await posts(pool, rules.captured(SALE, "ch_1")) == 1
    assert await posts(pool, rules.captured(SALE, "ch_1")) == 0
    assert await store.balance(pool, Account.ESCROW, SALE.order, "USD") == 5_413


async def test_the_same_event_with_other_figures_is_a_conflict_and_changes_nothing(pool: Pool):
    await posts(pool, rules.captured(SALE, "ch_1"))
    other = rules.sale(SALE.order, SELLER, "USD", 9_999)
    with pytest.raises(store.LedgerConflict):
        await posts(pool, rules.captured(other, "ch_1"))
    assert await store.balance(pool, Account.ESCROW, SALE.order, "USD") == 5_413


def journal(*postings: Posting, object: str = "x_1") -> Journal:
    return Journal(kind="test", object=object, currency="USD", order=None, postings=postings)


@pytest.mark.parametrize(
    "uneven",
    [
        journal(Posting(Account.BANK, 100), Posting(Account.PSP_AVAILABLE, -99)),
        journal(Posting(Account.BANK, 100)),
        journal(),
    ],
    ids=["off by one", "one line", "no lines"],
)
async def test_the_database_refuses_a_journal_that_does_not_balance(pool: Pool, uneven: Journal):
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        await posts(pool, uneven)
    assert await store.trial_balance(pool) == {}


async def test_the_database_refuses_a_line_added_to_an_old_journal(pool: Pool):
    await posts(pool, rules.captured(SALE, "ch_1"))
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        await pool.execute(
            "INSERT INTO ledger_postings (journal, position, account, currency, amount) "
            "SELECT id, 3, 'bank', 'USD', 5 FROM ledger_journals"
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_postings SET amount = amount + 1",
        "DELETE FROM ledger_postings",
        "TRUNCATE ledger_journals CASCADE",
        "UPDATE ledger_journals SET memo = 'never mind'",
        "DELETE FROM ledger_journals",
    ],
)
async def test_what_is_posted_stays(pool: Pool, change: str):
    await posts(pool, rules.captured(SALE, "ch_1"))
    with pytest.raises(asyncpg.RestrictViolationError, match="only ever added to"):
        await pool.execute(change)


@pytest.mark.parametrize(
    "overdrawing",
    [
        rules.released(SALE),  # nothing was captured
        rules.refunded_before_release(SALE, "re_1", rules.Refunds(1)),
        rules.payout_paid(SELLER, "USD", "po_1", 1),  # nothing was asked for
        rules.transfer_reversed(SELLER, "USD", "trr_1", 1, SALE.order),  # nothing is there
        rules.owed_settled(SELLER, "USD", "order_2", 5, 5),
    ],
    ids=lambda journal: journal.kind,
)
async def test_the_database_refuses_to_overdraw(pool: Pool, overdrawing: Journal):
    with pytest.raises(asyncpg.CheckViolationError):
        await posts(pool, overdrawing)
    assert await store.trial_balance(pool) == {}


async def test_fifty_payouts_at_once_pay_out_what_there_is_and_no_more(pool: Pool):
    await posts(pool, rules.captured(SALE, "ch_1"), rules.released(SALE))

    async def asks(number: int) -> int:
        async with transaction(pool) as connection:
            held = await store.hold(connection, [(Account.SELLER_PAYABLE, SELLER, "USD")])
            payable = held[Account.SELLER_PAYABLE, SELLER, "USD"]
            asked = rules.payout_requested(SELLER, "USD", f"po_{number}", 1_000, payable)
            return len(await store.post(connection, [asked], TS)) if isinstance(asked, Journal) else 0

    assert sum(await asyncio.gather(*(asks(number) for number in range(50)))) == 4
    assert await store.balance(pool, Account.SELLER_PAYABLE, SELLER, "USD") == 413
    assert await store.balances_apart(pool) == []


@pytest.mark.parametrize("seed", range(5))
async def test_random_histories_are_posted_as_they_happened(pool: Pool, seed: int):
    history = History(seed)
    for _ in range(80):
        await posts(pool, *history.step())
    assert_sound(history)
    assert await posts(pool, *history.journals) == 0, "all of it again changes nothing"
    totals = await store.trial_balance(pool)
    for currency, accounts in totals.items():
        assert sum(accounts.values()) == 0, currency
    for seller in SELLERS:
        for account in (Account.SELLER_PAYABLE, Account.SELLER_RECEIVABLE, Account.PSP_SELLERS):
            for currency in CURRENCIES:
                found = await store.balance(pool, account, seller, currency)
                assert found == history.of(account, seller, currency)
    assert await store.balances_apart(pool) == []


@pytest.mark.parametrize("size", [1, 2, 5, 50])
async def test_every_page_of_a_statement_says_what_stood_there(pool: Pool, size: int):
    """Counted down from now, page by page, it is what adding up from the beginning gives."""
    amounts = [(n * 7_919) % 1_000 - 300 for n in range(1, 24)]
    for n, amount in enumerate(amounts):
        # What moves from what they are owed to what they owe changes nothing, and is no line.
        for given, object in ((amount, f"x_{n}"), (0, f"y_{n}")):
            await posts(
                pool,
                journal(
                    Posting(Account.SELLER_PAYABLE, -(2_000 + given), SELLER),
                    Posting(Account.SELLER_RECEIVABLE, 2_000, SELLER),
                    *([Posting(Account.BANK, given)] if given else ()),
                    object=object,
                ),
            )
    told: list[tuple[int, int]] = []
    before = store.NEWEST
    while lines := await store.statement(pool, SELLER, "USD", before, size):
        told += [(line.amount, line.balance) for line in lines]
        before = int(lines[-1].journal)
    assert told == [(amount, sum(amounts[: n + 1])) for n, amount in enumerate(amounts)][::-1]
