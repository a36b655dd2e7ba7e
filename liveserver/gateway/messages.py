"""The gateway's own messages, typed: saying hello, joining and leaving rooms, comparing clocks, reacting.

All other messages are features' `Route`s. A payload's docstring is its entry in docs/PROTOCOL.md and in the AsyncAPI document.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from liveserver.gateway.limits import CLIENT_CHARACTERS_MAX, ID_CHARACTERS_MAX, TOKEN_CHARACTERS_MAX
from liveserver.kernel.ids import ID_PATTERN

MessageId = Annotated[str, Meta(max_length=ID_CHARACTERS_MAX)]
"""Chosen by the client and repeated in the reply. A message without one is not answered with `ok`, only with errors."""
ShowName = Annotated[str, Meta(pattern=ID_PATTERN, description="Id of a show.")]


class Hello(msgspec.Struct, frozen=True):
    """First message of a connection. Without a token one is a guest: may watch, may not speak or bid."""

    token: Annotated[str, Meta(max_length=TOKEN_CHARACTERS_MAX)] = ""
    """Session token or the embedding app's JWT."""
    client: Annotated[str, Meta(max_length=CLIENT_CHARACTERS_MAX, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    """Chosen by the client and kept over reconnects. Switches on retry memory: then ids of commands must end in a number
    that rises within this client (c1, c2, …), and a command sent again gets the first verdict."""


class After(msgspec.Struct, frozen=True):
    """What the client already has."""

    epoch: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Join(msgspec.Struct, frozen=True):
    """Enters a show's room. With `after`, the events missed since are given instead of a snapshot, if they are still there."""

    show: ShowName
    after: After | None = None


class Leave(msgspec.Struct, frozen=True):
    """Leaves a show's room."""

    show: ShowName


class ClockSync(msgspec.Struct, frozen=True):
    """Asks for the server's time: that of `show`, or of the first room joined, or of the node."""

    t0: Annotated[float, Meta(ge=-(2**53), le=2**53)] = 0
    """Repeated in the reply, so that the client need not remember when it asked."""
    show: ShowName | None = None


class React(msgspec.Struct, frozen=True):
    """Shows a feeling. Reactions are counted, not kept."""

    show: ShowName
    emoji: Annotated[str, Meta(min_length=1, max_length=16)]


class ErrorPayload(msgspec.Struct, frozen=True):
    """Why a message came to nothing. `retryable`: the same message may succeed later, unchanged."""

    code: str
    message: str
    retryable: bool
    detail: dict[str, Any]
