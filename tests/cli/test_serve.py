"""The server as a real process: it starts on a free port, serves, stops in order, and says in words why it can't start."""

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from liveserver.infra.ports import free_port

WAIT_S = 60


async def ready(process: asyncio.subprocess.Process) -> str:
    """The origin that the server prints once it serves."""
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        while line := (await process.stdout.readline()).decode():
            if found := re.search(r"ready at (http://\S+)", line):
                return found[1]
    assert process.stderr is not None
    raise AssertionError((await process.stderr.read()).decode())


async def stopped(process: asyncio.subprocess.Process, by: int = signal.SIGTERM) -> tuple[int, str]:
    """The exit code and what was said on stderr."""
    process.send_signal(by)
    async with asyncio.timeout(WAIT_S):
        _, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, err.decode()


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


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what other processes do; nothing tells us of it."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  # processes of another parent can't be awaited
            await asyncio.sleep(0.05)


async def post(url: str, document: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as browser, browser.post(url, json=document) as answer:
        return answer.status


async def say_hello(origin: str) -> dict[str, object]:
    async with connect(origin.replace("http", "ws", 1) + "/ws", origin=origin) as browser:
        await browser.send('{"type": "hello", "id": "c1", "payload": {}}')
        return json.loads(await browser.recv())


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_it_starts_serves_pages_and_sockets_and_stops_without_a_trace(start, new_data_dir, by):
    data_dir = str(new_data_dir())
    process = await start("serve", "--port", "0", LIVESERVER_DATA_DIR=data_dir)
    origin = await ready(process)
    async with aiohttp.ClientSession() as browser:
        for path in ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json"):
            async with browser.get(origin + path) as answer:
                assert answer.status == 200, path
        async with browser.get(origin + "/metrics") as answer:
            assert "liveserver_connections 0.0" in await answer.text()
    assert (await say_hello(origin))["type"] == "ok"
    code, err = await stopped(process, by)
    assert code == 0, err
    assert "Traceback" not in err
    assert '"level": "error"' not in err
    assert processes_naming(data_dir) == []


async def heard_out(browser: ClientConnection) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            await browser.recv()


async def test_viewers_are_told_to_come_back_when_it_stops(start, new_data_dir):
    process = await start("serve", "--port", "0", LIVESERVER_DATA_DIR=str(new_data_dir()))
    origin = await ready(process)
    async with connect(origin.replace("http", "ws", 1) + "/ws", origin=origin) as browser:
        await browser.send('{"type": "hello", "id": "c1", "payload": {}}')
        await browser.recv()
        ending = asyncio.create_task(stopped(process))
        with pytest.raises(ConnectionClosed) as closed:
            await heard_out(browser)
        assert closed.value.rcvd is not None
        assert 4000 <= closed.value.rcvd.code <= 4499, "come back"
        assert (await ending)[0] == 0


async def test_data_is_kept_and_a_data_directory_serves_one_server(start, ask, new_data_dir):
    data_dir = str(new_data_dir())
    first = await start("serve", "--port", "0", LIVESERVER_DATA_DIR=data_dir)
    origin = await ready(first)
    ana = {"email": "ana@mail.example", "password": "a long enough phrase"}
    assert await post(origin + "/api/v1/auth/register", {"name": "Ana", **ana}) in (200, 201)
    code, _, err = await ask("serve", "--port", "0", LIVESERVER_DATA_DIR=data_dir)
    assert code == 1
    assert f"pid {first.pid}" in err
    assert "Traceback" not in err
    assert (await stopped(first))[0] == 0
    again = await start("serve", "--port", "0", LIVESERVER_DATA_DIR=data_dir)
    origin = await ready(again)
    assert await post(origin + "/api/v1/auth/login", ana) == 200
    assert (await stopped(again))[0] == 0


async def test_a_taken_port_is_said_before_anything_is_started(ask, new_data_dir):
    data_dir = new_data_dir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in ("serve", "demo"):
            code, out, err = await ask(command, "--port", str(port), LIVESERVER_DATA_DIR=str(data_dir))
            assert (code, out) == (1, "")
            assert f"Port {port} is taken by" in err
            assert "(pid " in err
            assert "--port" in err
            assert "Traceback" not in err
    assert not data_dir.exists()


async def test_an_address_that_is_not_this_machines(ask, new_data_dir):
    code, _, err = await ask(
        "serve", "--port", "0", "--host", "192.0.2.1", LIVESERVER_DATA_DIR=str(new_data_dir())
    )
    assert code == 1
    assert "--host 127.0.0.1" in err


async def test_an_engine_that_can_not_start_is_said_in_words(ask, tmp_path):
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    code, _, err = await ask("serve", "--port", "0", LIVESERVER_DATA_DIR=str(occupied))
    assert code == 1
    assert "LIVESERVER_DATA_DIR" in err
    assert "Traceback" not in err


async def test_unlimited_lifts_rates_and_says_so(start, new_data_dir):
    process = await start("serve", "--port", "0", "--unlimited", LIVESERVER_DATA_DIR=str(new_data_dir()))
    hello = await say_hello(await ready(process))
    assert hello["payload"]["limits"]["bids_per_s"] == 0
    assert hello["payload"]["limits"]["frame_bytes_max"] == 16_384
    code, err = await stopped(process)
    assert code == 0
    assert "rate limits are lifted" in err


async def test_workers_share_the_port_and_a_dead_one_is_replaced(start, new_data_dir):
    port, data_dir = free_port(), str(new_data_dir())
    process = await start("serve", "--port", str(port), "--workers", "2", LIVESERVER_DATA_DIR=data_dir)
    origin = await ready(process)
    assert origin == f"http://127.0.0.1:{port}"
    workers = children_of(process.pid)
    assert len(workers) == 2
    assert (await say_hello(origin))["type"] == "ok"
    workers[0].send_signal(signal.SIGKILL)
    await until(lambda: not workers[0].lives() and len(children_of(process.pid)) == 2)
    assert (await say_hello(origin))["type"] == "ok"
    code, err = await stopped(process)
    assert code == 0, err
    assert '"kind": "worker"' in err
    assert processes_naming(data_dir) == []


async def test_workers_and_engines_end_when_the_parent_is_killed(start, new_data_dir):
    port, data_dir = free_port(), str(new_data_dir())
    process = await start("serve", "--port", str(port), "--workers", "2", LIVESERVER_DATA_DIR=data_dir)
    await ready(process)
    workers = children_of(process.pid)
    process.kill()
    await process.wait()
    await until(lambda: not processes_naming(data_dir) and not any(worker.lives() for worker in workers))


class Child:
    """A worker, by pid and start time so that a reused pid is nobody else's."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._since = self._started()

    def _started(self) -> str:
        try:
            return (Path("/proc") / str(self.pid) / "stat").read_text().rpartition(")")[2].split()[19]
        except OSError:
            return ""

    def lives(self) -> bool:
        return bool(self._since) and self._started() == self._since

    def send_signal(self, number: int) -> None:
        assert self.lives()
        os.kill(self.pid, number)


def children_of(pid: int) -> list[Child]:
    """The worker processes of a server."""
    found: list[Child] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == str(pid) and b"liveserver.cli.workers" in words:
            found.append(Child(int(process.name)))
    return found


async def test_the_demo_invites_shows_a_live_show_and_keeps_its_data_apart(start, ask, new_data_dir):
    data_dir = str(new_data_dir())
    process = await start("demo", "--port", "0", "--bots", "3", LIVESERVER_DATA_DIR=data_dir)
    origin = await ready(process)
    assert process.stdout is not None
    invitation = ""
    async with asyncio.timeout(WAIT_S):
        while "Ctrl-C" not in invitation:
            invitation += (await process.stdout.readline()).decode()
    page = re.search(r"(http://\S+/shows/(show_\w+))\n", invitation)
    assert page is not None
    assert "password" in invitation
    async with aiohttp.ClientSession() as browser, browser.get(page[1]) as answer:
        assert answer.status == 200
    async with connect(origin.replace("http", "ws", 1) + "/ws", origin=origin) as viewer:
        await viewer.send('{"type": "hello", "id": "c1", "payload": {}}')
        await viewer.send(json.dumps({"type": "room:join", "id": "c2", "payload": {"show": page[2]}}))
        async with asyncio.timeout(WAIT_S):
            while not is_bid(await viewer.recv()):
                pass
    code, err = await stopped(process, signal.SIGINT)
    assert code == 0, err
    code, out, _ = await ask("verify", page[2], LIVESERVER_DATA_DIR=data_dir)
    assert code == 0, out


def is_bid(frame: str | bytes) -> bool:
    message = json.loads(frame)
    return any(event["type"] == "bid:accepted" for event in message.get("events", ()))


async def test_the_demo_leaves_existing_databases_and_networks_alone(ask, new_data_dir):
    code, _, err = await ask("demo", "--port", "0", LIVESERVER_DATABASE_URL="postgresql://shop@db/live")
    assert code == 1
    assert "uses no existing database" in err
    code, _, err = await ask(
        "demo", "--port", "0", "--host", "0.0.0.0", LIVESERVER_DATA_DIR=str(new_data_dir())
    )
    assert code == 1
    assert "can't be shown to a network" in err
