"""One person's line to a show: connected, greeted, joined, kept, and measured at every step.

What the wire's messages mean is the public client's (`liveserver.client.protocol`); this adds a thread of control (under
locust a greenlet), the clock that measures, and the audit. Who does what on the line is `people`'s.

Every figure is taken where the person would feel it: from the first byte sent to the answer understood. A command that
a broken connection held up counts from its first sending, for that is how long its sender waited.
"""

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from liveserver.client.clock import ServerClock
from liveserver.client.codecs import Codec, ServerBroken
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
from liveserver.client.protocol import ClientProtocol
from liveserver.client.retry import delay_ms, is_final, spread_ms
from liveserver.kernel.errors import Rejected
from loadtests.audit import BEHIND_MS, Audit, Newest
from loadtests.loopback import Target
from loadtests.report import LATEST_VALUES, Broken, Report, answer_name
from loadtests.wire import Lost, Wire

JOINED_MAX_S = 30.0
"""Longest that a person waits to be in; who is not in by then goes home, which is a failure."""
ANSWER_MAX_S = 20.0
"""Longest that a person waits for an answer: the client's protocol gives up after 15 s (`KEEP_MS`)."""

BACK_MAX_S = 10.0
"""Longest that a person who was in may be out: that many at once is what the server has to stand."""
SETTLED_MS = 2_000
"""Who has just joined may still wait for what came meanwhile."""
log = logging.getLogger(__name__)


