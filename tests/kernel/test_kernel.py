"""Money, limits and tasks: the words everything is written in."""

import asyncio

import pytest

from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.ids import new_id
from liveserver.kernel.limits import TokenBucket
from liveserver.kernel.money import decimals, parse_amount
from liveserver.kernel.tasks import end


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "USD", 1250),
        ("0", "USD", 0),
        ("1e2", "USD", 10_000),
        ("700", "JPY", 700),
        ("1.234", "KWD", 1234),
    ],
)
def test_amounts(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("1.005", "USD"), ("1.5", "JPY"), ("-1", "USD"), ("NaN", "USD"), ("Infinity", "USD"), ("ten", "USD"), ("١٢", "USD"), ("", "USD"),
     ("1" * 40, "USD"), ("99999999999999", "USD"), ("1e99999", "USD")],
)  # fmt: skip
def test_what_is_no_amount(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimal|large|number"):
        parse_amount(text, currency)


def test_decimals_follow_iso_4217() -> None:
    assert (decimals("USD"), decimals("JPY"), decimals("KWD")) == (2, 0, 3)


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    clock = VirtualClock()
    bucket = TokenBucket(2.0, 3.0, clock.monotonic_ms())
    assert [bucket.take(clock.monotonic_ms()) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_ms() == 501
    clock.advance(500)
    assert [bucket.take(clock.monotonic_ms()) for _ in range(2)] == [True, False]
    clock.advance(60_000)
    assert [bucket.take(clock.monotonic_ms()) for _ in range(4)] == [True, True, True, False]


def test_a_rate_of_zero_is_no_limit() -> None:
    bucket = TokenBucket(0, 1, 0)
    assert all(bucket.take(0) for _ in range(100))


def test_ids_are_distinct_and_sort_in_the_order_of_making() -> None:
    ids = [new_id("lot") for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert ids == sorted(ids)


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed > 1:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end(task, None)
    assert task.cancelled()
    assert swallowed == 2
