"""Autobahn's cases: the gateway's WebSocket side passes all that it should, and nowhere does worse than the `websockets` library.

README.md here says which cases nobody passes, and why. All of 9.* (size, speed) is played by `make conformance`.
"""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.utils import accept_key

from tests.conformance.compare import compare, told
from tests.conformance.echoes import our_echo
from tests.conformance.fuzzer import run
from tests.conformance.suite import PERFORMANCE, WANTED, cases, folder

pytestmark = pytest.mark.skipif(
    folder() is None, reason="Autobahn's cases are not installed: `make conformance` brings them"
)

CASES = 247
"""1 to 7 and 10 of the release pinned in requirements/conformance.txt."""
KNOWN = {
    "6.4.1": "NON-STRICT",
    "6.4.2": "NON-STRICT",
    "6.4.3": "NON-STRICT",
    "6.4.4": "NON-STRICT",
    "7.1.5": "FAILED",
}
"""What is not simply passed, here as with `websockets`; README.md says why."""
LARGE = ("9.1.4", "9.2.4", "9.3.4", "9.4.4", "9.5.4", "9.6.4", "9.7.6", "9.8.6")
"""A mebibyte and more whole, in fragments and in chops, and a thousand round trips."""


async def test_nowhere_worse_than_websockets():
    chosen = cases(WANTED)
    assert len(chosen) == CASES, "cases that are not loaded are not played"
    compared = await compare(chosen)
    not_passed = {
        each.number: each.ours.behavior
        for each in compared
        if each.ours.behavior not in ("OK", "INFORMATIONAL") or each.ours.close not in ("OK", "INFORMATIONAL")
    }
    assert not_passed == KNOWN, told(compared)
    assert [each.number for each in compared if each.number in KNOWN and each.worse] == [], told(compared)


async def test_large_messages_and_many_parts_too():
    large = cases((PERFORMANCE,))
    compared = await compare({number: large[number] for number in LARGE}, at_once=2)
    assert [each.number for each in compared if each.ours.behavior != "OK"] == [], told(compared)


class Shouting(asyncio.Protocol):
    """Shakes hands well, and then answers everything with the same frame."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data.startswith(b"GET"):
            key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
            )
        else:
            self.transport.write(b"\x81\x02HI")


async def test_a_server_that_is_wrong_fails():
    server = await asyncio.get_running_loop().create_server(Shouting, "127.0.0.1", 0)
    port, known = server.sockets[0].getsockname()[1], cases(WANTED)
    numbers = ["1.1.2", "2.2", "3.1", "5.3", "6.3.1", "7.1.1"]
    results = await asyncio.gather(*(run(known[number], port, "/") for number in numbers))
    for number, result in zip(numbers, results, strict=True):
        assert "FAILED" in (result.behavior, result.close) or result.close == "UNCLEAN", (number, result)
    server.close()
    await server.wait_closed()


async def test_compression_is_not_negotiated():
    async with our_echo() as port, connect(f"ws://127.0.0.1:{port}/ws", compression="deflate") as socket:
        assert socket.protocol.extensions == []
        await socket.send("x" * 1_000)
        assert await socket.recv() == "x" * 1_000
