"""The examples in the client's docstrings are true: they run against a server double."""

import asyncio
import doctest
import importlib
import pkgutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import liveserver.client
from liveserver.client import BidPlaced
from tests.support.scripted_server import Peer, ScriptedServer, scripted_server

MODULES = sorted(module.name for module in pkgutil.iter_modules(liveserver.client.__path__))


class PoliteServer(ScriptedServer):
    """Somebody congratulates on every bid."""

    def _decide(self, peer: Peer, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        verdict = super()._decide(peer, kind, payload)
        if kind == "bid:place":
            self.append("chat:new", {"id": "m9", "user": {"id": "x"}, "message": f"well bid, {peer.name}"})
        return verdict


@pytest.fixture
def url() -> Iterator[str]:
    """A double in a thread of its own: examples run their own event loop."""
    started, stop = threading.Event(), asyncio.Event()
    found: list[Any] = []

    async def serve() -> None:
        async with scripted_server(PoliteServer()) as server:
            found.extend((server.url, asyncio.get_running_loop()))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(5)
    yield found[0]
    found[1].call_soon_threadsafe(stop.set)
    thread.join(5)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, url: str) -> None:
    module = importlib.import_module(f"liveserver.client.{name}")
    about = {"url": url, "token": "ana", "BidPlaced": BidPlaced}
    assert doctest.testmod(module, extraglobs=about, raise_on_error=False).failed == 0


def test_there_are_examples_where_one_starts_reading() -> None:
    for name in ("live", "protocol", "view", "retry", "clock"):
        module = importlib.import_module(f"liveserver.client.{name}")
        assert any(test.examples for test in doctest.DocTestFinder().find(module)), name
