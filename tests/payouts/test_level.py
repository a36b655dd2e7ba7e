"""What is a seller's goes to their account at the provider, what is not theirs any more comes back; once, whatever gets lost."""

import asyncio

import pytest

from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders import moves
from liveserver.payments.port import OutcomeUnknown
from liveserver.payouts.books import YOUNG_MS
from liveserver.payouts.level import KEY_LASTS_MS, REFUSED_PAUSE_MS
from liveserver.payouts.sound import unsound_facts
from tests.orders.shop import SELLER
from tests.payouts.stage import Stage


async def is_sound(stage: Stage) -> bool:
    balance = await stage.balance()
    assert await unsound_facts(stage.pool) == []
    return stage.at_the_provider() == balance.available


async def test_at_delivery_the_worked_example_s_share_goes_to_the_seller(stage: Stage):
    await stage.account()
    order = await stage.delivered()
    assert stage.at_the_provider() == 4_413
    assert stage.bank.calls[-1] == f"tr:{order.id}:{SELLER}"
    assert (await stage.balance()).available == 4_413
    assert await is_sound(stage)


async def test_before_delivery_nothing_goes_there(stage: Stage):
    await stage.account()
    await stage.paid()
    await stage.works()
    await stage.out.level.sweep()
    balance = await stage.balance()
    assert (balance.held, balance.available, stage.at_the_provider()) == (5_413, 0, 0)


async def test_what_was_sold_before_there_was_an_account_follows_when_there_is_one(stage: Stage):
    stage.bank.ready_at_once = False
    await stage.delivered()
    await stage.account()
    await stage.delivered()
    assert ((await stage.balance()).arriving, stage.at_the_provider()) == (8_826, 0)
    account = next(iter(stage.bank.accounts.values()))
    stage.bank.accounts[account.id] = type(account)(account.id, True)
    await stage.event("account.updated", account.id)
    await stage.works()
    assert stage.at_the_provider() == 8_826
    assert await is_sound(stage)


async def test_a_refund_after_delivery_takes_the_seller_s_part_back(stage: Stage):
    await stage.account()
    order = await stage.delivered()
    await stage.refunded(order, 2_000)
    assert stage.at_the_provider() == 4_413 - 1_840
    assert await is_sound(stage)


async def test_a_lost_dispute_takes_it_all_back(stage: Stage):
    await stage.account()
    order = await stage.delivered()
    await stage.dispute_lost(order, order.total)
    assert stage.at_the_provider() == 0
    assert await is_sound(stage)


async def test_a_refund_larger_than_the_order_s_share_is_taken_from_the_other_transfers(stage: Stage):
    await stage.account()
    first = await stage.delivered()
    await stage.delivered()
    await stage.refunded(
        first, first.total
    )  # the seller bears postage and processing: more than this order brought them
    assert stage.at_the_provider() == 8_826 - (5_000 - 400 + 413)
    assert await is_sound(stage)


async def test_what_was_paid_out_is_owed_and_the_next_sale_pays_it_first(stage: Stage):
    await stage.account()
    order = await stage.delivered()
    payout = await stage.asks(4_413)
    assert not isinstance(payout, Rejected)
    await stage.works()
    await stage.refunded(order, 2_000)
    assert (await stage.balance()).owed == 1_840
    await stage.delivered()
    assert ((await stage.balance()).owed, stage.at_the_provider()) == (0, 4_413 - 1_840)
    assert await is_sound(stage)


@pytest.mark.parametrize("fault", ["lost before", "lost after"])
async def test_a_lost_answer_is_asked_for_with_the_same_key(stage: Stage, fault: str):
    await stage.account()
    stage.bank.faults = [fault, fault]  # type: ignore[list-item] # a word of the bank
    await stage.delivered()
    for _ in range(2):
        await stage.out.level.sweep()
    assert stage.at_the_provider() == 4_413
    assert len(set(stage.bank.calls[1:])) == 1
    assert await is_sound(stage)


