"""The plain handshake against the library's: whatever the quick way accepts, the library accepts and reads alike."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveserver.gateway.frames import FrameReader
from liveserver.gateway.handshake import Site, judged, shake_hands
from liveserver.gateway.limits import Limits
from liveserver.gateway.upgrade import plain_upgrade
from liveserver.kernel.limits import TokenBucket
from tests.gateway.test_handshake import KEY, REFUSED, UPGRADE, request

SITE = Site(frozenset({"https://shop.example"}), False)


def library() -> FrameReader:
    return FrameReader(Limits(), TokenBucket(0, 0, 0))


PLAIN = [
    request(),
    request("Sec-WebSocket-Protocol: live.v1.msgpack, live.v1.json"),
    request("Sec-WebSocket-Protocol: chat,live.v1.json"),
    request("Origin: http://shop", "Cookie: liveserver=abc; x=y"),
    request("Origin: https://shop.example", "Cookie: liveserver=abc", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)"),
    request("Cookie: liveserver=abc", "X-Empty:", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
    request(upgrade=("upgrade: WebSocket", "connection: keep-alive, Upgrade", KEY.lower().replace(KEY[19:].lower(), KEY[19:]), UPGRADE[3])),
]  # fmt: skip


@pytest.mark.parametrize("head", PLAIN)
def test_honest_clients_are_let_in_the_quick_way_and_get_what_the_library_would_give(head: bytes):
    assert plain_upgrade(head) is not None
    _compare(head)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_left_to_the_library(name: str):
    head = REFUSED[name][0].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    if name not in ("pipelined request", "pipelined frame", "two origins"):
        assert plain_upgrade(head) is None
    _compare(head)


PARTS = [
    "Host: shop", "Host: other", "Upgrade: websocket", "Upgrade: h2c", "Connection: Upgrade", "Connection: close", "Connection: keep-alive , upgrade",
    KEY, "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Key: " + "!" * 24, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13, 8", "Content-Length: 0",
    "Origin: http://shop", "Origin: http://evil", "Origin:", "Origin: null", "Cookie: liveserver=abc", "Cookie: liveserver", "Sec-WebSocket-Protocol: live.v1.json",
    "Sec-WebSocket-Protocol: soap", "Sec-WebSocket-Protocol: ,", "Sec-WebSocket-Protocol:", "X:\t a b ", "X : y", " folded", "X: caf\u00e9", "X", ":", "Transfer-Encoding: chunked",
    "Upgrade: websocket, h2c", "Upgrade:", "Connection: \"upgrade\"", "Sec-WebSocket-Extensions: x;y=\"", "Sec-WebSocket-Extensions: ,",
]  # fmt: skip


@settings(max_examples=2_000, deadline=None)
@given(
    lines=st.lists(st.sampled_from(PARTS) | st.text("aZ:, \t-=;/\x00\n\r\u00ff", max_size=12), max_size=12),
    line=st.sampled_from(["GET /ws HTTP/1.1", "GET /ws HTTP/1.0", "GET /ws  HTTP/1.1", "get /ws HTTP/1.1"]),
    whole=st.booleans(),
)
def test_whatever_is_accepted_the_quick_way_the_library_accepts_alike(
    lines: list[str], line: str, whole: bool
):
    base = ["Host: shop", *UPGRADE] if whole else []
    head = "\r\n".join([line, *base, *lines]).encode("latin-1") + b"\r\n\r\n"
    _compare(head[: head.find(b"\r\n\r\n") + 4])  # as the front door cuts it


def _compare(head: bytes) -> None:
    quick = plain_upgrade(head)
    response, agreed = shake_hands(library, head, SITE)
    expected, known = judged(library(), head, SITE)
    assert agreed == known
    if quick is None or agreed is None:
        assert (response.split(b"\r\n")[0], agreed) == (expected.split(b"\r\n")[0], known)
    else:
        assert set(response.split(b"\r\n")) == {
            line for line in expected.split(b"\r\n") if not line.startswith(b"Date:")
        }


def test_hostile_heads_take_no_longer_than_they_are_long():
    def took_s(head: bytes) -> float:
        began_s = time.perf_counter()
        plain_upgrade(head)
        return time.perf_counter() - began_s

    for many in (b"X: " + b" " * 30_000 + b"\x00\r\n\r\n", b"a:\t \r\n" * 5_000 + b"\x00", b"a" * 32_000):
        assert (
            min(itertools.islice((took_s(b"GET /ws HTTP/1.1\r\n" + many) for _ in itertools.count()), 3))
            < 0.05
        )
