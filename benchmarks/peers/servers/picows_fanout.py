"""Fan-out with picows, a WebSocket library in Cython: a straight loop of `send` over transports, no awaits and no tasks.

The strongest that Python has to offer without coalescing. Chosen: its server on uvloop with aiofastnet's sockets, which it
picks by itself; `send` with plain bytes as in its documentation. Not done: `send_reuse_external_bytearray`, which spares a copy
of a hundred bytes but is for callers that keep room for the header themselves.
"""

import asyncio

import uvloop
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

from benchmarks.peers.servers.serving import BACKLOG, HOST, PUBLISH_PATH, port

viewers: set[WSTransport] = set()


class Viewer(WSListener):
    """A viewer, who stays until they leave."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        viewers.add(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            leave(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        viewers.discard(transport)


class Publisher(WSListener):
    """The publisher: each message goes to all at once."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            text = frame.get_payload_as_bytes()
            for viewer in viewers:
                viewer.send(WSMsgType.TEXT, text)
        elif frame.msg_type == WSMsgType.CLOSE:
            leave(transport)


def leave(transport: WSTransport) -> None:
    """The closing handshake, which picows leaves to its user."""
    transport.send_close(WSCloseCode.OK)
    transport.disconnect()


def listener(request: WSUpgradeRequest) -> WSListener:
    return Publisher() if request.path == PUBLISH_PATH.encode() else Viewer()


async def main() -> None:
    server = await ws_create_server(listener, HOST, port(), backlog=BACKLOG)
    async with server:
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
