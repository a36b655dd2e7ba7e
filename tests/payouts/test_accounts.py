"""Sellers' accounts at the provider: what it refuses is said, and nothing is kept of it."""

from liveserver.kernel.errors import Rejected
from tests.orders.shop import SELLER
from tests.payouts.stage import Stage


async def test_a_country_that_the_provider_does_not_serve_is_said_and_another_may_be_tried(stage: Stage):
    stage.bank.faults = ["refused"]
    refused = await stage.out.accounts.open(SELLER, "KP")
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.detail) == ("payout_account_refused", {"field": "country"})
    assert await stage.out.accounts.of(SELLER) is None
    assert not isinstance(await stage.out.accounts.open(SELLER, "DE"), Rejected)


async def test_forints_are_paid_out_whole(stage: Stage):
    await stage.account()
    await stage.delivered(currency="HUF", price=500_050, shipping=0)
    available = (await stage.balance("HUF")).available
    assert (available > 0, available % 100) == (True, 0)
    refused = await stage.asks(available - 50, "HUF")
    assert isinstance(refused, Rejected)
    assert refused.detail == {"field": "amount", "step": 100}
    assert not isinstance(await stage.asks(available, "HUF"), Rejected)
