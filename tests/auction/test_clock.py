"""The clock of a lot: extensions, hard end, hammer window, allowance, sudden death, calls; times are ms since the opening."""

import pytest

from liveserver.auction.clock import DAY_MS, PRESETS, Timing, allowance_ms, extended, timing
from liveserver.auction.model import CloseLot
from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import command
from liveserver.rooms.lifecycle import Tick
from liveserver.rooms.model import SYSTEM
from tests.support.shows import LocalShow, accepted, refused

LIVE = PRESETS["live"]


def opened(**terms: object) -> LocalShow:
    show = LocalShow()
    show.opens(start=1000, **terms)
    return show


def ends_at(show: LocalShow) -> int:
    return show.lot["ends_at"] - show.lot["opened_at"]


@pytest.mark.parametrize(
    ("left_ms", "new_left_ms"),
    [
        (30_000, 30_000),
        (10_001, 10_001),
        (10_000, 10_000),
        (9_999, 10_000),
        (1, 10_000),
        (0, 10_000),
        (-250, 10_000),
    ],
)
def test_a_bid_in_the_window_leaves_the_extension(left_ms: int, new_left_ms: int):
    ts = 1_000_000
    assert extended(LIVE, ts + left_ms, None, ts) == ts + new_left_ms


@pytest.mark.parametrize(
    ("end", "hard", "ts", "expected"),
    [
        (30_000, 35_000, 29_000, 35_000),
        (30_000, 30_000, 29_000, 30_000),
        (30_000, 29_000, 28_000, 30_000),  # never shorter, whatever the hard end says
        (30_000, 600_000, 29_000, 39_000),
    ],
)
def test_no_extension_beyond_the_hard_end(end: int, hard: int, ts: int, expected: int):
    assert extended(LIVE, end, hard, ts) == expected


def test_the_window_opens_only_when_less_than_it_is_left():
    clock = timing("live", window_ms=5_000, extend_ms=10_000)
    assert isinstance(clock, Timing)
    assert extended(clock, 30_000, None, 25_000) == 30_000
    assert extended(clock, 30_000, None, 25_001) == 35_001


def test_an_extension_shorter_than_the_window_never_shortens():
    clock = timing("live", window_ms=10_000, extend_ms=3_000)
    assert isinstance(clock, Timing)
    assert extended(clock, 30_000, None, 21_000) == 30_000
    assert extended(clock, 30_000, None, 28_000) == 31_000


@pytest.mark.parametrize(
    ("rtt_ms", "allowed"), [(0, 0), (-5, 0), (1, 0), (80, 40), (499, 249), (500, 250), (60_000, 250)]
)
def test_allowance_is_half_the_round_trip_up_to_a_quarter_second(rtt_ms: int, allowed: int):
    assert allowance_ms(LIVE, rtt_ms) == allowed
    assert allowance_ms(PRESETS["sudden-death"], rtt_ms) == 0


class TestSoftClose:
    def test_a_bid_before_the_window_extends_nothing(self):
        show = opened()
        show.at(19_000)
        show.ana.bids(1000)
        assert ends_at(show) == 30_000
        assert show.told("lot:extended") == []

    def test_a_bid_in_the_window_extends_and_everybody_is_told(self):
        show = opened()
        show.at(25_000)
        show.ana.bids(1000)
        assert ends_at(show) == 35_000
        told = show.told("lot:extended")[0]
        assert told == {
            "lot": "lot_1", "cause": "bid", "ends_at": show.lot["ends_at"], "extensions": 1, "server_now": show.ts,
            "head": show.lot["head"],
        }  # fmt: skip

    def test_a_refused_bid_extends_nothing(self):
        show = opened()
        show.at(25_000)
        refused(show.ana.bids(1), "bid_too_low")
        refused(show.host.bids(1000), "own_show")
        assert ends_at(show) == 30_000

    def test_a_leaders_hidden_raise_extends_nothing(self):
        show = opened()
        show.ana.bids(1000)
        show.at(25_000)
        accepted(show.ana.bids(9000))
        assert ends_at(show) == 30_000
        assert show.lot["bids"] == 2

    def test_a_beaten_bid_that_moves_the_price_extends(self):
        show = opened()
        show.ana.bids(9000)
        show.at(25_000)
        assert not accepted(show.ben.bids(1100))["leading"]
        assert ends_at(show) == 35_000

    def test_extensions_stop_at_the_hard_end(self):
        show = opened(hard_ms=33_000)
        assert show.lot["hard_ends_at"] - show.lot["opened_at"] == 33_000
        show.at(29_000)
        show.ana.bids(1000)
        assert ends_at(show) == 33_000
        show.at(32_900)
        accepted(show.ben.bids(1200))
        assert ends_at(show) == 33_000
        assert show.lot["extensions"] == 1
        assert show.ends()["leader"] == "Ben"

    def test_a_thousand_snipers_extend_and_never_shorten(self):
        show = opened(hard_ms=60_000)
        ends = [ends_at(show)]
        for n in range(1000):
            if show.state.running == "":
                break
            show.wait(73)
            show.person(f"Bot{n % 7}").bids(1000 + 100 * n)
            ends.append(ends_at(show))
        assert ends == sorted(ends)
        assert ends[-1] == 60_000


