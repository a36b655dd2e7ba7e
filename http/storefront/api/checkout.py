"""`/checkout/session`, saving a card, and the payment provider's messages: payments as clients and the provider ask for them.

It decides nothing; `liveserver.checkout` does. The provider's messages are no operation: their signature is their authority, and
what they mean is worked out after the answer.
"""

from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from liveserver.checkout.model import Cards, CheckoutWish, Inbox
from liveserver.checkout.model import Session as Payable
from liveserver.checkout.service import Checkout
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.orders.model import Address
from liveserver.payments.port import UNKNOWN_OUTCOME, OutcomeUnknown
from storefront.api.inputs import Amount, Input
from storefront.api.order_documents import BoughtGlance, bought_glance
from storefront.api.registry import SIGNED_IN, Call, operation
from storefront.bodies import read_body
from storefront.problems import Refused, invalid
from storefront.services import Services, services_of

SIGNATURE = "Stripe-Signature"
SIGNATURE_LENGTH_MAX = 2_000
"""Stripe's holds a time and a few digests."""
NO_PAYMENTS = Rejected("payments_off", "This server takes no payments.")

T = TypeVar("T")
Text = Annotated[str, Meta(max_length=200)]


class AddressInput(Input, frozen=True):
    """Where goods go."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    line1: Annotated[str, Meta(min_length=1, max_length=200)]
    city: Annotated[str, Meta(min_length=1, max_length=120)]
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")]
    line2: Text = ""
    region: Text = ""
    postal_code: Annotated[str, Meta(max_length=20)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""

    def address(self) -> Address:
        """In the orders' words."""
        return msgspec.convert(msgspec.to_builtins(self), Address)


class CheckoutInput(Input, frozen=True):
    """Either `seller`: all of theirs in one's cart is ordered; or `order`: one that waits for its payment."""

    seller: Annotated[str, Meta(max_length=40)] = ""
    order: Annotated[str, Meta(max_length=40)] = ""
    address: Annotated[str, Meta(max_length=40, description="The id of a saved address.")] = ""
    new_address: AddressInput | None = None
    method: Annotated[str, Meta(max_length=80)] = ""
    coupon: Annotated[str, Meta(max_length=40)] = ""
    expected_total: Amount | None = None
    saved_card: bool = False


class PaymentSession(msgspec.Struct, frozen=True):
    """What a payment page needs. `status`: as the provider says, or `free`. Only the order's own state says that it is paid."""

    order: BoughtGlance
    provider: str
    intent: str
    client_secret: str
    publishable_key: str
    test: bool
    status: str


class CardSession(msgspec.Struct, frozen=True):
    """What a page needs to save a card."""

    setup: str
    client_secret: str
    publishable_key: str
    test: bool


async def _payment_secret(call: Call, answer: dict[str, Any]) -> str:
    provider = checkout_of(call.services).provider
    # Without a payment (it was free) there is no secret either.
    payment = await _heard(provider.find_payment(answer["intent"])) if answer["intent"] else None
    return "" if payment is None else payment.client_secret


async def _setup_secret(call: Call, answer: dict[str, Any]) -> str:
    setup = await _heard(checkout_of(call.services).provider.find_setup(answer["setup"]))
    return "" if setup is None else setup.client_secret


async def _heard(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except OutcomeUnknown:
        raise Refused(UNKNOWN_OUTCOME) from None


@operation(
    "POST",
    "/checkout/session",
    tag="checkout",
    who=SIGNED_IN,
    keyed=True,
    secret=("client_secret", _payment_secret),
)
async def checkout_session(call: Call, body: CheckoutInput) -> PaymentSession | Rejected:
    """Orders what is in the cart, or goes on with an order that waits, and begins its payment.

    The answer to `payment_unknown` names the order in `detail.order`: ask again with it.
    """
    checkout = checkout_of(call.services)
    if bool(body.seller) == bool(body.order):
        return invalid("seller", "Say either a seller or an order.")
    address = body.new_address.address() if body.new_address is not None else body.address
    if body.order:
        done = await checkout.pay(
            call.who,
            body.order,
            address=address or None,
            saved_card=body.saved_card,
            expected_total=body.expected_total,
        )
    else:
        if not address:
            return invalid("address", "Say where it goes.")
        wish = CheckoutWish(
            seller=UserId(body.seller),
            address=address,
            method=body.method,
            coupon=body.coupon,
            expected_total=body.expected_total,
        )
        done = await checkout.start(call.who, wish)
    return done if isinstance(done, Rejected) else _session(done)


@operation(
    "POST",
    "/me/cards/setup",
    tag="checkout",
    who=SIGNED_IN,
    keyed=True,
    secret=("client_secret", _setup_secret),
)
async def card_setup(call: Call) -> CardSession | Rejected:
    """Begins to save a card, which the provider's own form takes."""
    checkout = checkout_of(call.services)
    setup = await cards_of(call.services).begin(call.who, await checkout.email_of(call.who))
    if isinstance(setup, Rejected):
        return setup
    provider = checkout.provider
    return CardSession(setup.id, setup.client_secret, provider.publishable_key, provider.test)


def _session(done: Payable) -> PaymentSession:
    return PaymentSession(
        bought_glance(done.order),
        done.provider,
        done.intent,
        done.client_secret,
        done.publishable_key,
        done.test,
        done.status,
    )


async def payment_events(request: web.Request) -> web.Response:
    """POST /api/v1/webhooks/stripe: 2xx once the message is kept; the provider sends it again otherwise."""
    signature = request.headers.get(SIGNATURE, "")
    if not signature or len(signature) > SIGNATURE_LENGTH_MAX:
        raise Refused(Rejected("bad_signature", "This message is not signed."))
    refused = await inbox_of(services_of(request)).receive(await read_body(request), signature)
    if refused is not None:
        raise Refused(refused)
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


def checkout_of(services: Services) -> Checkout:
    """The checkout. Raises Refused where no payments are taken."""
    if services.checkout is None:
        raise Refused(NO_PAYMENTS)
    return services.checkout


def cards_of(services: Services) -> Cards:
    """Saved cards. Raises Refused where no payments are taken."""
    if services.cards is None:
        raise Refused(NO_PAYMENTS)
    return services.cards


def inbox_of(services: Services) -> Inbox:
    """Where the provider's messages go. Raises Refused where no payments are taken."""
    if services.inbox is None:
        raise Refused(NO_PAYMENTS)
    return services.inbox
