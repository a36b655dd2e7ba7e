"""A storefront on real engines."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestServer
from aiohttp.web_app import _cached_build_middleware

from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.infra.database import Pool
from liveserver.infra.redis import append_connection, general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.rooms.hub import Hub
from liveserver.shows.service import Shows
from storefront.app import build_app
from storefront.services import Services
from tests.support.storefront import SETTINGS, Shop, make_services


@pytest.fixture
async def services(pool: Pool, redis_url: str) -> AsyncIterator[Services]:
    clock = SystemClock()
    redis = general(redis_url)
    appends = (append_connection(redis_url),)
    hub = Hub(pool, Shards.around(redis, appends), Shows(pool, clock), FEATURES, PROJECTORS, clock)
    await hub.start()
    services = make_services(pool, redis, hub, SETTINGS)
    yield services
    await services.accounts.aclose()  # its threads keep the memory of the passwords that they hashed
    await hub.aclose()
    for client in (*appends, redis):
        await client.aclose()


@pytest.fixture
async def shop(services: Services) -> AsyncIterator[Shop]:
    server = TestServer(build_app(services))
    await server.start_server()
    shop = Shop(services, server)
    yield shop
    await shop.aclose()
    await server.close()
    _cached_build_middleware.cache_clear()  # or aiohttp keeps the last thousand applications, with all that they hold


@pytest.fixture
def with_settings(services: Services) -> Callable[..., Services]:
    """Makes the same services with other settings: `with_settings(public_url="https://live.example")`."""

    def change(**changes: Any) -> Services:
        return msgspec.structs.replace(services, settings=replace(services.settings, **changes))

    return change
