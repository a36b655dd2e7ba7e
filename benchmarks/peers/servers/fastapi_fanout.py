"""Fan-out with FastAPI on uvicorn: a connection manager that sends to its list of WebSockets, as FastAPI's documentation shows.

Twice, because people write both: `loop` awaits one `send_text` after the other (the documentation's form), `gather` runs
all of a message's sends as tasks (what is commonly advised against one slow viewer holding up the rest). A viewer that has
gone is dropped at the first failed send. Not done: queues per viewer, which the documentation does not have.
"""

import asyncio
import sys

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.peers.servers.asgi import serve
from benchmarks.peers.servers.serving import PUBLISH_PATH


class ConnectionManager:
    """Who is watching, and how everybody is told."""

    def __init__(self) -> None:
        self.active: list[WebSocket] = []

    async def broadcast_in_a_loop(self, text: str) -> None:
        for websocket in list(self.active):
            await self._send(websocket, text)

    async def broadcast_gathered(self, text: str) -> None:
        await asyncio.gather(*(self._send(websocket, text) for websocket in self.active))

    async def _send(self, websocket: WebSocket, text: str) -> None:
        try:
            await websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):  # gone; its own handler takes it off the list
            return


app = FastAPI()
manager = ConnectionManager()
broadcast = manager.broadcast_gathered if sys.argv[2:] == ["gather"] else manager.broadcast_in_a_loop


@app.websocket(PUBLISH_PATH)
async def publish(websocket: WebSocket) -> None:
    """The publisher: each message is sent to all before the next one is read."""
    await websocket.accept()
    try:
        while True:
            await broadcast(await websocket.receive_text())
    except WebSocketDisconnect:
        return


@app.websocket("/")
async def watch(websocket: WebSocket) -> None:
    """A viewer, who stays until they leave."""
    await websocket.accept()
    manager.active.append(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.active.remove(websocket)


if __name__ == "__main__":
    serve(app)
