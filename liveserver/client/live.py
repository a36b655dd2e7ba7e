"""The asyncio client: one WebSocket kept alive, with rooms that resume and commands that survive a cut.

It decides nothing about the wire (`protocol` does) and draws nothing. One client may be in several rooms; all its
methods belong to the event loop that entered it.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Any, NamedTuple, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from liveserver.client.clock import ServerClock
from liveserver.client.codecs import Codec, Format, ServerBroken
from liveserver.client.dial import dial
from liveserver.client.happenings import (
    Alone,
    Answered,
    Batch,
    Greeted,
    Happening,
    HelloRefused,
    JoinRefused,
    Resumed,
    Snapshot,
)
from liveserver.client.protocol import CLOSED, KEEP_MS, ClientProtocol
from liveserver.client.retry import DRAINING, delay_ms, is_final, spread_ms
from liveserver.client.room import EVENTS_MAX, Room
from liveserver.kernel.errors import Rejected

STABLE_MS = 5_000
"""A connection that stood so long was a good one: the next loss starts again with a short wait."""
SYNC_MS = 20_000
"""Time between two comparisons of clocks."""
TICK_S = 0.5
"""How often deadlines are looked at."""
log = logging.getLogger(__name__)


class Refused(Exception):
    """The server does not let this client in, or not into this room; `why` says it."""

    def __init__(self, why: Rejected) -> None:
        super().__init__(f"{why.code}: {why.message}")
        self.why = why


class _Loss(NamedTuple):
    """How a connection ended."""

    why: Rejected | None
    """Why to stay away; None: come back."""
    spread_ms: int = 0
    """The spread that the server asked for."""
    sent_away: bool = False
    """A server that stops let us go, after it had greeted us."""


class LiveClient:
    """A connection to a liveserver, reconnecting by itself.

    >>> async def evening() -> None:
    ...     async with LiveClient(url, token) as client:
    ...         room = await client.join("show_1")
    ...         events = room.events()
    ...         print(room.view["show"]["status"], room.lot["title"], room.lot["min_next"])
    ...         placed = await room.bid(room.lot["lot"], 1_200)  # a maximum of 12.00, in minor units
    ...         if isinstance(placed, BidPlaced):
    ...             print("leading" if placed.leading else "outbid", placed.price)
    ...         else:
    ...             print("refused:", placed.code, placed.detail)
    ...         event = await anext(events)  # or: async for event in events
    ...         print(event.type, event.payload["message"])
    >>> asyncio.run(evening())
    live Leica M3 1000
    leading 1200
    chat:new well bid, ana

    `url`: where the server is. Of several addresses (nodes of one deployment) the next one is tried after each loss and
    each attempt that failed; rooms resume and unanswered commands are repeated there as on the same node.
    `token`: a session's token or a JWT of the embedding app; without one the client is a guest and may only watch.
    `client_id` is kept over reconnects and makes a command sent twice count once; leave it to chance unless you resume
    a process. `random` moves the waits between attempts. Entering raises Refused (bad token, closed door) at once and
    otherwise waits for the server as long as it takes: put `asyncio.timeout` around it to limit that.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        token: str = "",
        *,
        codec: Format = "json",
        client_id: str = "",
        origin: str | None = None,
        keep_ms: int = KEEP_MS,
        events_max: int = EVENTS_MAX,
        random: Random | None = None,
    ) -> None:
        self._urls = deque([url] if isinstance(url, str) else url)
        assert self._urls, "there is somewhere to connect to"
        self.status = "connecting"
        """`connecting`, `open`, `waiting` (for the next attempt) or `closed`."""
        self.session: dict[str, Any] = {}
        """The answer to `hello`: user, limits, heartbeat_ms, …"""
        self.clock = ServerClock()
        self.rooms: dict[str, Room] = {}
        self.why_closed: Rejected | None = None
        self.losses = 0
        """How often a standing connection was lost."""
        self._codec = Codec(codec)
        self._origin = origin
        self._events_max = events_max
        self._random = random or Random()
        self._protocol = ClientProtocol(client_id or secrets.token_hex(12), token, keep_ms=keep_ms)
        self._answers: dict[str, asyncio.Future[dict[str, Any] | Rejected]] = {}
        self._joins: dict[str, asyncio.Future[Room]] = {}
        self._rejoin_at_ms: dict[str, tuple[int, int]] = {}
        self._ws: ClientConnection | None = None
        self._to_send = asyncio.Event()
        self._greeted: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # -- for its users

    @property
    def url(self) -> str:
        """The address in use, or tried next."""
        return self._urls[0]

    async def __aenter__(self) -> Self:
        self._greeted = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live(), name=f"live client {self.url}")
        try:
            await asyncio.shield(self._greeted)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connection for good; what waits for an answer is told `closed`. May be called twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._finish(CLOSED)

    async def join(self, show: str) -> Room:
        """Enters a show's room, and comes back into it after every reconnect. Raises Refused when the server says no;
        waits as long as it says "not now"."""
        room = self.rooms.get(show)
        if room is not None:
            return room
        if self.status == "closed":
            raise Refused(self.why_closed or CLOSED)
        joining = self._joins.get(show)
        if joining is None:
            joining = self._joins[show] = asyncio.get_running_loop().create_future()
            # Nobody may be left to hear of a refusal; that is no error.
            joining.add_done_callback(lambda f: f.cancelled() or f.exception())
            self._protocol.join(show, _now_ms())
            self._settle()
        return await asyncio.shield(joining)

    async def leave(self, show: str) -> None:
        """Leaves a room; its events end."""
        self._protocol.leave(show, _now_ms())
        self._end_room(show, CLOSED)
        self._settle()

    async def send(self, type_: str, payload: Mapping[str, Any]) -> dict[str, Any] | Rejected:
        """Sends any message and gives the `ok` payload or the refusal. Besides the server's own refusals there are `cut`,
        `unconfirmed`, `busy` and `closed` (see `protocol`)."""
        if self.status == "closed":
            return CLOSED
        id_ = self._protocol.command(type_, payload, _now_ms())
        answer: asyncio.Future[dict[str, Any] | Rejected] = asyncio.get_running_loop().create_future()
        self._answers[id_] = answer
        self._settle()
        try:
            return await answer
        finally:
            self._answers.pop(id_, None)

    def server_now(self) -> int:
        """Server time in ms, as well as it is known here."""
        return self.clock.server_ms(_now_ms())

    # -- one connection after the other

    async def _live(self) -> None:
        attempt = 0
        async with contextlib.AsyncExitStack() as stack:
            ticking = asyncio.create_task(self._tick(), name="client deadlines")
            stack.push_async_callback(_stop, ticking)
            while True:
                began_ms = _now_ms()
                loss = await self._one_connection()
                if loss.why is not None:
                    self._finish(loss.why)
                    return
                self._urls.rotate(-1)
                if loss.sent_away or (self.session and _now_ms() - began_ms > STABLE_MS):
                    attempt = 0
                self.status = "waiting"
                await asyncio.sleep(delay_ms(attempt, self._random, loss.spread_ms) / 1000)
                # Being sent elsewhere is no failure: should nobody answer there yet, the waits begin short.
                attempt += not loss.sent_away

    async def _one_connection(self) -> _Loss:
        """Connects and serves until the loss."""
        ws = await dial(self.url, self._codec, self._origin)
        if not isinstance(ws, ClientConnection):
            return _Loss(ws)
        async with ws:
            return await self._serve(ws)

    async def _serve(self, ws: ClientConnection) -> _Loss:
        self._ws = ws
        greeted = False
        writing = asyncio.create_task(self._write(ws), name="client writer")
        try:
            self._protocol.connected(_now_ms())
            self._settle()
            while True:
                self._protocol.received(self._codec.decode(await ws.recv(decode=False)), _now_ms())
                self._settle()
        except ConnectionClosed:
            pass
        except ServerBroken as error:
            log.warning("giving up a connection to %s: %s", self.url, error)
        except Refused as error:
            return _Loss(error.why)
        finally:
            self._ws = None
            await _stop(writing)
            self._protocol.disconnected()
            greeted = self.status == "open"
            if greeted:
                self.losses += 1
                self.status = "waiting"
            self._settle()
        code, reason = ws.close_code or 1006, ws.close_reason or ""
        if is_final(code):
            return _Loss(
                Rejected(reason.split(" ")[0] or "closed_for_good", f"The server closed with {code}.")
            )
        return _Loss(None, spread_ms(reason), sent_away=greeted and code == DRAINING)

    async def _write(self, ws: ClientConnection) -> None:
        # One writer keeps the order of messages, which is the order of their numbers.
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._to_send.wait()
                self._to_send.clear()
                for message in self._protocol.outgoing():
                    await ws.send(self._codec.encode(message), text=self._codec.text)

    async def _tick(self) -> None:
        synced_ms = _now_ms()
        while True:
            await asyncio.sleep(TICK_S)
            now_ms = _now_ms()
            self._protocol.expire(now_ms)
            for show, (due_ms, _) in list(self._rejoin_at_ms.items()):
                if now_ms >= due_ms:
                    self._protocol.rejoin(show, now_ms)
            if self.status == "open" and now_ms - synced_ms >= SYNC_MS:
                synced_ms = now_ms
                self._protocol.command("clock:sync", {"t0": now_ms}, now_ms)
            try:
                self._settle()
            except (ServerBroken, Refused):
                # The reader's call would have dealt with it; here it costs the connection, which does.
                if self._ws is not None:
                    await self._ws.close()

    # -- what has happened

    def _settle(self) -> None:
        for happening in self._protocol.happened():
            self._on(happening)
        self._to_send.set()

    def _on(self, happening: Happening) -> None:
        match happening:
            case Batch(show, events):
                if (room := self.rooms.get(show)) is not None:
                    self._into_room(room, events)
            case Alone(show, event):
                if (room := self.rooms.get(show)) is not None:
                    room.on_alone(event)
            case Answered(id_, type_, verdict, sent_ms):
                if type_ == "clock:sync" and not isinstance(verdict, Rejected):
                    self._sample(verdict, sent_ms)
                answer = self._answers.get(id_)
                if answer is not None and not answer.done():
                    answer.set_result(verdict)
            case Snapshot(show, snapshot, reply, sent_ms):
                self._sample(reply, sent_ms)
                self._rejoin_at_ms.pop(show, None)
                room = self.rooms.get(show)
                if room is None:
                    room = self.rooms[show] = Room(show, self, events_max=self._events_max)
                room.on_snapshot(snapshot, reply)
                joining = self._joins.pop(show, None)
                if joining is not None:
                    joining.set_result(room)
            case Resumed(show, reply, sent_ms):
                self._sample(reply, sent_ms)
                self._rejoin_at_ms.pop(show, None)
                self.rooms[show].on_resumed(reply)
            case JoinRefused(show, why):
                self._join_refused(show, why)
            case Greeted(session, sent_ms):
                self.session = session
                self.status = "open"
                self._sample(session, sent_ms)
                if self._greeted is not None and not self._greeted.done():
                    self._greeted.set_result(None)
            case HelloRefused(why):
                raise ServerBroken(f"hello: {why.code}") if why.retryable else Refused(why)

    def _into_room(self, room: Room, events: list[dict[str, Any]]) -> None:
        try:
            room.on_batch(events)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # The view may be half changed: only a snapshot is right again.
            self._protocol.forget(room.show)
            raise ServerBroken(f"an event of {room.show} does not fit what went before: {error!r}") from error

    def _join_refused(self, show: str, why: Rejected) -> None:
        if why.retryable:
            _, attempt = self._rejoin_at_ms.get(show, (0, 0))
            self._rejoin_at_ms[show] = (_now_ms() + delay_ms(attempt, self._random), attempt + 1)
            return
        self._protocol.leave(show, _now_ms())
        self._end_room(show, why)

    def _end_room(self, show: str, why: Rejected) -> None:
        self._rejoin_at_ms.pop(show, None)
        room = self.rooms.pop(show, None)
        if room is not None:
            room.on_ended(why)
        joining = self._joins.pop(show, None)
        if joining is not None:
            joining.set_exception(Refused(why))

    def _sample(self, reply: Mapping[str, Any], sent_ms: int) -> None:
        server_ms = reply.get("server_now")
        if isinstance(server_ms, int):
            self.clock.sample(sent_ms, _now_ms(), server_ms)

    def _finish(self, why: Rejected) -> None:
        if self.status == "closed":
            return
        self.status = "closed"
        self.why_closed = why
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(why)
        for show in [*self.rooms, *self._joins]:
            self._end_room(show, why)
        if self._greeted is not None and not self._greeted.done():
            self._greeted.set_exception(Refused(why))
            self._greeted.exception()  # heard, even if nobody waits any more


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
