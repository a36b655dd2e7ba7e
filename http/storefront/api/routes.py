"""Puts the registry's operations on the application, and serves the document that describes them."""

import hashlib
from typing import Any

import msgspec
from aiohttp import web

from liveserver import __version__
from storefront.api import (
    addresses,
    auth,
    cart,
    catalog,
    checkout,
    livekit,
    livestreams,
    operator,
    orders,
    payouts,
    seller,
    shipping,
)
from storefront.api.openapi import openapi
from storefront.api.registry import OPERATIONS, PREFIX, Operation, http_handler
from storefront.assets import send, squeeze

MODULES = (
    auth,
    catalog,
    livestreams,
    livekit,
    seller,
    shipping,
    cart,
    addresses,
    checkout,
    orders,
    payouts,
    operator,
)
"""Importing them fills the registry."""
DOCUMENT = web.AppKey("document", dict[str, Any])
"""What /openapi.json says, for the reference page."""


def operations() -> tuple[Operation, ...]:
    """All operations."""
    return tuple(OPERATIONS)


def add_api(app: web.Application) -> None:
    """Adds the API's routes and /openapi.json."""
    for op in operations():
        app.router.add_route(op.method, PREFIX + op.path, http_handler(op))
    app.router.add_post(f"{PREFIX}/webhooks/stripe", checkout.payment_events)
    app.router.add_post(f"{PREFIX}/webhooks/livekit", livekit.livekit_events)
    document = app[DOCUMENT] = openapi(operations(), __version__)
    body = msgspec.json.encode(document)
    squeezed, etag = squeeze(body), hashlib.sha256(body).hexdigest()[:16]

    async def describe(request: web.Request) -> web.Response:
        return send(request, body, squeezed, "application/json", etag, "no-cache")

    app.router.add_get("/openapi.json", describe)
