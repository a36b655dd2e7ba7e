"""The client that Autobahn's cases drive: sends any frame, right or wrong, and reports what came back and how it ended.

It keeps to autobahn 0.10.9's manner where the cases depend on it (who counts as the one who closed, what is a clean end, how
long to wait), but nothing of it: frames are cut and read here, by no WebSocket library. Payloads are Latin-1 text (`suite`).
"""

import asyncio
import base64
import hashlib
import os
import struct
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.conformance.suite import States

CLOSE_TIMEOUT_S = 1.0
"""How long autobahn waits for the answer to its close, and then for the server to hang up."""
CASE_TIMEOUT_S = 120.0
"""No case takes longer; one that does fails the run."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


@dataclass
class Result:
    """What a case said: its own word on the behaviour, and on the end of the connection."""

    behavior: str
    close: str
    words: str = field(compare=False)


def masked(payload: bytes) -> bytes:
    """Mask and masked payload, as clients send it (RFC 6455, 5.3)."""
    mask = os.urandom(4)
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return mask + (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")


def head(opcode: int, length: int, *, fin: bool, rsv: int) -> bytes:
    """A frame's first bytes."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if length < 126:
        return bytes((first, 0x80 | length))
    if length < 65_536:
        return struct.pack("!BBH", first, 0x80 | 126, length)
    return struct.pack("!BBQ", first, 0x80 | 127, length)


