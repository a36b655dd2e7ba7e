"""The provider's books against ours: clean when both tell the same, and each way in which they can part is named."""

import logging

import msgspec
import pytest

from liveserver.kernel.errors import Rejected
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.payouts import store
from liveserver.payouts.books import DAY_MS, LOOK_BACK_MS, YOUNG_MS
from liveserver.payouts.model import Difference, Report
from tests.orders.shop import SELLER
from tests.payouts.stage import Stage

HOUR_MS = 3_600_000


async def night(stage: Stage) -> Report:
    stage.clock.advance(YOUNG_MS + 1)
    return await stage.out.books.reconcile()


def kinds(report: Report) -> list[tuple[str, str]]:
    return [(one.kind, one.type) for one in report.differences]


async def on_account(stage: Stage, account: Account, currency: str = "USD") -> int:
    return (await ledger.trial_balance(stage.pool)).get(currency, {}).get(account, 0)


@pytest.fixture
async def evening(stage: Stage) -> Stage:
    """A sale that went well, one that was partly refunded after it, one given back before it, and a lost dispute."""
    await stage.account()
    await stage.delivered()
    await stage.refunded(await stage.delivered(), 2_000)
    given_back = await stage.paid()
    await stage.refunded(given_back, given_back.total)
    disputed = await stage.delivered()
    await stage.dispute_lost(disputed, disputed.total)
    payout = await stage.asks(1_000)
    assert not isinstance(payout, Rejected)
    await stage.works()
    return stage


async def test_an_evening_that_both_tell_alike_is_clean(evening: Stage):
    report = await night(evening)
    assert (report.differences, report.unsound, report.complete) == ((), (), True)
    assert report.matched == report.transactions == len(evening.bank.books)
    assert report.clean
    fees = sum(line.fee for line in evening.bank.books if line.type == "charge")
    assert await on_account(evening, Account.PSP_EXPENSE) == fees


async def test_money_is_available_once_the_provider_says_so_and_then_pending_is_empty(evening: Stage):
    assert (await night(evening)).clean
    assert await on_account(evening, Account.PSP_AVAILABLE) == 0
    evening.clock.advance(9 * DAY_MS)
    assert (await night(evening)).clean
    assert await on_account(evening, Account.PSP_PENDING) == 0
    books = sum(line.net for line in evening.bank.books)
    assert await on_account(evening, Account.PSP_AVAILABLE) == books
    again = await night(evening)
    assert (again.posted, again.clean) == (0, True)


async def test_what_the_provider_moved_and_we_did_not_post_is_missing_here(evening: Stage):
    evening.bank.charged("ch_unheard", 700, "USD")
    evening.bank.line("transfer", "tr_by_hand", -300, "USD")
    report = await night(evening)
    assert kinds(report) == [("missing_here", "charge"), ("missing_here", "transfer")]
    first = report.differences[0]
    assert (first.object, first.here, first.there) == ("ch_unheard", None, 700)


async def test_what_happened_within_the_hour_may_be_on_its_way(evening: Stage):
    evening.clock.advance(2 * HOUR_MS)
    evening.bank.charged("ch_just_now", 700, "USD")
    evening.clock.advance(60_000)
    assert (await evening.out.books.reconcile()).clean
    assert not (await night(evening)).clean, "the next one misses it"


async def test_what_we_posted_and_the_provider_did_not_move_is_missing_there(evening: Stage):
    gone = [line for line in evening.bank.books if line.type in ("charge", "transfer")][:2]
    evening.bank.books = [line for line in evening.bank.books if line not in gone]
    report = await night(evening)
    assert kinds(report) == [("missing_there", "captured"), ("missing_there", "transferred")]
    assert [one.here for one in report.differences] == [5_413, -4_413]


@pytest.mark.parametrize(
    ("type", "change"),
    [("charge", {"amount": 5_412}), ("charge", {"currency": "EUR"}), ("refund", {"amount": -1})],
)
async def test_other_figures_differ(evening: Stage, type: str, change: dict[str, object]):
    at = next(number for number, line in enumerate(evening.bank.books) if line.type == type)
    evening.bank.books[at] = msgspec.structs.replace(evening.bank.books[at], **change)
    assert kinds(await night(evening)) == [("differs", type)]


async def test_a_fee_that_changes_after_it_was_posted_differs(evening: Stage):
    assert (await night(evening)).clean
    line = evening.bank.books[1] if evening.bank.books[0].type != "charge" else evening.bank.books[0]
    at = evening.bank.books.index(line)
    evening.bank.books[at] = msgspec.structs.replace(line, fee=line.fee + 1, net=line.net - 1)
    assert kinds(await night(evening)) == [("differs", "charge")]


async def test_a_line_of_a_kind_that_we_never_cause_is_said(evening: Stage):
    evening.bank.line("other", "adj_1", -50, "USD")
    assert kinds(await night(evening)) == [("unknown", "other")]


async def test_our_own_money_in_our_bank_and_fees_of_their_own_are_posted(evening: Stage):
    evening.bank.line("payout", "po_ours", -900, "USD")
    evening.bank.line("fee", "", -200, "USD")
    assert (await night(evening)).clean
    assert await on_account(evening, Account.BANK) == 900
    evening.bank.line("payout_failure", "po_ours", 900, "USD")
    assert (await night(evening)).clean
    assert await on_account(evening, Account.BANK) == 0


async def test_differences_are_told_every_night_until_they_are_gone(
    evening: Stage, caplog: pytest.LogCaptureFixture
):
    evening.bank.charged("ch_unheard", 700, "USD")
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        evening.clock.advance(DAY_MS)
        assert not (await night(evening)).clean
    assert [record.message for record in caplog.records].count("reconciliation_differs") == 3
    evening.bank.books.pop()
    assert (await night(evening)).clean
    assert (await night(evening)).transactions < len(evening.bank.books) * 2
    kept = await store.reports(evening.pool)
    assert [report.clean for report in kept] == [True, True, False, False, False]
    assert isinstance(kept[-1].differences[0], Difference)


async def test_nothing_is_mended_by_itself(evening: Stage):
    evening.bank.charged("ch_unheard", 700, "USD", 20)
    before = await ledger.trial_balance(evening.pool)
    await night(evening)
    after = await ledger.trial_balance(evening.pool)
    assert after["USD"][Account.ESCROW] == before["USD"][Account.ESCROW]
    assert (
        await evening.pool.fetchval("SELECT count(*) FROM ledger_journals WHERE object = 'ch_unheard'") == 0
    )


async def test_books_that_somebody_has_gone_around_are_unsound(evening: Stage):
    await evening.pool.execute(
        "UPDATE ledger_balances SET balance = balance + 5 WHERE account = 'psp_sellers'"
    )
    await evening.pool.execute("UPDATE orders SET funds = 'held', state = 'shipped' WHERE number = 100001")
    await evening.pool.execute("UPDATE payouts SET amount = amount + 1")
    report = await night(evening)
    assert report.differences == ()
    told = " / ".join(report.unsound)
    for part in (
        "psp_sellers of user_sam",
        "escrow of order",
        f"seller {SELLER} at the provider",
        "on the way to the bank",
    ):
        assert part in told
    assert report.found == len(report.unsound)


async def test_the_first_comparison_goes_back_five_weeks_and_no_further(stage: Stage):
    stage.bank.charged("ch_old", 1, "USD")
    stage.clock.advance(LOOK_BACK_MS + 10 * DAY_MS)
    assert (await night(stage)).clean
    asked = await stage.out.books.reconcile(since_ts=0)
    assert kinds(asked) == [("missing_here", "charge")]
