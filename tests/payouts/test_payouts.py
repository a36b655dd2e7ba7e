"""A seller asks for what is available, and gets it once: whatever is refused, lost, told twice or told late."""

import asyncio
import itertools
from contextlib import suppress

import pytest

from liveserver.infra.database import transaction
from liveserver.jobs.model import Later
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.mail.model import SellerMail
from liveserver.orders import store as orders
from liveserver.payments.port import OutcomeUnknown, PayoutState
from liveserver.payouts import rules, store
from liveserver.payouts.errors import (
    ACCOUNT_NOT_READY,
    NO_ACCOUNT,
    PAYOUT_NOT_FOUND,
    PAYOUT_SENT,
    TOO_MANY_PAYOUTS,
)
from liveserver.payouts.level import KEY_LASTS_MS
from liveserver.payouts.model import Payout, PayoutJob
from liveserver.payouts.service import LOOKED_FOR_AFTER_MS, PAYOUTS_PER_DAY_MAX
from liveserver.payouts.sound import unsound_facts
from tests.orders.shop import SELLER
from tests.payouts.stage import Stage


@pytest.fixture
async def rich(stage: Stage) -> Stage:
    """With 44.13 available."""
    await stage.account()
    await stage.delivered()
    return stage


async def asked(stage: Stage, amount: int = 4_413) -> Payout:
    payout = await stage.asks(amount)
    assert isinstance(payout, Payout), payout
    return payout


def told(stage: Stage, template: str) -> list[int]:
    return [mail.amount for mail in stage.mails if isinstance(mail, SellerMail) and mail.template == template]


async def test_from_the_request_to_the_bank(rich: Stage):
    payout = await asked(rich)
    assert payout.key == f"po:{SELLER}:2023-11-14:1"
    assert ((await rich.balance()).available, (await rich.balance()).in_transit) == (0, 4_413)
    await rich.works()
    sent = await rich.payout(payout)
    assert sent.status == "in_transit"
    rich.bank.ends(sent.reference, "paid")
    for type in ("payout.updated", "payout.paid", "payout.created"):
        await rich.event(type, sent.reference)
    assert (await rich.payout(payout)).status == "paid"
    balance = await rich.balance()
    assert (balance.in_transit, balance.paid_out, balance.available) == (0, 4_413, 0)
    await rich.works()
    assert told(rich, "payout_paid") == [4_413]
    assert await unsound_facts(rich.pool) == []


async def test_what_the_bank_sends_back_is_the_seller_s_again(rich: Stage):
    payout = await asked(rich)
    await rich.works()
    reference = (await rich.payout(payout)).reference
    rich.bank.ends(reference, "paid")
    await rich.event("payout.paid", reference)
    rich.bank.ends(reference, "failed")
    for type in ("payout.failed", "payout.paid", "payout.failed"):
        await rich.event(type, reference)
    after = await rich.payout(payout)
    assert (after.status, after.error) == ("failed", "no such account")
    balance = await rich.balance()
    assert (balance.available, balance.paid_out) == (4_413, 0)
    again = await asked(rich)
    assert again.key == f"po:{SELLER}:2023-11-14:2"
    assert await unsound_facts(rich.pool) == []


async def test_a_payout_that_fails_pays_first_what_is_owed_by_then(rich: Stage):
    payout = await asked(rich)
    await rich.works()
    found = await orders.find(rich.pool, await rich.pool.fetchval("SELECT id FROM orders"))
    assert found is not None
    await rich.refunded(found, 2_000)
    assert (await rich.balance()).owed == 1_840
    reference = (await rich.payout(payout)).reference
    rich.bank.ends(reference, "failed")
    await rich.event("payout.failed", reference)
    await rich.out.level.sweep()
    balance = await rich.balance()
    assert (balance.owed, balance.available) == (0, 4_413 - 1_840)
    assert rich.at_the_provider() == balance.available


