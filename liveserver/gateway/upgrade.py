"""The opening handshake of an honest client, recognised in one step: a rush of viewers is let in at a quarter of the cost.

It says yes or nothing. Whatever is unusual in the slightest (a header twice, a folded line, an odd byte, an unknown
subprotocol) is left to the library (`handshake`), which knows all rules and the right words for a refusal. So it must accept
nothing that the library would refuse or read otherwise; a test compares the two.
"""

import binascii
import re
from typing import Final

import msgspec
from websockets.utils import accept_key

from liveserver.gateway.codecs import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL

PATH: Final = "/ws"

_HEAD = re.compile(rb"GET /ws HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n)+\r\n")
"""Nothing but whole header lines of plain characters (RFC 9110, 5.5). Each line matches in one way only, so that a hostile head
costs no more than its length."""
_FIELDS_MAX = 64
_BODY = (b"content-length", b"transfer-encoding")
_KEY_BYTES = 16


class Plain(msgspec.Struct, frozen=True):
    """A handshake as it should be; values are as the client sent them, without outer white space."""

    accept: str
    subprotocol: str | None
    host: str
    origin: str
    cookie: str

    def response(self) -> bytes:
        """What makes it a WebSocket (RFC 6455, 4.2.2)."""
        named = f"Sec-WebSocket-Protocol: {self.subprotocol}\r\n" if self.subprotocol else ""
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {self.accept}\r\n{named}\r\n"
        ).encode()


def plain_upgrade(head: bytes) -> Plain | None:
    """The handshake in `head` (all up to the empty line, included), or None for one that needs a closer look."""
    if _HEAD.fullmatch(head) is None:
        return None
    lines = head.split(b"\r\n")
    fields: dict[bytes, bytes] = {}
    for line in lines[1:-2]:
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip(b" \t")
    if len(fields) != len(lines) - 3 or len(fields) > _FIELDS_MAX:
        return None  # a header came twice
    if not _is_upgrade(fields) or any(name in fields for name in _BODY):
        return None
    key = fields.get(b"sec-websocket-key", b"")
    try:
        if len(binascii.a2b_base64(key, strict_mode=True)) != _KEY_BYTES:
            return None
    except binascii.Error:
        return None
    subprotocol = _chosen(fields.get(b"sec-websocket-protocol"))
    host = fields.get(b"host")
    if not host or subprotocol == "":
        return None
    origin, cookie = fields.get(b"origin", b""), fields.get(b"cookie", b"")
    if b"origin" in fields and not origin:
        return None
    return Plain(accept_key(key.decode()), subprotocol, host.decode(), origin.decode(), cookie.decode())


def _is_upgrade(fields: dict[bytes, bytes]) -> bool:
    options = fields.get(b"connection", b"").lower().replace(b" ", b"").split(b",")
    return (
        b"upgrade" in options
        and fields.get(b"upgrade", b"").lower() == b"websocket"
        and fields.get(b"sec-websocket-version") == b"13"
    )


def _chosen(offered: bytes | None) -> str | None:
    """The first of the client's subprotocols that we speak, None for a client that names none, "" when we speak none."""
    if offered is None:
        return None
    for name in offered.split(b","):
        subprotocol = name.strip(b" \t").decode()
        if subprotocol in (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL):
            return subprotocol
    return ""
