"""A node leaves in steps: it says so before it acts, keeps to its limits, and hurries when told twice. Workers are rolled."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from liveserver.cli import leaving as module
from liveserver.cli.leaving import Leaving, cut_off
from liveserver.cli.process import Stop
from liveserver.cli.say import EXIT_FAILED
from liveserver.config import Settings
from liveserver.gateway.drain import Sent
from liveserver.infra.ports import free_port
from liveserver.nodes.model import NodeSeen
from tests.support.server import START_MAX_S, children_of

GRACE_MS = 4_000
WORKERS = "liveserver.cli.workers"


class Registry:
    """The registry as this node sees it."""

    def __init__(self, *others: tuple[str, bool]) -> None:
        self.card = SimpleNamespace(id="we")
        self.others = list(others)
        self.draining = False
        self.away = False

    async def say_draining(self) -> None:
        if self.away:
            raise OSError("PostgreSQL is away")
        self.draining = True

    async def alive(self) -> list[NodeSeen]:
        found = [("we", "serving", self.draining)] + [(id, "serving", gone) for id, gone in self.others]
        return [a_node(id, kind, gone) for id, kind, gone in [*found, ("a recorder", "recorder", False)]]


def a_node(id: str, kind: Any, draining: bool) -> NodeSeen:
    return NodeSeen(
        id=id, kind=kind, release="1", python="3.11", origin="", log_version=1, kinds=(), started_ms=0,
        silent_ms=0, draining=draining, numbers={},
    )  # fmt: skip


class Door:
    """What a gateway is asked to do, and when."""

    def __init__(self) -> None:
        self.stats = SimpleNamespace(connections=3)
        self.asked: dict[str, Any] = {}
        self.order: list[str] = []

    async def drain(self, grace_ms: int, **how: Any) -> Sent:
        self.order.append("drain")
        self.asked = {"grace_ms": grace_ms, **how}
        return Sent()

    def close_port(self) -> None:
        self.order.append("port closed")


def leaving(registry: Registry, stop: Stop, **settings: Any) -> Leaving:
    given: dict[str, Any] = {"stop_grace_ms": GRACE_MS, "drain_notice_ms": 0, "drain_spread_ms": 1_500}
    return Leaving(Settings(**(given | settings)), stop, registry)  # type: ignore[arg-type]  # a double


async def emptied(registry: Registry, stop: Stop | None = None, **settings: Any) -> tuple[Door, Leaving]:
    door = Door()
    way_out = leaving(registry, stop or Stop(), **settings)
    await way_out.empty(door, door.close_port)  # type: ignore[arg-type]  # a double
    return door, way_out


async def test_with_another_node_viewers_are_spread_and_bidders_kept() -> None:
    door, way_out = await emptied(Registry(("other", False)))
    assert (door.asked["spread_ms"], door.asked["hold"]) == (1_500, True)
    assert GRACE_MS - 1_500 <= door.asked["grace_ms"] <= GRACE_MS - 1_000, "a quarter is kept for closing"
    assert way_out.told.is_set()
    assert door.order == ["drain"], "the port is closed by who opened it"


@pytest.mark.parametrize("others", [(), (("leaves too", True),)])
async def test_the_only_node_is_quick(others: tuple[tuple[str, bool], ...]) -> None:
    door, _ = await emptied(Registry(*others), drain_notice_ms=3_000)
    assert (door.asked["spread_ms"], door.asked["hold"]) == (0, False)
    assert door.asked["grace_ms"] > GRACE_MS - 1_500, "no notice either"


async def test_nodes_that_are_stopped_together_find_out_during_the_notice() -> None:
    registry = Registry(("other", False))
    stop, door = Stop(), Door()
    way_out = leaving(registry, stop, drain_notice_ms=300)
    going = asyncio.create_task(way_out.empty(door, door.close_port))  # type: ignore[arg-type]  # a double
    await way_out.told.wait()
    registry.others = [("other", True)]
    await going
    assert not door.asked["hold"]


async def test_without_a_word_of_the_registry_others_are_believed_to_live() -> None:
    registry = Registry()
    registry.away = True
    door, _ = await emptied(registry)
    assert door.asked["hold"]


async def test_proxies_are_told_before_viewers_are_sent_away() -> None:
    began_s = monotonic()
    door, _ = await emptied(Registry(("other", False)), drain_notice_ms=400)
    assert (monotonic() - began_s) * 1000 >= 400
    assert door.asked["grace_ms"] <= GRACE_MS - 1_400, "the notice is part of the grace"


async def test_a_replaced_worker_gives_up_its_share_of_the_port_and_calls_nobody_unready() -> None:
    stop = Stop()
    stop.replace()
    began_s = monotonic()
    door, way_out = await emptied(Registry(), stop, drain_notice_ms=3_000)
    assert (monotonic() - began_s) < 1
    assert door.order == ["port closed", "drain"]
    assert not way_out.told.is_set()
    assert (door.asked["spread_ms"], door.asked["hold"]) == (1_500, True), "its successor is somewhere to go"


async def test_said_twice_it_is_meant_at_once() -> None:
    stop = Stop()
    stop.ask()
    assert stop.is_set()
    assert not stop.at_once.is_set()
    assert 0 < stop.left_s(GRACE_MS) <= GRACE_MS / 1000
    stop.ask()
    assert stop.at_once.is_set()
    assert stop.left_s(GRACE_MS) == 0
    began_s = monotonic()
    door, _ = await emptied(Registry(("other", False)), stop, drain_notice_ms=3_000)
    assert monotonic() - began_s < 1
    assert door.asked["grace_ms"] == 0


async def test_a_service_manager_that_signals_everybody_does_not_hurry_workers() -> None:
    stop = Stop()
    stop.ask_once()
    stop.ask_once()
    assert not stop.at_once.is_set()
    stop.ask_at_once()
    assert stop.at_once.is_set()


async def test_a_part_that_does_not_close_is_cut_after_the_grace() -> None:
    stop = Stop()
    stop.ask()
    way_out = leaving(Registry(), stop, stop_grace_ms=0)
    cancelled = asyncio.Event()

    async def hangs() -> None:
        try:
            await never()
        finally:
            cancelled.set()

    async with asyncio.timeout(5):
        await way_out.within("rooms", hangs)
    assert cancelled.is_set()


async def never() -> None:
    await asyncio.Event().wait()


async def test_hurry_cuts_a_part_that_would_have_had_time() -> None:
    stop = Stop()
    way_out = leaving(Registry(), stop, stop_grace_ms=60_000)
    closing = asyncio.create_task(way_out.within("rooms", never))
    stop.ask_at_once()
    async with asyncio.timeout(5):
        await closing


async def test_a_node_that_gets_stuck_beyond_its_grace_ends_as_if_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LAST_S", 0.1)
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(module.os, "_exit", ended.set_result)
    stop = Stop()
    async with asyncio.timeout(5), cut_off(stop, 60_000):
        stop.ask()
        await asyncio.sleep(0.2)
        assert not ended.done(), "there is time"
        stop.ask()
        assert await ended == EXIT_FAILED


async def test_a_node_that_closes_in_time_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_S", 0.05)
    ended: list[int] = []
    monkeypatch.setattr(module.os, "_exit", ended.append)
    stop = Stop()
    async with cut_off(stop, 0):
        stop.ask()
    await asyncio.sleep(0.2)
    assert ended == []


async def test_what_closing_raises_is_raised() -> None:
    async def fails() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await leaving(Registry(), Stop()).within("rooms", fails)


# -- real processes


@asynccontextmanager
async def a_server(data_dir: Path, workers: int, **environment: str) -> AsyncGenerator[Any]:
    """`liveserver serve` on a port of its own; killed at the end if it still runs."""
    port = free_port()
    log_path = data_dir.parent / "log"
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *("python", "-m", "liveserver.cli", "serve", "--port", str(port), "--workers", str(workers)),
            executable=sys.executable,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, "LIVESERVER_DATA_DIR": str(data_dir), **environment},
            start_new_session=True,
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_MAX_S):
            assert b"ready at" in await process.stdout.readline(), log_path.read_text()
        yield SimpleNamespace(process=process, port=port, said=log_path.read_text)
    finally:
        if process.returncode is None:
            process.kill()
        async with asyncio.timeout(START_MAX_S):
            await process.communicate()  # and its workers are gone: they hold its output, too


async def status(port: int) -> int:
    async with (
        aiohttp.ClientSession() as probe,
        probe.get(f"http://127.0.0.1:{port}/readyz") as answer,
    ):
        return answer.status


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(START_MAX_S):
        while not condition():  # noqa: ASYNC110  # other processes' doings can't be awaited
            await asyncio.sleep(0.05)


async def greeted(port: int) -> Any:
    browser = await connect(f"ws://127.0.0.1:{port}/ws")
    await browser.send('{"type": "hello", "id": "c1", "payload": {}}')
    assert json.loads(await browser.recv())["type"] == "ok"
    return browser


async def test_sighup_replaces_workers_one_after_the_other_and_somebody_always_answers(
    new_data_dir: Callable[[], Path],
) -> None:
    async with a_server(new_data_dir(), 2, LIVESERVER_DRAIN_SPREAD_MS="300") as server:
        before = set(children_of(server.process.pid, WORKERS))
        browsers = [await greeted(server.port) for _ in range(8)]
        refusals = 0
        server.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(START_MAX_S):
            while "all 2 workers were replaced" not in server.said():
                try:
                    assert await status(server.port) == 200, (
                        "one worker's leaving is no matter of load balancers"
                    )
                except aiohttp.ClientError:
                    refusals += 1  # it stood in the line of a worker that gave up its share of the port
                await asyncio.sleep(0.02)
        assert refusals <= 2
        after = set(children_of(server.process.pid, WORKERS))
        assert len(after) == 2
        assert not after & before
        for browser in browsers:
            async with asyncio.timeout(10):
                with pytest.raises(ConnectionClosed) as closed:
                    await browser.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4000, "draining 250")
        await (await greeted(server.port)).close()
        server.process.send_signal(signal.SIGTERM)
        assert await server.process.wait() == 0, server.said()
        assert "Traceback" not in server.said()


async def test_a_worker_that_does_not_come_up_stops_the_roll_and_the_old_ones_go_on(
    new_data_dir: Callable[[], Path], tmp_path: Path
) -> None:
    # What the new code would be: a module that fails when it is imported, found before ours.
    poisoned = tmp_path / "sitecustomize.py"
    async with a_server(
        new_data_dir(),
        2,
        PYTHONPATH=os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))),
    ) as server:
        before = set(children_of(server.process.pid, WORKERS))
        poisoned.write_text(
            "import sys\nif 'liveserver.cli.workers' in sys.orig_argv:\n    raise SystemExit('a broken release')\n"
        )
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: "did not come up" in server.said())
        assert "Mend the cause" in server.said()
        assert set(children_of(server.process.pid, WORKERS)) == before
        assert await status(server.port) == 200
        poisoned.unlink()
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: "all 2 workers were replaced" in server.said())
        server.process.send_signal(signal.SIGTERM)
        assert await server.process.wait() == 0, server.said()


async def test_a_node_that_leaves_says_so_while_it_still_serves_and_a_second_signal_hurries_it(
    own_engines: Any, new_data_dir: Callable[[], Path]
) -> None:
    shared = {
        "LIVESERVER_DATABASE_URL": own_engines.database_url,
        "LIVESERVER_REDIS_URL": own_engines.redis_url,
        "LIVESERVER_DRAIN_NOTICE_MS": "60000",
        "LIVESERVER_STOP_GRACE_MS": "120000",
    }
    async with (
        a_server(new_data_dir(), 1, **shared) as stays,
        a_server(new_data_dir(), 1, **shared) as leaves,
    ):
        leaves.process.send_signal(signal.SIGTERM)
        await until(lambda: '"event": "leaving"' in leaves.said())
        assert await status(leaves.port) == 503
        assert await status(stays.port) == 200
        browser = await greeted(leaves.port)
        await browser.send('{"type": "clock:sync", "id": "c2", "payload": {"t0": 1}}')
        assert json.loads(await browser.recv())["type"] == "ok"
        leaves.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            with pytest.raises(ConnectionClosed) as closed:
                await browser.recv()
            assert await leaves.process.wait() == 0, leaves.said()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4000
        assert "Traceback" not in leaves.said()
