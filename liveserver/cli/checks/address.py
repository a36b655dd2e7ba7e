"""Checks of the address people use: the port here, and the WebSocket as a browser would reach it."""

import asyncio
import errno
import socket

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from liveserver.cli.checks.model import Findings, Site, fail, ok, warn
from liveserver.cli.ports import bind_error, who_listens

ANSWER_MAX_MS = 5_000
"""Longest wait for an answer from the public address."""

ANSWER_BYTES_MAX = 16_384


async def port(site: Site) -> Findings:
    """Whether the server could listen, or is listening already."""
    settings = site.loaded.settings
    if settings.port == 0:
        return ok("the system will choose one")
    error = bind_error(settings.host, settings.port)
    if error is None:
        return ok(f"{settings.host}:{settings.port} is free")
    if error.errno == errno.EADDRINUSE:
        if await _is_liveserver(settings.local_origin()):
            return ok(f"liveserver is listening on {settings.host}:{settings.port}")
        return fail(
            f"{settings.host}:{settings.port} is taken{who_listens(settings.port)}",
            "Stop it, or set LIVESERVER_PORT to another port",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return fail(
            f"this user may not listen on port {settings.port}",
            "Use a port over 1023 behind a proxy, or: setcap cap_net_bind_service=+ep on the Python binary",
        )
    return fail(
        f"{settings.host}:{settings.port} can't be listened on ({error.strerror})",
        "Set LIVESERVER_HOST to an address of this machine",
    )


class _Answer(msgspec.Struct):
    type: str = ""


async def websocket(site: Site) -> Findings:
    """Says hello at the public address as a browser on its pages would."""
    settings = site.loaded.settings
    origin = settings.origin()
    if not settings.public_url and not await _is_liveserver(origin):
        return ok(f"not looked at: the server does not run at {origin} now; ask again while it does")
    address = origin.replace("http", "ws", 1) + "/ws"
    mend_proxy = (
        "Let the proxy pass WebSocket upgrades for /ws (nginx: proxy_http_version 1.1; "
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_set_header Host $host)"
    )
    try:
        # asyncio's own limit, since the library's covers the opening handshake only.
        async with asyncio.timeout(ANSWER_MAX_MS / 1000):
            async with connect(address, origin=origin, subprotocols=["live.v1.json"]) as socket_:  # pyright: ignore[reportArgumentType]  # plain strings are what the library documents
                await socket_.send('{"type": "hello", "id": "doctor1", "payload": {}}')
                answer = msgspec.json.decode(await socket_.recv(), type=_Answer)
    except InvalidHandshake as error:
        return fail(f"{address} refuses the WebSocket: {error}", mend_proxy)
    except TimeoutError:
        return fail(f"{address} does not answer within {ANSWER_MAX_MS // 1000} s", mend_proxy)
    except (OSError, InvalidURI) as error:
        mend = "Start the server, and check LIVESERVER_PUBLIC_URL, DNS and the proxy"
        return fail(f"{address} can't be reached: {error}", mend)
    except (WebSocketException, ValueError) as error:
        return fail(
            f"{address} answers, but not as liveserver: {error}", "Check where LIVESERVER_PUBLIC_URL leads"
        )
    if answer.type != "ok":
        return warn(
            f"{address} did not welcome us: it answered {answer.type[:100]!r}",
            "Check where LIVESERVER_PUBLIC_URL leads",
        )
    return ok(f"{address} says hello")


async def _is_liveserver(origin: str) -> bool:
    """Whether liveserver answers there (as /readyz does, ready or not); any other answer, or none, means no."""
    host, _, given = origin.partition("://")[2].rpartition(":")
    try:
        async with asyncio.timeout(ANSWER_MAX_MS / 1000):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(given))
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b""
                while len(answer) < ANSWER_BYTES_MAX and (more := await reader.read(ANSWER_BYTES_MAX)):
                    answer += more
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError, socket.gaierror):
        return False
    return b'"draining"' in answer and b'"database"' in answer
