"""What the server's messages come to, one type each: the vocabulary between `protocol` and whoever does its I/O. No behaviour."""

from typing import Any

import msgspec

from liveserver.kernel.errors import Rejected


class Greeted(msgspec.Struct, frozen=True):
    """`hello` was accepted."""

    session: dict[str, Any]
    sent_ms: int


class HelloRefused(msgspec.Struct, frozen=True):
    """`hello` was not accepted: unless it is retryable there is no use in coming back with this token."""

    why: Rejected


class Answered(msgspec.Struct, frozen=True):
    """A command's verdict: the `ok` payload, or the refusal."""

    id: str
    type: str
    verdict: dict[str, Any] | Rejected
    sent_ms: int


class Snapshot(msgspec.Struct, frozen=True):
    """The room as it is now; everything known of it before is void."""

    show: str
    snapshot: dict[str, Any]
    reply: dict[str, Any]
    sent_ms: int


class Resumed(msgspec.Struct, frozen=True):
    """The room was joined again and nothing was lost; missed events follow as a `Batch`."""

    show: str
    reply: dict[str, Any]
    sent_ms: int


class Batch(msgspec.Struct, frozen=True):
    """Ordered events, each seen for the first time."""

    show: str
    events: list[dict[str, Any]]


class Alone(msgspec.Struct, frozen=True):
    """A private or latest-value event, outside the order."""

    show: str
    event: dict[str, Any]


class JoinRefused(msgspec.Struct, frozen=True):
    """The room can't be joined. If the refusal is retryable the user calls `rejoin` some time later."""

    show: str
    why: Rejected


Happening = Greeted | HelloRefused | Answered | Snapshot | Resumed | Batch | Alone | JoinRefused
