"""A storefront on real engines."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestServer
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.infra.database import Pool
from liveserver.infra.redis import append_connection, general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.rooms.hub import Hub
from liveserver.shows.service import Shows
from storefront.app import build_app
from storefront.services import Services
from storefront.web import render
from tests.support.storefront import SETTINGS, Shop, make_services


class Compiled(BytecodeCache):
    """Compiled templates, kept between the applications of one test run: compiling them takes longer than most tests."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def _templates_are_compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "Environment", partial(Environment, bytecode_cache=Compiled()))
        yield


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


@pytest.fixture
def with_settings(services: Services) -> Callable[..., Services]:
    """Makes the same services with other settings: `with_settings(public_url="https://live.example")`."""

    def change(**changes: Any) -> Services:
        return msgspec.structs.replace(services, settings=replace(services.settings, **changes))

    return change
