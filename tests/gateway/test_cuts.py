"""However a client's bytes are cut on their way, and however frames lie behind each other, they mean the same."""

import itertools
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveserver.gateway.codecs import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL
from liveserver.gateway.connection import Connection
from tests.conformance.echoes import Echo
from tests.conformance.fuzzer import head, masked
from tests.gateway.test_handshake import request

CONT, TEXT, BINARY, PING, PONG = 0, 1, 2, 9, 10


class Wire:
    """A transport that keeps what was written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_reading(self) -> bool:
        return True

    def get_extra_info(self, name, default=None):
        return default

    def set_protocol(self, protocol) -> None: ...
    def set_write_buffer_limits(self, high) -> None: ...
    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...
    def abort(self) -> None:
        self.written += b"(cut)"


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    return head(opcode, len(payload), fin=fin, rsv=0) + masked(payload)


def answers(data: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of unmasked frames."""
    found = []
    while data:
        length, at = data[1], 2
        if length == 126:
            length, at = int.from_bytes(data[2:4], "big"), 4
        found.append((data[0] & 15, data[at : at + length]))
        data = data[at + length :]
    return found


def talk(sent: bytes, cuts: list[int], *, text: bool) -> list[tuple[int, bytes]]:
    """What an echo answers when it gets these bytes in these pieces."""
    wire, connection = Wire(), Connection(Echo())
    subprotocol = JSON_SUBPROTOCOL if text else MSGPACK_SUBPROTOCOL
    connection.open(wire, request(f"Sec-WebSocket-Protocol: {subprotocol}"), b"")
    wire.written = b""
    edges = [0, *sorted({at % (len(sent) + 1) for at in cuts}), len(sent)]
    for begin, end in itertools.pairwise(edges):
        if begin < end:
            connection.data_received(sent[begin:end])
    return answers(wire.written)


CONTROL = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))
MESSAGE = st.lists(
    st.tuples(
        st.text(max_size=60) | st.text("é€", min_size=100, max_size=150), st.lists(CONTROL, max_size=2)
    ),
    min_size=1,
    max_size=4,
)
"""A message's parts, each with the control frames behind it."""


@given(st.lists(MESSAGE, min_size=1, max_size=5), st.lists(st.integers(0, 5_000), max_size=12), st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_message_and_ping_is_answered_once_in_the_order_they_were_whole(messages, cuts, text):
    sent, expected = b"", []
    for parts in messages:
        opcode, last = TEXT if text else BINARY, len(parts) - 1
        for at, (part, controls) in enumerate(parts):
            sent += frame(opcode, part.encode(), fin=at == last)
            opcode = CONT
            if at == last:
                whole = "".join(part for part, _ in parts).encode()
                expected.append((TEXT if text else BINARY, whole))
            for kind, payload in controls:
                sent += frame(kind, payload)
                if kind == PING:
                    expected.append((PONG, payload))
    assert talk(sent, cuts, text=text) == expected


@pytest.mark.parametrize(
    ("kind", "size"),
    [*((TEXT, size) for size in (0, 1, 125, 126, 3_000)), *((PING, size) for size in (0, 1, 125))],
)
def test_octet_by_octet(kind, size):
    payload = os.urandom(size).hex().encode()[:size]
    sent = frame(kind, payload) * 3
    answer = PONG if kind == PING else TEXT
    assert talk(sent, list(range(len(sent))), text=True) == [(answer, payload)] * 3
