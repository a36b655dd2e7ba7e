"""What buyers do: start, pay, pay again, go elsewhere, in two tabs."""

import asyncio
import random

import pytest

from liveserver.checkout.model import CheckoutWish, Session
from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders import moves
from liveserver.orders.model import Order
from tests.checkout.stage import BEA, BERN, EVE, HOUR_MS, ROME, Stage
from tests.orders.shop import LAMP, SELLER, stock


def code(answer: object) -> str:
    assert isinstance(answer, Rejected), answer
    return answer.code


async def test_an_order_is_paid_when_the_provider_says_so_and_not_before(stage: Stage) -> None:
    session = await stage.starts(expected_total=5_413)
    assert (session.intent, session.client_secret, session.test) == ("pi_1", "secret", True)
    stage.provider.succeed(session.intent)
    again = await stage.checkout.pay(BEA, session.order.id)
    assert isinstance(again, Session)
    assert (again.status, again.order.state) == ("succeeded", "awaiting_payment")
    await stage.told_all()
    now = await stage.order(session.order.id)
    assert (now.state, now.funds, now.payment) == ("paid", "held", session.intent)
    assert await stock(stage.pool) == 49
    await stage.money_is_right(now.id)


async def test_other_figures_than_shown_are_refused_with_the_new_ones(stage: Stage) -> None:
    stage.basket.put(BEA)
    answer = await stage.checkout.start(BEA, CheckoutWish(seller=SELLER, address=BERN, expected_total=5_000))
    assert code(answer) == "price_changed"
    assert isinstance(answer, Rejected)
    assert answer.detail["total"] == 5_413
    assert await stock(stage.pool) == 50
    assert stage.provider.calls == []


async def test_two_tabs_that_check_out_one_cart_make_one_order(stage: Stage) -> None:
    stage.basket.put(BEA)
    wish = CheckoutWish(seller=SELLER, address=BERN)
    answers = await asyncio.gather(*(stage.checkout.start(BEA, wish) for _ in range(5)))
    assert sum(isinstance(answer, Session) for answer in answers) == 1
    assert {answer.code for answer in answers if isinstance(answer, Rejected)} == {"cart_empty"}
    assert len(stage.provider.payments) == 1


async def test_two_tabs_that_pay_one_order_pay_one_payment(stage: Stage) -> None:
    order = await stage.won()
    sessions = await asyncio.gather(*(stage.checkout.pay(BEA, order.id) for _ in range(5)))
    assert {session.intent for session in sessions if isinstance(session, Session)} == {"pi_1"}


async def test_somebody_else_s_order_is_not_there(stage: Stage) -> None:
    order = await stage.won()
    assert code(await stage.checkout.pay(EVE, order.id)) == "order_not_found"


async def test_what_costs_nothing_is_paid_without_a_provider(stage: Stage) -> None:
    stage.basket.free = True
    session = await stage.starts()
    assert (session.status, session.order.state, session.intent) == ("free", "paid", "")
    assert stage.provider.calls == []


async def test_a_saved_card_and_the_page_in_parallel_charge_once(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    page, _ = await asyncio.gather(
        stage.checkout.pay(BEA, order.id), stage.checkout.charge(order.id), return_exceptions=True
    )
    if isinstance(page, Session):
        stage.provider.succeed(page.intent)
    await stage.told_all()
    assert (stage.provider.charges, (await stage.order(order.id)).state) == (1, "paid")


async def test_the_saved_card_instead_of_entering_one_ends_the_open_payment_first(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    first = await stage.checkout.pay(BEA, order.id)
    second = await stage.checkout.pay(BEA, order.id, saved_card=True)
    assert isinstance(first, Session)
    assert isinstance(second, Session)
    assert stage.provider.payments[first.intent].status == "canceled"
    assert second.status == "succeeded"


async def test_another_address_costs_otherwise_and_ends_what_could_be_paid_at_the_old_price(
    stage: Stage,
) -> None:
    first = await stage.starts()
    second = await stage.checkout.pay(BEA, first.order.id, address=ROME)
    assert isinstance(second, Session)
    assert second.order.total == 5_900
    assert stage.provider.payments[first.intent].status == "canceled"
    assert stage.provider.payments[second.intent].amount == 5_900


async def test_paid_already_while_moving_is_refused(stage: Stage) -> None:
    first = await stage.starts()
    stage.provider.succeed(first.intent)
    assert code(await stage.checkout.pay(BEA, first.order.id, address=ROME)) == "payment_processing"


async def test_a_declined_card_on_the_page_may_be_followed_by_another(stage: Stage) -> None:
    session = await stage.starts()
    stage.provider.decline(session.intent)
    await stage.told_all()
    assert (await stage.order(session.order.id)).state == "payment_failed"
    again = await stage.checkout.pay(BEA, session.order.id)
    assert isinstance(again, Session)
    assert again.intent == session.intent
    stage.provider.succeed(again.intent)
    await stage.told_all()
    assert (await stage.order(session.order.id)).state == "paid"


async def test_after_the_window_nothing_is_begun(stage: Stage) -> None:
    session = await stage.starts()
    stage.clock.advance(HOUR_MS)
    assert code(await stage.checkout.pay(BEA, session.order.id)) == "payment_window_over"


async def test_expiry_ends_the_payment_first_and_gives_the_stock_back(stage: Stage) -> None:
    session = await stage.starts()
    stage.clock.advance(HOUR_MS)
    await stage.checkout.expire(session.order.id)
    assert stage.provider.payments[session.intent].status == "canceled"
    assert (await stage.order(session.order.id)).state == "cancelled"
    assert await stock(stage.pool, LAMP) == 50


async def test_cancelling_ends_the_payment_first(stage: Stage) -> None:
    session = await stage.starts()
    done = await stage.checkout.cancel(session.order.id, BEA.id, "changed my mind")
    assert isinstance(done, Order)
    assert (done.state, stage.provider.payments[session.intent].status) == ("cancelled", "canceled")


async def test_a_payment_that_came_after_the_cancellation_goes_back(stage: Stage) -> None:
    session = await stage.starts()
    async with transaction(stage.pool) as on:  # by somebody who did not ask the provider first
        await moves.cancel(on, session.order.id, "user_sam", "broken", stage.clock.now_ms())
    stage.provider.succeed(session.intent)
    await stage.tell(stage.provider.events * 3)
    await stage.told_all()
    assert stage.provider.given_back == 5_413
    kinds = await stage.history(session.order.id)
    assert kinds.count("late_payment") == kinds.count("late_payment_returned") == 1
    assert await stage.journals(session.order.id) == ["refund_paid", "stray_captured"]
    await stage.money_is_right(session.order.id)


@pytest.mark.parametrize("seed", range(3))
async def test_messages_by_the_thousand_in_any_order_pay_once_and_post_once(stage: Stage, seed: int) -> None:
    session = await stage.starts()
    stage.provider.decline(session.intent)
    stage.provider.succeed(session.intent)
    events = stage.provider.events * 300
    random.Random(seed).shuffle(events)
    await stage.tell(events)
    assert await stage.journals(session.order.id) == ["captured"]
    assert (await stage.history(session.order.id)).count("paid") == 1
    assert await stage.jobs("mail.send") <= 4
    await stage.money_is_right(session.order.id)
