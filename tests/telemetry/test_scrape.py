"""Workers that share a port: whichever is scraped tells of all, once each, and no counter goes back."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from liveserver.cli import scrape as module
from liveserver.cli.parts import started
from liveserver.cli.scrape import Scrape, merged
from liveserver.infra.telemetry import Metrics, Number

Worker = Callable[[int, int], Awaitable[Scrape]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
async def worker(folder: Path) -> AsyncIterator[Worker]:
    """Starts a worker with a number and so many bids counted."""
    stack = AsyncExitStack()

    async def start(number: int, bids: int) -> Scrape:
        metrics = Metrics()
        metrics.read(Number("liveserver_bids_total", "counter", "Bids.", ("kind",)), lambda: {"proxy": bids})
        metrics.read(Number("liveserver_rooms", "gauge", "Rooms."), lambda: number)
        scrape = Scrape(str(folder), number)
        scrape.of(metrics)
        await stack.enter_async_context(started(scrape.start, scrape.aclose))
        return scrape

    yield start
    await stack.aclose()


async def bids(scrape: Scrape) -> dict[str, float]:
    found = re.findall(
        r'^liveserver_bids_total\{worker="(.+)",kind="proxy"\} (\S+)$',
        (await scrape.text()).decode(),
        re.MULTILINE,
    )
    return {worker: float(value) for worker, value in found}


async def test_whoever_is_asked_tells_of_all(worker: Worker):
    workers = [await worker(number, 10 * number) for number in (1, 2, 3)]
    for asked in workers:
        assert await bids(asked) == {"1": 10, "2": 20, "3": 30}


async def test_samples_of_one_metric_stand_together_under_one_head(worker: Worker):
    one, _ = await worker(1, 1), await worker(2, 2)
    lines = (await one.text()).decode().splitlines()
    assert [line for line in lines if "liveserver_rooms" in line] == [
        "# HELP liveserver_rooms Rooms.",
        "# TYPE liveserver_rooms gauge",
        'liveserver_rooms{worker="1"} 1.0',
        'liveserver_rooms{worker="2"} 2.0',
    ]
    at = [number for number, line in enumerate(lines) if "liveserver_rooms" in line]
    assert at == list(range(at[0], at[0] + 4))


async def test_a_worker_that_does_not_answer_is_left_out_and_said_to_be_down(
    worker: Worker, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "ANSWER_MAX_S", 0.05)
    one = await worker(1, 1)
    held = asyncio.Event()

    async def stuck(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    async with await asyncio.start_unix_server(stuck, folder / "2.sock"):
        text = (await one.text()).decode()
        held.set()
    assert 'liveserver_worker_up{worker="1"} 1.0' in text
    assert 'liveserver_worker_up{worker="2"} 0.0' in text
    assert await bids(one) == {"1": 1}


async def test_a_killed_workers_socket_disturbs_nobody(worker: Worker, folder: Path):
    one, two = await worker(1, 1), await worker(2, 2)
    assert two._server is not None
    two._server.close()  # kill -9 takes nothing away
    assert (folder / "2.sock").exists()
    assert await bids(one) == {"1": 1}


async def test_a_successor_takes_the_number_over_and_the_one_that_leaves_has_another(worker: Worker):
    other, old = await worker(2, 20), await worker(1, 1_000)
    new = await worker(1, 1)
    assert await bids(other) == {"1": 1, "2": 20}
    assert await bids(new) == {"1": 1, "2": 20}
    assert await bids(old) == {"1-leaving": 1_000, "1": 1, "2": 20}
    await old.aclose()
    assert await bids(other) == {"1": 1, "2": 20}, "leaving takes nothing from the successor"


async def test_alone_there_is_no_worker(folder: Path):
    scrape, metrics = Scrape(), Metrics()
    scrape.of(metrics)
    metrics.read(Number("liveserver_rooms", "gauge", "Rooms."), lambda: 3)
    async with started(scrape.start, scrape.aclose):
        assert "liveserver_rooms 3.0" in (await scrape.text()).decode()
    assert list(folder.iterdir()) == []


def test_braces_and_spaces_in_a_labels_value_are_left_alone():
    text = b'# HELP a_x A.\n# TYPE a_x gauge\na_x{route="/shows/{id} b"} 1.0\n'
    assert 'a_x{worker="7",route="/shows/{id} b"} 1.0' in merged({"7": text}).decode()
