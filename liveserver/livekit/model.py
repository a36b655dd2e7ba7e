"""The words for LiveKit: a token for one person in one show, and what the LiveKit server told. It holds no rule."""

from typing import Literal

import msgspec

from liveserver.kernel.ids import ShowId, UserId
from liveserver.shows.model import Source

Kind = Literal["published", "unpublished", "left", "finished", "other"]


class StageToken(msgspec.Struct, frozen=True):
    """What a browser needs to connect to LiveKit."""

    url: str
    token: str
    expires_ts: int
    """Until when it opens a connection. One that is open stays open."""
    can_publish: bool


class Happening(msgspec.Struct, frozen=True):
    """A message of the LiveKit server, as far as the stage goes by it. What a kind does not have is empty."""

    id: str
    kind: Kind
    named: str
    """What LiveKit calls the kind."""
    show: ShowId
    """The name of the room; it may be none of ours."""
    ts: int
    room: str
    """LiveKit's id of one life of the room."""
    session: str
    """LiveKit's id of one connection of the person."""
    person: UserId
    name: str
    track: str
    source: Source
    publisher: bool
    """Whether the person could have been on stage, as far as is known."""


class Keys(msgspec.Struct, frozen=True):
    """What we and the LiveKit server know."""

    key: str
    secret: str


class Pass(msgspec.Struct, frozen=True):
    """What a token lets its holder do."""

    room: str
    identity: str
    name: str
    role: str
    publish: bool
