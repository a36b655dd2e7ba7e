"""A client's side of the wire contract without I/O: what to send next, and what the server's messages come to.

It opens no connection, reads no clock and keeps no picture of a show (`live` and `room` do). Its user says what
happens to the connection, and after each call sends `outgoing()` and deals with `happened()`:

    connected(now)        ->  hello leaves, and once it is answered: joins with `after`, unanswered commands again
    received(message)     ->  Greeted, Answered, Snapshot, Resumed, Batch, Alone, JoinRefused
    disconnected()        ->  positions and unanswered commands stay; what can't be repeated is answered `cut`

Exactly once, in order: every ordered event is handed on once. Each room has a position (epoch, seq) = "I have
everything up to here". A batch says {from, to}: one that starts behind the position means that something in between
was lost, and one of another epoch that the log was rebuilt: both make the room join again `after` its position, and
until the answer comes its batches are left alone, for the answer covers them. A batch that overlaps (a join was
answered in the middle of it) brings only what is new.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from liveserver.client.codecs import ServerBroken
from liveserver.client.happenings import (
    Alone,
    Answered,
    Batch,
    Greeted,
    Happening,
    HelloRefused,
    JoinRefused,
    Resumed,
    Snapshot,
)
from liveserver.kernel.errors import Rejected

UNANSWERED_MAX = 64
"""Commands that may wait for their verdict at once; more are refused here (`busy`). A person never has that many."""
KEEP_MS = 15_000
"""A command nobody answered for so long is given up (`unconfirmed`) and not sent again: a bid must not be placed by
surprise later. Shorter than the server's memory of verdicts, so that a repetition always meets its first verdict."""

CUT = Rejected("cut", "The connection was lost before the answer; this was not sent again.", retryable=True)
BUSY = Rejected(
    "busy", "Too many commands wait for their answers. Try again when some have come.", retryable=True
)
UNCONFIRMED = Rejected("unconfirmed", "No answer came in time. It may have counted or not.")
CLOSED = Rejected("closed", "This client is closed.")

_ONCE = frozenset({"hello", "room:join", "room:leave", "clock:sync", "reaction:send"})
"""Messages that are not sent again after a reconnect: they belong to a connection, or the server does not remember them."""


class _Unanswered(msgspec.Struct):
    type: str
    payload: Mapping[str, Any]
    sent_ms: int


class Place(msgspec.Struct):
    """Where we are in one show's order of events. `epoch` None: we have nothing of it yet."""

    epoch: int | None = None
    seq: int = 0
    joining: str = ""
    """Id of the join that is under way; "" for none."""


