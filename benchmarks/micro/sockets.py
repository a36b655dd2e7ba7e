"""Flushes to real sockets: what is left beside our own work is the kernel's `send`, one a viewer.

The receivers are one process that reads everything and looks at nothing. It runs on another core where there is one.
"""

import asyncio
import itertools
import os
import resource
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.micro import table, wire
from liveserver.gateway.codecs import JSON_SUBPROTOCOL
from liveserver.gateway.connection import Connection
from liveserver.gateway.lanes import Lanes
from liveserver.gateway.stats import Stats

VIEWERS = (1, 100, 1_000, 10_000)
EVENTS = 20
SPARE_FILES = 200
"""Descriptors besides the viewers'."""


class Door(asyncio.Protocol):
    """Takes viewers in without waiting for their handshake, which is not what is measured."""

    def __init__(self, host: wire.Host, lanes: Lanes, all_here: asyncio.Event, viewers: int) -> None:
        self._host, self._lanes, self._all_here, self._viewers = host, lanes, all_here, viewers

    def connection_made(self, transport: Any) -> None:
        connection = Connection(self._host)
        connection.open(transport, wire.head(JSON_SUBPROTOCOL), b"")
        self._lanes.admit(connection, 0)
        if len(self._lanes) == self._viewers:
            self._all_here.set()


async def _once_ns(viewers: int, rounds: int) -> list[float]:
    loop = asyncio.get_running_loop()
    host = wire.Host()
    stats = Stats()
    lanes = Lanes("show_1", 1, 0, wire.LIMITS, stats)
    all_here = asyncio.Event()
    server = await loop.create_server(
        lambda: Door(host, lanes, all_here, viewers), "127.0.0.1", 0, backlog=1_024
    )
    port = server.sockets[0].getsockname()[1]
    readers = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.micro.sockets", str(port), str(viewers), cwd=Path(__file__).parents[2]
    )  # fmt: skip
    took: list[float] = []
    try:
        async with asyncio.timeout(60):
            await all_here.wait()
        events, seqs = wire.chat_events(EVENTS), itertools.count(1)
        for _ in range(rounds + 1):
            await asyncio.sleep(0.2)  # the readers have read all, and the lanes are idle
            flushes, last = stats.flushes, next(seqs)
            began_ns = time.perf_counter_ns()
            lanes.push(last, 0, [(last, event) for event in events])
            while stats.flushes == flushes:
                await asyncio.sleep(0)
            took.append(time.perf_counter_ns() - began_ns)
    finally:
        lanes.close()
        server.close()
        readers.terminate()
        await readers.wait()
    return took[1:]  # the first one warms up


async def flushes(rounds: int) -> str:
    """The table: one batch of 20 chat messages to so many viewers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, max(VIEWERS) + SPARE_FILES)), hard))
    # Both sides on one core would measure the readers.
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    rows: list[table.Timed] = []
    for viewers in VIEWERS:
        if viewers + SPARE_FILES > resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
            rows.append(table.row("sockets", f"{viewers:,} viewers: too few descriptors (ulimit -n)", [0]))
            continue
        took = await _once_ns(viewers, rounds)
        rows.append(table.row("sockets", f"batch of {EVENTS} events to {viewers:,} sockets", took))
    os.sched_setaffinity(0, cores)
    return table.told(rows)


def read_all(port: int, viewers: int) -> None:
    """The receivers: connects, then reads until told to end."""
    cores = sorted(os.sched_getaffinity(0) | set(range(os.cpu_count() or 1)))
    os.sched_setaffinity(0, cores[1:] or cores)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    waiting = selectors.DefaultSelector()
    for _ in range(viewers):
        one = socket.create_connection(("127.0.0.1", port))
        one.setblocking(False)
        waiting.register(one, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if not key.fileobj.recv(65_536):  # pyright: ignore[reportAttributeAccessIssue]  # a socket, registered above
                return


if __name__ == "__main__":
    read_all(int(sys.argv[1]), int(sys.argv[2]))
