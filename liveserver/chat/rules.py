"""The rules of chat that need the room: who may write now, and who may act on whom. Pure; time is the entry's `ts`.

What depends on the text alone is judged before the log, by `moderation`.
"""

from collections.abc import Mapping

from liveserver.chat.model import REPEAT_MS, ChatState, Message, Send
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import HOSTS, STAFF, Context, Role

BANNED_FROM = frozenset(
    "bid:place spotlight:buy reaction:send chat:send chat:delete chat:pin chat:slow user:mute user:unmute user:ban user:unban".split()
)
"""What a banned person may not do: neither take part, nor, as a moderator, lift their own ban. They may still watch."""

_RANKS: Mapping[Role, int] = {"guest": 0, "viewer": 0, "moderator": 1, "host": 2, "admin": 3, "system": 4}

NO_MESSAGE = Rejected("no_such_message", "This message is not there any more.")
BANNED = Rejected("banned", "You have been banned from this show by its host.")
OUTRANKED = Rejected("outranked", "You can only do this to people below your own role in this show.")
BAN_LIST_FULL = Rejected("ban_list_full", "This show has as many bans as it can hold. Lift one first.")
NOT_AUTHOR = Rejected("not_author", "Only its author or a moderator can delete this message.")


def rank(role: Role) -> int:
    """Higher may act on lower."""
    return _RANKS[role]


def banned(state: ChatState, ctx: Context) -> Rejected | None:
    """Refuses what a banned person may not do. A host's or the operator's own show is never closed to them."""
    return BANNED if ctx.actor.id in state.bans and ctx.actor.role not in HOSTS else None


def may_send(state: ChatState, send: Send, ctx: Context) -> Rejected | None:
    """Mutes hold for everybody; slow mode and the refusal of repeats are for viewers only."""
    mute = state.mutes.get(ctx.actor.id)
    if mute is not None and ctx.ts < mute.until_ts:
        wait_ms = mute.until_ts - ctx.ts
        return Rejected(
            "muted", "You are muted for now.", True, {"wait_ms": wait_ms, "until_ts": mute.until_ts}
        )
    said = state.senders.get(ctx.actor.id)
    if not said or ctx.actor.role in STAFF:
        return None
    slow_ms = send.slow_ms if state.slow_ms is None else state.slow_ms
    wait_ms = said[-1].ts + slow_ms - ctx.ts
    if wait_ms > 0:
        return Rejected("slow_mode", "The chat is in slow mode: wait a moment.", True, {"wait_ms": wait_ms})
    for before in said:
        wait_ms = before.ts + REPEAT_MS - ctx.ts
        if before.digest == send.digest and wait_ms > 0:
            return Rejected("duplicate_message", "You just said that.", True, {"wait_ms": wait_ms})
    return None


def may_act_on(state: ChatState, user: str, role: Role, ctx: Context) -> Rejected | None:
    """Moderators act on viewers, the host on both, the operator on all.

    `role` is what the records say of the person. They do not know who is the operator: whoever lately spoke in a higher
    role has that one.
    """
    ranks = [rank(m.role) for m in state.messages if m.user == user]
    return (
        None
        if rank(ctx.actor.role) > max(ranks, default=0) and rank(ctx.actor.role) > rank(role)
        else OUTRANKED
    )


def may_delete(message: Message | None, seq: int, ctx: Context) -> Rejected | None:
    """Authors delete their own; staff those of others up to their own role.

    `message` is None when the room no longer has it. Viewers may still have it on their screens, so staff may delete
    it, whoever wrote it: in a lively chat a hundred messages are a few seconds.
    """
    staff = ctx.actor.role in STAFF
    if message is None:
        return None if staff and 0 < seq < ctx.seq else NO_MESSAGE
    if message.user == ctx.actor.id:
        return None
    if not staff:
        return NOT_AUTHOR
    return None if rank(ctx.actor.role) >= rank(message.role) else OUTRANKED


def find(state: ChatState, seq: int) -> Message | None:
    """A message that the room still has, the pinned one included."""
    if state.pinned is not None and state.pinned.seq == seq:
        return state.pinned
    return next((m for m in state.messages if m.seq == seq), None)


def name_of(state: ChatState, user: str) -> str:
    """The display name under which somebody last spoke, or "" when that is too long ago."""
    return next((m.name for m in reversed(state.messages) if m.user == user), "")
