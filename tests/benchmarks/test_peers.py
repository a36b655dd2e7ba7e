"""Every server under comparison does the work that it is compared for, and leaves nothing behind; those not installed are skipped."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.peers import nodejs, process, registry
from benchmarks.peers.messages import CHAT, CHAT_BYTES
from benchmarks.peers.model import NUMBER, STAMP, Frame, Peer, Running, Setting, Speech
from benchmarks.peers.process import launch
from liveserver.infra.engines import Engines
from liveserver.infra.ports import free_port

OURS = ("liveserver", "raw")  # they have tests of their own
CORE = min(os.sched_getaffinity(0))
TOLD = range(1, 21)
STAMPS = re.compile(rb"TS=([0-9a-f]{16})")
KNOCKS_MAX = 40
KNOCK_S = 0.25


def peers(work: str) -> list[object]:
    return [pytest.param(p, id=p.name) for p in registry.all_peers(work) if p.name not in OURS]


def needs(peer: Peer) -> None:
    if reason := peer.missing():
        pytest.skip(reason)
    if isinstance(peer, nodejs.NodePeer) and not nodejs.installed():
        pytest.skip("npm packages are not installed (a benchmark run brings them)")


@pytest.fixture
def setting(new_data_dir: Callable[[], Path]) -> Setting:
    return Setting(port=free_port(), folder=new_data_dir(), connections=10)


@asynccontextmanager
async def running(peer: Peer, setting: Setting) -> AsyncIterator[Running]:
    """The server, which at the end has left no process."""
    with peer.start(setting, CORE) as server:
        assert all(os.sched_getaffinity(pid) == {CORE} for pid in server.pids), "on one core"
        yield server
    assert [pid for pid in server.pids if process.runs(pid)] == []


@asynccontextmanager
async def connected(setting: Setting, speech: Speech) -> AsyncIterator[ClientConnection]:
    """Somebody who has joined."""
    uri = f"ws://127.0.0.1:{setting.port}{speech.path}"
    async with connect(uri, compression=None, ping_interval=None, close_timeout=1) as client:
        for frame in speech.hello:
            await say(client, frame)
        while speech.ready and speech.ready.encode() not in await heard(client):
            continue
        yield client


async def heard(client: ClientConnection) -> bytes:
    frame = await client.recv()
    return frame.encode() if isinstance(frame, str) else frame


async def say(client: ClientConnection, frame: Frame, ts: int = 0, n: int = 0) -> None:
    text = frame.text.replace(STAMP, f"{ts:016x}").replace(NUMBER, str(n))
    await client.send(text.encode() if frame.binary else text, text=not frame.binary)


class Viewer:
    """Somebody who notes every stamp they are sent."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.saw: list[int] = []
        self.awake = asyncio.Event()
        self.done = asyncio.Event()

    async def watch(self) -> None:
        while True:
            for stamp in STAMPS.findall(await heard(self.client)):
                if ts := int(stamp, 16):
                    self.saw.append(ts)
                self.awake.set()
                if ts == TOLD[-1]:
                    self.done.set()


@pytest.mark.parametrize("peer", peers("fanout"))
async def test_every_viewer_receives_every_message_once(peer: Peer, setting: Setting):
    needs(peer)
    async with running(peer, setting) as server:
        speech = server.speech
        publisher = Speech(path=speech.publish_path) if speech.publish_path else speech
        async with (
            connected(setting, speech) as ana,
            connected(setting, speech) as ben,
            connected(setting, speech) as cleo,
            connected(setting, publisher) as host,
            asyncio.TaskGroup() as tasks,
        ):
            viewers = [Viewer(client) for client in (ana, ben, cleo)]
            watching = [tasks.create_task(viewer.watch()) for viewer in viewers]
            await knock(host, speech, viewers)
            for ts in TOLD:
                await say(host, speech.say, ts=ts, n=ts)
            async with asyncio.timeout(10):
                await asyncio.gather(*(viewer.done.wait() for viewer in viewers))
            for task in watching:
                task.cancel()
    assert [viewer.saw for viewer in viewers] == [list(TOLD)] * 3


async def knock(host: ClientConnection, speech: Speech, viewers: list[Viewer]) -> None:
    """A handshake does not say that the server has put a viewer on its list; hearing something does."""
    for _ in range(KNOCKS_MAX):
        await say(host, speech.say)
        try:
            async with asyncio.timeout(KNOCK_S):
                await asyncio.gather(*(viewer.awake.wait() for viewer in viewers))
                return
        except TimeoutError:
            continue
    raise AssertionError("not every viewer hears the publisher")


