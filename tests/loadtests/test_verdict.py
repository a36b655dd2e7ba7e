"""What a run came to: nothing failed is not enough, something must have happened; and the load admits its own lateness."""

from loadtests.scenarios import SCENARIOS
from loadtests.verdict import Figure, judge

HAMMER = SCENARIOS["hammer"]
PLAYED = [
    Figure("command", "bid:place", 900, 0, 90.0, 3.0, 8.0, 12.0, 40.0),
    Figure("command", "bid:place bid_too_low", 100, 0, 10.0, 2.0, 7.0, 11.0, 30.0),
    Figure("event", "bid:accepted", 5_000, 0, 500.0, 9.0, 20.0, 25.0, 60.0),
    Figure("event", "lot:opened", 50, 0, 5.0, 9.0, 20.0, 25.0, 60.0),
    Figure("batch", "events", 4_000, 0, 400.0, 9.0, 20.0, 25.0, 60.0),
    Figure("command", "hello", 50, 0, 5.0, 1.0, 2.0, 2.0, 2.0),
    Figure("command", "room:join", 50, 0, 5.0, 1.0, 2.0, 2.0, 2.0),
    Figure("connect", "connect", 50, 0, 5.0, 1.0, 2.0, 2.0, 2.0),
    Figure("load", "own delay", 200, 0, 20.0, 0.0, 1.0, 4.0, 9.0),
]


def test_a_good_run_passes_and_says_what_it_means():
    verdict = judge(HAMMER, PLAYED, {}, cpu_share=0.4)
    assert verdict.passed
    said = str(verdict)
    assert "900 accepted (90/s), answered within 3 ms at the median and 12 ms for 99 of 100; 100 more" in said
    assert "5,050 delivered in 4,000 batches" in said
    assert "Every batch continued the one before" in said
    assert "bottleneck" not in said
    assert "40% of a core" in said


def test_failures_fail_it_and_take_back_the_praise():
    broken = Figure("check", "what the protocol promises", 2, 2, 0.2)
    failures = {"what the protocol promises: a gap: N to N came after N": 2}
    verdict = judge(HAMMER, [*PLAYED, broken], failures, cpu_share=0.4)
    assert not verdict.passed
    assert "2 x what the protocol promises: a gap" in str(verdict)
    assert "Every batch" not in str(verdict)


def test_nothing_happened_is_a_failure():
    without_bids = [figure for figure in PLAYED if not figure.name.startswith("bid:")]
    verdict = judge(HAMMER, without_bids, {}, cpu_share=0.1)
    assert not verdict.passed
    assert "never came to: bid:place, bid:accepted" in str(verdict)


def test_only_failed_bids_are_no_bids():
    failed = Figure("command", "bid:place", 9, 9, 0.9)
    verdict = judge(HAMMER, [failed, *PLAYED[2:]], {"bid:place: unavailable": 9}, cpu_share=0.1)
    assert "never came to: bid:place" in str(verdict)


def test_a_load_that_was_the_bottleneck_says_so():
    assert "It was the bottleneck" in str(judge(HAMMER, PLAYED, {}, cpu_share=0.97))


def test_many_kinds_of_failure_are_not_all_listed():
    verdict = judge(HAMMER, PLAYED, {f"failure {n}": 1 for n in range(30)}, cpu_share=0.1)
    assert len(verdict.wrong) == 11
    assert "and 20 other kinds" in verdict.wrong[-1]
