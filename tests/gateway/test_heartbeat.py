"""The one wheel of all deadlines, in virtual time, and the round-trip estimate that rises only after seven heartbeats."""

from hypothesis import given, settings
from hypothesis import strategies as st

from liveserver.gateway.heartbeat import NEVER, SLOTS, TICK_MS, Rtt, Wheel


class Alarm:
    def __init__(self, wheel: Wheel, due_ms: int, again: int = 0) -> None:
        self.slot = -1
        self.due_ms = due_ms
        self.again = again
        self.rang: list[int] = []
        wheel.set(self, due_ms)

    def on_due(self, now_ms: int) -> int:
        if now_ms < self.due_ms:
            return self.due_ms
        self.rang.append(now_ms)
        if len(self.rang) <= self.again:
            self.due_ms += 1_000
            return self.due_ms
        return NEVER


@given(st.lists(st.integers(0, 3 * SLOTS * TICK_MS), max_size=30), st.integers(100, 9_000))
@settings(deadline=None, max_examples=50)
def test_everything_rings_once_and_never_early_and_at_most_one_turn_late(dues, step_ms):
    wheel = Wheel(0)
    alarms = [Alarm(wheel, due) for due in dues]
    now_ms = 0
    while len(wheel):
        now_ms += step_ms
        wheel.turn(now_ms)
    for alarm in alarms:
        assert len(alarm.rang) == 1
        assert alarm.due_ms <= alarm.rang[0] <= alarm.due_ms + 2 * TICK_MS + step_ms


def test_what_is_due_again_rings_again_and_what_is_forgotten_does_not():
    wheel = Wheel(0)
    thrice, never, moved = Alarm(wheel, 500, again=2), Alarm(wheel, 500), Alarm(wheel, 500)
    wheel.forget(never)
    wheel.forget(never)
    moved.due_ms = 2_000
    wheel.set(moved, 2_000)
    for now_ms in range(0, 10_000, TICK_MS):
        wheel.turn(now_ms)
    assert [at // 100 for at in thrice.rang] == [5, 15, 25]
    assert never.rang == []
    assert [at // 100 for at in moved.rang] == [20]
    assert len(wheel) == 0


def test_the_best_of_the_last_round_trips_counts():
    rtt = Rtt()
    assert rtt.best_ms == 0
    for sample in (80, 40, 90):
        rtt.add(sample)
    assert rtt.best_ms == 40


def test_delaying_pongs_on_a_standing_connection_gains_nothing_for_seven_heartbeats():
    rtt = Rtt()
    for _ in range(8):
        rtt.add(30)
    # With the default heartbeat of 20 s these seven are 140 s of delayed pongs: longer than a closing window.
    for _ in range(7):
        rtt.add(5_000)
        assert rtt.best_ms == 30
    rtt.add(5_000)
    assert rtt.best_ms == 5_000, "a way that has really become longer shows in the end; the auction caps it"
