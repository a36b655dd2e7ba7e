"""A whole gateway on a real port, on rooms in memory: tests connect to it with an independent WebSocket library.

What is doubled is what lies below the gateway: the log (in memory), people, shows and presence. The sockets are real.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgpack
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from liveserver.accounts.model import NEVER_MS, Identity, IdentityRole
from liveserver.gateway.limits import Limits
from liveserver.gateway.server import Gateway
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import UNAVAILABLE, Rejected
from liveserver.kernel.ids import SessionId, ShowId, UserId
from liveserver.rooms.history import History
from liveserver.rooms.hub import NoShow
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.live import Joined
from liveserver.rooms.model import Command, Viewer
from liveserver.rooms.offers import ALONE
from liveserver.rooms.room import Applied, Room
from liveserver.rooms.virtual import VirtualLog
from liveserver.shows.model import ChatSettings, Show
from tests.support.probe import ROUTES, Probe

SHOW = "show_1"


def a_show(show: str = SHOW, **changes: Any) -> Show:
    fixed: dict[str, Any] = {
        "id": ShowId(show),
        "title": "Cameras",
        "description": "",
        "host": UserId("u_host"),
        "host_name": "Host",
        "moderators": (UserId("u_mod"),),
        "currency": "USD",
        "status": "live",
        "scheduled_ts": None,
        "started_ts": None,
        "ended_ts": None,
        "picture": "",
        "chat": ChatSettings(),
    }
    return Show(**(fixed | changes))


class MemoryRoom:
    """A live room whose log is in memory. Commands of one turn of the loop make one entry."""

    def __init__(self, show: str) -> None:
        self.show = show
        self._log = VirtualLog(show, (Lifecycle(), Probe()), on_applied=self._on_applied)
        self._history = History(0)
        self._listeners: list[Any] = []
        self._waiting: list[tuple[Command, Callable[[int, int, Any], None]]] = []
        self._answers: list[Callable[[int, int, Any], None]] = []
        self.submitted: list[Command] = []
        self.away = False
        self.stuck = False

    @property
    def room(self) -> Room:
        return self._log.room

    @property
    def epoch(self) -> int:
        return self.room.epoch

    @property
    def seq(self) -> int:
        return self.room.seq

    def server_now(self) -> int:
        return self._log.now_ms

    def submit(self, command: Command, answer: Callable[[int, int, Any], None]) -> None:
        self.submitted.append(command)
        if self.away:
            answer(0, 0, UNAVAILABLE)
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.settle)
        self._waiting.append((command, answer))

    def settle(self) -> None:
        """Appends what waits, now."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        self._answers = [answer for _, answer in waiting]
        self._log.append(*(command for command, _ in waiting))

    def _on_applied(self, applied: Applied) -> None:
        answers, self._answers = self._answers, []
        entry = applied.entry
        self._history.extend(entry.ts, applied.events)
        for at, (answer, verdict) in enumerate(zip(answers, applied.verdicts, strict=False)):
            answer(entry.first + at, entry.ts, verdict)
        for listener in self._listeners:
            listener.on_applied(entry.first, entry.last, entry.ts, applied.events)

    def rebuild(self) -> None:
        """As if the log had been lost and seeded anew."""
        self.room.epoch += 1
        for listener in self._listeners:
            listener.on_reset(self.epoch, self.seq)

    def halt(self) -> None:
        """As if this node could read the log no more."""
        self.stuck = True
        for listener in tuple(self._listeners):
            listener.on_halted()

    def add_listener(self, listener: Any) -> None:
        self._listeners.append(listener)

    def remove_listener(self, listener: Any) -> None:
        self._listeners.remove(listener)

    def join(self, viewer: Viewer, after: tuple[int, int] | None = None) -> Joined:
        you = self.room.own(viewer)
        if after is not None and after[0] == self.epoch and after[1] <= self.seq:
            events = self._history.after(after[1])
            if events is not None:
                return Joined(self.epoch, self.seq, True, events, None, you)
        return Joined(self.epoch, self.seq, False, None, self.room.snapshot(), you)


