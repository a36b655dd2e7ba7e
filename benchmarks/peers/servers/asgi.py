"""uvicorn's settings, the same for each server here that uses it."""

import uvicorn
from starlette.types import ASGIApp

from benchmarks.peers.servers.serving import BACKLOG, HOST, port


def serve(app: ASGIApp) -> None:
    """Runs an ASGI application with uvicorn, one process, on its default WebSocket implementation.

    That is the one on `websockets` (its sans-I/O layer in current releases). Access log off, as one would for sockets. Handshakes
    are read by h11, uvicorn's parser without extras: they are over before anything is measured.
    """
    uvicorn.run(
        app,
        host=HOST,
        port=port(),
        loop="uvloop",
        backlog=BACKLOG,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