class TestHammerWindow:
    def test_the_lot_is_closing_and_then_decided(self):
        show = opened()
        show.ana.bids(1000)
        show.at(30_000)
        assert show.lot["status"] == "closing"
        show.at(30_700)
        assert show.lot["status"] == "closing"
        show.at(30_701)
        assert show.lot["status"] == "sold"

    @pytest.mark.parametrize(
        ("late_ms", "rtt_ms", "counts"),
        [
            (0, 0, True),
            (1, 0, False),
            (1, 2, True),
            (40, 80, True),
            (41, 80, False),
            (250, 500, True),
            (251, 60_000, False),
        ],
    )
    def test_a_late_bid_counts_by_its_senders_distance(self, late_ms: int, rtt_ms: int, counts: bool):
        show = opened()
        show.ana.bids(1000)
        show.at(30_000 + late_ms)
        verdict = show.ben.bids(2000, rtt_ms=rtt_ms)
        if counts:
            accepted(verdict)
            # A soft close reopens: who was just outbid can answer.
            assert (show.lot["status"], ends_at(show)) == ("open", 40_000 + late_ms)
            assert show.told("bid:accepted")[-1]["status"] == "open"
            assert show.facts[-1][2].allowance_ms == rtt_ms // 2
        else:
            assert refused(verdict, "lot_closed").detail["status"] == "closing"
            assert show.ends()["leader"] == "Ana"

    def test_an_allowance_in_time_is_not_needed_and_not_recorded(self):
        show = opened()
        show.ana.bids(1000, rtt_ms=400)
        assert show.facts[-1][2].allowance_ms == 0

    def test_at_the_hard_end_a_late_bid_is_taken_without_reopening(self):
        show = opened(hard_ms=30_000, window_ms=10_000, extend_ms=10_000)
        clock = show.state.lots["lot_1"].terms.timing
        assert clock.allowance_max_ms == 0, "a clock that can't extend is sudden death"
        show = opened(hard_ms=30_001)
        show.ana.bids(1000)
        show.at(29_999)
        show.ben.bids(1200)
        show.at(30_100)
        accepted(show.cleo.bids(1500, rtt_ms=300))
        assert show.lot["status"] == "closing"
        assert show.ends()["leader"] == "Cleo"

    def test_a_leaders_late_raise_does_not_reopen(self):
        show = opened()
        show.ana.bids(1000)
        show.at(30_050)
        accepted(show.ana.bids(5000, rtt_ms=200))
        assert show.lot["status"] == "closing"
        assert show.ends()["price"] == 1000


class TestSuddenDeath:
    def test_it_ends_at_zero(self):
        show = opened(preset="sudden-death")
        show.at(29_999)
        accepted(show.ana.bids(1000))
        assert ends_at(show) == 30_000
        show.at(30_000)
        accepted(show.ben.bids(1100))
        assert show.lot["status"] == "closing"
        assert show.ends()["leader"] == "Ben"

    def test_no_allowance_however_far_the_bidder(self):
        show = opened(preset="sudden-death")
        show.at(30_001)
        refused(show.ana.bids(1000, rtt_ms=60_000), "lot_closed")
        assert show.ends()["status"] == "passed"


class TestWithoutTimers:
    """faults.md, rows 18 and 19: the log's time decides, not whose timer ran."""

    def test_a_bid_past_the_end_finds_the_lot_decided(self):
        show = opened()
        show.ana.bids(1000)
        show.jump(90_000)
        refused(show.ben.bids(5000), "lot_closed")
        assert (show.lot["status"], show.lot["leader"]) == ("sold", "Ana")

    def test_any_later_entry_closes_first(self):
        show = opened()
        show.ana.bids(1000)
        show.jump(90_000)
        accepted(show.host.opens(show.terms("lot_2")))
        assert show.snapshot()["lots"]["lot_1"]["status"] == "sold"

    def test_three_nodes_with_skewed_clocks_close_it_once(self):
        show = opened()
        show.ana.bids(1000)
        show.jump(29_000)
        refused(show.system.closes("lot_1"), "not_due")  # a fast node
        show.jump(1_701)
        tick = command("show:tick", SYSTEM, Tick())
        show.batch(tick, show.system.command("lot:close", CloseLot("lot_1")), tick)
        show.batch(tick)
        assert show.lot["status"] == "sold"
        assert len(show.told("lot:sold")) == 1
        assert len([e for e in show.told("lot:closing") if e["status"] == "hammered"]) == 1


