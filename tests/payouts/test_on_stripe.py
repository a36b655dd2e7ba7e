"""Money out before Stripe's shapes, through the adapter and the real SDK: whatever is lost, refused, told twice or late, it moves once,
our ledger is right, and the nightly comparison names what differs.
"""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from liveserver.infra.database import Pool, transaction
from liveserver.jobs.worker import Work
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import disputes, moves
from liveserver.orders.model import Captured, Order
from liveserver.payments.inbox import Inbox
from liveserver.payments.port import OutcomeUnknown
from liveserver.payments.stripe import asking
from liveserver.payments.stripe import provider as adapter
from liveserver.payments.stripe.provider import StripeProvider
from liveserver.payouts.books import DAY_MS, YOUNG_MS
from liveserver.payouts.level import KEY_LASTS_MS, REFUSED_PAUSE_MS
from liveserver.payouts.model import Payout, PayoutJob, Report
from liveserver.payouts.service import LOOKED_FOR_AFTER_MS
from liveserver.payouts.sound import unsound_facts
from tests.doubles.stripe.server import Fault, StripeDouble
from tests.orders.shop import TS, draft
from tests.payouts.stage import Stage
from tests.support import payments

SHARE = 4_413
"""The seller's part of the worked example."""
LOSSES: list[Fault] = ["500 before", "500 after", "cut before", "cut after", "429", "slow"]


class OnStripe(Stage):
    """The stage with Stripe behind it, which tells by signed events."""

    def __init__(
        self, pool: Pool, clock: VirtualClock, double: StripeDouble, provider: StripeProvider
    ) -> None:
        self.double = double
        self.stripe = provider
        self.sold: list[Order] = []
        super().__init__(pool, clock, provider)

    def more_works(self) -> list[Work]:
        self.inbox = Inbox(self.pool, self.stripe, self.clock, self.out.handlers())
        return self.inbox.works()

    async def charges(self, order: Order) -> Captured:
        payment = await payments.paid(self.double, self.stripe, order.id, order.total, order.currency)
        return Captured(payment.id, payment.charge, payment.received, payment.currency)

    async def delivers(self, order: Order) -> Order:
        self.sold.append(await super().delivers(order))
        return self.sold[-1]

    async def hears(self, seed: int = 0) -> None:
        """All that Stripe has told so far comes, twice and in any order."""
        await payments.delivers(self.double, self.inbox, seed=seed)
        await self.works()

    def at_the_provider(self, currency: str = "USD") -> int:
        return sum(amount for (_, of), amount in self.double.there.items() if of == currency.lower())

    def made(self, kind: str) -> int:
        return len(self.double.all(kind))

    async def later(self, ms: int = REFUSED_PAUSE_MS + 1) -> None:
        """After a while sellers' accounts are looked after again."""
        self.clock.advance(ms)
        with suppress(OutcomeUnknown):
            await self.out.level.sweep()

    async def night(self) -> Report:
        self.clock.advance(YOUNG_MS + 1_000)
        return await self.out.books.reconcile()

    async def on_account(self, account: Account) -> int:
        return (await ledger.trial_balance(self.pool))["USD"].get(account, 0)


