"""The small front: connections go round ready nodes byte for byte, and no further than the slower end reads."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from liveserver.cli import front as front_module
from liveserver.cli.front import Front
from liveserver.cli.ports import listen

WAIT_S = 20.0


class Node:
    """Something that answers /readyz and echoes everything else, saying its name first when it is asked for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = True
        self.port = 0
        self.visits = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def die(self) -> None:
        """As kill -9: the kernel ends what it had open."""
        for writer in self._serving:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(writer)
        try:
            first = await reader.readline()
            if first.startswith(b"GET /readyz"):
                code = b"200 OK" if self.ready else b"503 Service Unavailable"
                writer.write(b"HTTP/1.1 " + code + b"\r\ncontent-length: 0\r\n\r\n")
                return
            self.visits += 1
            writer.write(self.name.encode() + b"\n" if first == b"who\n" else first)
            while True:
                await self.reading.wait()
                data = await reader.read(65_536)
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            writer.write(b"bye")
        except ConnectionError:
            return
        finally:
            self._serving.discard(writer)
            writer.close()


@asynccontextmanager
async def serving(*nodes: Node, **more: int) -> AsyncIterator[tuple[Front, int]]:
    for node in nodes:
        await node.start()
    front = Front([("127.0.0.1", node.port) for node in nodes], **more)
    listener = listen("127.0.0.1", 0)
    try:
        await front.start(listener)
        yield front, listener.getsockname()[1]
    finally:
        await front.aclose()
        for node in nodes:
            await node.stop()


@asynccontextmanager
async def visit(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(WAIT_S):
            yield reader, writer
    finally:
        writer.transport.abort()


async def name_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    writer.write(b"who\n")
    return (await reader.readline()).decode().strip()


async def who(port: int) -> str:
    async with visit(port) as streams:
        return await name_of(*streams)


async def sees_the_end(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  # the front is asked what it sees; nothing tells
            await asyncio.sleep(0.01)


async def test_connections_go_round_the_nodes():
    nodes = [Node("one"), Node("two"), Node("three")]
    async with serving(*nodes) as (_, port):
        asked = [await who(port) for _ in range(9)]
    assert sorted(asked) == ["one"] * 3 + ["three"] * 3 + ["two"] * 3
    assert asked[:3] == asked[3:6] == asked[6:], "in turn"


async def test_a_node_that_is_not_ready_gets_nobody_until_it_is_again(monkeypatch):
    monkeypatch.setattr(front_module, "LOOK_S", 0.02)
    one, two = Node("one"), Node("two")
    async with serving(one, two) as (front, port):
        one.ready = False
        await until(lambda: front.targets[0].state == "unready")
        assert [await who(port) for _ in range(4)] == ["two"] * 4
        one.ready = True
        await until(lambda: front.targets[0].state == "ready")
        assert {await who(port) for _ in range(2)} == {"one", "two"}


async def test_when_no_node_calls_itself_ready_those_that_answer_are_used(monkeypatch):
    monkeypatch.setattr(front_module, "LOOK_S", 0.02)
    one, two = Node("one"), Node("two")
    async with serving(one, two) as (front, port):
        one.ready = False
        await two.stop()
        await until(lambda: [target.state for target in front.targets] == ["unready", "down"])
        assert await who(port) == "one"


async def test_a_dead_node_costs_nobody_a_connection_and_comes_back(monkeypatch):
    monkeypatch.setattr(front_module, "LOOK_S", 3_600.0)  # found by connecting, not by looking
    one, two = Node("one"), Node("two")
    async with serving(one, two) as (front, port):
        await one.stop()
        assert [await who(port) for _ in range(4)] == ["two"] * 4
        assert front.targets[0].state == "down"
        assert front.refused == 0
    monkeypatch.setattr(front_module, "LOOK_S", 0.02)
    async with serving(one, two) as (front, port):
        await one.stop()
        await until(lambda: front.targets[0].state == "down")
        await one.start()
        await until(lambda: front.targets[0].state == "ready")
        assert {await who(port) for _ in range(2)} == {"one", "two"}


async def test_without_any_node_a_connection_is_closed():
    node = Node("one")
    async with serving(node) as (front, port):
        await node.stop()
        async with visit(port) as (reader, _):
            assert await sees_the_end(reader)
        await until(lambda: front.refused == 1 and front.open == 0)


async def test_every_byte_arrives_and_each_side_may_end_first():
    async with serving(Node("one")) as (front, port):
        sent = b"x\n" + os.urandom(5_000_000)
        async with visit(port) as (reader, writer):

            async def send() -> None:
                writer.write(sent)
                await writer.drain()
                writer.write_eof()  # the node still has megabytes to say, and then its goodbye

            _, got = await asyncio.gather(send(), reader.read(-1))
        assert got == sent + b"bye"
        await until(lambda: front.open == 0)
        assert front.targets[0].open == 0
        assert front.targets[0].carried == 1


async def test_a_node_that_does_not_read_stops_the_sender():
    node = Node("one")
    async with serving(node) as (front, port):
        async with visit(port) as (reader, writer):
            await name_of(reader, writer)
            node.reading.clear()
            writer.transport.set_write_buffer_limits(high=0)
            passed = 0

            async def pour() -> None:
                nonlocal passed
                while True:
                    writer.write(b"y" * 1_000_000)
                    await writer.drain()
                    passed += 1_000_000

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pour(), 1.0)
            # What the kernel's buffers hold (megabytes over loopback), and not what a sender can produce in a second (gigabytes).
            assert passed < 60_000_000
            (client,) = front._carrying.values()
            assert client.peer is not None
            assert client.peer.transport is not None
            assert client.peer.transport.get_write_buffer_size() < 1_000_000
            node.reading.set()
        await until(lambda: front.open == 0)


async def test_who_leaves_is_no_longer_carried():
    async with serving(Node("one")) as (front, port):
        async with visit(port) as streams:
            await name_of(*streams)
            assert front.targets[0].open == 1
        await until(lambda: front.targets[0].open == 0 and front.open == 0)


async def test_the_clients_of_a_killed_node_see_it_at_once():
    node = Node("one")
    async with serving(node) as (_, port), visit(port) as (reader, writer):
        await name_of(reader, writer)
        node.die()
        assert await sees_the_end(reader)


async def test_too_many_are_closed_at_once_and_there_is_room_again():
    async with serving(Node("one"), connections_max=2) as (front, port), visit(port) as first:
        async with visit(port) as second:
            assert await name_of(*first) == await name_of(*second) == "one"
            async with visit(port) as (third, _):
                assert await sees_the_end(third)
            assert front.refused == 1
        await until(lambda: front.open == 1)
        assert await who(port) == "one"


async def test_after_it_stopped_accepting_what_is_carried_goes_on():
    async with serving(Node("one")) as (front, port), visit(port) as (reader, writer):
        await name_of(reader, writer)
        front.stop_accepting()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"
        await front.aclose()
        assert await sees_the_end(reader)
