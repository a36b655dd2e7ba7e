"""What a client can't do to the server or to others: flood, dribble, fragment without end, not read, ask for everything."""

import asyncio
import gc
import socket
import weakref

import msgspec
import pytest

from liveserver.gateway.connection import Connection
from tests.support.stage import QUICK, SHOW, on_stage, until

HELLO = b'{"type":"hello","id":"c1"}'
LIMITED = msgspec.structs.replace(QUICK, frames_per_s=50)


def frame(payload: bytes, first: int = 0x81) -> bytes:
    """A masked frame with a mask of zeros."""
    length = len(payload)
    head = bytes([first, 0x80 | length]) if length < 126 else bytes([first, 0xFE]) + length.to_bytes(2, "big")
    return head + bytes(4) + payload


class Bare:
    """A connection that may break every rule."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def closed(self) -> int:
        """The code of the close frame; the server then hangs up."""
        async with asyncio.timeout(5):
            data = await self.reader.read()
        at = 0
        while at < len(data):
            opcode, length = data[at] & 15, data[at + 1]
            at += 2
            if length == 126:
                length, at = int.from_bytes(data[at : at + 2], "big"), at + 2
            if opcode == 8:
                return int.from_bytes(data[at : at + 2], "big")
            at += length
        return 1006


async def bare(stage, greeting: bytes = frame(HELLO), **options) -> Bare:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port, **options)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: shop\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    if greeting:
        writer.write(greeting)
        await reader.readuntil(b"}}}")
    return Bare(reader, writer)


@pytest.mark.parametrize("first", [0x89, 0x8A, 0x81])
async def test_a_flood_of_frames_closes_within_a_second(first):
    async with on_stage(LIMITED) as stage:
        flooder = await bare(stage)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        flooder.writer.write(frame(b'{"type":"clock:sync","payload":{"t0":1}}' + b" " * 60, first) * 10_000)
        assert await flooder.closed() == 4503
        assert loop.time() - began_s < 1
        flooder.writer.close()


async def test_pings_within_the_limit_are_answered():
    async with on_stage(LIMITED) as stage:
        ana = await stage.connect("ana")
        for _ in range(20):
            await asyncio.wait_for(await ana.socket.ping(), 2)


@pytest.mark.parametrize(("fragments", "code"), [(16, None), (17, 4504), (1_000, 4504)])
async def test_a_message_in_too_many_fragments_closes(fragments, code):
    async with on_stage() as stage:
        viewer = await bare(stage, b"")
        viewer.writer.write(frame(HELLO, 0x01))
        viewer.writer.write(frame(b"", 0x00) * (fragments - 2))
        viewer.writer.write(frame(b"", 0x80))
        if code is None:
            assert b'"role":"guest"' in await viewer.reader.readuntil(b"}}")
        else:
            assert await viewer.closed() == code
        viewer.writer.close()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(frame(b"x" * 16_385), 1009, id="one frame too large"),
        pytest.param(frame(b"x" * 10_000, 0x01) + frame(b"x" * 10_000, 0x80), 1009, id="too large in parts"),
        pytest.param(b"\x81\xff" + (2**62).to_bytes(8, "big"), 1009, id="announces exabytes"),
        pytest.param(b"\x81\x05hello", 1002, id="not masked"),
        pytest.param(frame(b"x", 0x83), 1002, id="unknown opcode"),
        pytest.param(frame(b"x", 0xC1), 1002, id="compressed without agreement"),
        pytest.param(frame(b"x", 0x80), 1002, id="continuation of nothing"),
        pytest.param(frame(b"x", 0x01) + frame(b"x", 0x81), 1002, id="message inside a message"),
        pytest.param(frame(b"x" * 126, 0x89), 1002, id="long ping"),
        pytest.param(frame(b"x", 0x09), 1002, id="fragmented ping"),
        pytest.param(frame(b"\x03\xe7bye", 0x88), 1002, id="close with a forbidden code"),
        pytest.param(frame(b"\x03\xe8\xff", 0x88), 1007, id="close reason not utf-8"),
        pytest.param(frame(b'{"type":"\xff"}'), 1007, id="not utf-8"),
        pytest.param(frame(b'{"type":"\xc3', 0x01) + frame(b'\x28"}', 0x80), 1007, id="not utf-8 over parts"),
        pytest.param(frame(b"\x81\xa4type\xa5hello", 0x82), 1003, id="binary on the text protocol"),
        pytest.param(frame(b"", 0x82), 1003, id="empty binary on the text protocol"),
        pytest.param(frame(b"\x03\xe8", 0x88), 1000, id="polite"),
    ],
)
async def test_what_breaks_the_protocol_closes_with_the_code_that_says_so(sent, code):
    async with on_stage() as stage:
        viewer = await bare(stage)
        viewer.writer.write(sent)
        assert await viewer.closed() == code
        viewer.writer.close()


async def test_text_on_the_binary_protocol_closes():
    async with on_stage() as stage:
        ana = await stage.connect("ana", text=False)
        await ana.socket.send("{}")
        assert await ana.close_code() == 1003


@pytest.mark.parametrize("part", [b"\x81", b"\x81\xfe\x10", frame(b"x" * 50)[:-1], frame(b"{", 0x01)])
async def test_an_incomplete_message_has_a_deadline(part):
    async with on_stage(msgspec.structs.replace(QUICK, message_deadline_ms=100)) as stage:
        viewer = await bare(stage)
        viewer.writer.write(part)
        assert await viewer.closed() == 4006
        viewer.writer.close()


async def test_pings_between_fragments_do_not_move_the_deadline():
    async with on_stage(msgspec.structs.replace(QUICK, message_deadline_ms=150)) as stage:
        viewer = await bare(stage)
        viewer.writer.write(frame(b"{", 0x01))

        async def ping():
            while True:
                viewer.writer.write(frame(b"", 0x89))
                await asyncio.sleep(0.02)

        pinging = asyncio.create_task(ping())
        assert await viewer.closed() == 4006
        pinging.cancel()
        viewer.writer.close()


async def test_who_says_no_hello_is_closed():
    async with on_stage(msgspec.structs.replace(QUICK, hello_deadline_ms=100)) as stage:
        silent = await stage.connect()
        assert await silent.close_code() == 4002
        talker = await stage.connect("ana")
        await asyncio.sleep(0.25)
        assert (await talker.join())["role"] == "viewer"


async def test_a_wrong_token_may_be_mended_and_does_not_stop_the_deadline():
    async with on_stage(msgspec.structs.replace(QUICK, hello_deadline_ms=300)) as stage:
        ana = await stage.connect()
        assert (await ana.refused("hello", token="123"))["code"] == "bad_token"
        assert (await ana.hello("ana"))["user"]["name"] == "Ana"
        guesser = await stage.connect()
        await guesser.refused("hello", token="123")
        assert await guesser.close_code() == 4002


async def test_a_silent_peer_is_closed_and_one_that_answers_pings_stays():
    async with on_stage(msgspec.structs.replace(QUICK, heartbeat_ms=100)) as stage:
        ana = await stage.connect("ana", join=True)
        dead = await bare(stage)  # never answers pings
        assert await dead.closed() == 4003
        assert (await ana.ok("probe:say", show=SHOW, text="still here"))["seq"] == 1
        dead.writer.close()


async def test_round_trips_are_measured_for_those_who_may_bid():
    async with on_stage(msgspec.structs.replace(QUICK, heartbeat_ms=100)) as stage:
        ana = await stage.connect("ana", join=True)
        connection = next(iter(stage.gateway.rooms.here(SHOW).members))
        await until(lambda: connection.rtt.samples)
        assert connection.rtt_ms < 1_000
        assert await ana.ok("bid:place", show=SHOW, lot="l", price=1)


async def test_more_connections_than_allowed_are_told_to_come_later():
    async with on_stage(msgspec.structs.replace(QUICK, connections_max=2)) as stage:
        for _ in range(2):
            await stage.connect("")
        third = await stage.connect()
        assert await third.close_code() == 4004
        assert third.socket.close_reason == "full 30000"


async def test_joins_over_the_rate_wait_their_turn():
    async with on_stage(msgspec.structs.replace(QUICK, joins_per_s=50)) as stage:
        viewers = [await stage.connect("") for _ in range(20)]
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        ids = [await viewer.send("room:join", show=SHOW) for viewer in viewers]
        for viewer in viewers:
            await viewer.send("clock:sync", "later")
        for viewer, message_id in zip(viewers, ids, strict=True):
            assert (await viewer.reply(message_id))["type"] == "ok"
            assert (await viewer.reply("later"))["type"] == "ok", "what was sent behind a join waits for it"
        assert loop.time() - began_s >= (20 - 5) / 50 * 0.9


async def test_a_full_line_of_joins_sends_the_rest_away(monkeypatch):
    monkeypatch.setattr("liveserver.gateway.joins.JOINS_WAITING_MAX", 3)
    async with on_stage(msgspec.structs.replace(QUICK, joins_per_s=0.001)) as stage:
        viewers = [await stage.connect("") for _ in range(5)]
        await viewers[0].join()
        for viewer in viewers[1:]:
            await viewer.send("room:join", show=SHOW)
        assert await viewers[-1].close_code() == 4005
        assert viewers[-1].socket.close_reason == "joins_busy 10000"
        assert stage.gateway.stats.joins == 1


async def test_each_kind_of_message_has_its_own_rate():
    limits = msgspec.structs.replace(QUICK, bids_per_s=0.5, bids_burst=3, chats_per_s=0.5, chats_burst=1)
    async with on_stage(limits) as stage:
        ana = await stage.connect("ana", join=True)
        for price in (1, 2, 3):
            await ana.ok("bid:place", show=SHOW, lot="l", price=price)
        slow_down = await ana.refused("bid:place", show=SHOW, lot="l", price=4)
        assert (slow_down["code"], slow_down["retryable"]) == ("rate_limited", True)
        assert 1_000 < slow_down["detail"]["wait_ms"] <= 2_001
        await ana.ok("probe:say", show=SHOW, text="chat has not been used up")
        bo = await stage.connect("bo", join=True)
        await bo.ok("bid:place", show=SHOW, lot="l", price=5)


async def test_a_slow_reader_is_cut_off_and_costs_nobody_else():
    limits = msgspec.structs.replace(
        QUICK, unsent_bytes_max=65_536, flush_interval_ms=0, frame_bytes_max=16_384
    )
    async with on_stage(limits) as stage:
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", stage.port))
        lazy = await _lazy(stage, small)
        ana = await stage.connect("ana", join=True)
        text = "x" * 15_000
        sent = 0
        while stage.gateway.stats.closes[4001] == 0:
            await ana.ok("probe:say", show=SHOW, text=text)
            sent += 1
            assert sent < 2_000, "a reader that never reads was not cut off"
        await until(lambda: stage.gateway.stats.connections == 1)
        assert (await ana.ok("probe:say", show=SHOW, text="fine"))["length"] == 4
        lazy.close()


async def _lazy(stage, sock):
    """Joins and then never reads."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(
        sock,
        b"GET /ws HTTP/1.1\r\nHost: shop\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    )
    await loop.sock_recv(sock, 1_000)
    await loop.sock_sendall(
        sock, frame(HELLO) + frame(b'{"type":"room:join","id":"c2","payload":{"show":"show_1"}}')
    )
    await until(lambda: stage.presence.counts.get(SHOW))
    return sock


