"""Fan-out with `websockets` and its `broadcast()`, which its documentation calls the most efficient way to reach many clients.

Chosen: the asyncio server of the current release with its C speed-ups, viewers in a set, one `broadcast` a message. It frames
per connection and never waits for slow viewers, so their messages pile up in memory; the documentation accepts that too.
Not done: coalescing several messages into one write, which no document proposes.
"""

import asyncio

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.peers.servers.serving import BACKLOG, HOST, PUBLISH_PATH, port

viewers: set[ServerConnection] = set()


async def handler(connection: ServerConnection) -> None:
    """One connection: the publisher's messages go to everybody, a viewer just stays."""
    if connection.request is not None and connection.request.path == PUBLISH_PATH:
        async for message in connection:
            broadcast(viewers, message)
        return
    viewers.add(connection)
    try:
        await connection.wait_closed()
    finally:
        viewers.discard(connection)


async def main() -> None:
    async with serve(handler, HOST, port(), compression=None, ping_interval=None, backlog=BACKLOG):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
