"""When a client comes back: growing, jittered, spread where the server asks for it, and never after a final code."""

from random import Random

import pytest

from liveserver.client.retry import SPREAD_MAX_MS, WAIT_MAX_MS, delay_ms, is_final, spread_ms
from liveserver.gateway.closecodes import CODES, STANDARD


def test_the_servers_own_table_is_understood() -> None:
    for code in CODES:
        assert is_final(code.code) == (not code.reconnect), code.name
        assert spread_ms(code.reason()) == min(code.spread_ms, SPREAD_MAX_MS), code.name
        assert len(code.reason().encode()) <= 123


def test_standard_codes_that_tell_to_mend_the_client_are_final() -> None:
    mend = {code for code, _, duty in STANDARD if "Do not come back" in duty or duty.startswith("As 1002")}
    assert {code for code, _, _ in STANDARD if is_final(code)} == mend


def test_waits_grow_to_a_maximum_and_are_jittered() -> None:
    random = Random(7)
    waits = [[delay_ms(attempt, random) for _ in range(200)] for attempt in range(12)]
    assert all(len(set(some)) > 50 for some in waits)
    assert max(waits[0]) <= 400
    assert all(max(some) <= WAIT_MAX_MS for some in waits)
    assert min(waits[11]) >= WAIT_MAX_MS // 4
    assert delay_ms(10_000, random) <= WAIT_MAX_MS


@pytest.mark.parametrize("asked", [1, 5_000, 10_000_000])
def test_a_spread_is_uniform_and_only_for_the_first_attempt(asked: int) -> None:
    random = Random(7)
    waits = [delay_ms(0, random, asked) for _ in range(500)]
    assert 0 <= min(waits) <= max(waits) <= min(asked, SPREAD_MAX_MS)
    assert delay_ms(1, random, asked) <= 800


@pytest.mark.parametrize("reason", ["", "draining", "draining -5", "draining 12345678901", "x 5 5", "5"])
def test_reasons_without_a_spread(reason: str) -> None:
    assert spread_ms(reason) == 0