async def test_messages_behind_one_that_waits_are_bounded_by_not_reading(monkeypatch):
    monkeypatch.setattr("liveserver.gateway.connection.BACKLOG_MAX", 4)
    async with on_stage() as stage:
        ana = await stage.connect("ana", join=True)
        connection = next(iter(stage.gateway.rooms.here(SHOW).members))
        stage.shows.gate = asyncio.Event()
        ids = [await ana.send("probe:slow", show=SHOW, text="slow")]
        for n in range(10):
            ids.append(await ana.send("probe:say", show=SHOW, text=str(n)))
            await asyncio.sleep(0.005)
        assert not connection.reading
        stage.shows.gate.set()
        for message_id in ids:
            assert (await ana.reply(message_id))["type"] == "ok"
        assert connection.reading


async def test_nothing_of_a_closed_connection_stays_in_memory():
    async with on_stage() as stage:
        clients = [await stage.connect("ana", join=True) for _ in range(5)]
        refs = [weakref.ref(connection) for connection in stage.gateway.rooms.here(SHOW).members]
        assert len(refs) == 5
        assert all(isinstance(ref(), Connection) for ref in refs)
        for at, client in enumerate(clients):
            if at % 2:
                client.socket.transport.abort()
            else:
                await client.socket.close()
        gc.disable()
        try:
            await until(lambda: all(ref() is None for ref in refs))
        finally:
            gc.enable()
        assert stage.gateway.stats.connections == 0
        assert len(stage.gateway.wheel) == 0


@pytest.mark.expects_errors
async def test_a_bug_in_one_route_closes_that_connection_only(caplog):
    async with on_stage() as stage:
        ana, bo = [await stage.connect(name, join=True) for name in ("ana", "bo")]
        await ana.send("probe:say", show=SHOW, text="crash")
        assert await ana.close_code() == 4007
        assert (await bo.ok("probe:say", show=SHOW, text="fine"))["seq"] == 1


async def test_a_close_is_sent_once_and_nothing_behind_it():
    async with on_stage() as stage:
        ana = await stage.connect("ana", join=True)
        connection = next(iter(stage.gateway.rooms.here(SHOW).members))
        connection.fail_internally()
        connection.fail_internally()
        connection.tell({"type": "late"})
        assert await ana.close_code() == 4007
        assert ana.heard == [], "something was told behind the close"
        assert stage.gateway.stats.closes == {4007: 1}
