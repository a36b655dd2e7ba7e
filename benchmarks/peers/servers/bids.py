"""The WebSocket side of the bid servers: FastAPI on uvicorn takes a bid, has it decided, and answers with the price.

How a bid is decided is each server's own affair. All three decide alike: a bid gets the lot's next number, wins if it is higher
than the price, and is on disk with its verdict before its bidder hears of it, refused ones too, because that is what makes
the order indisputable (liveserver's log holds them as well). Chosen: pydantic reads and writes the messages, as FastAPI does.
Not done, in the servers' favour: the new price is not sent to the other bidders, and nobody logs in.
"""

import itertools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field

ID_MAX_CHARS = 64


class Bid(BaseModel):
    """What a bidder sends."""

    id: str = Field(max_length=ID_MAX_CHARS)
    amount: int = Field(gt=0)


class Answer(BaseModel):
    """What the bidder hears: whether they lead now, and the price after their bid."""

    ok: bool
    price: int
    id: str


class Decide(Protocol):
    """Decides one bid durably."""

    async def __call__(self, bidder: str, amount: int) -> tuple[bool, int]:
        """Whether the bid was accepted, and the price after it."""
        ...


def application(house: Callable[[], AbstractAsyncContextManager[Decide]]) -> FastAPI:
    """An application whose bids are decided by what `house` yields; it is open as long as the server runs."""
    numbers = itertools.count(1)

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with house() as decide:
            app.state.decide = decide
            yield

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/")
    async def bidder(websocket: WebSocket) -> None:
        await websocket.accept()
        decide: Decide = app.state.decide
        name = f"bidder-{next(numbers)}"
        try:
            while True:
                bid = Bid.model_validate_json(await websocket.receive_text())
                ok, price = await decide(name, bid.amount)
                await websocket.send_text(Answer(ok=ok, price=price, id=bid.id).model_dump_json())
        except WebSocketDisconnect:
            return

    return app