class MemoryHub:
    offers = ALONE

    def __init__(self) -> None:
        self.rooms: dict[str, MemoryRoom] = {}

    async def open(self, show: str) -> MemoryRoom:
        await asyncio.sleep(0)
        if show == "show_without_log":
            raise NoShow(show)
        return self.rooms.setdefault(show, MemoryRoom(show))


class People:
    """Tokens are names: `ana` is Ana, u_ana, in the session s_ana."""

    def __init__(self) -> None:
        self.ended: set[str] = set()
        self.expires_ts = NEVER_MS
        self.verified = True
        self.roles: dict[str, IdentityRole] = {"host": "host", "admin": "admin"}
        self._on_ended: list[Callable[[SessionId], None]] = []
        self._on_changed: list[Callable[[UserId], None]] = []

    async def identify(self, token: str) -> Identity | Rejected:
        await asyncio.sleep(0)
        if not token.isalpha() or f"s_{token}" in self.ended:
            return Rejected("bad_token", "This token is not valid.")
        role = self.roles.get(token, "viewer")
        return Identity(
            f"u_{token}", token.capitalize(), role, self.verified, SessionId(f"s_{token}"), self.expires_ts
        )

    async def alive(self, sessions: Sequence[SessionId]) -> frozenset[SessionId]:
        return frozenset(session for session in sessions if session not in self.ended)

    def on_ended(self, callback: Callable[[SessionId], None]) -> None:
        self._on_ended.append(callback)

    def on_changed(self, callback: Callable[[UserId], None]) -> None:
        self._on_changed.append(callback)

    def sign_out(self, name: str, *, heard: bool = True) -> None:
        self.ended.add(f"s_{name}")
        for callback in self._on_ended if heard else ():
            callback(SessionId(f"s_{name}"))

    def changed(self, name: str) -> None:
        for callback in self._on_changed:
            callback(UserId(f"u_{name}"))


class ShowRecords:
    def __init__(self) -> None:
        self.records = {
            SHOW: a_show(),
            "show_2": a_show("show_2"),
            "show_without_log": a_show("show_without_log"),
        }
        self.gate: asyncio.Event | None = None

    async def get(self, show: str) -> Show | None:
        if self.gate is not None:
            await self.gate.wait()
        return self.records.get(show)


class Viewers:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.reactions: list[tuple[str, str]] = []
        self.say: Callable[[str, str, dict[str, Any]], None] = lambda show, kind, payload: None

    def enter(self, show: str) -> None:
        self.counts[show] = self.counts.get(show, 0) + 1

    def leave(self, show: str) -> None:
        self.counts[show] -= 1

    def react(self, show: str, emoji: str) -> Rejected | None:
        self.reactions.append((show, emoji))
        return None

    def on_state(self, callback: Callable[[str, str, dict[str, Any]], None]) -> None:
        self.say = callback


