"""A storefront with video, and a LiveKit server's side of it."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from storefront.app import build_app
from storefront.services import Services
from tests.storefront.conftest import services, with_settings  # noqa: F401 - fixtures of the same storefront
from tests.support.livekit import KEY, SECRET, URL
from tests.support.storefront import Shop

NODE = Path(__file__).parent / "node"
INSTALL_MAX_S = 120


@pytest.fixture
async def stage(with_settings: Callable[..., Any]) -> AsyncIterator[Shop]:  # noqa: F811 - the fixture above
    """The storefront of a server with video."""
    server = TestServer(
        build_app(
            with_settings(
                livekit_url=URL, livekit_api_key=KEY, livekit_api_secret=SECRET, livekit_guests=True
            )
        )
    )
    await server.start_server()
    shop = Shop(with_settings(), server)
    yield shop
    await shop.aclose()
    await server.close()


class Sdk:
    """LiveKit's SDK for Node, in a process that lives as long as the tests."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, **question: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"key": KEY, "secret": SECRET, **question}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="session")
def sdk() -> Iterator[Sdk]:
    """Skips where there is no Node, or npm can't bring the SDK."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js and npm are not here, so LiveKit's SDK for it can't be asked")
    lock, installed = NODE / "package-lock.json", NODE / "node_modules" / ".installed.lock"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=NODE,
            capture_output=True,
            text=True,
            timeout=INSTALL_MAX_S,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm can't bring LiveKit's SDK: {done.stderr.strip()[-300:]}")
        shutil.copyfile(lock, installed)
    with subprocess.Popen(
        ["node", "sdk.js"], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Sdk(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)


@pytest.fixture
async def shop_with() -> AsyncIterator[Callable[..., Any]]:
    """Starts a storefront of these services."""
    async with AsyncExitStack() as stack:

        async def start(of: Services) -> Shop:
            server = TestServer(build_app(of))
            await server.start_server()
            stack.push_async_callback(server.close)
            shop = Shop(of, server)
            stack.push_async_callback(shop.aclose)
            return shop

        yield start