class Line:
    """See the module. `on_snapshot` and `on_event` are told what a page would draw; they must not wait."""

    def __init__(
        self,
        target: Target,
        show: str,
        client: str,
        token: str,
        report: Report,
        newest: Newest,
        *,
        on_snapshot: Callable[[Mapping[str, Any]], None] = lambda snapshot: None,
        on_event: Callable[[str, Mapping[str, Any]], None] = lambda type_, payload: None,
        dial: Callable[[Target], Wire] = Wire,
    ) -> None:
        self.show = show
        self.audit = Audit()
        self.clock = ServerClock()
        self.joined = threading.Event()
        self._decided = threading.Event()
        """Set once it is known whether this person gets in."""
        self._target = target
        self._dial = dial
        self._report = report.fire
        self._newest = newest
        self._on_snapshot = on_snapshot
        self._on_event = on_event
        self._codec = Codec("json")
        self._protocol = ClientProtocol(client, token)
        self._random = Random(client)
        self._wire: Wire | None = None
        self._closing = False
        self._cut_by_us = False
        self._connections = 0
        self._in_since_ms = 0
        self._lost_at: float | None = None
        self._sent: dict[str, tuple[float, int]] = {}
        """Ids of unanswered commands: when they were first sent, and on which connection. Bounded by the protocol
        (`UNANSWERED_MAX`), which answers every one of them in the end."""
        self._waiting: dict[str, tuple[threading.Event, list[dict[str, Any] | Rejected]]] = {}
        self._frame_bytes = 0
        self._greeting_at = self._joining_at = 0.0
        self._joining_after = False
        self.why_ended: Exception | None = None

    # -- for its person

    def keep(self) -> None:
        """Connects and stays, reconnecting like any client, until `close`. Runs in a thread of control of its own."""
        attempt = 0
        while not self._closing and self.why_ended is None:
            lost = self._one_connection()
            if self._closing or self.why_ended is not None:
                return
            if self._cut_by_us:
                self._cut_by_us = False
                attempt = 0
                continue  # a storm: everybody is back at once, which is what it asks of the server
            self._report("connect", "connection lost", None, 0, lost)
            if isinstance(lost, Lost) and is_final(lost.code):
                self._end(lost)
                return
            spread = spread_ms(lost.reason) if isinstance(lost, Lost) else 0
            time.sleep(delay_ms(attempt, self._random, spread) / 1000)
            attempt += 1

    def is_in(self) -> bool:
        """Waits until this person is in, or is not let in, or it took too long (a failure); whether they are in."""
        if not self._decided.wait(JOINED_MAX_S):
            self._broken([f"a viewer was not in after {JOINED_MAX_S:.0f} s"])
        return self.why_ended is None and self._decided.is_set()

    def ask(self, type_: str, **payload: Any) -> dict[str, Any] | Rejected | None:
        """Sends a command about the show and waits for its answer; None when the line ended meanwhile."""
        if self.why_ended is not None:
            return None
        answered, answer = threading.Event(), list[dict[str, Any] | Rejected]()
        id_ = self._protocol.command(type_, {"show": self.show, **payload}, _now_ms())
        self._waiting[id_] = (answered, answer)
        self._sent[id_] = (time.perf_counter(), self._connections)
        try:
            self._settle()
            answered.wait(ANSWER_MAX_S)
        finally:
            self._waiting.pop(id_, None)
        return answer[0] if answer else None

    def server_ms(self) -> int:
        """The show's time now, as well as it is known here."""
        return self.clock.server_ms(_now_ms())

    def cut(self) -> None:
        """Loses the network, this moment."""
        if self._wire is not None and self.joined.is_set():
            self._cut_by_us = True
            self._wire.cut()

    def close(self) -> None:
        """Goes home. `keep` returns soon after."""
        self._closing = True
        if self._wire is not None:
            self._wire.cut()

    # -- for the caretaker

    def look_at_clock(self) -> None:
        """Compares clocks once more; the answer is counted like any other."""
        if self.joined.is_set():
            id_ = self._protocol.command("clock:sync", {"show": self.show, "t0": _now_ms()}, _now_ms())
            self._sent[id_] = (time.perf_counter(), self._connections)
            self._settle()

    def expire(self) -> None:
        """Gives up commands that nobody answered."""
        self._protocol.expire(_now_ms())
        self._settle()

    def last_check(self, young_s: float) -> None:
        """As `check` at the end of a run: what is older than `young_s` will not be waited for any longer."""
        self.check(back_max_s=young_s)
        for at, _ in self._sent.values():
            if self.joined.is_set() and _since(at) > young_s * 1000:
                self._broken([f"a command was still unanswered after {_since(at):.0f} ms"])

    def check(self, back_max_s: float = BACK_MAX_S) -> None:
        """Reports a viewer whom the server has forgotten, or does not let back in."""
        position, now_ms = self.audit.position, _now_ms()
        if position is None or self.why_ended is not None:
            return
        if not self.joined.is_set():
            out_ms = 0 if self._lost_at is None else _since(self._lost_at)
            if out_ms > back_max_s * 1000:
                self._broken([f"a viewer was not back {out_ms:.0f} ms after a cut"])
            return
        if now_ms - self._in_since_ms < SETTLED_MS:
            return
        missing = self._newest.missing(position, now_ms)
        if missing:
            self._broken([f"a viewer is {missing} behind what another had {BEHIND_MS} ms ago"])

    # -- the connection

    def _one_connection(self) -> Exception:
        began = time.perf_counter()
        try:
            wire = self._dial(self._target)
        except (Lost, OSError) as error:
            return error
        self._report("connect", "connect", _since(began), 0, None)
        self._connections += 1
        self._wire = wire
        try:
            self._greeting_at = time.perf_counter()
            self._protocol.connected(_now_ms())
            self._settle()
            while True:
                data = wire.receive()
                self._frame_bytes = len(data)
                self._received(self._codec.decode(data))
                self._settle()
        except (Lost, ServerBroken) as error:
            return error
        finally:
            self._wire = None
            wire.close()
            self.joined.clear()
            self.audit.left()
            self._protocol.disconnected()
            if self._lost_at is None:
                self._lost_at = time.perf_counter()
            self._settle()

    def _end(self, why: Exception) -> None:
        self.why_ended = why
        self._decided.set()
        if self._wire is not None:
            self._wire.cut()
        for answered, _ in list(self._waiting.values()):
            answered.set()

    def _received(self, message: dict[str, Any]) -> None:
        # The audit reads first: it must judge the position before the protocol moves on.
        if message["type"] == "events" and message.get("show") == self.show:
            self._broken(self.audit.batch(message))
        self._protocol.received(message, _now_ms())

    def _settle(self) -> None:
        catching_up = False
        for happening in self._protocol.happened():
            if isinstance(happening, Batch):
                self._batch(happening.events, measured=not catching_up)
            else:
                # The events that follow a resume are old by nature, and no measure of delivery.
                catching_up = isinstance(happening, Resumed)
                self._on(happening)
        wire = self._wire
        if wire is None:
            return
        for message in self._protocol.outgoing():
            if message["type"] == "room:join":
                self._joining_at = time.perf_counter()
                self._joining_after = "after" in message["payload"]
            # A lost connection is the reader's to find; what was not sent is sent again after the next hello.
            with contextlib.suppress(Lost):
                wire.send(self._codec.encode(message))

    def _on(self, happening: Happening) -> None:
        match happening:
            case Batch():
                raise AssertionError("batches are dealt with where it is known what was before them")
            case Alone(_, event):
                if event["type"] not in LATEST_VALUES:
                    self._report("event", event["type"], self._age_ms(event["ts"]), self._frame_bytes, None)
            case Answered(id_, type_, verdict, sent_ms):
                self._answered(id_, type_, verdict, sent_ms)
            case Greeted(session, _):
                self.audit.me = session.get("user", {}).get("id", "")
                self._report("command", "hello", _since(self._greeting_at), self._frame_bytes, None)
                self._protocol.join(self.show, _now_ms())
            case Snapshot(_, snapshot, reply, sent_ms):
                name = "room:join after, snapshot" if self._joining_after else "room:join"
                self._in(name, reply, sent_ms)
                self._on_snapshot(snapshot)
            case Resumed(_, reply, sent_ms):
                self._in("room:join after", reply, sent_ms)
            case JoinRefused(_, why):
                self._not_let_in("room:join", why)
            case HelloRefused(why):
                self._not_let_in("hello", why)

    def _not_let_in(self, name: str, why: Rejected) -> None:
        refusal = Broken(f"{why.code}: {why.message}")
        self._report("command", name, None, 0, refusal)
        if not why.retryable:
            self._end(refusal)
        elif self._wire is not None:
            self._wire.cut()  # back later, with the usual waits

    def _in(self, name: str, reply: Mapping[str, Any], sent_ms: int) -> None:
        self._report("command", name, _since(self._joining_at), self._frame_bytes, None)
        self._broken(self.audit.joined(reply))
        self.clock.sample(sent_ms, _now_ms(), reply["server_now"])
        if self._lost_at is not None:
            if self._connections > 1:
                self._report("connect", "resume", _since(self._lost_at), 0, None)
            self._lost_at = None
        self._in_since_ms = _now_ms()
        self.joined.set()
        self._decided.set()
        if self._connections == 1:
            self.look_at_clock()  # joins are large answers: a small one tells the time better

    def _batch(self, events: list[dict[str, Any]], *, measured: bool) -> None:
        if measured:
            ages = [self._age_ms(event["ts"]) for event in events]
            self._report("batch", "events", max(ages), self._frame_bytes, None)
            for event, age_ms in zip(events, ages, strict=True):
                self._report("event", event["type"], age_ms, 0, None)
        for event in events:
            self._on_event(event["type"], event["payload"])
        self._newest.seen(self.audit.last_event, _now_ms())

    def _answered(self, id_: str, type_: str, verdict: dict[str, Any] | Rejected, sent_ms: int) -> None:
        sent = self._sent.pop(id_, None)
        waiting = self._waiting.get(id_)
        if waiting is not None:
            waiting[1].append(verdict)
            waiting[0].set()
        if sent is None or (isinstance(verdict, Rejected) and verdict.code == "cut"):
            return  # a question of a connection that is gone; the loss itself is counted
        at, connection = sent
        name, failure = answer_name(type_, verdict)
        self._report("command", name, _since(at), self._frame_bytes, failure)
        if isinstance(verdict, Rejected):
            return
        if type_ == "clock:sync":
            self.clock.sample(sent_ms, _now_ms(), verdict["server_now"])
        elif "seq" in verdict:
            here = connection == self._connections
            self._broken(self.audit.answered(verdict["seq"], on_this_connection=here))
            if type_ == "chat:send":
                self.audit.said(verdict["id"], verdict["seq"], repeated=not here)

    def _age_ms(self, ts: int) -> float:
        # Clocks are compared to the millisecond; what would arrive before it happened arrived at once.
        return max(0, self.server_ms() - ts)

    def _broken(self, sentences: list[str]) -> None:
        for sentence in sentences:
            log.error("%s: %s", self._protocol.client, sentence)
            # Without its numbers: locust keeps a line for every different failure.
            alike = Broken(re.sub(r"\d+", "N", sentence))
            self._report("check", "what the protocol promises", None, 0, alike)


def _since(at: float) -> float:
    """Milliseconds."""
    return (time.perf_counter() - at) * 1000


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
