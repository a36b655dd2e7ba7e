"""Random lives of one order, with everybody at once, lost answers and ended processes: the money is right in the end.

What is lost at random is lost by seed; `hypothesis` shrinks the life and prints it.
"""

import asyncio
import itertools
import random
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liveserver.checkout.back import RefundUnclear
from liveserver.infra.database import Pool, transaction
from liveserver.jobs.worker import Later
from liveserver.orders import moves, refunds
from liveserver.orders.model import FULFILLED
from liveserver.payments.port import OutcomeUnknown
from tests.checkout.provider import Killed
from tests.checkout.stage import BEA, HOUR_MS, ROME, Stage

STEPS = (
    "page",
    "page again",
    "saved card",
    "charge",
    "buyer pays",
    "buyer is declined",
    "moves",
    "cancel",
    "seller cancels",
    "expire",
    "hour",
    "messages",
    "one message twice",
    "refund",
)
FAULTS = ("before", "after", "stored_500", "killed_before", "killed_after")
_numbers = itertools.count(1)
lives = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from(STEPS), st.sampled_from((None, None, *FAULTS))),
    min_size=3,
    max_size=14,
)


async def step(stage: Stage, order: str, name: str, chance: random.Random) -> None:
    checkout, provider = stage.checkout, stage.provider
    if name in {"page", "page again"}:
        await checkout.pay(BEA, order)
    elif name == "saved card":
        await checkout.pay(BEA, order, saved_card=True)
    elif name == "charge":
        await checkout.charge(order)
    elif name in {"buyer pays", "buyer is declined"}:
        if provider.payments:
            payment = chance.choice(list(provider.payments))
            _ = provider.succeed(payment) if name == "buyer pays" else provider.decline(payment)
    elif name == "moves":
        await checkout.pay(BEA, order, address=ROME)
    elif name == "cancel":
        await checkout.cancel(order, BEA.id, "changed my mind")
    elif name == "seller cancels":
        async with transaction(stage.pool) as on:  # without a look at the provider
            await moves.cancel(on, order, "user_sam", "broken", stage.clock.now_ms())
    elif name == "expire":
        await checkout.expire(order)
    elif name == "hour":
        stage.clock.advance(chance.choice((1, 1, 7, 25)) * HOUR_MS)
    elif name == "messages":
        chance.shuffle(provider.events)
        await stage.told_all()
    elif name == "one message twice":
        if provider.events:
            await stage.tell([chance.choice(provider.events)] * 2)
    elif name == "refund":
        async with transaction(stage.pool) as on:
            await refunds.request(on, order, "user_sam", chance.randint(1, 3_000), "", stage.clock.now_ms())


@given(lives, st.integers(0, 1_000))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_money_is_right_after_any_life(
    shop: Pool, life: list[tuple[str, str, str | None]], seed: int
) -> None:
    await shop.execute("TRUNCATE stray_payments, refund_calls, payment_attempts")
    await shop.execute("UPDATE refunds SET status = 'succeeded' WHERE status = 'requested'")
    stage, chance = Stage(shop, first=next(_numbers) * 1_000), random.Random(seed)
    stage.cards.save(BEA.id)
    stage.provider.cards["pm_good"] = chance.choice(("", "", "card_declined", "authentication_required"))
    stage.provider.search_lags = chance.random() < 0.3
    order = (await stage.won()).id

    async def tolerant(name: str) -> None:
        # A process that ends, and an answer that is missing, end one step; nothing else may.
        with suppress(Killed, Later, OutcomeUnknown, RefundUnclear):
            await step(stage, order, name, chance)

    for one, other, fault in life:
        if fault is not None:
            stage.provider.faults.append(fault)  # type: ignore[arg-type]  # one of FAULTS
        await asyncio.gather(tolerant(one), tolerant(other))
        assert sum(a.live for a in await stage.attempts(order)) <= 1
    stage.provider.faults, stage.provider.search_lags = [], False
    for _ in range(4):
        await stage.told_all()
        for refund in await shop.fetch("SELECT id FROM refunds WHERE order_id = $1", order):
            await stage.checkout.refund(refund["id"])
    await stage.told_all()
    now = await stage.order(order)
    await stage.money_is_right(order)
    assert (await stage.journals(order)).count("captured") == (1 if now.paid_ts is not None else 0)
    assert (await stage.history(order)).count("paid") <= 1
    if now.state in FULFILLED:
        assert stage.provider.payments[now.payment].status == "succeeded"
