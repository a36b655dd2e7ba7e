"""Connections to Redis or Valkey: one kind for general use, one that never sends anything twice.

It knows no keys and no functions; what is sent is the callers' affair.
"""

import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from liveserver.kernel.errors import Mendable

CONNECTIONS_MAX = 20
"""General connections per process; who finds none waits up to `ACQUIRE_MAX_MS`, then gets a ConnectionError."""
ACQUIRE_MAX_MS = 5_000
CONNECT_MAX_MS = 2_000
REPLY_MAX_MS = 5_000
"""No command of ours takes longer; beyond it the outcome is unknown and the connection is dropped."""
RETRIES_MAX = 2
"""Repeats of a general command after a lost connection. Only commands that may run twice belong there."""
VERSION_MIN = (7, 0)
"""Functions and sharded pub/sub came with Redis 7.0; Valkey starts at 7.2."""


class _Guarded(AbstractConnection):
    """Says what the event loop says of a closed transport in the words for a lost connection.

    uvloop raises RuntimeError for writing to one, and redis-py itself stumbles over its missing writer, when a connection ends
    just before a command is sent. Nobody expects these, and a task that ends by them ends in silence.
    """

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        if self._writer is None:
            raise ConnectionResetError("the connection was closed before the command was sent")
        try:
            await super()._send_packed_command(command)
        except RuntimeError as error:
            raise ConnectionResetError(str(error)) from error

    def cut(self) -> None:
        """Ends the connection as its other side would: whoever uses it learns of it, and closes it."""
        self.mark_for_reconnect()
        transport = None if self._writer is None else self._writer.transport.get_extra_info("socket")
        if transport is not None and transport.fileno() >= 0:
            with suppress(OSError), socket.socket(fileno=os.dup(transport.fileno())) as twin:
                twin.shutdown(socket.SHUT_RDWR)


class _Tcp(_Guarded, Connection):
    pass


class _Tls(_Guarded, SSLConnection):
    pass


class _Unix(_Guarded, UnixDomainSocketConnection):
    pass


class _Pool(BlockingConnectionPool):
    """A pool of guarded connections."""

    def guard(self) -> "_Pool":
        guarded = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}
        self.connection_class = guarded[self.connection_class]
        return self

    def cut(self) -> None:
        """Ends all connections. Those in use are not closed under their users' hands, which redis-py does not bear."""
        for connection in (*self._in_use_connections, *self._available_connections):
            assert isinstance(connection, _Guarded), "this pool makes no others"
            connection.cut()

    @property
    def busy(self) -> bool:
        return bool(self._in_use_connections)


def cut(client: Redis) -> None:
    """Ends all connections of a client made here; whoever waits for a reply gets an error, and the next command connects anew."""
    pool = client.connection_pool
    assert isinstance(pool, _Pool), "the client is one of ours"
    pool.cut()


def busy(client: Redis) -> bool:
    """Whether somebody uses a connection of this client, made here."""
    pool = client.connection_pool
    return isinstance(pool, _Pool) and pool.busy


def general(url: str, *, connections_max: int = CONNECTIONS_MAX) -> Redis:
    """A client for reads, subscriptions and writes that may happen twice. Replies are bytes. Close with `aclose()`."""
    pool = _Pool.from_url(
        url,
        max_connections=connections_max,
        timeout=ACQUIRE_MAX_MS / 1000,
        socket_timeout=REPLY_MAX_MS / 1000,
        socket_connect_timeout=CONNECT_MAX_MS / 1000,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES_MAX),
        health_check_interval=30,
        protocol=2,
        client_name="liveserver",
    )
    return Redis.from_pool(pool.guard())


