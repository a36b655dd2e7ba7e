"""One attempt to reach a server: the WebSocket handshake as liveserver wants it. When to try again is `retry`'s."""

import logging

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin, Subprotocol

from liveserver.client.codecs import Codec
from liveserver.kernel.errors import Rejected

OPEN_MS = 10_000
"""Longest that one attempt to connect may take, greeting included."""
FRAME_BYTES_MAX = 8 * 1024 * 1024
"""Largest message taken from the server: far above any snapshot, far below what hurts."""
PING_S = 20.0
"""A connection on which a ping stays unanswered for this long is given up."""

_NO_COMING_BACK = frozenset({400, 401, 403, 404, 405, 426})
"""HTTP answers to the handshake that a repetition would not change."""

log = logging.getLogger(__name__)


async def dial(url: str, codec: Codec, origin: str | None) -> ClientConnection | Rejected | None:
    """The connection; None when the server can't be reached now; Rejected when it would say the same again."""
    try:
        return await connect(
            url,
            subprotocols=[Subprotocol(codec.subprotocol)],
            origin=None if origin is None else Origin(origin),
            compression=None,  # costs the server 50 KB a connection, for messages of 100 bytes
            max_size=FRAME_BYTES_MAX,
            open_timeout=OPEN_MS / 1000,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=1,
            proxy=None,  # an environment's HTTP proxy has no business between us and our server
        )
    except InvalidStatus as error:
        status = error.response.status_code
        why = Rejected("handshake_refused", f"The server answered the handshake with {status}.")
        return why if status in _NO_COMING_BACK else None
    except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
        log.debug("no connection to %s: %r", url, error)
        return None
