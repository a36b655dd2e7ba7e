"""What each message does: hello, joining, clocks, reactions, and the features' commands, which go to the room's log.

For a command, in this order: joined? role? rate? retry number? then the route settles the payload and the room decides.
A handler that must wait holds its connection, so that the messages of one connection keep their order.
"""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from liveserver.gateway.codecs import Codec, Inbound, Message
from liveserver.gateway.connection import Connection
from liveserver.gateway.fanout import Member, ShowRoom
from liveserver.gateway.joins import Joins
from liveserver.gateway.limits import Limits
from liveserver.gateway.messages import ClockSync, Hello, Join, React
from liveserver.gateway.session import Sessions
from liveserver.gateway.showrooms import ShowRooms
from liveserver.gateway.stats import Stats
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.rooms import edge
from liveserver.rooms.edge import Cost, Route
from liveserver.rooms.model import Decision, Verdict

HELLO_FIRST = Rejected(
    "hello_first", "Say hello before anything else.", detail={"mend": 'Send {"type":"hello"}.'}
)
HELLO_TWICE = Rejected("hello_twice", "This connection has said hello. Open another one to be somebody else.")
NOT_JOINED = Rejected("not_joined", "Join the show's room first.", detail={"field": "payload.show"})
SIGN_IN = Rejected("sign_in_required", "Sign in to do this.")
FORBIDDEN = Rejected("forbidden", "Your role in this show does not allow this.")
BAD_ID = Rejected(
    "bad_id",
    "This client is named, so a command's id must end in a number that rises (c1, c2, …).",
    detail={"field": "id"},
)
TOO_MANY_ROOMS = Rejected(
    "too_many_rooms", "This connection is in as many rooms as it may be. Leave one first."
)
TOO_LARGE = Rejected(
    "bad_message",
    "A number is too large.",
    detail={"field": "payload", "mend": "Send numbers of at most 64 bits."},
)
NUMBER_MAX = 2**53 - 1
"""Largest retry number: what JSON readers hold exactly."""


class Desk(Protocol):
    """What handlers use of the gateway."""

    limits: Limits
    clock: Clock
    stats: Stats
    sessions: Sessions
    rooms: ShowRooms
    joins: Joins

    def spawn(self, connection: Connection, message_id: str, work: Coroutine[Any, Any, None]) -> None: ...


def retry_number(message_id: str) -> int | None:
    """The number a message id ends in, or None without one or with one too large."""
    digits = message_id[len(message_id.rstrip("0123456789")) :]
    if not digits or not digits.isascii() or len(digits) > 16:
        return None
    number = int(digits)
    return number if 0 < number <= NUMBER_MAX else None


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
        handlers = own | {route.type: partial(self._command, route) for route in routes}
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
        if self._too_fast(connection, message.id, "reaction"):
            return
        refused = member.room.react(member, react.emoji)
        if refused is not None:
            connection.error(message.id, refused)
        else:
            connection.ok(message.id, {})

    # The features' commands

    def _command(self, route: Route, connection: Connection, message: Message) -> None:
        payload = message.payload
        member: Member | None = connection.rooms.get(payload.show)
        if member is None:
            connection.error(message.id, NOT_JOINED)
            return
        role = member.actor.role
        if role not in route.roles:
            connection.error(message.id, SIGN_IN if role == "guest" else FORBIDDEN)
            return
        if self._too_fast(connection, message.id, route.cost):
            return
        number = 0
        if connection.client:
            found = retry_number(message.id)
            if found is None:
                connection.bad(message.id, BAD_ID)
                return
            number = found
        settled = route.settle(payload, member.edge)
        if isinstance(settled, Awaitable):
            self._desk.spawn(
                connection, message.id, self._settle(route, connection, message.id, number, member, settled)
            )
        else:
            self._submit(route, connection, message.id, number, member, settled)

    async def _settle(
        self,
        route: Route,
        connection: Connection,
        message_id: str,
        number: int,
        member: Member,
        settling: Awaitable[edge.Settled],
    ) -> None:
        settled = await settling
        # Meanwhile they may have left or become somebody else here; what counts is now.
        present: Member | None = connection.rooms.get(member.room.record.id)
        if present is None or present.actor.role not in route.roles:
            connection.error(message_id, NOT_JOINED if present is None else FORBIDDEN)
            return
        self._submit(route, connection, message_id, number, present, settled)

    def _submit(
        self,
        route: Route,
        connection: Connection,
        message_id: str,
        number: int,
        member: Member,
        settled: edge.Settled,
    ) -> None:
        if isinstance(settled, Rejected):
            connection.error(message_id, settled)
            return
        self._desk.stats.commands += 1
        try:
            command = edge.command(
                route.kind,
                member.actor,
                settled,
                client=connection.client,
                number=number,
                rtt_ms=connection.rtt_ms,
            )
        except OverflowError:
            # A payload that forgot to bound a number. The log's form holds 64 bits.
            connection.bad(message_id, TOO_LARGE)
            return
        member.room.live.submit(command, partial(_answer, connection, message_id))

    def _too_fast(self, connection: Connection, message_id: str, cost: Cost) -> bool:
        wait_ms = connection.allowed(cost)
        if not wait_ms:
            return False
        connection.error(
            message_id,
            Rejected("rate_limited", "Too fast. Wait a moment.", retryable=True, detail={"wait_ms": wait_ms}),
        )
        return True


def _answer(connection: Connection, message_id: str, seq: int, ts: int, verdict: Verdict) -> None:
    """A room's verdict as the reply to its command; it is sent before the batch that covers `seq`."""
    if isinstance(verdict, Decision):
        connection.ok(message_id, {**verdict.result, "seq": seq, "ts": ts})
    else:
        connection.error(message_id, verdict, seq=seq, ts=ts)
