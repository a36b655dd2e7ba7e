"""Rows 16, 17 and 19: clocks that are stepped or off. No lot ends early, nothing is sold by a wrong clock, nothing is lost."""

import subprocess
import sys
import time

import pytest

from chaos.shims import clock
from tests.faults.drills import holds

needs_faketime = pytest.mark.skipif(bool(clock.missing()), reason=clock.missing())


async def test_rows_16_and_17_valkey_s_clock_steps_by_an_hour_and_back() -> None:
    await holds("valkey-clock-stepped")


async def test_row_17_the_clocks_of_valkey_and_postgresql_step_together() -> None:
    await holds("all-clocks-stepped")


async def test_row_17_postgresql_s_clock_steps_by_an_hour_and_back() -> None:
    await holds("postgres-clock-stepped")


async def test_row_19_nodes_whose_clocks_are_off_agree_with_the_others() -> None:
    await holds("node-clocks-off")


@needs_faketime
def test_a_stepped_clock_is_seen_at_once_and_leaves_durations_alone() -> None:
    stepped = clock.SteppedClock.new()
    asks = "import time\nwhile input(): print(time.time(), time.monotonic(), flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", asks],
        env=stepped.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for step_s in (0, 3_600, -3_600, 0):
        stepped.step(step_s)
        process.stdin.write("now\n")
        process.stdin.flush()
        now_s, monotonic_s = map(float, process.stdout.readline().split())
        assert now_s == pytest.approx(time.time() + step_s, abs=5)
        assert monotonic_s == pytest.approx(time.monotonic(), abs=5)
    process.communicate("\n", timeout=10)