@pytest.mark.parametrize(
    ("amount", "code"),
    [(4_414, "over_payout"), (99, "payout_too_small"), (0, "payout_too_small"), (-5, "payout_too_small")],
)
async def test_what_is_refused(rich: Stage, amount: int, code: str):
    refused = await rich.asks(amount)
    assert isinstance(refused, Rejected)
    assert refused.code == code
    assert (await rich.balance()).available == 4_413


async def test_no_account_no_payout(stage: Stage):
    await stage.delivered()
    assert await stage.asks(1_000) == NO_ACCOUNT
    stage.bank.ready_at_once = False
    await stage.account()
    assert await stage.asks(1_000) == ACCOUNT_NOT_READY


async def test_what_is_not_on_the_account_yet_cannot_be_paid_out(stage: Stage):
    await stage.account()
    stage.bank.faults = ["refused"]
    await stage.delivered()
    balance = await stage.balance()
    assert (balance.arriving, balance.available) == (4_413, 0)
    refused = await stage.asks(4_413)
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.detail["available"]) == ("over_payout", 0)


async def test_fifty_requests_at_once_get_what_there_is_and_no_more(rich: Stage):
    done = await asyncio.gather(*(rich.asks(1_000) for _ in range(50)))
    assert sum(isinstance(one, Payout) for one in done) == 4
    await rich.works()
    assert rich.at_the_provider() == 413
    assert await unsound_facts(rich.pool) == []


async def test_payouts_and_refunds_at_once_leave_sound_books(rich: Stage):
    sold = [await rich.delivered() for _ in range(4)]
    await asyncio.gather(
        *(rich.asks(1_700) for _ in range(25)), *(rich.asks_refund(order, 300) for order in sold * 3)
    )
    await rich.works()
    await rich.out.level.sweep()
    assert await unsound_facts(rich.pool) == []
    balance = await rich.balance()
    assert rich.at_the_provider() == balance.available
    assert balance.in_transit % 1_700 == 0


async def test_a_day_has_an_end(rich: Stage):
    for _ in range(PAYOUTS_PER_DAY_MAX):
        payout = await asked(rich, 100)
        assert isinstance(await rich.out.payouts.cancel(SELLER, payout.id), Payout)
    assert await rich.asks(100) == TOO_MANY_PAYOUTS
    rich.clock.advance(86_400_000)
    await asked(rich, 100)


async def test_a_request_is_taken_back_until_the_provider_was_asked(rich: Stage):
    payout = await asked(rich)
    assert await rich.out.payouts.cancel(UserId("user_other"), payout.id) == PAYOUT_NOT_FOUND
    for _ in range(2):
        done = await rich.out.payouts.cancel(SELLER, payout.id)
        assert isinstance(done, Payout)
        assert done.status == "cancelled"
    assert (await rich.balance()).available == 4_413
    await rich.works()
    assert rich.bank.payouts == {}, "the job finds it cancelled"
    again = await asked(rich)
    await rich.works()
    assert await rich.out.payouts.cancel(SELLER, again.id) == PAYOUT_SENT


@pytest.mark.parametrize("fault", ["lost before", "lost after"])
async def test_a_lost_answer_is_asked_for_with_the_same_key_and_pays_once(rich: Stage, fault: str):
    payout = await asked(rich)
    rich.bank.faults = [fault, fault]  # type: ignore[list-item] # a word of the bank
    await rich.works()
    assert (await rich.payout(payout)).status == "requested"
    for _ in range(3):
        with suppress(OutcomeUnknown):
            await rich.out.payouts.pay(PayoutJob(payout.id))
    assert (await rich.payout(payout)).status == "in_transit"
    assert len(rich.bank.payouts) == 1


@pytest.mark.parametrize("looks", [True, False])
async def test_after_a_day_without_an_answer_it_is_not_asked_again_but_looked_for(rich: Stage, looks: bool):
    payout = await asked(rich)
    rich.bank.faults = ["lost after"]
    await rich.works()
    rich.bank.forgets_keys()
    rich.clock.advance(KEY_LASTS_MS + 1)
    with pytest.raises(Later):
        await rich.out.payouts.pay(PayoutJob(payout.id))
    rich.clock.advance(LOOKED_FOR_AFTER_MS - KEY_LASTS_MS)
    if looks:
        await rich.out.payouts.sweep()
        assert (await rich.payout(payout)).status == "in_transit"
    assert len(rich.bank.payouts) == 1
    (reference,) = rich.bank.payouts
    rich.bank.ends(reference, "paid")
    await rich.event("payout.paid", reference)
    assert (await rich.payout(payout)).status == "paid"