@pytest.mark.parametrize("fault", ["lost before", "lost after"])
async def test_when_the_provider_has_forgotten_the_key_it_is_looked_for_and_not_asked_again(
    stage: Stage, fault: str
):
    await stage.account()
    stage.bank.faults = [fault] * 20  # type: ignore[list-item] # a word of the bank
    await stage.delivered()
    stage.bank.faults, stage.bank.calls = [], []
    stage.bank.forgets_keys()
    stage.clock.advance(KEY_LASTS_MS + 1)
    await stage.out.level.sweep()
    assert stage.bank.calls == []
    assert stage.at_the_provider() == (4_413 if fault == "lost after" else 0)
    stage.clock.advance(REFUSED_PAUSE_MS + 1)
    await stage.out.level.sweep()
    assert stage.at_the_provider() == 4_413
    assert await is_sound(stage)


async def test_a_lost_reversal_is_looked_for_as_well(stage: Stage):
    await stage.account()
    order = await stage.delivered()
    stage.bank.faults = [None, "lost after"]  # the refund itself, then the reversal
    await stage.refunded(order, 2_000)
    stage.bank.forgets_keys()
    stage.clock.advance(KEY_LASTS_MS + 1)
    await stage.out.level.sweep()
    assert stage.at_the_provider() == 4_413 - 1_840
    assert await is_sound(stage)
    stage.clock.advance(YOUNG_MS + 1)
    assert (await stage.out.books.reconcile()).clean, "it is known by the name that the provider's books have"


async def test_the_event_of_a_transfer_whose_answer_was_lost_settles_it(stage: Stage):
    await stage.account()
    order = await stage.paid()
    await _released(stage, order.id)
    stage.bank.faults = ["lost after"]
    with pytest.raises(OutcomeUnknown):
        await stage.out.level.level(SELLER, "USD")
    for _ in range(2):
        await stage.event("transfer.created", next(iter(stage.bank.transfers)))
    assert await stage.pool.fetchval("SELECT status FROM transfers") == "done"


async def _released(stage: Stage, order: str) -> None:
    async with transaction(stage.pool) as on:
        await moves.ship(on, order, SELLER, "Post", "RR1", stage.clock.now_ms())
        await moves.deliver(on, order, SELLER, stage.clock.now_ms())


async def test_what_the_provider_refuses_is_asked_again_later_under_a_new_key(stage: Stage):
    await stage.account()
    stage.bank.faults = ["refused"]
    await stage.delivered()
    await stage.out.level.sweep()
    assert len(stage.bank.calls) == 2, "the account, and one transfer: not again at once"
    stage.clock.advance(REFUSED_PAUSE_MS + 1)
    await stage.out.level.sweep()
    assert stage.at_the_provider() == 4_413
    assert stage.bank.calls[2] == f"{stage.bank.calls[1]}:2"
    assert await is_sound(stage)


async def test_many_at_once_move_it_once(stage: Stage):
    await stage.account()
    order = await stage.paid()
    await _released(stage, order.id)
    await asyncio.gather(*(stage.out.level.level(SELLER, "USD", order.id) for _ in range(20)))
    assert stage.at_the_provider() == 4_413
    assert len(stage.bank.transfers) == 1
    assert await is_sound(stage)


async def test_of_a_currency_with_three_decimals_hundredths_are_moved_and_the_rest_adds_up(stage: Stage):
    await stage.account()
    for _ in range(10):
        await stage.delivered(currency="KWD", shipping=411)  # 4.413 each
    await stage.out.level.sweep()
    balance = await stage.balance("KWD")
    assert stage.at_the_provider("KWD") == balance.available == 10 * 4_413
    assert all(transfer.amount % 10 == 0 for transfer in stage.bank.transfers.values())
    refused = await stage.asks(1_005, "KWD")
    assert isinstance(refused, Rejected)
    assert refused.detail == {"field": "amount", "step": 10}


async def test_orders_of_the_test_provider_move_no_real_money(stage: Stage):
    await stage.account()
    await stage.delivered(test=False)
    await stage.out.level.sweep()
    assert stage.at_the_provider() == 0
