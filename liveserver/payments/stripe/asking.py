"""One call to Stripe: what it says when it refuses, declines or does not answer, in the words of the port.

The SDK's own retries are off: a call is repeated by whoever holds its idempotency key.
"""

import logging
from collections.abc import Awaitable
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import stripe
from stripe import StripeClient
from stripe._http_client import AIOHTTPClient  # the only asynchronous client without a further dependency

from liveserver.payments.port import KeyRefused, OutcomeUnknown, PaymentFailed, ProviderRefuses

T = TypeVar("T")

ANSWER_MAX_S = 25.0
"""Stripe's own limit for a call is some 20 s; after that nothing comes."""
MESSAGE_MAX = 500

# At debug it writes whole calls and answers, with people's addresses and the secrets that payments are finished with.
logging.getLogger("stripe").setLevel(logging.INFO)


def client_of(key: str, api_url: str) -> StripeClient:
    """A client; call it within an event loop. The API's version is the one that the SDK was written for."""
    return StripeClient(
        key,
        base_addresses={"api": api_url},
        max_network_retries=0,
        http_client=AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=ANSWER_MAX_S)),
    )


async def asked(call: Awaitable[T]) -> T:
    """The answer. Raises PaymentFailed (without the payment), ProviderRefuses (KeyRefused) or OutcomeUnknown."""
    try:
        return await call
    except stripe.CardError as error:
        raise PaymentFailed(
            _reason(error), (error.user_message or "The card was declined.")[:MESSAGE_MAX]
        ) from error
    except stripe.AuthenticationError as error:
        raise KeyRefused(error.code or "invalid_key", _told(error)) from error
    except (stripe.InvalidRequestError, stripe.IdempotencyError, stripe.PermissionError) as error:
        missing = "resource_missing" if error.http_status == HTTPStatus.NOT_FOUND else "invalid_request"
        raise ProviderRefuses(error.code or missing, _told(error)) from error
    except stripe.StripeError as error:
        # Too many calls, an error on their side, a lost connection: it may have been done.
        raise OutcomeUnknown(_told(error)) from error


async def found(call: Awaitable[T]) -> T | None:
    """What was asked for, or None where Stripe has no such thing. Raises as `asked`."""
    try:
        return await asked(call)
    except ProviderRefuses as refuses:
        if refuses.code == "resource_missing":
            return None
        raise


def _reason(error: stripe.CardError) -> str:
    """What people can act on: the bank's reason where there is one."""
    declined = getattr(error.error, "decline_code", None)
    code = error.code or "card_declined"
    if code == "card_declined" and declined in {
        "insufficient_funds",
        "authentication_required",
        "expired_card",
    }:
        return str(declined)
    return code


def _told(error: stripe.StripeError) -> str:
    # The message names objects, never a card's number; keys in it are shortened by Stripe.
    return (error.user_message or str(error) or type(error).__name__)[:MESSAGE_MAX]
