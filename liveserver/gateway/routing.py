"""What each message does: hello, joining, clocks and reactions here, the features' commands in `commands`.

A handler that must wait holds its connection, so that the messages of one connection keep their order.
"""

from collections.abc import Callable
from typing import Any, Protocol

from liveserver.gateway import closecodes, commands
from liveserver.gateway.codecs import Codec, Inbound, Message
from liveserver.gateway.commands import NOT_JOINED, too_fast
from liveserver.gateway.connection import Connection
from liveserver.gateway.fanout import Member, ShowRoom
from liveserver.gateway.joins import Joins
from liveserver.gateway.messages import ClockSync, Hello, Join, React
from liveserver.gateway.session import Sessions
from liveserver.gateway.showrooms import ShowRooms
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import Route

HELLO_FIRST = Rejected(
    "hello_first", "Say hello before anything else.", detail={"mend": 'Send {"type":"hello"}.'}
)
HELLO_TWICE = Rejected("hello_twice", "This connection has said hello. Open another one to be somebody else.")
TOO_MANY_ROOMS = Rejected(
    "too_many_rooms", "This connection is in as many rooms as it may be. Leave one first."
)


class Desk(commands.Desk, Protocol):
    """What handlers use of the gateway."""

    clock: Clock
    sessions: Sessions
    rooms: ShowRooms
    joins: Joins


class Router:
    """From bytes to handlers. One for all connections."""

    def __init__(self, desk: Desk, inbound: Inbound, routes: tuple[Route, ...]) -> None:
        self._desk = desk
        own: dict[str, Callable[[Connection, Any], None]] = {
            "hello": self._hello,
            "room:join": self._join,
            "room:leave": self._leave,
            "clock:sync": self._clock,
            "reaction:send": self._react,
        }
        handlers = own | {route.type: commands.handler(desk, route) for route in routes}
        self._handlers = {inbound.classes[name]: handler for name, handler in handlers.items()}
        self._hello_class = inbound.classes["hello"]

    def received(self, connection: Connection, data: bytes) -> None:
        """Handles one message."""
        codec: Codec = connection.codec
        self._desk.stats.messages += 1
        try:
            message = codec.decode(data)
        except (ValueError, RecursionError) as error:
            connection.bad(*codec.explain(data, error))
            return
        kind = type(message)
        if connection.identity is None and kind is not self._hello_class:
            connection.bad(message.id, HELLO_FIRST)
            return
        self._handlers[kind](connection, message)

    # The gateway's own messages

    def _hello(self, connection: Connection, message: Message) -> None:
        if connection.identity is not None:
            connection.bad(message.id, HELLO_TWICE)
            return
        hello: Hello = message.payload
        sessions = self._desk.sessions
        token = hello.token or connection.cookie_token
        if token:
            self._desk.spawn(
                connection, message.id, sessions.sign_in(connection, message.id, hello.client, token)
            )
        else:
            sessions.enter_as_guest(connection, message.id, hello.client)

    def _join(self, connection: Connection, message: Message) -> None:
        join: Join = message.payload
        if (
            join.show not in connection.rooms
            and len(connection.rooms) >= self._desk.limits.rooms_per_connection_max
        ):
            connection.error(message.id, TOO_MANY_ROOMS)
        elif not self._desk.joins.now(connection, message):
            return  # it waits in line and comes through `admitted`
        else:
            self.admitted(connection, message)

    def admitted(self, connection: Connection, message: Message) -> None:
        """A join whose turn it is."""
        join: Join = message.payload
        room = self._desk.rooms.here(join.show)
        if room is not None:
            self._enter(connection, message, room)
        else:
            self._desk.spawn(connection, message.id, self._open_and_enter(connection, message))

    async def _open_and_enter(self, connection: Connection, message: Message) -> None:
        opened = await self._desk.rooms.open(message.payload.show)
        if not connection.live:
            return
        if isinstance(opened, Rejected):
            connection.error(message.id, opened)
        else:
            self._enter(connection, message, opened)

    def _enter(self, connection: Connection, message: Message, room: ShowRoom) -> None:
        identity = connection.identity
        assert identity is not None, "joins come after hello"
        if room.live.stuck:
            connection.close(closecodes.ELSEWHERE)
            return
        after = message.payload.after
        payload = room.join(connection, identity, (after.epoch, after.seq) if after is not None else None)
        connection.ok(message.id or "join", payload)
        room.greet(connection)

    def _leave(self, connection: Connection, message: Message) -> None:
        member: Member | None = connection.rooms.get(message.payload.show)
        if member is not None:
            member.room.leave(connection)
        connection.ok(message.id, {})

    def _clock(self, connection: Connection, message: Message) -> None:
        sync: ClockSync = message.payload
        member: Member | None = (
            connection.rooms.get(sync.show) if sync.show else next(iter(connection.rooms.values()), None)
        )
        now = member.room.live.server_now() if member is not None else self._desk.clock.now_ms()
        connection.ok(message.id, {"t0": sync.t0, "server_now": now})

    def _react(self, connection: Connection, message: Message) -> None:
        react: React = message.payload
        member: Member | None = connection.rooms.get(react.show)
        if member is None:
            connection.error(message.id, NOT_JOINED)
            return
        if too_fast(connection, message.id, "reaction"):
            return
        refused = member.room.react(member, react.emoji)
        if refused is not None:
            connection.error(message.id, refused)
        else:
            connection.ok(message.id, {})
