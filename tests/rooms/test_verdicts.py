"""A retry gets the first verdict; one that comes too late gets a refusal, never a second decision (row 20)."""

import pytest

from liveserver.kernel.errors import Rejected
from liveserver.rooms import verdicts
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.model import Decision
from liveserver.rooms.room import Room
from liveserver.rooms.virtual import VirtualLog
from tests.support.tally import Tally, add

FEATURES = (Lifecycle(), Tally())


def log() -> VirtualLog:
    return VirtualLog("show_1", FEATURES)


def test_a_repeated_number_is_answered_and_not_decided_again() -> None:
    show = log()
    first = show.tell(add(5, client="phone", number=1))
    again = show.tell(add(5, client="phone", number=1))
    assert isinstance(first, Decision)
    assert isinstance(again, Decision)
    assert again.result == first.result == {"total": 5}
    assert show.room.states["tally"].total == 5


def test_a_refusal_is_remembered_too() -> None:
    show = log()
    refused = show.tell(add(10_000_000, client="phone", number=1))
    assert isinstance(refused, Rejected)
    assert show.tell(add(10_000_000, client="phone", number=1)) == refused


@pytest.mark.parametrize(
    "other", [add(5, client="tablet", number=1), add(5, client="phone", number=2), add(5)]
)
def test_another_client_number_or_none_is_another_command(other: object) -> None:
    show = log()
    show.tell(add(5, client="phone", number=1))
    show.tell(other)  # type: ignore[arg-type] - a Command; pytest's parameters are untyped
    assert show.room.states["tally"].total == 10


def test_row_20_what_was_forgotten_is_refused_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "REMEMBERED_MAX", 3)
    show = log()
    for number in range(1, 6):
        show.tell(add(client="phone", number=number))
    assert show.tell(add(client="phone", number=1)) == verdicts.STALE
    assert show.tell(add(client="phone", number=2)) == verdicts.STALE
    assert isinstance(show.tell(add(client="phone", number=3)), Decision)
    assert show.room.states["tally"].total == 5


def test_memory_survives_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "REMEMBERED_MAX", 3)
    show = log()
    for number in range(1, 6):
        show.tell(add(client="phone", number=number))
    show.room = Room.load(show.room.dump(), FEATURES)
    assert show.tell(add(client="phone", number=1)) == verdicts.STALE
    assert isinstance(show.tell(add(client="phone", number=5)), Decision)
    assert show.room.states["tally"].total == 5


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "REMEMBERED_MAX", 10)
    monkeypatch.setattr(verdicts, "CLIENTS_MAX", 5)
    show = log()
    for client in range(50):
        show.tell(add(client=f"c{client}", number=1))
    kept = show.room.verdicts
    assert len(kept.outcomes) == 10
    assert len(kept.forgotten) == 5