@pytest.fixture
async def stage(sellers_shop: Pool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OnStripe]:
    monkeypatch.setattr(asking, "ANSWER_MAX_S", 0.5)
    clock = VirtualClock(TS)
    async with payments.stripe(lambda: clock.now_ms() // 1_000) as (double, provider):
        stage = OnStripe(sellers_shop, clock, double, provider)
        await stage.account()
        yield stage


@pytest.fixture
async def rich(stage: OnStripe) -> OnStripe:
    """With 44.13 available."""
    await stage.delivered()
    return stage


async def asked(stage: OnStripe, amount: int = SHARE) -> Payout:
    payout = await stage.asks(amount)
    assert isinstance(payout, Payout), payout
    return payout


async def all_is_well(stage: OnStripe) -> None:
    """Books are sound, Stripe holds what is the seller's, and its books tell the same as ours."""
    assert await unsound_facts(stage.pool) == []
    assert stage.at_the_provider() == (await stage.balance()).available
    report = await stage.night()
    assert (report.differences, report.unsound, report.complete) == ((), (), True)


# Transfers and reversals


@pytest.mark.parametrize("fault", LOSSES)
@pytest.mark.parametrize("hears", [True, False], ids=["told", "not told"])
async def test_a_transfer_moves_once_whatever_is_lost(stage: OnStripe, fault: Fault, hears: bool):
    order = await stage.paid()
    stage.double.faults.append(fault)
    await stage.delivers(order)
    if hears:
        await stage.hears()
    await stage.later(1_000)
    if not hears and fault == "500 after":
        # Its key answers with the stored failure as long as it lives; then the transfer is looked for in the books.
        assert (await stage.balance()).available == 0
        await stage.later(KEY_LASTS_MS + 1)
    assert (stage.made("transfer"), stage.at_the_provider()) == (1, SHARE)
    await all_is_well(stage)


@pytest.mark.parametrize("fault", LOSSES)
async def test_a_reversal_moves_once_whatever_is_lost(rich: OnStripe, fault: Fault):
    (order,) = rich.sold
    assert not isinstance(await rich.asks_refund(order, 2_000), Rejected)
    await rich.works()
    rich.double.faults.append(fault)
    await rich.later(1_000)
    await rich.later(1_000)
    if fault == "500 after":
        await rich.later(KEY_LASTS_MS + 1)
    assert (rich.made("transfer_reversal"), rich.at_the_provider()) == (1, SHARE - 1_840)
    await all_is_well(rich)


async def test_a_reversal_that_was_never_made_is_asked_for_anew_once_that_is_proven(rich: OnStripe):
    (order,) = rich.sold
    assert not isinstance(await rich.asks_refund(order, 2_000), Rejected)
    await rich.works()
    rich.double.away = True
    await rich.later(1_000)
    rich.double.away = False
    await rich.later(KEY_LASTS_MS + 1)
    assert rich.made("transfer_reversal") == 0
    await rich.later()
    assert rich.at_the_provider() == SHARE - 1_840
    await all_is_well(rich)


async def test_what_is_refused_for_lack_of_money_is_asked_again_later(rich: OnStripe):
    account = next(iter(rich.double.there))
    (order,) = rich.sold
    rich.double.there[account] -= 1_000  # Stripe has taken something of the seller's itself
    assert not isinstance(await rich.asks_refund(order, order.total), Rejected)
    await rich.works()
    await rich.later(1_000)
    assert rich.made("transfer_reversal") == 0
    asked = rich.double.asked["POST transfers"]
    await rich.later(1_000)
    assert rich.double.asked["POST transfers"] == asked, "not at once"
    rich.double.there[account] += 1_000
    await rich.later()
    assert rich.made("transfer_reversal") == 1
    await all_is_well(rich)


async def test_an_account_that_is_shut_waits_for_its_owner(stage: OnStripe):
    (account,) = stage.double.all("account")
    stage.double.lets_in(account["id"], ready=False)
    order = await stage.paid()
    await stage.delivers(order)
    await stage.hears()
    await stage.later()
    assert stage.made("transfer") == 0
    stage.double.lets_in(account["id"])
    await stage.hears(seed=1)
    await stage.later()
    assert stage.at_the_provider() == SHARE
    await all_is_well(stage)


# Payouts


@pytest.mark.parametrize("fault", LOSSES)
async def test_a_payout_pays_once_whatever_is_lost(rich: OnStripe, fault: Fault):
    payout = await asked(rich)
    rich.double.faults.append(fault)
    await rich.works()
    for _ in range(2):
        with suppress(OutcomeUnknown):
            await rich.out.payouts.pay(PayoutJob(payout.id))
    if fault == "500 after":
        assert (await rich.payout(payout)).status == "requested", "its key answers with a failure"
    await rich.hears()
    assert (await rich.payout(payout)).status == "in_transit"
    assert (rich.made("payout"), rich.at_the_provider()) == (1, 0)
    await all_is_well(rich)


@pytest.mark.parametrize("fault", LOSSES)
async def test_a_payout_of_which_nothing_is_heard_is_looked_for_after_a_day(rich: OnStripe, fault: Fault):
    payout = await asked(rich)
    rich.double.faults.append(fault)
    await rich.works()
    rich.clock.advance(LOOKED_FOR_AFTER_MS + 1)
    rich.double.read_faults.append("500")
    for _ in range(2):  # who does not answer has proven nothing
        assert (await rich.payout(payout)).status == "requested"
        await rich.out.payouts.sweep()
    made = fault in ("500 after", "cut after", "slow")
    assert (await rich.payout(payout)).status == ("in_transit" if made else "failed")
    assert (rich.made("payout"), rich.at_the_provider()) == (int(made), 0 if made else SHARE)
    await all_is_well(rich)


@pytest.mark.parametrize("seed", range(3))
async def test_a_payout_that_fails_after_it_was_paid_is_the_seller_s_again(rich: OnStripe, seed: int):
    payout = await asked(rich)
    await rich.works()
    reference = (await rich.payout(payout)).reference
    rich.double.ends(reference, "paid")
    await rich.hears(seed)
    assert ((await rich.payout(payout)).status, (await rich.balance()).paid_out) == ("paid", SHARE)
    rich.clock.advance(3 * DAY_MS)
    rich.double.ends(reference, "failed")
    await rich.hears(seed)
    after = await rich.payout(payout)
    assert (after.status, after.error) == ("failed", "The bank account has been closed.")
    assert ((await rich.balance()).paid_out, rich.at_the_provider()) == (0, SHARE)
    await all_is_well(rich)
    again = await asked(rich)
    await rich.works()
    assert (await rich.payout(again)).status == "in_transit"
    assert rich.made("payout") == 2


async def test_a_payout_that_stripe_has_no_money_for_has_failed(rich: OnStripe):
    payout = await asked(rich)
    account = next(iter(rich.double.there))
    rich.double.there[account] -= 1
    await rich.works()
    after = await rich.payout(payout)
    assert (after.status, after.error.partition(":")[0]) == ("failed", "balance_insufficient")
    rich.double.there[account] += 1
    await all_is_well(rich)


async def test_another_s_payout_is_not_found_and_one_that_stripe_made_is_left_alone(rich: OnStripe):
    payout = await asked(rich, 1_000)
    await rich.works()
    reference = (await rich.payout(payout)).reference
    assert await rich.provider.find_payout("acct_other", reference) is None
    (account, _) = next(iter(rich.double.there))
    rich.double.pay_out({"amount": "100", "currency": "usd", "metadata": {}}, account)
    await rich.hears()
    assert await rich.pool.fetchval("SELECT count(*) FROM payouts") == 1


async def test_what_is_asked_for_around_midnight_is_two_days_payouts(rich: OnStripe):
    rich.clock.advance(DAY_MS - rich.clock.now_ms() % DAY_MS - 1)
    before = await asked(rich, 1_000)
    rich.clock.advance(1)
    after = await asked(rich, 1_000)
    await rich.works()
    assert (before.counter, after.counter) == (1, 1)
    assert before.period < after.period
    assert (rich.made("payout"), rich.at_the_provider()) == (2, SHARE - 2_000)
    await all_is_well(rich)


# The books


@pytest.fixture
async def evening(rich: OnStripe) -> OnStripe:
    """Sales, a refund after and one before delivery, a lost dispute, a payout."""
    await rich.refunded(await rich.delivered(), 2_000)
    given_back = await rich.paid()
    await rich.refunded(given_back, given_back.total)
    disputed = await rich.delivered()
    told = rich.double.dispute(disputed.payment)
    async with transaction(rich.pool) as on:
        opened = await disputes.opened(
            on, disputed.id, told["id"], disputed.total, 1_500, "fraudulent", rich.clock.now_ms()
        )
        assert isinstance(opened, Order), opened
        await disputes.closed(on, told["id"], False, rich.clock.now_ms())
    await rich.later(1_000)
    await asked(rich, 1_000)
    await rich.works()
    return rich


async def test_an_evening_that_both_tell_alike_is_clean_and_its_fees_are_posted(evening: OnStripe):
    await all_is_well(evening)
    fees = sum(line["fee"] for line in evening.double.all("balance_transaction"))
    assert fees == await evening.on_account(Account.PSP_EXPENSE) + 1_500 == 4 * 187 + 1_500
    evening.clock.advance(3 * DAY_MS)
    assert (await evening.night()).clean
    assert await evening.on_account(Account.PSP_PENDING) == 0


async def test_books_of_many_pages_are_read_whole_and_in_order(
    evening: OnStripe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adapter, "PAGE", 3)
    report = await evening.night()
    lines = evening.made("balance_transaction")
    assert report.clean
    assert report.matched == report.transactions == lines > 9
    assert evening.double.asked["GET balance_transactions"] == -(-lines // 3)
    told = [line async for line in evening.provider.transactions(0, 2**43)]
    assert [line.id for line in told] == [line["id"] for line in evening.double.all("balance_transaction")]


async def test_books_that_break_off_are_not_half_compared(evening: OnStripe, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(adapter, "PAGE", 3)
    evening.double.read_faults.extend(["", "", "500"])
    with pytest.raises(OutcomeUnknown):
        await evening.night()
    assert await evening.pool.fetchval("SELECT count(*) FROM reconciliations") == 0
    await all_is_well(evening)


async def test_each_difference_is_named_and_nothing_is_mended(evening: OnStripe):
    assert (await evening.night()).clean
    double = evening.double
    unheard = await payments.paid(double, evening.stripe, "ord_unheard", 700, "USD")
    lines = double.all("balance_transaction")
    transfer = next(line for line in lines if line["type"] == "transfer")
    charge, other = [line for line in lines if line["type"] == "charge"][:2]
    del double.objects[transfer["id"]]
    charge.update(fee=charge["fee"] + 1, net=charge["net"] - 1)
    other.update(amount=other["amount"] - 1, net=other["net"] - 1)
    double.line("risk_reserved_funds", "rsv_1", -50, "usd")
    before = await ledger.trial_balance(evening.pool)
    evening.clock.advance(YOUNG_MS + 1_000)
    report = await evening.out.books.reconcile(since_ts=TS - DAY_MS)
    found = {(one.kind, one.type, one.object): (one.here, one.there) for one in report.differences}
    assert found == {
        ("missing_here", "charge", unheard.charge): (None, 700),
        ("missing_there", "transferred", transfer["source"]): (-SHARE, None),
        ("differs", "charge", charge["source"]): (-187, -188),
        ("differs", "charge", other["source"]): (5_413, 5_412),
        ("unknown", "other", "rsv_1"): (None, -50),
    }
    assert await ledger.trial_balance(evening.pool) == before
    assert report.unsound == ()


async def test_our_own_bank_and_stripe_s_own_fees_are_posted_by_its_books(evening: OnStripe):
    evening.double.line("payout", "po_ours", -900, "usd")
    evening.double.line("fee", None, -200, "usd")
    await all_is_well(evening)
    assert await evening.on_account(Account.BANK) == 900
    evening.double.line("payout_reversal", "po_ours", 900, "usd")
    await all_is_well(evening)
    assert await evening.on_account(Account.BANK) == 0


@pytest.mark.parametrize(("past_ms", "night"), [(-1, 1), (0, 1), (1, 1), (499, 1), (500, 2), (1_000, 2)])
async def test_a_line_at_the_border_of_two_nights_is_missed(stage: OnStripe, past_ms: int, night: int):
    """Stripe tells whole seconds; the border lies in the middle of one."""
    border_ts = TS + 10 * DAY_MS + 500
    stage.clock.advance(border_ts + past_ms - TS)
    unheard = await payments.paid(stage.double, stage.stripe, "ord_unheard", 700, "USD")
    stage.clock.advance(YOUNG_MS - past_ms)
    first = await stage.out.books.reconcile()
    assert (first.until_ts, first.clean) == (border_ts, night == 2)
    if night == 2:
        stage.clock.advance(DAY_MS)
        second = await stage.out.books.reconcile()
        assert second.since_ts == border_ts
    named = (second if night == 2 else first).differences
    assert [(one.kind, one.object) for one in named] == [("missing_here", unheard.charge)]


@pytest.mark.parametrize("late_ms", [0, YOUNG_MS, YOUNG_MS + 2_000, 2 * DAY_MS])
async def test_a_payment_that_we_hear_of_in_the_next_night_s_time_is_no_difference_there(
    stage: OnStripe, late_ms: int
):
    """Stripe moves, and we post when we hear of it: the line is before the border, our journal behind it."""
    stage.clock.advance(10 * DAY_MS)
    async with transaction(stage.pool) as on:
        order = await moves.place(on, draft(), TS)
    assert isinstance(order, Order)
    payment = await stage.charges(order)
    stage.clock.advance(late_ms)
    first = await stage.night()
    assert [one.kind for one in first.differences] == ["missing_here"]
    async with transaction(stage.pool) as on:
        assert isinstance(await moves.paid(on, order.id, payment, stage.clock.now_ms()), Order)
    stage.clock.advance(DAY_MS)
    await all_is_well(stage)
