"""Chat as a feature of a room: commands become facts, facts change the state and are told to people.

The rules themselves are in `rules`; text is judged in `moderation`, before the log.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, assert_never

import msgspec

from liveserver.chat import model as m
from liveserver.chat import rules
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import (
    HOSTS,
    PEOPLE,
    STAFF,
    STAFF_ONLY,
    Context,
    Decision,
    Event,
    Fact,
    Pending,
    Verdict,
    Viewer,
    one_by_one,
)

ChatCommand = m.Send | m.Delete | m.Pin | m.MuteUser | m.BanUser | m.UnmuteUser | m.UnbanUser | m.SetSlow
ChatFact = (
    m.ChatSent
    | m.ChatDeleted
    | m.ChatPinned
    | m.ChatSlowed
    | m.UserMuted
    | m.UserUnmuted
    | m.UserBanned
    | m.UserUnbanned
)


class ChatFeature:
    """See `liveserver.rooms.model.Feature` for what each method promises."""

    name: ClassVar[str] = "chat"
    state: ClassVar[type[msgspec.Struct]] = m.ChatState
    commands: ClassVar[Mapping[str, type[msgspec.Struct]]] = {
        "chat:send": m.Send,
        "chat:delete": m.Delete,
        "chat:pin": m.Pin,
        "chat:slow": m.SetSlow,
        "user:mute": m.MuteUser,
        "user:unmute": m.UnmuteUser,
        "user:ban": m.BanUser,
        "user:unban": m.UnbanUser,
    }
    facts: ClassVar[tuple[type[Fact], ...]] = (
        m.ChatSent,
        m.ChatDeleted,
        m.ChatPinned,
        m.ChatSlowed,
        m.UserMuted,
        m.UserUnmuted,
        m.UserBanned,
        m.UserUnbanned,
    )
    versions: ClassVar[tuple[str, ...]] = ()
    guards: ClassVar[frozenset[str]] = rules.BANNED_FROM

    def guard(self, state: m.ChatState, kind: str, ctx: Context) -> Rejected | None:
        return rules.banned(state, ctx)

    def due_ts(self, state: m.ChatState) -> int | None:
        """Nothing happens by time alone: a mute is over when its end has passed."""
        return None

    def advance(self, state: m.ChatState, ctx: Context) -> Sequence[Fact]:
        return ()

    def pending(self, state: m.ChatState) -> Sequence[Pending]:
        return ()

    def decide(self, state: m.ChatState, command: ChatCommand, ctx: Context) -> Verdict:
        match command:
            case m.Send():
                return self._send(state, command, ctx)
            case m.Delete():
                return self._delete(state, command, ctx)
            case m.Pin():
                return self._pin(state, command, ctx)
            case m.SetSlow():
                return Decision([m.ChatSlowed(slow_ms=command.interval_ms, actor=ctx.actor.id)])
            case m.MuteUser():
                return self._mute(state, command, ctx)
            case m.BanUser():
                return self._ban(state, command, ctx)
            case m.UnmuteUser():
                if command.user == ctx.actor.id and ctx.actor.role not in HOSTS:
                    return rules.OUTRANKED
                lifted = command.user in state.mutes
                fact = m.UserUnmuted(user=command.user, actor=ctx.actor.id, actor_name=ctx.actor.name)
                return Decision([fact] if lifted else [])
            case m.UnbanUser():
                lifted = command.user in state.bans
                fact = m.UserUnbanned(user=command.user, actor=ctx.actor.id, actor_name=ctx.actor.name)
                return Decision([fact] if lifted else [])
            case _:
                assert_never(command)

    def _send(self, state: m.ChatState, command: m.Send, ctx: Context) -> Verdict:
        refusal = rules.may_send(state, command, ctx)
        if refusal is not None:
            return refusal
        facts: list[Fact] = []
        if state.slow_ms is None and command.slow_ms > 0:
            # The room can't read the show's settings: the first message brings them, and people are told.
            facts.append(m.ChatSlowed(slow_ms=command.slow_ms, actor="system"))
        actor = ctx.actor
        facts.append(
            m.ChatSent(
                user=actor.id, name=actor.name, role=actor.role, text=command.text, digest=command.digest
            )
        )
        return Decision(facts, {"id": f"m{ctx.seq}"})

    def _delete(self, state: m.ChatState, command: m.Delete, ctx: Context) -> Verdict:
        message = rules.find(state, command.message)
        refusal = rules.may_delete(message, command.message, ctx)
        if refusal is not None:
            return refusal
        own = message is not None and message.user == ctx.actor.id
        facts: list[Fact] = [
            m.ChatDeleted(messages=[command.message], by="author" if own else "moderator", actor=ctx.actor.id)
        ]
        if message is not None and message == state.pinned:
            facts.append(m.ChatPinned(message=None, actor=ctx.actor.id))
        return Decision(facts)

    def _pin(self, state: m.ChatState, command: m.Pin, ctx: Context) -> Verdict:
        if command.message is None:
            facts = [] if state.pinned is None else [m.ChatPinned(message=None, actor=ctx.actor.id)]
            return Decision(facts)
        message = rules.find(state, command.message)
        if message is None:
            return rules.NO_MESSAGE
        return Decision([m.ChatPinned(message=message, actor=ctx.actor.id)])

    def _mute(self, state: m.ChatState, command: m.MuteUser, ctx: Context) -> Verdict:
        refusal = rules.may_act_on(state, command.user, command.role, ctx)
        if refusal is not None:
            return refusal
        until_ts = ctx.ts + command.for_ms
        fact = m.UserMuted(
            user=command.user,
            name=rules.name_of(state, command.user),
            until_ts=until_ts,
            actor=ctx.actor.id,
            actor_name=ctx.actor.name,
        )
        return Decision([fact], {"until_ts": until_ts})

    def _ban(self, state: m.ChatState, command: m.BanUser, ctx: Context) -> Verdict:
        refusal = rules.may_act_on(state, command.user, command.role, ctx)
        if refusal is not None:
            return refusal
        if len(state.bans) >= m.BANS_MAX and command.user not in state.bans:
            return rules.BAN_LIST_FULL
        actor = ctx.actor
        theirs = [message.seq for message in state.messages if message.user == command.user]
        facts: list[Fact] = [
            m.UserBanned(
                user=command.user,
                name=rules.name_of(state, command.user),
                reason=command.reason,
                actor=actor.id,
                actor_name=actor.name,
            ),
            m.ChatDeleted(messages=theirs, user=command.user, by="moderator", actor=actor.id),
        ]
        if state.pinned is not None and state.pinned.user == command.user:
            facts.append(m.ChatPinned(message=None, actor=actor.id))
        return Decision(facts, {"hidden": len(theirs)})

    def evolve(self, state: m.ChatState, fact: ChatFact, ctx: Context) -> None:
        match fact:
            case m.ChatSent():
                self._sent(state, fact, ctx)
            case m.ChatDeleted():
                gone = frozenset(fact.messages)
                state.messages = [message for message in state.messages if message.seq not in gone]
            case m.ChatPinned():
                state.pinned = fact.message
            case m.ChatSlowed():
                state.slow_ms = fact.slow_ms
            case m.UserMuted():
                state.mutes = {user: mute for user, mute in state.mutes.items() if mute.until_ts > ctx.ts}
                state.mutes.pop(fact.user, None)
                state.mutes[fact.user] = m.Mute(fact.until_ts, fact.name)
                if len(state.mutes) > m.MUTES_MAX:
                    mutes = state.mutes
                    del mutes[min(mutes, key=lambda user: mutes[user].until_ts)]
            case m.UserUnmuted():
                state.mutes.pop(fact.user, None)
            case m.UserBanned():
                state.bans[fact.user] = m.Ban(ctx.ts, fact.name, fact.reason)
            case m.UserUnbanned():
                state.bans.pop(fact.user, None)
            case _:
                assert_never(fact)

    def _sent(self, state: m.ChatState, fact: m.ChatSent, ctx: Context) -> None:
        state.messages.append(m.Message(ctx.seq, fact.user, fact.name, fact.role, fact.text, ctx.ts))
        if len(state.messages) > m.MESSAGES_MAX:
            del state.messages[0]
        if len(state.messages) > m.SHOWN_MAX:
            state.shown_from = max(state.shown_from, state.messages[-m.SHOWN_MAX].seq)
        # Taken out and put back last, so that the longest silent stands first.
        said = [s for s in state.senders.pop(fact.user, ()) if s.ts + m.REPEAT_MS > ctx.ts]
        said.append(m.Said(ctx.ts, fact.digest))
        state.senders[fact.user] = said[-m.REPEATS_MAX :]
        if len(state.senders) > m.SENDERS_MAX:
            del state.senders[next(iter(state.senders))]

    def events(self, facts: Sequence[tuple[int, ChatFact]], ts: int) -> list[tuple[int, Event]]:
        return one_by_one(_told, facts, ts)

    def snapshot(self, state: m.ChatState) -> dict[str, Any]:
        return {
            "messages": [document(shown) for shown in state.messages if shown.seq >= state.shown_from],
            "pinned": None if state.pinned is None else document(state.pinned),
            "slow_ms": state.slow_ms or 0,
        }

    def own(self, state: m.ChatState, viewer: Viewer) -> dict[str, Any]:
        mute = state.mutes.get(viewer.id)
        you: dict[str, Any] = {
            "muted_until": None if mute is None else mute.until_ts,
            "banned": viewer.id in state.bans,
        }
        if viewer.role in STAFF:
            you["muted"] = [
                {"user": {"id": user, "name": mute.name}, "until_ts": mute.until_ts}
                for user, mute in list(state.mutes.items())[-m.PEOPLE_SHOWN_MAX :]
            ]
            you["bans"] = [
                {"user": {"id": user, "name": ban.name}, "reason": ban.reason, "ts": ban.ts}
                for user, ban in list(state.bans.items())[-m.PEOPLE_SHOWN_MAX :]
            ]
        return you


def document(message: m.Message) -> dict[str, Any]:
    """A message as people get it: the payload of `chat:new`. Staff carry a badge, `user.role`."""
    user = {"id": message.user, "name": message.name}
    if message.role in STAFF:
        user["role"] = message.role
    return {"id": message.id, "user": user, "message": message.text, "ts": message.ts}


def _told(fact: ChatFact, seq: int, ts: int) -> Sequence[Event]:
    match fact:
        case m.ChatSent():
            sent = m.Message(seq, fact.user, fact.name, fact.role, fact.text, ts)
            return [Event("chat:new", document(sent))]
        case m.ChatDeleted():
            ids = [f"m{message}" for message in fact.messages]
            what: dict[str, Any] = {"user": fact.user} if fact.user else {"id": ids[0]}
            return [Event("chat:deleted", {**what, "ids": ids, "by": fact.by})]
        case m.ChatPinned():
            pinned = None if fact.message is None else document(fact.message)
            return [Event("chat:pinned", {"message": pinned})]
        case m.ChatSlowed():
            return [Event("chat:slow", {"interval_ms": fact.slow_ms})]
        case m.UserMuted():
            told = {"user": {"id": fact.user, "name": fact.name}, "until_ts": fact.until_ts}
            return _privately("user:muted", told, fact.user, fact.actor, fact.actor_name)
        case m.UserBanned():
            told = {"user": {"id": fact.user, "name": fact.name}, "reason": fact.reason}
            return _privately("user:banned", told, fact.user, fact.actor, fact.actor_name)
        case m.UserUnmuted():
            told = {"user": {"id": fact.user}}
            return _privately("user:unmuted", told, fact.user, fact.actor, fact.actor_name)
        case m.UserUnbanned():
            told = {"user": {"id": fact.user}}
            return _privately("user:unbanned", told, fact.user, fact.actor, fact.actor_name)
        case _:
            assert_never(fact)


def _privately(kind: str, told: dict[str, Any], user: str, actor: str, actor_name: str) -> list[Event]:
    """To the person, and to staff, who also learn who did it."""
    return [
        Event(kind, told, PEOPLE, people=(user,)),
        Event(kind, {**told, "by": {"id": actor, "name": actor_name}}, STAFF_ONLY),
    ]
