"""One WebSocket over a plain blocking socket: bytes to messages and back, for one reader and any number of writers.

It knows nothing of shows and never reconnects (`line` does). The framing is that of `websockets`, which the server and its
Python client use as well, without its own I/O: under locust the blocking calls are gevent's, in tests they are the system's.
"""

import socket
import threading
from collections import deque

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from liveserver.client.codecs import SUBPROTOCOLS
from loadtests.loopback import Target

OPEN_S = 10.0
"""Longest that connecting and the handshake may take, each."""
SILENT_S = 60.0
"""A server that says nothing for so long is gone: it pings every 20 s (`heartbeat_ms`)."""
FRAME_BYTES_MAX = 8 * 1024 * 1024
"""Largest message taken: far above any snapshot."""
READ_BYTES = 65_536


class Lost(Exception):
    """The connection is gone. `code` is the close code, 1006 without one (RFC 6455, 7.1.5)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"connection lost: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class Wire:
    """An open connection. Raises Lost (or OSError while opening) when it can't be, or is no more."""

    def __init__(self, target: Target) -> None:
        self._protocol = ClientProtocol(
            parse_uri(target.socket_url),
            subprotocols=[Subprotocol(SUBPROTOCOLS["json"])],
            max_size=FRAME_BYTES_MAX,
        )
        # A frame must leave whole before the next; and pongs are written by the reader.
        self._writing = threading.Lock()
        self._frames: deque[Frame] = deque()
        self._fragments: list[bytes] = []
        self._socket = socket.create_connection((target.address, target.port), timeout=OPEN_S)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._shake_hands()
            self._socket.settimeout(SILENT_S)
        except BaseException:
            self._socket.close()
            raise

    def _shake_hands(self) -> None:
        self._protocol.send_request(self._protocol.connect())
        self._write()
        answered = False
        while not answered:
            self._read()
            for event in self._protocol.events_received():
                if isinstance(event, Response):
                    answered = True
                else:
                    assert isinstance(event, Frame), f"not a frame: {event!r}"
                    self._frames.append(event)
            if self._protocol.handshake_exc is not None:
                raise self._refusal(self._protocol.handshake_exc)
        self._write()  # the first frames may have come in one piece with the response, and a ping among them

    def _refusal(self, error: Exception) -> Exception:
        return Lost(1006, str(error)) if isinstance(error, InvalidHandshake | EOFError) else error

    # -- for its users

    def send(self, data: bytes) -> None:
        """Sends one message. Raises Lost."""
        with self._writing:
            try:
                self._protocol.send_text(data)
            except Exception as error:  # websockets: a connection that closes takes no more messages
                raise self._lost() from error
            self._write_out()

    def receive(self) -> bytes:
        """The next message; waits for it, and answers pings meanwhile. Raises Lost."""
        while True:
            while self._frames:
                message = self._message(self._frames.popleft())
                if message is not None:
                    return message
            self._read()
            for event in self._protocol.events_received():
                assert isinstance(event, Frame), f"not a frame: {event!r}"
                self._frames.append(event)
            self._write()

    def cut(self) -> None:
        """Ends the connection as a lost network does: no close frame. A reader that waits is told Lost."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster

    def close(self) -> None:
        """Gives the socket back. Only when nobody reads any more."""
        self._socket.close()

    # -- bytes

    def _message(self, frame: Frame) -> bytes | None:
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return None  # pings were answered by the protocol, a close ends with the connection
        if frame.fin and not self._fragments:
            return bytes(frame.data)
        self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return None
        whole, self._fragments = b"".join(self._fragments), []
        return whole

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except OSError as error:  # timeouts included
            raise self._lost() from error
        if not data:
            self._protocol.receive_eof()
            raise self._lost()
        self._protocol.receive_data(data)

    def _write(self) -> None:
        with self._writing:
            self._write_out()

    def _write_out(self) -> None:
        waiting = b"".join(self._protocol.data_to_send())
        if not waiting:
            return
        try:
            self._socket.sendall(waiting)
        except OSError as error:
            raise self._lost() from error

    def _lost(self) -> Lost:
        code = self._protocol.close_code or 1006
        return Lost(code, self._protocol.close_reason or "")
