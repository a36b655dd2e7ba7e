"""The real thing: two workers behind one port, each scrape complete."""

import re
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from liveserver.infra.ports import free_port
from tests.support.server import Server

SCRAPES = 6


@pytest.fixture
def port() -> int:
    return free_port()


async def scraped(origin: str) -> str:
    # A new connection each time: the kernel gives it to one worker or the other.
    async with aiohttp.ClientSession() as browser, browser.get(f"{origin}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


def of_workers(text: str, name: str) -> dict[str, float]:
    return {
        worker: float(value)
        for worker, value in re.findall(rf'^{name}\{{worker="([^"]+)".*?\}} (\S+)$', text, re.MULTILINE)
    }


async def test_each_scrape_of_the_shared_port_is_complete_and_no_counter_goes_back(
    new_data_dir: Callable[[], Path], port: int
):
    async with Server(new_data_dir(), {"LIVESERVER_WORKERS": "2"}, port=port) as server:
        before: dict[str, float] = {}
        for _ in range(SCRAPES):
            text = await scraped(server.origin)
            assert set(of_workers(text, "liveserver_connections")) == {"1", "2"}
            assert of_workers(text, "liveserver_worker_up") == {"1": 1.0, "2": 1.0}
            rounds = of_workers(text, "liveserver_gc_rounds_total")
            assert all(rounds[worker] >= before.get(worker, 0.0) for worker in rounds)
            before = rounds
        assert 'liveserver_engine_up{worker="1",engine="postgresql"} 1.0' in text
        assert re.search(r'^liveserver_nodes\{worker="1",kind="serving"\} [12]\.0$', text, re.MULTILINE)
        nodes = set(re.findall(r'^liveserver_info\{.*node="(\w+)"', text, re.MULTILINE))
        assert len(nodes) == 2
    assert "Traceback" not in server.said, server.said[-4000:]
