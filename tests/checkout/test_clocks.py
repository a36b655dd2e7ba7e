"""Processes whose clocks differ a little: what one has planned for later the other may begin too early, and must not forget."""

import pytest

from liveserver.jobs.worker import Later
from tests.checkout.stage import BEA, HOUR_MS, Stage


async def test_a_second_charge_that_comes_a_little_too_early_is_made_a_little_later(stage: Stage) -> None:
    stage.cards.save(BEA.id, "pm_poor")
    stage.provider.cards["pm_poor"] = "insufficient_funds"
    order = await stage.won()
    await stage.checkout.charge(order.id)
    stage.clock.advance(6 * HOUR_MS - 40)
    with pytest.raises(Later) as later:
        await stage.checkout.charge(order.id)
    assert (later.value.after_ms, len(stage.provider.calls)) == (40, 1)
    stage.provider.cards["pm_poor"] = ""
    stage.clock.advance(later.value.after_ms)
    await stage.checkout.charge(order.id)
    await stage.told_all()
    assert (await stage.order(order.id)).state == "paid"
