"""The load's WebSocket over plain sockets, against another implementation's server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from loadtests.loopback import Target
from loadtests.wire import Lost, Wire


@asynccontextmanager
async def server(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[Target]:
    async with serve(handler, "127.0.0.1", 0, subprotocols=["live.v1.json"], compression=None) as serving:
        yield Target("127.0.0.1", serving.sockets[0].getsockname()[1])


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Wire]:
    wire = await asyncio.to_thread(Wire, target)
    try:
        yield wire
    finally:
        wire.close()


async def test_messages_go_both_ways_whole():
    big = json.dumps({"text": "é" * 100_000})

    async def handler(ws: ServerConnection) -> None:
        async for message in ws:
            await ws.send([message[:10], message[10:-5], message[-5:]])  # in fragments
            await ws.ping()
            await ws.send("last")

    async with server(handler) as target, opened(target) as wire:
        await asyncio.to_thread(wire.send, big.encode())
        assert await asyncio.to_thread(wire.receive) == big.encode()
        assert await asyncio.to_thread(wire.receive) == b"last"


async def test_pings_are_answered_while_it_waits():
    async def handler(ws: ServerConnection) -> None:
        await (await ws.ping())
        await ws.send("alive")

    async with server(handler) as target, opened(target) as wire:
        async with asyncio.timeout(5):
            assert await asyncio.to_thread(wire.receive) == b"alive"


async def test_a_close_tells_code_and_reason():
    async def handler(ws: ServerConnection) -> None:
        await ws.close(4000, "draining 5000")

    async with server(handler) as target, opened(target) as wire:
        with pytest.raises(Lost) as lost:
            await asyncio.to_thread(wire.receive)
        assert (lost.value.code, lost.value.reason) == (4000, "draining 5000")


async def test_a_cut_wakes_the_reader_and_says_no_goodbye():
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def handler(ws: ServerConnection) -> None:
        await ws.wait_closed()
        codes.put_nowait(ws.close_code)

    async with server(handler) as target, opened(target) as wire:
        reading = asyncio.create_task(asyncio.to_thread(wire.receive))
        await asyncio.sleep(0)
        wire.cut()
        async with asyncio.timeout(5):
            with pytest.raises(Lost, match="1006"):
                await reading
            assert await codes.get() == 1006


async def test_a_refused_handshake_is_lost():
    async def nobody(ws: ServerConnection) -> None:
        raise AssertionError("not let in")

    async with serve(
        nobody, "127.0.0.1", 0, process_request=lambda ws, request: ws.respond(503, "full")
    ) as serving:
        port = serving.sockets[0].getsockname()[1]
        with pytest.raises(Lost, match="503"):
            await asyncio.to_thread(Wire, Target("127.0.0.1", port))


async def test_nobody_there():
    async with server(lambda ws: asyncio.sleep(0)) as target:
        pass
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(Wire, target)
