"""The registry of living processes on the real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from liveserver.infra.database import Pool
from liveserver.nodes import service
from liveserver.nodes.model import NodeCard
from liveserver.nodes.service import Nodes


@pytest.fixture
async def node(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[str], Nodes]]:
    monkeypatch.setattr(service, "BEAT_S", 0.01)
    made: list[Nodes] = []

    def make(name: str) -> Nodes:
        made.append(
            Nodes(pool, NodeCard(id=name, kind="serving", release="1.0", log_version=1, kinds=("bid:place",)))
        )
        return made[-1]

    yield make
    for nodes in made:
        await nodes.aclose()


async def beats(node: Nodes, times: int) -> None:
    left, done = times, asyncio.Event()

    async def count() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            done.set()

    node.on_beat(count)
    async with asyncio.timeout(10):
        await done.wait()


async def test_who_starts_is_seen_by_all_and_who_ends_by_nobody(node: Callable[[str], Nodes]) -> None:
    ana, ben = node("ana"), node("ben")
    await ana.start()
    await ben.start()
    assert [seen.id for seen in await ana.alive()] == ["ana", "ben"]
    assert (await ben.alive())[0].kinds == ("bid:place",)
    await ana.aclose()
    assert [seen.id for seen in await ben.alive()] == ["ben"]


async def test_each_beat_tells_the_present_numbers_and_whether_it_drains(
    node: Callable[[str], Nodes],
) -> None:
    ana = node("ana")
    rooms = 0

    def numbers() -> dict[str, int]:
        return {"rooms": rooms}

    ana.tell(numbers)
    await ana.start()
    assert (await ana.alive())[0].numbers == {"rooms": 0}
    rooms, ana.draining = 3, True
    await beats(ana, 2)
    (seen,) = await ana.alive()
    assert seen.numbers == {"rooms": 3}
    assert seen.draining


async def test_a_silent_process_is_dead_and_comes_back_with_its_next_beat(
    node: Callable[[str], Nodes], pool: Pool
) -> None:
    ana, ben = node("ana"), node("ben")
    await ben.start()
    await ana.start()
    await pool.execute("UPDATE nodes SET heard_at = now() - interval '6 seconds' WHERE id = 'nobody'")
    await ana.aclose()
    await pool.execute(
        "INSERT INTO nodes (id, kind, release, python, origin, log_version, kinds, heard_at) "
        "VALUES ('dead', 'serving', '1.0', '3.11', '', 1, '{}', now() - $1 * interval '1 millisecond')",
        service.DEAD_MS + 100,
    )
    assert [seen.id for seen in await ben.alive()] == ["ben"]
    await pool.execute("UPDATE nodes SET heard_at = now() WHERE id = 'dead'")
    assert {seen.id for seen in await ben.alive()} == {"ben", "dead"}


async def test_one_that_was_forgotten_is_in_the_registry_again_with_its_next_beat(
    node: Callable[[str], Nodes], pool: Pool
) -> None:
    ana = node("ana")
    await ana.start()
    await pool.execute("TRUNCATE nodes")
    await beats(ana, 2)
    assert [seen.id for seen in await ana.alive()] == ["ana"]


async def test_numbers_without_end_are_left_out_rather_than_stored(node: Callable[[str], Nodes]) -> None:
    ana = node("ana")
    ana.tell(lambda: {"much": "x" * service.NUMBERS_BYTES_MAX})
    await ana.start()
    assert (await ana.alive())[0].numbers == {}


async def test_a_callback_that_fails_does_not_end_the_beats(node: Callable[[str], Nodes]) -> None:
    ana = node("ana")

    async def fails() -> None:
        raise RuntimeError("a callback's mistake")

    await ana.start()
    await beats(ana, 1)
    ana.on_beat(fails)
    await beats(ana, 3)