def append_connection(url: str, *, reply_max_ms: int = REPLY_MAX_MS) -> Redis:
    """A client with one connection of its own that sends each command at most once.

    redis-py repeats a command up to ten times by itself when a reply is lost, and an append would then be made as often
    (docs: "Five traps", 1). Here a lost reply is an error, the outcome is unknown, and the caller looks it up by nonce.
    Commands are sent one after the other; after an error the next one connects anew, possibly to a restarted server,
    which the fence (`run_id`) notices.
    """
    pool = _Pool.from_url(
        url,
        max_connections=1,
        timeout=ACQUIRE_MAX_MS / 1000,
        socket_timeout=reply_max_ms / 1000,
        socket_connect_timeout=CONNECT_MAX_MS / 1000,
        # Zero repeats, and none allowed by kind of error either; a health check's PING must not hide a lost reply.
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        health_check_interval=0,
        protocol=2,
        client_name="liveserver-append",
    )
    return Redis.from_pool(pool.guard())


@asynccontextmanager
async def held(client: Redis) -> AsyncGenerator[Callable[..., Awaitable[Any]]]:
    """One connection of the client for several commands that belong together; gives what sends a command and returns its reply.

    It never connects anew in between: a command after a lost connection raises, instead of being about another connection's
    past. Errors as `execute_command`.
    """
    pool = client.connection_pool
    connection = await pool.get_connection()

    async def say(*words: Any) -> Any:
        if not connection.is_connected:
            raise RedisConnectionError("the connection was lost between two commands")
        await connection.send_command(*words, check_health=False)
        return cast("Any", await connection.read_response())

    try:
        yield say
    finally:
        await pool.release(connection)


async def run_id(connection: Redis) -> str:
    """The server's identity, new at each restart and on each promotion: what an append is fenced with."""
    info = await connection.info("server")
    return str(info["run_id"])


async def requirement_problems(connection: Redis) -> list[Mendable]:
    """What an external server lacks for keeping acknowledged bids; empty when all is well.

    Raises nothing for a server that cannot be reached: that is the one problem then. INFO is asked before CONFIG GET,
    which managed services often forbid.
    """
    where = "LIVESERVER_REDIS_URL"
    try:
        info: dict[str, Any] = await connection.info()
    except RedisError as error:
        return [
            Mendable(f"Redis cannot be asked: {error}", where, "Check the address and that the server runs.")
        ]
    except OSError as error:
        return [
            Mendable(
                f"Redis cannot be reached: {error}", where, "Check the address and that the server runs."
            )
        ]
    settings = await _settings(connection)
    version = str(info.get("valkey_version") or info.get("redis_version") or "0")
    parts = version.split(".")
    problems: list[Mendable] = []

    def report(what: str, mend: str) -> None:
        problems.append(Mendable(what, where, mend))

    if tuple(int(part) for part in parts[:2] if part.isdigit()) < VERSION_MIN:
        report(f"Redis {version} is too old", "Use Valkey, or Redis 7.0 or newer.")
    if str(info.get("maxmemory_policy")) != "noeviction":
        report(
            f"Redis may evict keys (maxmemory-policy {info.get('maxmemory_policy')})",
            "CONFIG SET maxmemory-policy noeviction",
        )
    if int(info.get("aof_enabled", 0)) != 1:
        report("Redis keeps nothing on disk (appendonly no)", "CONFIG SET appendonly yes")
    if settings.get("appendfsync", "always") != "always":
        report(
            f"Redis acknowledges before it is on disk (appendfsync {settings['appendfsync']})",
            "CONFIG SET appendfsync always",
        )
    if settings.get("aof-load-truncated", "no") != "no":
        report(
            "Redis loads a cut append-only file silently (aof-load-truncated yes)",
            "CONFIG SET aof-load-truncated no",
        )
    return problems


async def _settings(connection: Redis) -> dict[str, str]:
    """The settings INFO doesn't show; empty where CONFIG GET is forbidden (then the service's promises count)."""
    try:
        found = cast("dict[Any, Any]", await connection.config_get("appendfsync", "aof-load-truncated"))
    except ResponseError:
        return {}
    return {_text(name): _text(value) for name, value in found.items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