class Client:
    """One side of a conversation, decoded by other libraries than the server's."""

    def __init__(self, socket: ClientConnection, *, text: bool) -> None:
        self.socket = socket
        self.text = text
        self._number = 0
        self._kept: list[dict[str, Any]] = []
        self.heard: list[str | bytes] = []
        """What came while waiting for the close."""

    async def send(self, kind: str, message_id: str = "", **payload: Any) -> str:
        self._number += 1
        message_id = message_id or f"c{self._number}"
        await self.send_raw({"type": kind, "id": message_id, "payload": payload})
        return message_id

    async def send_raw(self, document: Any) -> None:
        await self.socket.send(json.dumps(document) if self.text else msgpack.packb(document))

    async def read(self) -> dict[str, Any]:
        if self._kept:
            return self._kept.pop(0)
        return await self._read_socket()

    async def _read_socket(self) -> dict[str, Any]:
        data = await asyncio.wait_for(self.socket.recv(), 5)
        assert isinstance(data, str) is self.text
        return json.loads(data) if self.text else msgpack.unpackb(data)

    async def reply(self, message_id: str) -> dict[str, Any]:
        """The reply to a message; what comes before it is kept for `read`."""
        while True:
            document = await self._read_socket()
            if document["type"] in ("ok", "error") and document["id"] == message_id:
                return document
            self._kept.append(document)

    async def ok(self, kind: str, message_id: str = "", **payload: Any) -> dict[str, Any]:
        reply = await self.reply(await self.send(kind, message_id, **payload))
        assert reply["type"] == "ok", reply
        return reply["payload"]

    async def refused(self, kind: str, message_id: str = "", **payload: Any) -> dict[str, Any]:
        reply = await self.reply(await self.send(kind, message_id, **payload))
        assert reply["type"] == "error", reply
        return reply["payload"]

    async def hello(self, name: str = "", **more: Any) -> dict[str, Any]:
        return await self.ok("hello", **({"token": name} if name else {}), **more)

    async def join(self, show: str = SHOW, **more: Any) -> dict[str, Any]:
        return await self.ok("room:join", show=show, **more)

    async def batch(self) -> dict[str, Any]:
        """The next batch of events."""
        while True:
            document = await self.read()
            if document["type"] == "events":
                return document

    async def next(self, kind: str) -> dict[str, Any]:
        while True:
            document = await self.read()
            if document["type"] == kind:
                return document

    async def close_code(self) -> int:
        """Reads until the server has closed, and says with which code."""
        async with asyncio.timeout(5):
            try:
                while True:
                    self.heard.append(await self.socket.recv())
            except ConnectionClosed:
                return self.socket.close_code or 0


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop run until something holds that no event announces, such as a counter inside the server."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # the server's counters have no event, and should not get one for tests
            await asyncio.sleep(0.001)


@dataclass
class Stage:
    gateway: Gateway
    hub: MemoryHub
    people: People
    shows: ShowRecords
    presence: Viewers
    port: int = 0
    clients: list[Client] = field(default_factory=list)

    @property
    def room(self) -> MemoryRoom:
        return self.hub.rooms[SHOW]

    async def connect(
        self, name: str | None = None, *, text: bool = True, join: bool = False, **options: Any
    ) -> Client:
        """`name` None: nothing is said yet; "": a guest."""
        options.setdefault("subprotocols", [Subprotocol("live.v1.json" if text else "live.v1.msgpack")])
        socket = await connect(f"ws://127.0.0.1:{self.port}/ws", compression=None, **options)
        client = Client(socket, text=text)
        self.clients.append(client)
        if name is not None:
            await client.hello(name)
        if join:
            await client.join()
        return client

    async def ask(self, request: bytes) -> bytes:
        """Sends bytes on a bare connection and gives all that comes back until the server hangs up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        return answer


QUICK = Limits(
    joins_per_s=0, frames_per_s=0, bids_per_s=0, chats_per_s=0, reactions_per_s=0, host_commands_per_s=0,
    flush_interval_ms=20, state_interval_ms=20,
)  # fmt: skip
"""No rates, so that a test that is not about rates never meets one."""


async def _page(request: web.Request) -> web.Response:
    body = await request.text()
    return web.Response(text=f"page {request.path} {len(body)}")


@asynccontextmanager
async def on_stage(limits: Limits = QUICK, **options: Any) -> AsyncIterator[Stage]:
    hub, people, shows, presence = MemoryHub(), People(), ShowRecords(), Viewers()
    gateway = Gateway(
        hub=hub,
        accounts=people,
        shows=shows,  # pyright: ignore[reportArgumentType]  # a double
        catalog=object(),  # pyright: ignore[reportArgumentType]  # not looked at by the probe's routes
        presence=presence,
        routes=ROUTES,
        limits=limits,
        clock=SystemClock(),
        **options,
    )
    app = web.Application()
    app.router.add_route("*", "/page", _page)
    gateway.install(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    gateway.start()
    assert runner.server is not None
    server = await asyncio.get_running_loop().create_server(
        gateway.protocol_factory(runner.server), "127.0.0.1", 0
    )
    stage = Stage(gateway, hub, people, shows, presence, server.sockets[0].getsockname()[1])
    try:
        yield stage
    finally:
        server.close()
        for client in stage.clients:
            client.socket.transport.abort()
        await gateway.aclose()
        await runner.cleanup()
        await server.wait_closed()
