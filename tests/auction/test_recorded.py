"""A new release may not change how an open lot is decided: logs of earlier releases come to the same verdicts, facts and state."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from liveserver.rooms.room import Room
from tests.auction.recorded.make import FOLDER, Final, Line, final, told
from tests.support.shows import FEATURES, SHOW

RECORDED = sorted(FOLDER.glob("v*.jsonl"))


def read(path: Path) -> tuple[list[Line], Final]:
    *lines, last = path.read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Line) for line in lines], msgspec.json.decode(last, type=Final)


def test_there_are_recorded_logs():
    assert [path.stem for path in RECORDED][:1] == ["v1"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_log_is_decided_as_it_was(path: Path):
    lines, recorded = read(path)
    room = Room(SHOW, FEATURES)
    facts: list[object] = []
    for line in lines:
        applied = room.apply(line.entry)
        assert [told(v) for v in applied.verdicts] == line.verdicts, f"entry {line.entry.first}"
        facts += [fact for _, fact in applied.facts]
    assert final(room.states["auction"], facts) == recorded


def test_the_recorded_log_is_worth_replaying():
    """It holds what could change: every kind of fact, late bids, extensions, and the refusals that depend on rules."""
    lines, _ = read(RECORDED[0])
    room = Room(SHOW, FEATURES)
    kinds: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    late = extended = 0
    for line in lines:
        for _, fact in room.apply(line.entry).facts:
            kinds[type(fact).__name__] += 1
            late += getattr(fact, "allowance_ms", 0) > 0
            extended += getattr(fact, "extended", False)
        refusals.update(v["rejected"]["code"] for v in line.verdicts if "rejected" in v)
    assert set(kinds) >= {
        "LotOpened", "BidAccepted", "LotCalled", "LotClosing", "LotHammered", "LotSold", "LotPassed", "BidderVoided",
    }  # fmt: skip
    assert set(refusals) >= {
        "bid_too_low", "already_leading", "lot_closed", "confirm_bid", "over_limit", "bidder_voided", "too_soon",
    }  # fmt: skip
    assert late >= 3
    assert extended >= 20
