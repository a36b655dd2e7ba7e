"""Whom a node believes about the time: its own estimate, the machine's clock at first, and a third clock when the two differ at the start."""

import pytest

from liveserver.kernel.clock import VirtualClock
from liveserver.rooms.logclock import APART_MAX_MS, LogClock

HOUR_MS = 3_600_000
NOW_MS = 1_800_000_000_000


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW_MS)


def test_small_differences_are_followed(clock: VirtualClock):
    log_clock = LogClock(clock)
    for off_ms in (APART_MAX_MS, 0, -APART_MAX_MS):
        log_clock.observe(NOW_MS + off_ms)
        assert (log_clock.disputed, log_clock.now_ms()) == (False, NOW_MS + off_ms)
        log_clock.observe(NOW_MS)


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS, APART_MAX_MS + 1])
def test_row_16_and_17_a_step_is_not_believed_and_over_when_it_is_taken_back(
    clock: VirtualClock, step_ms: int
):
    log_clock = LogClock(clock)
    log_clock.observe(NOW_MS)
    log_clock.observe(NOW_MS + step_ms)
    assert (log_clock.disputed, log_clock.now_ms()) == (True, NOW_MS)
    assert not log_clock.settle(NOW_MS + step_ms, third_ms=NOW_MS)
    log_clock.observe(NOW_MS)
    assert not log_clock.disputed


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS])
def test_row_17_who_starts_while_the_logs_clock_is_wrong_does_not_believe_it(
    clock: VirtualClock, step_ms: int
):
    log_clock = LogClock(clock)
    log_clock.observe(NOW_MS + step_ms)
    assert log_clock.disputed
    assert not log_clock.settle(NOW_MS + step_ms, third_ms=NOW_MS)
    assert log_clock.now_ms() == NOW_MS


@pytest.mark.parametrize("off_ms", [5_000, -5_000])
def test_row_19_a_node_whose_own_clock_is_off_takes_the_time_of_the_other_two(
    clock: VirtualClock, off_ms: int
):
    log_clock = LogClock(clock)
    log_clock.observe(NOW_MS + off_ms)
    assert log_clock.settle(NOW_MS + off_ms, third_ms=NOW_MS + off_ms)
    assert (log_clock.disputed, log_clock.now_ms()) == (False, NOW_MS + off_ms)


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS])
def test_row_17_the_clocks_of_one_machine_do_not_outvote_a_show_s_time(clock: VirtualClock, step_ms: int):
    log_clock = LogClock(clock)
    log_clock.observe(NOW_MS)
    log_clock.observe(NOW_MS + step_ms)
    assert not log_clock.settle(NOW_MS + step_ms, third_ms=NOW_MS + step_ms)
    assert log_clock.now_ms() == NOW_MS


class Stepped(VirtualClock):
    """A machine's clocks after its time of day was set."""

    def __init__(self, step_ms: int) -> None:
        super().__init__(NOW_MS)
        self._step_ms = step_ms

    def now_ms(self) -> int:
        return super().now_ms() + self._step_ms


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS])
def test_row_17_a_room_opened_after_the_machine_s_clock_was_set_keeps_to_the_time_from_before(step_ms: int):
    log_clock = LogClock(Stepped(step_ms), anchor_ms=0)
    log_clock.observe(NOW_MS + step_ms)
    assert log_clock.disputed
    assert not log_clock.settle(NOW_MS + step_ms, third_ms=NOW_MS + step_ms)
    assert log_clock.now_ms() == NOW_MS
