"""The features' commands, from a decoded message to the room's log and back as a reply. The busiest path there is.

In this order: joined? role? rate? retry number? then the route settles the payload and the room decides. What a command means
is the feature's; the gateway's own messages are `routing`'s.
"""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

import msgspec

from liveserver.gateway.codecs import Message
from liveserver.gateway.connection import Connection
from liveserver.gateway.fanout import Member
from liveserver.gateway.limits import Limits
from liveserver.gateway.stats import Stats
from liveserver.kernel.errors import Rejected
from liveserver.rooms import edge
from liveserver.rooms.edge import Cost, Route
from liveserver.rooms.model import Decision, Verdict

NOT_JOINED = Rejected("not_joined", "Join the show's room first.", detail={"field": "payload.show"})
SIGN_IN = Rejected("sign_in_required", "Sign in to do this.")
FORBIDDEN = Rejected("forbidden", "Your role in this show does not allow this.")
BAD_ID = Rejected(
    "bad_id",
    "This client is named, so a command's id must end in a number that rises (c1, c2, …).",
    detail={"field": "id"},
)
TOO_LARGE = Rejected(
    "bad_message",
    "A number is too large.",
    detail={"field": "payload", "mend": "Send numbers of at most 64 bits."},
)
NUMBER_MAX = 2**53 - 1
"""Largest retry number: what JSON readers hold exactly."""


class Desk(Protocol):
    """What commands use of the gateway."""

    limits: Limits
    stats: Stats

    def spawn(self, connection: Connection, message_id: str, work: Coroutine[Any, Any, None]) -> None: ...


def retry_number(message_id: str) -> int | None:
    """The number a message id ends in, or None without one or with one too large."""
    digits = message_id[len(message_id.rstrip("0123456789")) :]
    if not digits or not digits.isascii() or len(digits) > 16:
        return None
    number = int(digits)
    return number if 0 < number <= NUMBER_MAX else None


def too_fast(connection: Connection, message_id: str, cost: Cost) -> bool:
    """Whether this message comes too soon after others of its kind; then it was answered."""
    wait_ms = connection.allowed(cost)
    if not wait_ms:
        return False
    connection.error(
        message_id,
        Rejected("rate_limited", "Too fast. Wait a moment.", retryable=True, detail={"wait_ms": wait_ms}),
    )
    return True


def handler(desk: Desk, route: Route) -> Callable[[Connection, Message], None]:
    """What to do with messages of this route."""
    kind, roles, cost, settle = route.kind, route.roles, route.cost, route.settle
    limited = desk.limits.rate(cost)[0] > 0
    pace = desk.limits.pace(cost)
    stats = desk.stats
    refusals = stats.refusals[kind]

    def refuse(connection: Connection, message_id: str, refused: Rejected) -> None:
        refusals[refused.code] += 1
        connection.error(message_id, refused)

    def handle(connection: Connection, message: Message) -> None:
        payload = message.payload
        member: Member | None = connection.rooms.get(payload.show)
        if member is None:
            refuse(connection, message.id, NOT_JOINED)
            return
        role = member.actor.role
        if role not in roles:
            refuse(connection, message.id, SIGN_IN if role == "guest" else FORBIDDEN)
            return
        if limited and too_fast(connection, message.id, cost):
            refusals["rate_limited"] += 1
            return
        number = 0
        if connection.client:
            found = retry_number(message.id)
            if found is None:
                connection.bad(message.id, BAD_ID)
                return
            number = found
        settled = settle(payload, member.edge)
        if isinstance(settled, msgspec.Struct):
            submit(connection, message.id, number, member, settled)
        else:
            desk.spawn(connection, message.id, wait(connection, message.id, number, member, settled))

    async def wait(
        connection: Connection,
        message_id: str,
        number: int,
        member: Member,
        settling: Awaitable[edge.Settled],
    ) -> None:
        settled = await settling
        # Meanwhile they may have left or become somebody else here; what counts is now.
        present: Member | None = connection.rooms.get(member.room.record.id)
        if present is None or present.actor.role not in roles:
            refuse(connection, message_id, NOT_JOINED if present is None else FORBIDDEN)
            return
        submit(connection, message_id, number, present, settled)

    def submit(
        connection: Connection, message_id: str, number: int, member: Member, settled: edge.Settled
    ) -> None:
        if isinstance(settled, Rejected):
            refuse(connection, message_id, settled)
            return
        stats.commands += 1
        try:
            command = edge.command(
                kind, member.actor, settled, connection.client, number, connection.rtt_ms, pace
            )
        except OverflowError:
            # A payload that forgot to bound a number. The log's form holds 64 bits.
            connection.bad(message_id, TOO_LARGE)
            return
        member.room.live.submit(command, partial(_answer, connection, message_id))

    return handle


def _answer(connection: Connection, message_id: str, seq: int, ts: int, verdict: Verdict) -> None:
    """A room's verdict as the reply to its command; it is sent before the batch that covers `seq`."""
    if isinstance(verdict, Decision):
        connection.ok(message_id, {**verdict.result, "seq": seq, "ts": ts})
    else:
        connection.error(message_id, verdict, seq=seq, ts=ts)