class TestCalls:
    def test_going_once_going_twice_sold(self):
        show = opened()
        show.ana.bids(1000)
        assert accepted(show.host.calls())["calls"] == 1
        show.wait(3_000)
        assert accepted(show.host.calls())["calls"] == 2
        show.wait(3_000)
        accepted(show.host.calls())
        assert (show.lot["status"], ends_at(show)) == ("closing", 6_000)
        assert show.told("lot:closing")[-1]["cause"] == "called"
        assert show.ends()["status"] == "sold"

    def test_people_get_a_moment_between_calls(self):
        show = opened()
        show.host.calls()
        show.wait(2_999)
        refusal = refused(show.host.calls(), "too_soon")
        assert (refusal.retryable, refusal.detail) == (True, {"wait_ms": 1})
        show.wait(1)
        accepted(show.host.calls())

    def test_a_bid_resets_the_calls(self):
        show = opened()
        show.host.calls()
        show.wait(3_000)
        show.host.calls()
        show.ana.bids(1000)
        assert show.lot["calls"] == 0
        show.wait(3_000)
        assert accepted(show.host.calls())["calls"] == 1

    def test_a_bid_does_not_let_the_host_call_faster(self):
        show = opened()
        show.host.calls()
        show.ana.bids(1000)
        refused(show.host.calls(), "too_soon")

    def test_the_gap_is_pinned_when_the_lot_opens(self):
        show = opened(call_gap_ms=500)
        show.host.calls()
        show.wait(500)
        accepted(show.host.calls())


class TestHostsHammer:
    def test_it_ends_the_lot_now(self):
        show = opened()
        show.ana.bids(1000)
        show.at(5_000)
        accepted(show.host.closes())
        assert (show.lot["status"], ends_at(show)) == ("closing", 5_000)
        assert show.ends()["status"] == "sold"

    def test_a_bid_on_its_way_still_counts_and_reopens(self):
        show = opened()
        show.ana.bids(1000)
        show.at(5_000)
        show.host.closes()
        show.jump(90)
        accepted(show.ben.bids(2000, rtt_ms=200))
        assert (show.lot["status"], ends_at(show)) == ("open", 15_090)

    def test_a_lot_that_nobody_wants_passes(self):
        show = opened()
        show.host.closes()
        assert (show.ends()["status"], show.lot["reason"]) == ("passed", "no_bids")


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"duration_ms": 99}, "clock.duration_ms"),
        ({"duration_ms": 30 * DAY_MS + 1}, "clock.duration_ms"),
        ({"window_ms": -1}, "clock.window_ms"),
        ({"extend_ms": DAY_MS + 1}, "clock.window_ms"),
        ({"duration_ms": 10_000, "hard_ms": 9_999}, "clock.hard_ms"),
        ({"hard_ms": 60 * DAY_MS + 1}, "clock.hard_ms"),
        ({"hammer_ms": 10_001}, "clock.hammer_ms"),
        ({"call_gap_ms": 60_001}, "clock.hammer_ms"),
        ({"preset": "warp"}, "clock.preset"),
    ],
)
def test_impossible_clocks_are_refused_with_the_field(choice: dict[str, int], field: str):
    refusal = timing(**choice)  # type: ignore[arg-type]  # one row names the preset
    assert isinstance(refusal, Rejected)
    assert refusal.detail["field"] == field


def test_a_duration_of_ones_own_keeps_the_room_for_extensions():
    clock = timing("live", duration_ms=60_000)
    assert isinstance(clock, Timing)
    assert clock.hard_ms == LIVE.hard_ms + 30_000


class TestTheHostGivesMoreTime:
    def test_the_end_moves_by_what_was_given(self):
        show = opened()
        show.at(5_000)
        result = accepted(show.host.extends(20_000))
        assert ends_at(show) == 50_000
        assert result["ends_at"] == show.lot["ends_at"]
        assert show.lot["extensions"] == 1

    def test_never_past_the_hard_end(self):
        show = opened(hard_ms=40_000)
        accepted(show.host.extends(20_000))
        assert ends_at(show) == 40_000
        refusal = refused(show.host.extends(1_000), "hard_end")
        assert refusal.detail["ends_at"] == show.lot["ends_at"]

    def test_only_a_host_and_only_while_it_runs(self):
        show = opened()
        refused(show.ana.extends(), "host_only")
        show.ana.bids(1_000)
        show.ends()
        refused(show.host.extends(), "lot_closed")

    def test_a_bid_does_not_take_it_back(self):
        show = opened()
        accepted(show.host.extends(60_000))
        show.at(85_000)
        accepted(show.ana.bids(1_000))
        assert ends_at(show) == 95_000
