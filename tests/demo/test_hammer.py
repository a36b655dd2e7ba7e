"""How the host leads a lot, on a clock of the test's own: remarks with breath between them, calls that fit before the end."""

import itertools
from random import Random
from typing import Any

from liveserver.demo.goods import CAMERAS
from liveserver.demo.hammer import BREATH_MS, CALL_GAP_MS, Call, Hammer, Remark


def lead(seed: int, bids_at_ms: tuple[int, ...], reserve: str = "none") -> list[tuple[int, Remark | Call]]:
    """What the host does during a lot of 30 s in which somebody bids at these times; the clock extends as in `live`."""
    lot: dict[str, Any] = {
        "title": CAMERAS[0].title, "status": "open", "bids": 0, "extensions": 0, "calls": 0, "ends_at": 30_000, "reserve": reserve,
    }  # fmt: skip
    hammer, done = Hammer(lot, 0, Random(seed)), list[tuple[int, Remark | Call]]()
    for now_ms in range(0, 90_000, 100):
        if now_ms >= lot["ends_at"] or lot["calls"] == 3:
            break
        if now_ms in bids_at_ms:
            lot["bids"] += 1
            lot["calls"] = 0
            if lot["ends_at"] - now_ms < 10_000:
                lot["ends_at"] = now_ms + 10_000
                lot["extensions"] += 1
        act = hammer.look(lot, now_ms)
        if act is not None:
            done.append((now_ms, act))
        if isinstance(act, Call):
            assert act.number == lot["calls"] + 1
            lot["calls"] = act.number
    return done


def calls(done: list[tuple[int, Remark | Call]]) -> list[tuple[int, int]]:
    return [(at, act.number) for at, act in done if isinstance(act, Call)]


def test_a_lot_is_announced_and_talked_about_but_not_without_pause() -> None:
    for seed in range(30):
        done = lead(seed, (4_000, 6_000, 6_200, 6_400, 15_000, 25_000, 33_000))
        assert done[0][1] == Remark("opened")
        remarks = [at for at, act in done if isinstance(act, Remark)]
        assert all(later - sooner >= BREATH_MS for sooner, later in itertools.pairwise(remarks))
        assert 4 <= len(remarks) <= 15


def test_calls_are_apart_and_both_come_before_the_clock_ends_a_lot() -> None:
    for seed in range(30):
        called = calls(lead(seed, (1_000, 2_000, 22_000)))
        numbers = [number for _, number in called]
        assert numbers in ([1, 2], [1, 2, 3]), called
        times = [at for at, _ in called]
        assert all(later - sooner >= CALL_GAP_MS for sooner, later in itertools.pairwise(times))


def test_only_some_hosts_close_early_and_only_when_nobody_bids() -> None:
    early = [seed for seed in range(40) if tuple(n for _, n in calls(lead(seed, (1_000,)))) == (1, 2, 3)]
    assert 5 < len(early) < 35
    busy = tuple(range(1_000, 29_000, 3_000))
    assert all(calls(lead(seed, busy))[0][0] > 30_000 for seed in range(40))


def test_nothing_is_called_without_a_bid_or_under_the_reserve() -> None:
    for seed in range(10):
        assert calls(lead(seed, ())) == []
        assert calls(lead(seed, (1_000, 5_000), reserve="not_met")) == []
