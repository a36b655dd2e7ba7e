"""A node with everything wired as in production, and all the addresses it answers."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from liveserver.cli.compose import running_node
from liveserver.cli.ports import listen
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from storefront.app import build_app
from tests.support.storefront import Shop

BODY_BYTES_MAX = 8_192


@pytest.fixture
async def shop(engines: Engines, database_url: str, redis_url: str) -> AsyncIterator[Shop]:
    settings = Settings(
        port=0,
        password_memory_kib=8_192,
        stop_grace_ms=1_000,
        body_bytes_max=BODY_BYTES_MAX,
        public_url="https://live.example",
        livekit_url="wss://video.example",
        livekit_api_key="APIstage",
        livekit_api_secret="a secret of tests, long enough for HS256",
    ).without_rates()
    own = replace(engines, database_url=database_url, redis_url=redis_url)
    with listen("127.0.0.1", 0) as listener:
        async with running_node(settings, own, listener) as node:
            server = TestServer(build_app(node.services))
            await server.start_server()
            shop = Shop(node.services, server)
            yield shop
            await shop.aclose()
            await server.close()


def routes_of(shop: Shop) -> list[tuple[str, str]]:
    """Method and pattern of everything that is served."""
    return sorted(
        {
            (route.method, route.resource.canonical)
            for route in build_app(shop.services).router.routes()
            if isinstance(route, web.ResourceRoute) and route.resource is not None
        }
    )
