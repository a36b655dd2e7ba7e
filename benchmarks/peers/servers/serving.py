"""How the Python servers here are run: the port they are given, and uvicorn's settings, the same for each that uses it."""

import sys

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
BACKLOG = 2_048
PUBLISH_PATH = "/publish"


def port() -> int:
    """The port named on the command line."""
    return int(sys.argv[1])


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
