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
