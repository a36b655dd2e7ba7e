"""Scenarios keep what they promise for any length of run, and bidders make bids that can be accepted."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.lot import LotInView
from loadtests.passes import NoPass, Passes
from loadtests.scenarios import SCENARIOS, Scenario, lot_ms, rush_ms, users_at

scenarios = st.sampled_from([*SCENARIOS.values()])


@given(scenarios, st.integers(2, 5_000), st.integers(5, 3_600), st.floats(0, 1))
def test_people_only_ever_come(scenario: Scenario, users: int, run_s: int, share: float):
    at_s = run_s * share
    now, later = users_at(scenario, users, run_s, at_s), users_at(scenario, users, run_s, at_s + 1)
    assert 2 <= now <= later <= users, "locust would send home whoever is too many"


@given(st.integers(2, 5_000), st.integers(30, 3_600))
def test_in_the_drop_everybody_is_there_when_the_rush_begins(users: int, run_s: int):
    drop = SCENARIOS["drop"]
    rush = rush_ms(drop, run_s)
    assert rush is not None
    assert users_at(drop, users, run_s, run_s - 10 - rush / 1000) == users
    assert users_at(drop, users, run_s, 0) <= max(2, users // 5), "they stream in"
    assert rush < lot_ms(drop, run_s) < run_s * 1000


def test_a_minute_of_drop_has_half_a_minute_of_rush():
    assert (lot_ms(SCENARIOS["drop"], 60), rush_ms(SCENARIOS["drop"], 60)) == (50_000, 30_000)


def test_a_bidder_follows_the_lot():
    lot, random = LotInView(), Random(1)
    lot.snapshot({"current": None, "lots": {}})
    assert not lot.open
    lot.event("lot:opened", {"lot": "lot_1", "status": "open", "min_next": 1_000, "ends_at": 5_000})
    lot.event("bid:accepted", {"lot": "lot_1", "min_next": 1_500, "ends_at": 6_000})
    lot.event("bid:accepted", {"lot": "lot_0", "min_next": 9_999, "ends_at": 1})
    assert (lot.open, lot.min_next, lot.ends_at) == (True, 1_500, 6_000)
    assert lot.next_amount(100, random) >= 1_500

    lot.answered("lot_1", {"min_next": 2_000, "max": 4_000})
    amounts = {lot.next_amount(100, random) for _ in range(50)}
    assert min(amounts) >= 4_100, "one raises one's own maximum"
    lot.answered("lot_0", {"min_next": 9_999})
    assert lot.min_next == 2_000, "an answer about another lot"

    lot.event("lot:sold", {"lot": "lot_1"})
    assert not lot.open
    lot.event("lot:opened", {"lot": "lot_2", "status": "open", "min_next": 1_000, "ends_at": 9_000})
    assert lot.next_amount(100, random) < 4_100, "a new lot begins anew"


def test_passes_come_from_the_environment_alone():
    signed = Passes.of({"LIVESERVER_JWT_SECRET": "s" * 40})
    assert signed.host() != signed.person("a", 0) != signed.person("b", 0)
    given = Passes.of({"LIVESERVER_LOAD_HOST_TOKEN": "ls_h", "LIVESERVER_LOAD_TOKENS": "ls_1\n ls_2"})
    assert (given.host(), given.person("a", 0), given.person("a", 1)) == ("ls_h", "ls_1", "ls_2")
    with pytest.raises(NoPass, match="2 tokens are not enough"):
        given.person("a", 2)
    with pytest.raises(NoPass, match="LIVESERVER_JWT_SECRET"):
        Passes.of({}).host()