@pytest.mark.parametrize("peer", peers("bids"))
async def test_every_bid_is_answered_numbered_and_recorded(
    peer: Peer, setting: Setting, engines: Engines, empty_database_url: str, redis_url: str
):
    needs(peer)
    # Scripts are the admin's alone in our Valkey.
    engines_url = engines.redis_admin_url or redis_url
    setting = Setting(setting.port, setting.folder, empty_database_url, engines_url, connections=10)
    async with running(peer, setting) as server:
        speech = server.speech

        async def bid(bidder: ClientConnection, amount: int) -> dict[str, object]:
            await say(bidder, speech.say, ts=amount, n=amount)
            answer = json.loads(await bidder.recv())
            assert answer["id"] == f"TS={amount:016x}", "the answer repeats its bid's stamp"
            return answer

        async with (
            connected(setting, speech) as ana,
            connected(setting, speech) as ben,
            connected(setting, speech) as cleo,
        ):
            for amount, bidder in ((1, ana), (2, ben), (3, cleo)):
                answer = await bid(bidder, amount)
                assert (answer["ok"], answer["price"]) == (True, amount)
            for amount in (3, 2):
                answer = await bid(ana, amount)
                assert (answer["ok"], answer["price"]) == (False, 3), "only a higher bid leads"

            async def in_turn(bidder: ClientConnection, amounts: range) -> list[dict[str, object]]:
                return [await bid(bidder, amount) for amount in amounts]

            at_once = await asyncio.gather(
                in_turn(ana, range(10, 40, 3)),
                in_turn(ben, range(11, 40, 3)),
                in_turn(cleo, range(12, 40, 3)),
            )
        for answers in at_once:
            prices = [int(str(answer["price"])) for answer in answers]
            assert prices == sorted(prices), "the price never falls"
        assert max(int(str(answers[-1]["price"])) for answers in at_once) == 39
        record = await recorded(peer, setting)
    assert sorted(number for number, _, _ in record) == list(range(1, len(record) + 1)), (
        "no number twice, none left out"
    )
    assert sorted(amount for _, amount, _ in record) == sorted([1, 2, 3, 3, 2, *range(10, 40)])
    price = 0
    for _, amount, accepted in sorted(record):
        assert accepted == (amount > price), "decided in the order of numbers"
        price = max(price, amount)


async def recorded(peer: Peer, setting: Setting) -> list[tuple[int, int, bool]]:
    """Number, amount and verdict of each bid, as the server's engine holds them."""
    if peer.name == "postgres":
        connection = await asyncpg.connect(setting.database_url)
        rows = await connection.fetch("SELECT number, amount, accepted FROM peer.bids")
        await connection.close()
        return [(row["number"], row["amount"], row["accepted"]) for row in rows]
    async with Redis.from_url(setting.redis_url, decode_responses=True) as redis:
        bids = [bid for _, bid in await redis.xrange("peer:{lot-1}:bids")]
        return [(int(bid["number"]), int(bid["amount"]), bid["accepted"] == "1") for bid in bids]


@pytest.mark.parametrize("work", ["fanout", "bids"])
def test_peers_can_be_told_apart_and_say_what_they_are(work: str):
    found = registry.all_peers(work)
    assert len({peer.name for peer in found}) == len(found)
    for peer in found:
        assert peer.title
        if peer.name not in OURS and not peer.missing():
            assert re.search(r"\d+\.\d+", peer.version()), f"{peer.name} names its version"


def test_a_module_that_cannot_be_imported_leaves_the_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "MODULES", ("not_there", "nats"))
    assert [peer.name for peer in registry.all_peers("fanout")] == ["nats"]


def test_a_server_that_fails_is_quoted(setting: Setting):
    with pytest.raises(RuntimeError, match="ended with 3 while starting; its last words: no such hall"):
        launch(["sh", "-c", "echo no such hall; exit 3"], setting, CORE, Speech())


STUBBORN = """
import signal, socket, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "60"])
door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    door.accept()
"""


def test_a_server_that_will_not_go_is_ended_with_what_it_started(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(process, "STOP_MAX_S", 1.0)
    argv = [sys.executable, "-c", STUBBORN, str(setting.port)]
    with launch(argv, setting, CORE, Speech(), workers_min=1) as server:
        assert len(server.pids) == 2
        assert all(map(process.runs, server.pids))
    assert not any(map(process.runs, server.pids))


def test_a_port_in_use_is_not_taken_for_the_server(setting: Setting):
    with (
        socket.create_server(("127.0.0.1", setting.port)),
        pytest.raises(RuntimeError, match=f"port {setting.port} is taken"),
    ):
        launch(["sleep", "60"], setting, CORE, Speech())


def test_more_clients_than_open_files_are_refused(setting: Setting):
    crowded = Setting(setting.port, setting.folder, connections=10**10)
    with pytest.raises(RuntimeError, match="more open files"):
        launch(["sleep", "60"], crowded, CORE, Speech())


def test_the_announced_size_is_that_of_a_stamped_message():
    assert len(CHAT.replace(STAMP, f"{2**40:016x}").encode()) == CHAT_BYTES
