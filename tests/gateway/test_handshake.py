"""The one port: who gets a connection, and every request that means two things to two servers is refused."""

import asyncio
import base64
import os
import socket

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from tests.support.stage import QUICK, SHOW, on_stage, until

KEY = "Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef").decode()
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", KEY, "Sec-WebSocket-Version: 13")
PAGE = b"GET /page HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"


def request(*more: str, line: str = "GET /ws HTTP/1.1", host: str = "Host: shop", upgrade=UPGRADE) -> bytes:
    lines = [line, *([host] if host else []), *upgrade, *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


REFUSED = {
    "content length": (request("Content-Length: 5") + b"hello", 400),
    "content length of nothing": (request("Content-Length: 0"), 400),
    "chunked upgrade": (request("Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    "both lengths": (request("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\nGET /x", 400),
    "hidden chunked": (request("Transfer-Encoding : chunked"), 400),
    "folded header": (request("X: a\r\n b"), 400),
    "bare newline in header": (request("X: a\nHost: evil"), 400),
    "nul in header": (request("X: \0"), 400),
    "no host": (request(host=""), 400),
    "two hosts": (request("Host: other"), 400),
    "query": (request(line="GET /ws?token=secret HTTP/1.1"), 400),
    "post": (request(line="POST /ws HTTP/1.1"), 405),
    "http/1.0": (request(line="GET /ws HTTP/1.0"), 505),
    "http/2 preface line": (request(line="GET /ws HTTP/2.0"), 400),
    "no upgrade": (request(upgrade=()), 426),
    "upgrade to something else": (request(upgrade=("Upgrade: h2c", *UPGRADE[1:])), 426),
    "two keys": (request(KEY), 400),
    "short key": (request(upgrade=(*UPGRADE[:2], "Sec-WebSocket-Key: x", UPGRADE[3])), 400),
    "version 12": (request(upgrade=(*UPGRADE[:3], "Sec-WebSocket-Version: 12")), 400),
    "unknown subprotocol": (request("Sec-WebSocket-Protocol: live.v9.xml"), 400),
    "pipelined request": (request() + PAGE, 400),
    "pipelined frame": (request() + b"\x81\x80\0\0\0\0", 400),
    "two origins": (request("Origin: http://shop", "Origin: http://shop"), 400),
    "double slash": (request(line="GET //ws HTTP/1.1"), 404),
    "escaped path": (request(line="GET /%2fws HTTP/1.1"), 404),
    "escaped letter": (request(line="GET /%77s HTTP/1.1"), 400),
    "other case": (request(line="GET /WS HTTP/1.1"), 404),
    "trailing slash": (request(line="GET /ws/ HTTP/1.1"), 404),
    "dot segment": (request(line="GET /./ws HTTP/1.1"), 404),
    "absolute form": (request(line="GET http://shop/ws HTTP/1.1"), 400),
    "upgrade of a page": (request(line="GET /nothing HTTP/1.1"), 404),
    "not http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_exactly_a_handshake_is_refused_and_ends_the_connection(name):
    sent, expected = REFUSED[name]
    async with on_stage() as stage:
        # Asking for a page behind it shows whether the rest was read as another request.
        answer = await stage.ask(sent + PAGE)
        assert status(answer) == expected, answer
        assert b"page /page" not in answer
        assert answer.count(b"HTTP/1.1 ") == 1
        assert stage.gateway.stats.connections == 0


async def test_a_plain_handshake_is_accepted_and_never_compressed():
    async with on_stage() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(request("Sec-WebSocket-Extensions: permessage-deflate"))
        answer = await reader.readuntil(b"\r\n\r\n")
        assert status(answer) == 101
        assert b"permessage" not in answer.lower()
        writer.close()


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        (None, True),
        ("http://{host}", True),
        ("https://{host}", True),
        ("https://shop.example", True),
        ("https://shop.example:8443", False),
        ("http://shop.example", False),
        ("https://evil.example", False),
        ("https://evil-shop.example", False),
        ("https://shop.example.evil.example", False),
        ("https://sub.shop.example", False),
        ("http://{host}.evil.example", False),
        ("null", False),
        ("file://", False),
        ("*", False),
    ],
)
async def test_pages_of_other_sites_may_not_connect(origin, welcome):
    async with on_stage(origins=["https://shop.example"]) as stage:
        headers = {"Origin": origin.format(host=f"127.0.0.1:{stage.port}")} if origin else {}
        if welcome:
            viewer = await stage.connect("", additional_headers=headers)
            assert (await viewer.join())["role"] == "guest"
        else:
            with pytest.raises(InvalidStatus) as refused:
                await stage.connect(additional_headers=headers)
            assert refused.value.response.status_code == 403


async def test_a_pages_cookie_signs_in_only_from_an_allowed_page():
    async with on_stage() as stage:
        cookie = {"Cookie": "theme=dark; liveserver=ana"}
        page = {"Origin": f"http://127.0.0.1:{stage.port}"}
        ana = await stage.connect(additional_headers=cookie | page)
        assert (await ana.hello())["user"]["name"] == "Ana"
        no_page = await stage.connect(additional_headers=cookie)
        assert (await no_page.hello())["user"]["role"] == "guest"
        given = await stage.connect(additional_headers=cookie | page)
        assert (await given.hello("bo"))["user"]["name"] == "Bo"


async def test_http_works_on_the_same_port_bodies_and_keep_alive_included():
    async with on_stage() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        body = os.urandom(150_000).hex().encode()
        for chunk in (
            b"POST /pa",
            b"ge HTTP/1.1\r\nHost: shop\r\nContent-Len",
            f"gth: {len(body)}\r\n\r\n".encode() + body[:10],
            body[10:],
        ):
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        answer = await reader.readuntil(f"page /page {len(body)}".encode())
        assert status(answer) == 200
        writer.write(b"GET /page HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert status(await reader.readuntil(b"page /page 0")) == 200
        writer.close()


async def test_a_page_and_then_an_upgrade_on_the_same_connection():
    async with on_stage() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        for _ in range(2):
            writer.write(b"GET /page HTTP/1.1\r\nHost: shop\r\n\r\n")
            await reader.readuntil(b"page /page 0")
        head = request(f"Origin: http://127.0.0.1:{stage.port}", host=f"Host: 127.0.0.1:{stage.port}")
        writer.write(head[:40])
        await writer.drain()
        writer.write(head[40:])
        assert status(await reader.readuntil(b"\r\n\r\n")) == 101
        hello = b'{"type":"hello","id":"c1"}'
        writer.write(bytes([0x81, 0x80 | len(hello)]) + b"\0\0\0\0" + hello)
        answer = await reader.readuntil(b"}}")
        assert b'"role":"guest"' in answer
        assert stage.gateway.stats.connections == 1
        writer.close()
        await until(lambda: stage.gateway.stats.connections == 0)


@pytest.mark.parametrize(
    "name", ["pipelined frame", "content length of nothing", "query", "post", "version 12"]
)
async def test_a_kept_alive_connection_is_handed_over_no_less_strictly(name):
    sent, expected = REFUSED[name]
    async with on_stage() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(b"GET /page HTTP/1.1\r\nHost: shop\r\n\r\n")
        await reader.readuntil(b"page /page 0")
        writer.write(sent)
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert status(answer) == expected
        assert b"page" not in answer
        writer.close()


async def test_a_real_client_library_is_handed_over_as_well():
    async with on_stage() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(b"GET /page HTTP/1.1\r\nHost: shop\r\n\r\n")
        await reader.readuntil(b"page /page 0")
        sock = os.dup(writer.get_extra_info("socket").fileno())
        writer.transport.abort()
        kept = socket.socket(fileno=sock)
        kept.setblocking(False)
        ana = await stage.connect("ana", sock=kept)
        await ana.join()
        assert (await ana.ok("probe:say", show=SHOW, text="hi"))["seq"] == 1


HEADS = {
    "nothing": b"",
    "half a request line": b"GET /w",
    "half a handshake": request()[:-2],
    "half a page's head": b"GET /page HTTP/1.1\r\nHost: shop\r\nX: ",
}


@pytest.mark.parametrize("name", HEADS)
async def test_a_head_that_does_not_end_is_dropped_at_the_deadline(name):
    async with on_stage(msgspec.structs.replace(QUICK, header_deadline_ms=100)) as stage:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        answer = await stage.ask(HEADS[name])
        assert 0.05 <= loop.time() - began_s < 2
        assert status(answer) == 408


async def test_the_second_head_of_a_kept_alive_connection_has_a_deadline_too():
    async with on_stage(msgspec.structs.replace(QUICK, header_deadline_ms=100)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(b"GET /page HTTP/1.1\r\nHost: shop\r\n\r\n")
        await reader.readuntil(b"page /page 0")
        writer.write(b"GET /page HTTP/1.1\r\nHo")
        async with asyncio.timeout(3):
            assert await reader.read() == b""
        assert stage.gateway.stats.heads_late == 1
        writer.close()


async def test_a_dripping_head_does_not_move_its_deadline():
    async with on_stage(msgspec.structs.replace(QUICK, header_deadline_ms=200)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        drip = asyncio.create_task(_drip(writer))
        async with asyncio.timeout(3):
            assert status(await reader.read()) == 408
        drip.cancel()
        writer.close()


async def _drip(writer):
    writer.write(b"GET /page HTTP/1.1\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await asyncio.sleep(0.02)


async def test_half_open_connections_are_all_dropped_while_others_are_served():
    async with on_stage(msgspec.structs.replace(QUICK, header_deadline_ms=300)) as stage:
        half_open = [await asyncio.open_connection("127.0.0.1", stage.port) for _ in range(300)]
        for _, writer in half_open:
            writer.write(request()[:50])
        ana = await stage.connect("ana", join=True)
        for n in range(20):
            await ana.ok("probe:say", show=SHOW, text=str(n))
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*(reader.read() for reader, _ in half_open))
        assert {status(answer) for answer in answers} == {408}
        assert stage.gateway.stats.heads_late == 300
        for _, writer in half_open:
            writer.close()


async def test_a_head_without_end_is_refused_for_its_size():
    async with on_stage() as stage:
        answer = await stage.ask(b"GET /page HTTP/1.1\r\nX: " + b"a" * 40_000)
        assert status(answer) == 431
