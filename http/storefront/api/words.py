"""What types can't say in the API's description: the subjects in their order, the refusals, and the providers' messages to us.

It is words only; which operation has which of them is `openapi`'s to find out.
"""

from typing import Any

import msgspec

TAGS: dict[str, str] = {
    "auth": "Accounts and sessions. A session's token is sent as `Authorization: Bearer …`, over HTTP and in the socket's `hello`.",
    "me": "Oneself.",
    "catalog": "What is offered, for everybody.",
    "shows": "Shows for everybody, and catch-up: what the socket told, from the record.",
    "video": "Pictures and sound, which a LiveKit server carries: tokens to connect with (docs/operating/livekit.md).",
    "cart": "What one is about to buy, and where it goes.",
    "checkout": "Paying. The provider's messages alone say that an order is paid; these operations begin it.",
    "orders": "What one has bought.",
    "seller": "What one sells: shows, products, orders.",
    "money": "What one has earned: balance, statement, payouts.",
    "operator": "For the server's operator.",
    "webhooks": "Messages that the payment provider and LiveKit send to this server. Not for clients: their signature is their authority.",
}
"""Subjects with a sentence each, in the order of the reference."""


class Refusal(msgspec.Struct, frozen=True):
    """A problem status: the name of its response in the document, and when it is given."""

    name: str
    when: str


REFUSALS: dict[int, Refusal] = {
    400: Refusal("BadRequest", "The request can't be read: broken JSON, a cursor of another list, a message not rightly signed."),
    401: Refusal("SignInFirst", "Nobody is signed in, or the token or session is no good (any more)."),
    403: Refusal("Forbidden", "Not for this account, or a page of another site sent it."),
    404: Refusal("NotFound", "There is no such thing, or it is somebody else's."),
    409: Refusal("NotNow", "The state of things says no; `code` says which, `info` what would help."),
    413: Refusal("TooLarge", "The body is larger than the server takes."),
    415: Refusal("WrongContentType", "The body is no application/json."),
    422: Refusal("Invalid", "An input is wrong: `errors` names the field and says what it takes."),
    429: Refusal("TooMany", "Too many requests or tries: wait as `Retry-After` says."),
    503: Refusal("Unavailable", "Not available right now, or not set up on this server (`payments_off`, `livekit_not_configured`)."),
}  # fmt: skip

PROBLEM_EXAMPLE: dict[str, Any] = {
    "type": "urn:liveserver:problem:bid_too_low",
    "title": "Not possible now",
    "status": 409,
    "detail": "Bid at least $12.00.",
    "code": "bid_too_low",
    "instance": "/api/v1/…",
    "request": "9f2c1d04a1b2c3d4",
    "info": {"min_next": 1200},
}


class Message(msgspec.Struct, frozen=True):
    """A message that a provider sends us."""

    path: str
    name: str
    summary: str
    description: str
    scheme: str
    """The security scheme that its signature is."""
    media: str


MESSAGES: tuple[Message, ...] = (
    Message(
        "/webhooks/stripe",
        "payment_events",
        "Takes in an event of the payment provider.",
        "Signed over the body and a time of at most five minutes ago. Kept once by its id, answered, and worked out afterwards.",
        "stripe",
        "application/json",
    ),
    Message(
        "/webhooks/livekit",
        "livekit_events",
        "Takes in a message of the LiveKit server.",
        "Signed by a JWT that holds the body's SHA-256. Each counts once by its id. Says who is on stage.",
        "livekit",
        "application/webhook+json",
    ),
)

SCHEMES: dict[str, dict[str, Any]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A session's token (/auth/login), or a JWT of the embedding app.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "liveserver",
        "description": "The pages' session (over https its name is __Host-liveserver); changing requests also need the header X-CSRF-Token.",
    },
    "stripe": {
        "type": "apiKey",
        "in": "header",
        "name": "Stripe-Signature",
        "description": "The payment provider's signature.",
    },
    "livekit": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "LiveKit's JWT over the body's digest, without a word before it.",
    },
}
