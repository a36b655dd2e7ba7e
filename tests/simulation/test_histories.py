"""Thousands of random histories of a whole show: live == replay == recovered, one winner, prices that never fall.

A failing history prints its seed; `SEED=<n> pytest tests/simulation` runs it alone. `HISTORIES=<n>` sets how many are run
(`make soak` runs many more than the tests' fixed budget).
"""

import os
from collections import Counter

import pytest

from tests.simulation.world import World

HISTORIES = int(os.environ.get("HISTORIES", "2000"))
STEPS = 40
PARTS = 8
"""The budget in parts, so that parallel workers share it."""
BASE_SEED = 20_261


def run(seed: int) -> World:
    try:
        world = World(seed)
        world.run(STEPS)
    except BaseException as error:
        error.add_note(f"SEED={seed}")
        raise
    return world


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_histories(part: int) -> None:
    if "SEED" in os.environ:
        run(int(os.environ["SEED"]))
        return
    seen: Counter[str] = Counter()
    for history in range(part, HISTORIES, PARTS):
        seen.update(run(BASE_SEED + history).oracle.counts)
    print(f"seeds {BASE_SEED}..{BASE_SEED + HISTORIES - 1}, part {part}: {dict(seen.most_common())}")
    # A simulation that never gets anywhere proves nothing.
    for needed in (
        "bid:place ok",
        "bid:place bid_too_low",
        "bid:place already_leading",
        "bid:place lot_closed",
        "bid:place confirm_bid",
        "bid:place own_show",
        "lot:call ok",
        "lot:extend ok",
        "lot:close ok",
        "lot:confirm ok",
        "lot:pass ok",
        "lot:void ok",
        "chat:send ok",
        "chat:send duplicate_message",
        "user:ban ok",
        "spotlight:offer ok",
        "spotlight:buy ok",
        "spotlight:buy sold_out",
        "spotlight:buy over_limit",
        "spotlight:buy variant_needed",
    ):
        assert seen[needed] > 0, f"{needed} never happened: {dict(seen)}"
