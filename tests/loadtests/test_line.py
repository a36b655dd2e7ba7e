"""A person's line reports what they felt, and what the server broke, even where the client would repair it in silence.

The wire is played: a script answers each message that leaves, and everything happens in the test's own thread.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from loadtests.audit import BEHIND_MS, Newest, Position
from loadtests.line import Line
from loadtests.loopback import Target
from loadtests.report import Report
from loadtests.wire import Lost

SHOW = "show_1"
Message = dict[str, Any]


class Figures:
    """What a line reported."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, float | None, str]] = []

    def fire(self, kind: str, name: str, ms: float | None, size: int, failure: Exception | None) -> None:
        self.all.append((kind, name, ms, str(failure or "")))

    @property
    def names(self) -> list[str]:
        return [name for _, name, _, failure in self.all if not failure]

    @property
    def failures(self) -> list[str]:
        return [failure for *_, failure in self.all if failure]


class PlayedWire:
    """One connection: greets, then does as `plays` says, one entry for each join; then it is lost."""

    def __init__(self, stage: "Stage") -> None:
        self.stage = stage
        self.coming: deque[Message | Exception] = deque()

    def send(self, data: bytes) -> None:
        message = json.loads(data)
        self.stage.sent.append(message)
        if message["type"] == self.stage.ignored:
            return
        answer: Message = {"type": "ok", "id": message["id"], "payload": {"server_now": 0}}
        if message["type"] == "hello" and self.stage.hello_error:
            answer |= {"type": "error", "payload": self.stage.hello_error}
        elif message["type"] == "room:join":
            answer["payload"] |= self.stage.joins.popleft()
        self.coming.append(answer)
        if message["type"] == "room:join":
            self.coming.extend(self.stage.plays.popleft())

    def receive(self) -> bytes:
        if not self.coming:
            self.stage.end()
            raise Lost(1006, "")
        following = self.coming.popleft()
        if isinstance(following, Exception):
            raise following
        return json.dumps(following).encode()

    def cut(self) -> None:
        self.coming.clear()

    def close(self) -> None: ...


class Stage:
    """The played server and one line to it."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.joins: deque[Message] = deque()
        self.plays: deque[list[Message | Exception]] = deque()
        self.hello_error: Message = {}
        self.ignored = ""
        self.figures = Figures()
        self.newest = Newest()
        self.heard: list[str] = []
        self.ends: deque[Callable[[], None]] = deque()
        """What happens when a connection has nothing more to play; after the last of them the line is closed."""
        self.line = Line(
            Target("127.0.0.1", 9),
            SHOW,
            "load-1",
            "",
            Report(self.figures.fire),
            self.newest,
            on_event=lambda type_, payload: self.heard.append(type_),
            dial=lambda target: PlayedWire(self),  # type: ignore[arg-type,return-value]  # has what a Line uses of a Wire
        )

    def end(self) -> None:
        (self.ends.popleft() if self.ends else self.line.close)()

    def join(self, seq: int, *plays: Message | Exception, events: list[Message] | None = None) -> None:
        """The next join's answer, and what comes behind it."""
        content = {"snapshot": {}} if events is None else {"events": events}
        self.joins.append({"epoch": 1, "seq": seq, "recovered": events is not None, **content})
        self.plays.append(list(plays))


def event(type_: str, seq: int) -> Message:
    return {"type": type_, "seq": seq, "ts": 0, "payload": {}}


def batch(first: int, last: int, *events: Message) -> Message:
    return {"type": "events", "show": SHOW, "epoch": 1, "from": first, "to": last, "events": list(events)}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_every_step_is_counted_under_its_name(stage: Stage):
    stage.join(10, batch(10, 12, event("bid:accepted", 11), event("chat:new", 12)))
    stage.line.keep()
    expected = ["connect", "hello", "room:join", "events", "bid:accepted", "chat:new", "clock:sync"]
    assert sorted(stage.figures.names) == sorted(expected)
    assert stage.figures.failures == []
    assert stage.heard == ["bid:accepted", "chat:new"]


def test_a_gap_fails_although_the_client_repairs_it(stage: Stage):
    stage.join(10, batch(11, 12, event("chat:new", 12)))
    stage.join(
        12, batch(12, 13, event("chat:new", 13)), events=[event("chat:new", 11), event("chat:new", 12)]
    )
    stage.line.keep()
    assert stage.figures.failures == ["a gap: N to N came after N"]
    assert stage.heard == ["chat:new"] * 3


def test_after_a_cut_it_resumes_where_it_was(stage: Stage):
    stage.ends.append(stage.line.cut)
    stage.join(10, batch(10, 12, event("chat:new", 12)))
    stage.join(13, events=[event("chat:new", 13)])
    stage.line.keep()
    assert stage.figures.failures == [], "a cut of our own is no failure"
    again = [message for message in stage.sent if message["type"] == "room:join"][1]
    assert again["payload"]["after"] == {"epoch": 1, "seq": 12}
    assert {"room:join after", "resume"} <= set(stage.figures.names)
    assert stage.figures.names.count("chat:new") == 1, "what a resume brings is no measure of delivery"
    assert stage.heard == ["chat:new", "chat:new"]


def test_a_connection_the_server_lost_is_a_failure(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loadtests.line.time.sleep", lambda seconds: None)
    stage.join(10, Lost(4001, "too_slow 1000"))
    stage.join(10, events=[])
    stage.line.keep()
    assert stage.figures.failures == ["connection lost: 4001 too_slow 1000"]
    assert "resume" in stage.figures.names


def test_who_is_told_not_to_come_back_does_not(stage: Stage):
    stage.join(10, Lost(4503, "flood"))
    stage.line.keep()
    assert stage.figures.failures == ["connection lost: 4503 flood"]
    assert stage.figures.names.count("connect") == 1
    assert not stage.line.joined.is_set()


def test_who_is_not_let_in_goes_home_with_the_servers_words(stage: Stage):
    stage.hello_error = {"code": "bad_token", "message": "Not valid.", "retryable": False}
    stage.line.keep()
    assert stage.figures.failures == ["bad_token: Not valid."]
    assert not stage.line.is_in()
    assert stage.line.ask("chat:send", text="hello") is None


def test_an_unanswered_command_is_reported_when_the_run_ends(stage: Stage):
    stage.ignored = "clock:sync"

    def end_of_run() -> None:
        stage.line.last_check(young_s=5)
        assert stage.figures.failures == [], "it may be on its way"
        stage.line.last_check(young_s=0)
        stage.line.close()

    stage.ends.append(end_of_run)
    stage.join(10)
    stage.line.keep()
    assert stage.figures.failures == ["a command was still unanswered after N ms"]


def test_a_forgotten_viewer_is_reported(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    now_ms = [0]
    monkeypatch.setattr("loadtests.line._now_ms", lambda: now_ms[0])
    stage.newest.seen(Position(1, 50), now_ms=0)

    def later() -> None:
        now_ms[0] = BEHIND_MS
        stage.line.check()
        stage.line.close()

    stage.ends.append(later)
    stage.join(10)
    stage.line.keep()
    assert stage.figures.failures == ["a viewer is N behind what another had N ms ago"]
