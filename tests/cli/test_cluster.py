"""`liveserver cluster` as a real process: several nodes, a Valkey cluster and one address; a node may die, all may be replaced."""

import asyncio
import json
import os
import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from websockets.asyncio.client import connect

from liveserver.cli.cluster import Shape, cluster_data_dir, cluster_settings, reserved
from liveserver.cli.ports import listen
from liveserver.infra.engines import default_data_dir
from liveserver.kernel.errors import Mendable
from tests.support.server import children_of

WAIT_S = 90.0
NODE = "liveserver.cli.node"


@dataclass
class Running:
    process: asyncio.subprocess.Process
    origin: str
    nodes: list[str]
    shards: int
    said: list[str] = field(default_factory=list)

    def pids(self) -> set[int]:
        return set(children_of(self.process.pid, NODE))

    async def stop(self, by: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(by)
        async with asyncio.timeout(WAIT_S):
            _, rest = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, "".join(self.said) + rest.decode()


Begin = Callable[..., Awaitable[Running]]


@pytest.fixture
def begin(start) -> Begin:
    async def run(data_dir: str, *args: str) -> Running:
        process = await start(
            "cluster", "--port", "0", *args, LIVESERVER_DATA_DIR=data_dir, LIVESERVER_LOG_LEVEL="info"
        )
        said: list[str] = []
        async with asyncio.timeout(WAIT_S):
            while not (line := (await process.stdout.readline()).decode()).startswith("liveserver is ready"):
                assert line, (await process.stderr.read()).decode()
            # The parts were told before, on stderr.
            while len(re.findall(r"node \d+ +http", "".join(said))) < int(args[args.index("--nodes") + 1]):
                said.append((await process.stderr.readline()).decode())
        text = "".join(said)
        return Running(
            process,
            line.split()[-1],
            re.findall(r"node \d+ +(http://\S+)", text),
            len(re.findall(r"Valkey shard \d+ primary", text)),
            said,
        )

    return run


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what other processes do; nothing tells us of it."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  # processes of another parent can't be awaited
            await asyncio.sleep(0.05)


async def say_hello(origin: str) -> str:
    async with connect(origin.replace("http", "ws", 1) + "/ws", origin=origin) as browser:
        await browser.send('{"type": "hello", "id": "c1", "payload": {}}')
        return str(json.loads(await browser.recv())["type"])


async def carried_to(nodes: list[str]) -> list[int]:
    """WebSocket connections that each node has ever accepted."""
    found: list[int] = []
    async with aiohttp.ClientSession() as browser:
        for node in nodes:
            async with browser.get(node + "/metrics") as answer:
                count = re.search(
                    r"^liveserver_connections_accepted_total(?:\{[^}]*\})? (\S+)",
                    await answer.text(),
                    re.MULTILINE,
                )
                assert count is not None
                found.append(int(float(count[1])))
    return found


def processes_naming(text: str) -> list[str]:
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if text in words:
            found.append(words)
    return found


async def test_nodes_share_one_address_and_one_of_them_may_die(begin, new_data_dir):
    data_dir = str(new_data_dir())
    running = await begin(data_dir, "--nodes", "3")
    assert len(running.nodes) == len(set(running.nodes)) == 3
    assert running.shards == 3
    assert [await say_hello(running.origin) for _ in range(6)] == ["ok"] * 6
    assert await carried_to(running.nodes) == [2, 2, 2], "round robin"
    before = running.pids()
    assert len(before) == 3
    killed = min(before)
    os.kill(killed, signal.SIGKILL)  # a child of the process that this test started
    # A connection that it got in its last moment dies with it; from then on nobody is sent to it.
    await until(lambda: killed not in running.pids())
    # While it is away, and when it is back: whoever comes is served.
    assert [await say_hello(running.origin) for _ in range(6)] == ["ok"] * 6
    await until(lambda: len(running.pids() - {killed}) == 3)
    assert before - {killed} < running.pids()
    code, said = await running.stop()
    assert code == 0, said
    assert "child_died" in said
    assert "Traceback" not in said
    assert processes_naming(data_dir) == []


async def test_a_hangup_replaces_every_node_and_nobody_is_turned_away(begin, new_data_dir):
    running = await begin(str(new_data_dir()), "--nodes", "2", "--shards", "1")
    old = running.pids()
    running.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(WAIT_S):
        while not (running.pids() - old and not running.pids() & old and len(running.pids()) == 2):
            assert await say_hello(running.origin) == "ok"
    code, said = await running.stop(signal.SIGINT)
    assert code == 0, said
    assert "replacing the nodes one after the other" in said
    assert "Traceback" not in said


async def test_the_demo_runs_over_nodes_and_replicas(begin, ask, new_data_dir):
    data_dir = str(new_data_dir())
    running = await begin(data_dir, "--demo", "--bots", "3", "--nodes", "2", "--replicas", "1")
    invitation = ""
    async with asyncio.timeout(WAIT_S):
        while "Ctrl-C" not in invitation:
            invitation += (await running.process.stdout.readline()).decode()
    page = re.search(rf"({running.origin}/shows/(show_\w+))\n", invitation)
    assert page is not None
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as viewers:
        for _ in range(4):  # so that each node has some
            viewers.create_task(sees_a_bid(running.origin, page[2]))
    code, said = await running.stop(signal.SIGINT)
    assert code == 0, said
    assert len(re.findall(r"Valkey shard \d+ replica 1", said)) == 3


async def sees_a_bid(origin: str, show: str) -> None:
    async with connect(origin.replace("http", "ws", 1) + "/ws", origin=origin) as viewer:
        await viewer.send('{"type": "hello", "id": "c1", "payload": {}}')
        await viewer.send(json.dumps({"type": "room:join", "id": "c2", "payload": {"show": show}}))
        while True:
            message = json.loads(await viewer.recv())
            if any(event["type"] == "bid:accepted" for event in message.get("events", ())):
                return


async def test_a_port_is_kept_for_a_node_while_it_is_dead():
    with reserved("127.0.0.1", 0) as kept:
        port = kept.getsockname()[1]
        with listen("127.0.0.1", port, shared=True):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.abort()
        with pytest.raises(ConnectionRefusedError):  # nobody takes connections in its place …
            await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises(Mendable, match="taken"):  # … nor the port
            listen("127.0.0.1", port)
        with reserved("127.0.0.1", port) as other:  # a wish that can't be had
            assert other.getsockname()[1] > 0


def test_it_is_for_this_machine_and_its_own_engines(settings_with):
    shape = Shape(3, 3, 0)
    with pytest.raises(Mendable, match="for that machine"):
        cluster_settings(settings_with({"LIVESERVER_HOST": "0.0.0.0"}), shape)
    for name, url in (("DATABASE", "postgresql://shop@db/live"), ("REDIS", "redis://cache:6379")):
        with pytest.raises(Mendable, match="brings its own"):
            cluster_settings(settings_with({f"LIVESERVER_{name}_URL": url}), shape)


def test_bids_wait_for_the_replicas_that_there_are(settings_with):
    assert cluster_settings(settings_with(), Shape(3, 3, 1)).redis_replicas == 1
    assert (
        cluster_settings(settings_with({"LIVESERVER_REDIS_REPLICAS": "0"}), Shape(3, 3, 1)).redis_replicas
        == 0
    )
    with pytest.raises(Mendable, match="--replicas 2"):
        cluster_settings(settings_with({"LIVESERVER_REDIS_REPLICAS": "2"}), Shape(3, 3, 1))


def test_its_data_are_kept_apart(settings_with):
    plain = cluster_settings(settings_with(), Shape(3, 3, 0)).data_dir
    demo = cluster_settings(settings_with(), Shape(3, 3, 0, demo=True)).data_dir
    assert len({plain, demo, str(default_data_dir())}) == 3
    assert demo == str(cluster_data_dir(demo=True))
    named = cluster_settings(settings_with({"LIVESERVER_DATA_DIR": "/srv/live"}), Shape(3, 3, 0))
    assert named.data_dir == "/srv/live"
