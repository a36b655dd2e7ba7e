"""A provider that does not know our key any more has looked at no call: that is told apart from a call that it finds wrong."""

import pytest
import stripe

from liveserver.payments.port import KeyRefused, ProviderRefuses
from liveserver.payments.stripe.asking import asked


async def fails(error: stripe.StripeError) -> None:
    raise error


async def test_a_key_that_was_exchanged_is_told_apart():
    with pytest.raises(KeyRefused):
        await asked(fails(stripe.AuthenticationError("Expired API Key provided", http_status=401)))


async def test_what_the_key_may_not_do_is_refused_like_any_wrong_call():
    with pytest.raises(ProviderRefuses) as refused:
        await asked(fails(stripe.PermissionError("This account is not yours", http_status=403)))
    assert not isinstance(refused.value, KeyRefused)
