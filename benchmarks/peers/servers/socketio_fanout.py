"""Fan-out with python-socketio: an `AsyncServer` as an ASGI application on uvicorn, and `emit` to everybody.

Chosen: WebSocket transport only, so that no viewer is counted while it still polls; the in-process manager, as there is one
process; default handlers. Engine.IO's ping cannot be turned off, so its interval is longer than any run.
"""

import socketio

from benchmarks.peers.servers.asgi import serve

PING_INTERVAL_S = 3_600

sio = socketio.AsyncServer(
    async_mode="asgi", transports=["websocket"], ping_interval=PING_INTERVAL_S, http_compression=False
)


@sio.event
async def message(_sid: str, text: object) -> None:
    """Whoever says something is heard by all, the sender included."""
    await sio.emit("message", text)


if __name__ == "__main__":
    serve(socketio.ASGIApp(sio))
