"""The words of chat: its state in a room, its commands as they stand in the log, and what may have happened.

It holds no rule (`rules`, `feature`) and no wire form (`wire`). Ids of messages are made of sequence numbers: "m<seq>".
"""

from typing import Literal

import msgspec

from liveserver.rooms.model import Fact, Role

MESSAGES_MAX = 100
"""Messages kept in a room, so that a ban can hide them and a pin can find them. The oldest go first."""
SHOWN_MAX = 50
"""Messages in a snapshot: a screenful or two for who joins. The oldest go first; a deleted one is not made up for."""
SENDERS_MAX = 2_000
"""People whose last messages are remembered for slow mode and repeats. The longest silent go first; they may then
write a little sooner than slow mode says."""
REPEATS_MAX = 4
"""Recent messages of one person that a new one is compared with. The oldest go first."""
REPEAT_MS = 10_000
"""The same text again within this time is refused."""
MUTES_MAX = 1_000
"""Running mutes of a show. When full, the one that ends first is lifted early."""
BANS_MAX = 5_000
"""Banned people of a show. When full, further bans are refused: an old one must not lapse unnoticed."""
PEOPLE_SHOWN_MAX = 100
"""Mutes, and bans, in the staff's snapshot; the newest. A frame must stay small."""


class Message(msgspec.Struct, frozen=True):
    """One message as it is kept. `role` is that of its author when it was sent."""

    seq: int
    user: str
    name: str
    role: Role
    text: str
    ts: int

    @property
    def id(self) -> str:
        return f"m{self.seq}"


class Said(msgspec.Struct, frozen=True, array_like=True):
    """When somebody said something, and the digest of what (`moderation.digest`)."""

    ts: int
    digest: str


class Mute(msgspec.Struct, frozen=True, array_like=True):
    """`name` is "" where the person had not said anything lately."""

    until_ts: int
    name: str


class Ban(msgspec.Struct, frozen=True, array_like=True):
    """`name` is "" where the person had not said anything lately."""

    ts: int
    name: str
    reason: str


class ChatState(msgspec.Struct, omit_defaults=True):
    """Chat's part of a room. Dicts keep insertion order, which is the log's."""

    messages: list[Message] = []
    """Not deleted ones, oldest first."""
    shown_from: int = 0
    """Sequence number of the first message that snapshots show."""
    pinned: Message | None = None
    slow_ms: int | None = None
    """None until staff set it or the first message brought the show's own setting."""
    senders: dict[str, list[Said]] = {}
    """The last messages of a person, oldest first; who spoke last stands last."""
    mutes: dict[str, Mute] = {}
    bans: dict[str, Ban] = {}


# Commands: arguments as they stand in the log, settled by `wire`.


class Send(msgspec.Struct, frozen=True, array_like=True):
    """`text` is normalised and moderated. `slow_ms` is the show's setting, which holds until staff set another."""

    text: str
    digest: str
    slow_ms: int = 0


class Delete(msgspec.Struct, frozen=True, array_like=True):
    """Takes a message back."""

    message: int
    """Its sequence number."""


class Pin(msgspec.Struct, frozen=True, array_like=True):
    """Pins a message, by its sequence number; None unpins."""

    message: int | None


class MuteUser(msgspec.Struct, frozen=True, array_like=True):
    """`role` is that of the muted person in this show, as the records had it."""

    user: str
    role: Role
    for_ms: int


class BanUser(msgspec.Struct, frozen=True, array_like=True):
    """`role` is that of the banned person in this show, as the records had it."""

    user: str
    role: Role
    reason: str


class UnmuteUser(msgspec.Struct, frozen=True, array_like=True):
    """Ends a mute."""

    user: str


class UnbanUser(msgspec.Struct, frozen=True, array_like=True):
    """Lifts a ban."""

    user: str


class SetSlow(msgspec.Struct, frozen=True, array_like=True):
    """Sets slow mode; 0 switches it off."""

    interval_ms: int


# Facts


class ChatSent(Fact, tag="chat_sent"):
    """Somebody said something; `digest` is what later repeats are compared with."""

    user: str
    name: str
    role: Role
    text: str
    digest: str


class ChatDeleted(Fact, tag="chat_deleted"):
    """`messages` are sequence numbers. `user` is set when all of this person's messages are hidden (a ban)."""

    messages: list[int]
    by: Literal["author", "moderator"]
    actor: str
    """Who did it: for the record, viewers are not told."""
    user: str = ""


class ChatPinned(Fact, tag="chat_pinned"):
    """The pinned message in full, so that the record alone can tell it; None when nothing is pinned any more."""

    message: Message | None
    actor: str


class ChatSlowed(Fact, tag="chat_slowed"):
    """Slow mode is now this; 0 for off."""

    slow_ms: int
    actor: str


class UserMuted(Fact, tag="user_muted"):
    """Somebody may not write until then. `name` is "" where they had not spoken lately."""

    user: str
    name: str
    until_ts: int
    actor: str
    actor_name: str


class UserUnmuted(Fact, tag="user_unmuted"):
    """A mute was lifted before its end."""

    user: str
    actor: str
    actor_name: str


class UserBanned(Fact, tag="user_banned"):
    """Somebody is barred. `name` is "" where they had not spoken lately."""

    user: str
    name: str
    reason: str
    actor: str
    actor_name: str


class UserUnbanned(Fact, tag="user_unbanned"):
    """A ban was lifted."""

    user: str
    actor: str
    actor_name: str
