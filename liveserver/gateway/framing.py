"""WebSocket frames as bytes: ours built, and a client's whole ones taken apart in one step.

Nearly everything that clients send is a small message in one whole frame. `whole_frame` knows just that, at a tenth of what
the library's parser costs; whatever it does not know (fragments, parts of frames, broken bytes) is left to `frames`, where the
library applies all rules of RFC 6455.
"""

import struct
from typing import Final

try:
    from websockets.speedups import apply_mask
except ImportError:  # the library's extension in C was not built for this platform
    from websockets.utils import apply_mask

# First bytes of whole frames: FIN, no reserved bits, opcode (RFC 6455, 5.2).
TEXT: Final = 0x81
BINARY: Final = 0x82
PING: Final = 0x89
PONG: Final = 0x8A

_MASKED = 0x80
_LONG = 126
"""Lengths from here on don't fit into the one byte that every frame has for it."""
_CONTROL_MAX = 125


_pack_medium = struct.Struct("!BBH").pack
_pack_large = struct.Struct("!BBQ").pack


def framed(first: int, payload: bytes) -> bytes:
    """A whole unmasked frame, as servers send them (RFC 6455, 5.2)."""
    length = len(payload)
    if length < _LONG:
        return bytes((first, length)) + payload
    if length < 65_536:
        return _pack_medium(first, _LONG, length) + payload
    return _pack_large(first, _LONG + 1, length) + payload


def ping_frame(payload: bytes) -> bytes:
    """A ping with up to 125 bytes."""
    assert len(payload) <= _CONTROL_MAX, "control frames are short (RFC 6455, 5.5)"
    return framed(PING, payload)


def whole_frame(data: bytes, at: int, first: int, size_max: int) -> tuple[bytes, int] | None:
    """The unmasked payload of the frame that begins at `at`, and where the next begins: for frames that begin with `first`, or
    a pong.

    None when it is another frame, is not there as a whole, is not masked, or is longer than `size_max` bytes or than 16 bits
    can say.
    """
    start = at + 6
    end = len(data)
    if start > end:
        return None
    kind = data[at]
    size = data[at + 1] - _MASKED
    if kind != first and (kind != PONG or size > _CONTROL_MAX):
        return None
    if size >= _LONG:
        if size > _LONG or start + 2 > end:
            return None
        size = data[at + 2] << 8 | data[at + 3]
        start += 2
    following = start + size
    if size < 0 or following > end or size > size_max:
        return None
    return apply_mask(data[start:following], data[start - 4 : start]), following
