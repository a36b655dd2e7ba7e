"""Chat's messages as clients send them, and how each becomes a command: text is normalised and moderated, the role of
a muted or banned person looked up. Who may send what stands in `ROUTES`; the rules that need the room are in `rules`.
"""

from functools import partial
from typing import Annotated

from msgspec import Meta, Struct

from liveserver.chat import model as m
from liveserver.chat.moderation import TEXT_MAX, moderate
from liveserver.chat.text import normalise
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ID_PATTERN
from liveserver.rooms.edge import MODERATORS, SIGNED_IN, Edge, KnownId, Route
from liveserver.rooms.model import Role
from liveserver.shows.model import Show

RAW_TEXT_MAX = 4_000
"""Characters of a message as sent; normalising may bring it under the 500 that count."""
REASON_MAX = 200
MUTE_MIN_MS = 1_000
MUTE_MAX_MS = 24 * 3_600_000
"""A day outlasts any show; who should stay away longer is banned."""
SLOW_MAX_MS = 600_000

Id = Annotated[str, Meta(pattern=ID_PATTERN)]
MessageId = Annotated[str, Meta(pattern=r"^m[1-9][0-9]{0,15}$")]


class ChatSend(Struct, frozen=True):
    """`chat:send`"""

    show: KnownId
    text: Annotated[str, Meta(max_length=RAW_TEXT_MAX)]


class ChatDelete(Struct, frozen=True):
    """`chat:delete`"""

    show: KnownId
    message: MessageId


class ChatPin(Struct, frozen=True):
    """`chat:pin`; null unpins."""

    show: KnownId
    message: MessageId | None


class ChatSlow(Struct, frozen=True):
    """`chat:slow`; 0 switches slow mode off."""

    show: KnownId
    interval_ms: Annotated[int, Meta(ge=0, le=SLOW_MAX_MS)]


class UserMute(Struct, frozen=True):
    """`user:mute`"""

    show: KnownId
    user: Id
    for_ms: Annotated[int, Meta(ge=MUTE_MIN_MS, le=MUTE_MAX_MS)]


class UserUnmute(Struct, frozen=True):
    """`user:unmute`"""

    show: KnownId
    user: Id


class UserBan(Struct, frozen=True):
    """`user:ban`"""

    show: KnownId
    user: Id
    reason: Annotated[str, Meta(max_length=REASON_MAX)] = ""


class UserUnban(Struct, frozen=True):
    """`user:unban`"""

    show: KnownId
    user: Id


def _send(payload: ChatSend, edge: Edge, *, text_max: int) -> m.Send | Rejected:
    judged = moderate(payload.text, edge.show.chat, edge.actor.role, text_max)
    if isinstance(judged, Rejected):
        return judged
    return m.Send(judged.text, judged.digest, edge.show.chat.slow_ms)


def _delete(payload: ChatDelete, edge: Edge) -> m.Delete:
    return m.Delete(int(payload.message[1:]))


def _pin(payload: ChatPin, edge: Edge) -> m.Pin:
    return m.Pin(None if payload.message is None else int(payload.message[1:]))


def _slow(payload: ChatSlow, edge: Edge) -> m.SetSlow:
    return m.SetSlow(payload.interval_ms)


def _mute(payload: UserMute, edge: Edge) -> m.MuteUser:
    return m.MuteUser(payload.user, _recorded_role(edge.show, payload.user), payload.for_ms)


def _unmute(payload: UserUnmute, edge: Edge) -> m.UnmuteUser:
    return m.UnmuteUser(payload.user)


def _ban(payload: UserBan, edge: Edge) -> m.BanUser:
    return m.BanUser(payload.user, _recorded_role(edge.show, payload.user), normalise(payload.reason))


def _unban(payload: UserUnban, edge: Edge) -> m.UnbanUser:
    return m.UnbanUser(payload.user)


def _recorded_role(show: Show, user: str) -> Role:
    """Admins are not known here; the room knows those who spoke (`rules.may_act_on`)."""
    if user == show.host:
        return "host"
    return "moderator" if user in show.moderators or user in show.co_hosts else "viewer"


def routes(text_max: int = TEXT_MAX) -> tuple[Route, ...]:
    """All messages of chat. `text_max` is the most characters of one, at most `RAW_TEXT_MAX`."""
    assert text_max <= RAW_TEXT_MAX, "longer messages than these do not come in"
    send = partial(_send, text_max=text_max)
    return (
        Route("chat:send", ChatSend, "chat:send", send, SIGNED_IN, "chat", "Says something in the show's chat."),
        Route(
            "chat:delete", ChatDelete, "chat:delete", _delete, SIGNED_IN, "chat",
            "Takes a message back: authors their own, staff those of others up to their own role.",
        ),
        Route(
            "chat:pin", ChatPin, "chat:pin", _pin, MODERATORS, "host",
            "Pins a message above the chat; null unpins.",
        ),
        Route(
            "chat:slow", ChatSlow, "chat:slow", _slow, MODERATORS, "host",
            "Sets the least time between two messages of one viewer; 0 for none.",
        ),
        Route(
            "user:mute", UserMute, "user:mute", _mute, MODERATORS, "host",
            "Keeps somebody from writing for a while.",
        ),
        Route("user:unmute", UserUnmute, "user:unmute", _unmute, MODERATORS, "host", "Ends a mute."),
        Route(
            "user:ban", UserBan, "user:ban", _ban, MODERATORS, "host",
            "Bars somebody from writing, reacting and bidding in this show, and hides what they wrote.",
        ),
        Route("user:unban", UserUnban, "user:unban", _unban, MODERATORS, "host", "Lifts a ban."),
    )  # fmt: skip


ROUTES = routes()
"""The messages with the documented bounds."""