async def test_what_was_never_carried_out_is_the_seller_s_again_after_a_day(rich: Stage):
    payout = await asked(rich)
    rich.bank.faults = ["lost before"]
    await rich.works()
    rich.clock.advance(LOOKED_FOR_AFTER_MS)
    await rich.out.payouts.sweep()
    assert (await rich.payout(payout)).status == "requested", "not before its time"
    rich.clock.advance(1)
    await rich.out.payouts.sweep()
    assert (await rich.payout(payout)).status == "failed"
    assert ((await rich.balance()).available, rich.bank.payouts) == (4_413, {})
    assert await unsound_facts(rich.pool) == []


async def test_what_the_provider_refuses_has_failed_and_is_the_seller_s_again(rich: Stage):
    payout = await asked(rich)
    rich.bank.faults = ["refused"]
    await rich.works()
    assert (await rich.payout(payout)).status == "failed"
    assert (await rich.balance()).available == 4_413
    assert told(rich, "payout_failed") == [4_413]


async def test_payouts_that_are_not_ours_are_left_alone(rich: Stage):
    await rich.event("payout.paid", "po_unknown")
    rich.bank.payouts["po_auto"] = PayoutState(
        id="po_auto", account="acct_1", amount=5, currency="USD", status="paid"
    )
    await rich.event("payout.paid", "po_auto")
    assert not isinstance(await store.payouts_of(rich.pool, SELLER), Rejected)


SAID = ("requested", "in_transit", "paid", "failed", "canceled")


@pytest.mark.parametrize("order", list(itertools.permutations(("in_transit", "paid", "failed"))))
async def test_events_in_any_order_end_the_same(rich: Stage, order: tuple[str, ...]):
    """Each tells what was so when it was made, as if nobody had fetched the object."""
    payout = await asked(rich)
    await rich.works()
    now = await rich.payout(payout)
    for status in (*order, *order):
        said = PayoutState(
            id=now.reference, account=now.account, amount=now.amount, currency="USD",
            status=status,  # type: ignore[arg-type] # a word of the port
        )  # fmt: skip
        async with transaction(rich.pool) as on:
            await rich.out.payouts.said(on, payout.id, said)
    assert (await rich.payout(payout)).status == "failed"
    assert (await rich.balance()).available == 4_413


@pytest.mark.parametrize(
    ("now", "said", "then"),
    [
        ("requested", "requested", "in_transit"),
        ("requested", "paid", "paid"),
        ("requested", "failed", "failed"),
        ("requested", "canceled", "cancelled"),
        ("in_transit", "in_transit", None),
        ("in_transit", "paid", "paid"),
        ("in_transit", "canceled", "cancelled"),
        ("paid", "in_transit", None),
        ("paid", "paid", None),
        ("paid", "canceled", None),
        ("paid", "failed", "failed"),
        *((ended, said, None) for ended in ("failed", "cancelled") for said in SAID),
    ],
)
def test_which_state_may_follow_which(now: str, said: str, then: str | None):
    state = PayoutState(id="po_1", account="a", amount=1, currency="USD", status=said)  # type: ignore[arg-type] # a word of the port
    assert rules.next_status(now, state) == then  # type: ignore[arg-type] # a word of the port


async def test_a_seller_s_payouts_page_by_page(rich: Stage):
    made = [(await asked(rich, 100 + number)).amount for number in range(5)]
    seen: list[int] = []
    cursor = None
    for _ in range(3):
        page = await store.payouts_of(rich.pool, SELLER, cursor, 2)
        assert not isinstance(page, Rejected)
        seen += [payout.amount for payout in page.items]
        cursor = page.next
    assert (seen, cursor) == (made[::-1], None)