class ClientProtocol:
    """See the module.

    >>> protocol = ClientProtocol(client="demo")
    >>> protocol.connected(now_ms=0)
    >>> protocol.outgoing()
    [{'type': 'hello', 'id': 'c1', 'payload': {'client': 'demo'}}]
    >>> protocol.received({"type": "ok", "id": "c1", "payload": {"session": "s"}}, now_ms=1)
    >>> protocol.happened()
    [Greeted(session={'session': 's'}, sent_ms=0)]
    """

    def __init__(self, client: str, token: str = "", *, keep_ms: int = KEEP_MS) -> None:
        self.client = client
        self.token = token
        self.keep_ms = keep_ms
        self.greeted = False
        self.places: dict[str, Place] = {}
        self._number = 0
        self._unanswered: dict[str, _Unanswered] = {}
        self._outgoing: list[dict[str, Any]] = []
        self._happened: list[Happening] = []

    # -- what the user does

    def connected(self, now_ms: int) -> None:
        """A new connection stands: say hello."""
        assert not self.greeted, "one connection at a time: call disconnected() first"
        hello = {"client": self.client, "token": self.token} if self.token else {"client": self.client}
        self._send("hello", hello, now_ms)

    def disconnected(self) -> None:
        """The connection is gone. Commands that can be sent again stay; the others are answered `cut`."""
        self.greeted = False
        self._outgoing.clear()
        for place in self.places.values():
            place.joining = ""
        for id_, command in list(self._unanswered.items()):
            if command.type in _ONCE:
                del self._unanswered[id_]
                self._happened.append(Answered(id_, command.type, CUT, command.sent_ms))

    def command(self, type_: str, payload: Mapping[str, Any], now_ms: int) -> str:
        """Sends a command, now or as soon as there is a connection; its id, under which `Answered` comes."""
        if len(self._unanswered) >= UNANSWERED_MAX:
            self._number += 1
            id_ = f"c{self._number}"
            self._happened.append(Answered(id_, type_, BUSY, now_ms))
            return id_
        if not self.greeted and type_ in _ONCE:
            self._number += 1
            id_ = f"c{self._number}"
            self._happened.append(Answered(id_, type_, CUT, now_ms))
            return id_
        return self._send(type_, payload, now_ms)

    def expire(self, now_ms: int) -> None:
        """Gives up what was not answered for `keep_ms`. A join given up so is begun anew."""
        for id_, command in list(self._unanswered.items()):
            if now_ms - command.sent_ms < self.keep_ms:
                continue
            del self._unanswered[id_]
            if command.type == "room:join":
                self._rejoin_unanswered(id_, now_ms)
            elif command.type == "hello":
                self._happened.append(HelloRefused(msgspec.structs.replace(UNCONFIRMED, retryable=True)))
            else:
                self._happened.append(Answered(id_, command.type, UNCONFIRMED, command.sent_ms))

    def join(self, show: str, now_ms: int) -> None:
        """Enters a show's room, now and after every reconnect."""
        if show not in self.places:
            self.places[show] = Place()
            self.rejoin(show, now_ms)

    def rejoin(self, show: str, now_ms: int) -> None:
        """Asks for what is missing; nothing happens while that is under way or there is no connection."""
        place = self.places.get(show)
        if place is None or place.joining or not self.greeted:
            return
        asked: dict[str, Any] = {"show": show}
        if place.epoch is not None:
            asked["after"] = {"epoch": place.epoch, "seq": place.seq}
        place.joining = self._send("room:join", asked, now_ms)

    def forget(self, show: str) -> None:
        """Drops the position, so that the next join brings a snapshot."""
        place = self.places[show]
        place.epoch, place.seq = None, 0

    def leave(self, show: str, now_ms: int) -> None:
        """Leaves a room and forgets its position."""
        if self.places.pop(show, None) is not None and self.greeted:
            self._send("room:leave", {"show": show}, now_ms)

    def outgoing(self) -> list[dict[str, Any]]:
        """The messages to send now, in order; each is given once."""
        messages, self._outgoing = self._outgoing, []
        return messages

    def happened(self) -> list[Happening]:
        """What has happened since the last call, in order."""
        happened, self._happened = self._happened, []
        return happened

    @property
    def unanswered(self) -> int:
        """How many commands wait for their verdict."""
        return len(self._unanswered)

    # -- what the server says

    def received(self, message: Mapping[str, Any], now_ms: int) -> None:
        """One message from the server. Raises ServerBroken when it can't be understood; the connection is then useless."""
        try:
            kind = message["type"]
            if kind in {"ok", "error"}:
                self._answered(message, now_ms)
            elif kind == "events":
                self._batch(message, now_ms)
            else:
                self._happened.append(Alone(message.get("show", ""), dict(message)))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ServerBroken(f"{error!r} in {str(message)[:200]}") from error

    def _answered(self, message: Mapping[str, Any], now_ms: int) -> None:
        id_ = message.get("id", "")
        payload: dict[str, Any] = message.get("payload") or {}
        verdict = payload if message["type"] == "ok" else rejection(payload)
        command = self._unanswered.pop(id_, None)
        if command is None:  # given up already, or an error about nothing we know
            return
        match command.type:
            case "hello":
                self._hello_answered(verdict, command.sent_ms, now_ms)
            case "room:join":
                self._join_answered(id_, command, verdict)
            case _:
                self._happened.append(Answered(id_, command.type, verdict, command.sent_ms))

    def _hello_answered(self, verdict: dict[str, Any] | Rejected, sent_ms: int, now_ms: int) -> None:
        if isinstance(verdict, Rejected):
            self._happened.append(HelloRefused(verdict))
            return
        self.greeted = True
        self._happened.append(Greeted(verdict, sent_ms))
        # Joins first: the server takes messages in order, and a command needs its room.
        again = list(self._unanswered.items())
        for show in self.places:
            self.rejoin(show, now_ms)
        for id_, command in again:
            self._outgoing.append({"type": command.type, "id": id_, "payload": dict(command.payload)})

    def _join_answered(self, id_: str, command: _Unanswered, verdict: dict[str, Any] | Rejected) -> None:
        show = command.payload["show"]
        place = self.places.get(show)
        if place is None or place.joining != id_:  # left meanwhile
            return
        place.joining = ""
        if isinstance(verdict, Rejected):
            self._happened.append(JoinRefused(show, verdict))
            return
        epoch, seq = int(verdict["epoch"]), int(verdict["seq"])
        snapshot: dict[str, Any] | None = verdict.get("snapshot")
        if snapshot is not None:
            place.epoch, place.seq = epoch, seq
            self._happened.append(Snapshot(show, snapshot, verdict, command.sent_ms))
            return
        if epoch != place.epoch:
            raise ValueError("events of another epoch can't continue ours")
        self._happened.append(Resumed(show, verdict, command.sent_ms))
        self._take(show, place, verdict.get("events") or [], seq)

    def _batch(self, message: Mapping[str, Any], now_ms: int) -> None:
        show: str = message["show"]
        place = self.places.get(show)
        if place is None or place.joining or place.epoch is None:
            return  # not ours any more, or covered by the join that is under way
        if message["epoch"] != place.epoch or message["from"] > place.seq:
            self.rejoin(show, now_ms)
        elif message["to"] > place.seq:
            self._take(show, place, message["events"], message["to"])

    def _take(self, show: str, place: Place, events: list[dict[str, Any]], to: int) -> None:
        fresh = [event for event in events if event["seq"] > place.seq]
        place.seq = max(place.seq, to)
        if fresh:
            self._happened.append(Batch(show, fresh))

    def _rejoin_unanswered(self, id_: str, now_ms: int) -> None:
        for show, place in self.places.items():
            if place.joining == id_:
                place.joining = ""
                self.rejoin(show, now_ms)
                return

    def _send(self, type_: str, payload: Mapping[str, Any], now_ms: int) -> str:
        self._number += 1
        id_ = f"c{self._number}"
        self._unanswered[id_] = _Unanswered(type_, payload, now_ms)
        if self.greeted or type_ == "hello":
            self._outgoing.append({"type": type_, "id": id_, "payload": dict(payload)})
        return id_


def rejection(payload: Mapping[str, Any]) -> Rejected:
    """The refusal in an `error` payload."""
    detail: object = payload.get("detail")
    return Rejected(
        str(payload["code"]),
        str(payload.get("message", "")),
        bool(payload.get("retryable", False)),
        cast(dict[str, Any], detail) if isinstance(detail, dict) else {},
    )
