"""Fan-out with aiohttp's own WebSockets: `send_str` to everyone in a set, one after the other.

Chosen: `AppRunner` on uvloop, heartbeat off, compression off, the C parts that its wheel brings. The loop awaits each
`send_str`, which waits only when a viewer's buffer is full; documentation and examples do it so.
Not done: tasks or queues per viewer.
"""

import asyncio

import uvloop
from aiohttp import ClientConnectionResetError, WSMsgType, web

from benchmarks.peers.servers.serving import BACKLOG, HOST, PUBLISH_PATH, port

viewers: set[web.WebSocketResponse] = set()


async def publish(request: web.Request) -> web.WebSocketResponse:
    """The publisher: each message is sent to all before the next one is read."""
    websocket = web.WebSocketResponse(compress=False)
    await websocket.prepare(request)
    async for message in websocket:
        if message.type is WSMsgType.TEXT:
            for viewer in list(viewers):
                try:
                    await viewer.send_str(message.data)
                except ClientConnectionResetError:  # gone; its own handler takes it out of the set
                    continue
    return websocket


async def watch(request: web.Request) -> web.WebSocketResponse:
    """A viewer, who stays until they leave."""
    websocket = web.WebSocketResponse(compress=False)
    await websocket.prepare(request)
    viewers.add(websocket)
    try:
        async for _ in websocket:
            pass
    finally:
        viewers.discard(websocket)
    return websocket


async def main() -> None:
    app = web.Application()
    app.add_routes([web.get("/", watch), web.get(PUBLISH_PATH, publish)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port(), backlog=BACKLOG).start()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
