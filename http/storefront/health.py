"""For the machines around the server: alive, ready for traffic, numbers for Prometheus.

Nothing here needs an account, and nothing here tells anything about a person.
"""

import asyncio
import hmac

import asyncpg
import msgspec
from aiohttp import web

from liveserver.kernel.errors import Rejected
from storefront.addresses import is_direct_loopback
from storefront.problems import FORBIDDEN, NOT_FOUND, Refused
from storefront.services import services_of

READY_WAIT_S = 2.0
"""A proxy that asks whether we are ready wants an answer, not our patience."""
BAD_TOKEN = Rejected("bad_token", "This needs the token from LIVESERVER_METRICS_TOKEN.")


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: this process answers. Says nothing of the engines: restarting us would not mend them."""
    return _answer(200, {"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: requests can be served here now; 503 while stopping, while the database is away, or when a show has gone on in a way
    that only newer processes can follow."""
    services = services_of(request)
    checks = {
        "draining": "yes" if services.draining() else "no",
        "release": "outdated" if services.hub.outdated else "ok",
    }
    try:
        async with asyncio.timeout(READY_WAIT_S):
            await services.pool.fetchval("SELECT 1")
        checks["database"] = "ok"
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        checks["database"] = "away"
    ready = checks == {"draining": "no", "release": "ok", "database": "ok"}
    return _answer(200 if ready else 503, {"status": "ready" if ready else "not ready", **checks})


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: with the operator's token, or without one from this machine only."""
    services = services_of(request)
    token = services.settings.metrics_token
    if token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            raise Refused(BAD_TOKEN)
    elif not is_direct_loopback(request):
        raise Refused(FORBIDDEN)
    text = services.metrics.render() if services.scrape is None else await services.scrape()
    return web.Response(
        body=text,
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"},
    )


async def asyncapi(request: web.Request) -> web.Response:
    """GET /asyncapi.json"""
    document = services_of(request).asyncapi
    if document is None:
        raise Refused(NOT_FOUND)
    return web.Response(
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers={"Cache-Control": "no-cache"},
    )


def _answer(status: int, document: dict[str, str]) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