class Fuzzer(asyncio.Protocol, States):
    """One connection for one case; the case knows it as `p`. The names it is called by are autobahn's."""

    def __init__(self, case: type[Any], path: str, subprotocol: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._path, self._subprotocol = path, subprotocol
        self._key = base64.b64encode(os.urandom(16))
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._message = 0
        self._frame_opcode = 0
        self._queue: deque[bytes] = deque()
        self._timers: list[asyncio.TimerHandle] = []
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[Result] = self._loop.create_future()
        self.state = self.STATE_CONNECTING
        self.factory = SimpleNamespace(isServer=False)
        self.txFrameStats: Counter[int] = Counter()
        self.createWirelog = False
        self.autoFragmentSize = 0
        self.trafficStats = None
        self.connectionWasOpen = self.closedByMe = self.failedByMe = self.droppedByMe = self.wasClean = False
        self.localCloseReason: str | None = None
        self.remoteCloseCode: int | None = None
        self._case = case(self)

    # The connection

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        offered = f"Sec-WebSocket-Protocol: {self._subprotocol}\r\n" if self._subprotocol else ""
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"{offered}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ".encode()
            + self._key
            + b"\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self.state == self.STATE_CONNECTING:
            response, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            accept = base64.b64encode(hashlib.sha1(self._key + _GUID).digest())
            if not response.startswith(b"HTTP/1.1 101") or accept not in response:
                self._drop()
                return
            assert b"permessage-deflate" not in response.lower(), "nobody asked for compression"
            self._buffer[:] = rest
            self.state, self.connectionWasOpen = self.STATE_OPEN, True
            self._case.onOpen()
        while self.state != self.STATE_CLOSED and self._read_frame():
            pass

    def connection_lost(self, exc: Exception | None) -> None:
        self.state = self.STATE_CLOSED
        for timer in self._timers:
            timer.cancel()
        self._queue.clear()
        if not self.done.done():
            try:
                self._case.onConnectionLost(self.failedByMe)
            except Exception as error:  # noqa: BLE001 - the case's own failure is the run's, not the transport's
                self.done.set_exception(error)
                return
            case = self._case
            self.done.set_result(
                Result(case.behavior, case.behaviorClose, f"{case.result} {case.resultClose}")
            )

    def _drop(self) -> None:
        if self.state != self.STATE_CLOSED:
            self.droppedByMe, self.state = True, self.STATE_CLOSED
            assert self._transport is not None
            self._transport.abort()

    # Frames in

    def _read_frame(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        first, length, at = buffer[0], buffer[1], 2
        if length & 0x80 or first & 0x70:
            return self._fail(
                self.CLOSE_STATUS_CODE_PROTOCOL_ERROR
            )  # servers do not mask; nothing was extended
        if length >= 126:
            at = 4 if length == 126 else 10
            if len(buffer) < at:
                return False
            length = int.from_bytes(buffer[2:at], "big")
        if len(buffer) < at + length:
            return False
        payload = bytes(memoryview(buffer)[at : at + length])
        del buffer[: at + length]
        return self._on_frame(first & 0x0F, payload, fin=bool(first & 0x80))

    def _on_frame(self, opcode: int, payload: bytes, *, fin: bool) -> bool:
        if opcode in (8, 9, 10):
            if not fin or len(payload) > 125:
                return self._fail(self.CLOSE_STATUS_CODE_PROTOCOL_ERROR)
            self._on_control(opcode, payload)
            return True
        if opcode > 2 or (opcode == 0) is not bool(self._message):
            return self._fail(self.CLOSE_STATUS_CODE_PROTOCOL_ERROR)
        self._message = self._message or opcode
        self._parts.append(payload)
        if fin:
            whole, binary = b"".join(self._parts), self._message == 2
            self._parts, self._message = [], 0
            if not binary:
                try:
                    whole.decode()
                except UnicodeDecodeError:
                    return self._fail(self.CLOSE_STATUS_CODE_INVALID_PAYLOAD)
            if not self.failedByMe:
                self._case.onMessage(whole.decode("latin-1"), binary)
        return True

    def _on_control(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._case.onPing(payload.decode("latin-1"))
            if self.state == self.STATE_OPEN:
                self.sendFrame(opcode=10, payload=payload.decode("latin-1"))
        elif opcode == 10:
            self._case.onPong(payload.decode("latin-1"))
        else:
            self._on_close(payload)

    def _on_close(self, payload: bytes) -> None:
        self.remoteCloseCode = code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else None
        known = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011)
        if code is not None and code not in known and not 3000 <= code <= 4999:
            self._fail(self.CLOSE_STATUS_CODE_PROTOCOL_ERROR)
            return
        self.wasClean = True
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(self.CLOSE_STATUS_CODE_NORMAL, isReply=True)
        # The server is the one to hang up (RFC 6455, 7.1.1).
        self._later(CLOSE_TIMEOUT_S, self._not_ended)

    def _not_ended(self) -> None:
        self.wasClean = False
        self._drop()

    def _fail(self, code: int) -> bool:
        """Always False: nothing more is read."""
        if self.state != self.STATE_CLOSED:
            self.failedByMe = True
            if self.state == self.STATE_OPEN:
                self.sendCloseFrame(code)
            else:
                self._drop()
        return False

    # What cases ask for

    def sendFrame(self, opcode: int, payload: str = "", fin: bool = True, rsv: int = 0, mask: Any = None,
                  payload_len: int | None = None, chopsize: int | None = None, sync: bool = False) -> None:  # fmt: skip
        data = payload.encode("latin-1")
        if payload_len is not None:
            data = (data * (payload_len // len(data) + 1))[:payload_len]
        self.txFrameStats[opcode] += 1
        self._send(head(opcode, len(data), fin=fin, rsv=rsv) + masked(data), chopsize, sync)

    def sendMessage(self, payload: str, isBinary: bool = False, fragmentSize: int | None = None, sync: bool = False) -> None:  # fmt: skip
        size = fragmentSize or self.autoFragmentSize or max(1, len(payload))
        opcode = 2 if isBinary else 1
        for at in range(0, max(1, len(payload)), size):
            self.sendFrame(opcode, payload[at : at + size], fin=at + size >= len(payload), sync=sync)
            opcode = 0

    def beginMessage(self, isBinary: bool = False) -> None:
        self._frame_opcode = 2 if isBinary else 1

    def beginMessageFrame(self, length: int) -> None:
        # The whole frame is announced, and its payload sent in parts; a mask of zeros leaves them as they are.
        self._send(head(self._frame_opcode, length, fin=False, rsv=0) + bytes(4))

    def sendMessageFrameData(self, payload: str, sync: bool = False) -> None:
        self._send(payload.encode("latin-1"), None, sync)

    def endMessage(self) -> None:
        self._send(head(0, 0, fin=True, rsv=0) + bytes(4))

    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:
        self.sendCloseFrame(code, reason)

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: str | None = None, isReply: bool = False) -> None:  # fmt: skip
        if self.state != self.STATE_OPEN:
            return
        said = b"" if code is None else struct.pack("!H", code)
        self.sendFrame(8, said.decode("latin-1") + (reasonUtf8 or ""))
        self.state, self.closedByMe, self.localCloseReason = self.STATE_CLOSING, not isReply, reasonUtf8
        if self.closedByMe:
            self._later(CLOSE_TIMEOUT_S, self._close_unanswered)

    def _close_unanswered(self) -> None:
        if not self.wasClean:
            self._drop()

    def continueLater(self, delay: float, fun: Callable[[], None], tag: str = "") -> None:
        self._later(delay, fun)

    def killAfter(self, delay: float) -> None:
        self._later(delay, lambda: self._fail(self.CLOSE_STATUS_CODE_GOING_AWAY))

    def closeAfter(self, delay: float) -> None:
        self._later(delay, self.sendClose)

    def enableWirelog(self, enable: bool) -> None:
        self.createWirelog = enable

    def _later(self, delay_s: float, act: Callable[[], Any]) -> None:
        def unless_gone() -> None:
            if self.state != self.STATE_CLOSED:
                act()

        self._timers.append(self._loop.call_later(delay_s, unless_gone))

    # Bytes out

    def _send(self, data: bytes, chopsize: int | None = None, sync: bool = False) -> None:
        assert self._transport is not None
        if not chopsize and not sync and not self._queue:
            self._transport.write(data)
            return
        if not self._queue:
            self._loop.call_soon(self._send_queued)
        step = chopsize or max(1, len(data))
        self._queue.extend(data[at : at + step] for at in range(0, len(data), step))

    def _send_queued(self) -> None:
        """One piece a turn of the loop, so that the server reads them one by one."""
        if self._queue and self._transport is not None:
            self._transport.write(self._queue.popleft())
            self._loop.call_soon(self._send_queued)


async def run(case: type[Any], port: int, path: str, subprotocol: str = "") -> Result:
    """Plays one case against a server on this machine."""
    loop = asyncio.get_running_loop()
    _, fuzzer = await loop.create_connection(lambda: Fuzzer(case, path, subprotocol), "127.0.0.1", port)
    try:
        async with asyncio.timeout(CASE_TIMEOUT_S):
            return await fuzzer.done
    finally:
        fuzzer._drop()
