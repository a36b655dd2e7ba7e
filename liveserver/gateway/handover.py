"""What the aiohttp application needs from the gateway: a `/ws` route that hands a kept-alive connection over, and two guards.

It holds no WebSocket code: aiohttp's own is never used, so there is one implementation of the protocol.
"""

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from liveserver.gateway.frontdoor import FrontDoor
from liveserver.gateway.upgrade import PATH

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def install(app: web.Application) -> None:
    """Adds the route, the deadline between requests, and the rule that a refused upgrade ends its connection."""
    app.router.add_route("*", PATH, _ws)
    app.middlewares.insert(0, _watched)
    app.on_response_prepare.append(_end_refused_upgrades)


def _door(request: web.Request) -> FrontDoor | None:
    transport = request.transport
    protocol = transport.get_protocol() if transport is not None else None
    return protocol if isinstance(protocol, FrontDoor) else None


@web.middleware
async def _watched(request: web.Request, handler: _Handler) -> web.StreamResponse:
    door = _door(request)
    if door is None:
        return await handler(request)
    door.request_began()
    try:
        return await handler(request)
    finally:
        door.request_ended()


async def _ws(request: web.Request) -> web.StreamResponse:
    door = _door(request)
    if door is None:
        raise web.HTTPNotFound(text="This server was started without its WebSocket side.")
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    head = f"{request.method} {request.raw_path} {version}\r\n".encode("ascii", "replace")
    head += b"".join(name + b": " + value + b"\r\n" for name, value in request.raw_headers) + b"\r\n"
    door.hand_over(head)
    # Nobody sends this: aiohttp finds its connection gone.
    return web.Response(status=500)


async def _end_refused_upgrades(request: web.Request, response: web.StreamResponse) -> None:
    # GHSA-mfx4-hv73-q22v: bytes behind an upgrade that was not one must never be read as the next request.
    if hdrs.UPGRADE in request.headers:
        response.force_close()
