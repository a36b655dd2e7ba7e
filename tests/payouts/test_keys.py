"""The provider's key is exchanged while money is on its way: nothing is sent a second time under another name."""

from typing import NoReturn

import pytest

from liveserver.kernel.errors import Rejected
from liveserver.payments.port import KeyRefused, OutcomeUnknown
from liveserver.payouts.level import REFUSED_PAUSE_MS
from liveserver.payouts.model import PayoutJob
from tests.payouts.stage import Stage


async def knows_us_not(*_: object) -> NoReturn:
    raise KeyRefused("invalid_key", "Expired API Key provided")


async def test_a_transfer_whose_answer_was_lost_is_not_made_again_under_a_new_key(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    order = await stage.delivered()
    await stage.out.accounts.open(order.seller, "DE")
    stage.bank.faults = ["lost after"]
    with pytest.raises(OutcomeUnknown):
        await stage.out.level.level(order.seller, "USD")
    with monkeypatch.context() as night:
        night.setattr(stage.bank, "transfer", knows_us_not)
        with pytest.raises(KeyRefused):
            await stage.out.level.sweep()
    stage.clock.advance(REFUSED_PAUSE_MS + 1)
    await stage.out.level.sweep()
    assert len(stage.bank.transfers) == 1
    assert stage.at_the_provider() == (await stage.balance()).available == 4_413


async def test_a_payout_whose_answer_was_lost_is_not_given_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    await stage.account()
    await stage.delivered()
    payout = await stage.asks(1_000)
    assert not isinstance(payout, Rejected)
    stage.bank.faults = ["lost after"]
    job = PayoutJob(payout.id)
    with pytest.raises(OutcomeUnknown):
        await stage.out.payouts.pay(job)
    with monkeypatch.context() as night:
        night.setattr(stage.bank, "pay_out", knows_us_not)
        with pytest.raises(KeyRefused):
            await stage.out.payouts.pay(job)
    await stage.out.payouts.pay(job)
    assert (await stage.payout(payout)).status == "in_transit"
    assert (await stage.balance()).available == 3_413 == stage.at_the_provider()
