"""The law for the show's own part: old snapshot + events == new snapshot, whatever is tried in whatever order."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from liveserver.client import apply
from liveserver.rooms.lifecycle import End, Lifecycle, Start, Tick
from liveserver.rooms.model import ROOM
from tests.support.replica import Replica, person

HOST = person("Mara", "host")
KINDS = {"show:start": Start, "show:end": End, "show:tick": Tick}


@given(st.lists(st.sampled_from(sorted(KINDS)), max_size=8), st.integers(0, 8))
def test_old_snapshot_and_events_make_the_new_one(kinds: list[str], joined_after: int) -> None:
    show = Replica(Lifecycle())
    view: dict[str, Any] = show.room.snapshot()
    seen = 0
    for n, kind in enumerate(kinds):
        show.wait(1_000)
        show.appends(HOST, kind, KINDS[kind]())
        if n == joined_after:
            view, seen = show.room.snapshot(), len(show.events)
    for seq, ts, event in show.events[seen:]:
        assert event.audience == ROOM
        apply(view, {"type": event.type, "seq": seq, "ts": ts, "payload": event.payload})
    assert view == show.room.snapshot()


def test_unknown_events_change_nothing() -> None:
    view = Replica(Lifecycle()).room.snapshot()
    before = {"show": dict(view["show"])}
    apply(view, {"type": "show:rained", "seq": 1, "ts": 1, "payload": {"status": "wet"}})
    assert view == before
