"""How often one may try to sign in or register: per account, per address, in all processes together; and what is kept of it."""

import asyncio

import pytest

from liveserver.accounts import throttle
from liveserver.accounts.service import DAY_MS, Accounts
from liveserver.infra.database import Pool
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from tests.support.people import IP, PASSWORD, NewAccounts, code, registered, signed_in


async def test_guessing_is_slow_per_account_and_success_costs_nothing(
    accounts: Accounts, clock: VirtualClock
):
    await registered(accounts)
    for i in range(15):
        await signed_in(accounts, ip=f"198.51.100.{i}")
    for i in range(10):
        assert code(await accounts.sign_in("ana@EXAMPLE.com", "wrong", f"203.0.113.{i}")) == "bad_credentials"
    refused = await accounts.sign_in("Ana@example.com", PASSWORD, "203.0.113.99")
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.retryable) == ("too_many_attempts", True)
    assert refused.detail["retry_after_ms"] == 6_000
    clock.advance(5_999)
    assert code(await accounts.sign_in("Ana@example.com", PASSWORD, IP)) == "too_many_attempts"
    clock.advance(1)
    await signed_in(accounts)


async def test_whether_an_account_exists_does_not_show_in_the_limits(accounts: Accounts):
    await registered(accounts)
    answers = {
        email: [code(await accounts.sign_in(email, "wrong", f"2001:db8:{i:x}::1")) for i in range(12)]
        for email in ("Ana@example.com", "nobody@example.com")
    }
    assert answers["Ana@example.com"] == answers["nobody@example.com"]
    assert answers["Ana@example.com"][-1] == "too_many_attempts"


async def test_one_address_may_try_so_often_in_all_processes_together(
    new_accounts: NewAccounts, clock: VirtualClock
):
    here, there = await new_accounts(), await new_accounts()
    tries = [(here, there)[i % 2].sign_in(f"p{i}@example.com", "wrong", IP) for i in range(40)]
    answers = [code(answer) for answer in await asyncio.gather(*tries)]
    assert sorted(answers) == ["bad_credentials"] * 30 + ["too_many_attempts"] * 10
    assert code(await here.sign_in("x@example.com", "wrong", "192.0.2.8")) == "bad_credentials"
    clock.advance(60_000)
    assert code(await here.sign_in("x@example.com", "wrong", IP)) == "bad_credentials"


async def test_registrations_are_counted_per_address(new_accounts: NewAccounts):
    accounts = await new_accounts(registrations_per_address_per_hour=2)
    answers = [
        code(await accounts.register(f"Ana {i}", f"a{i}@example.com", PASSWORD, ip=IP)) for i in range(3)
    ]
    assert answers == ["accepted", "accepted", "too_many_attempts"]
    assert code(await accounts.register("Bo", "bo@example.com", PASSWORD)) == "accepted"


async def test_without_limits_nothing_is_counted(new_accounts: NewAccounts, pool: Pool):
    accounts = await new_accounts(sign_ins_per_account_per_min=0, sign_ins_per_address_per_min=0)
    for _ in range(12):
        assert code(await accounts.sign_in("ana@example.com", "wrong", IP)) == "bad_credentials"
    assert await pool.fetchval("SELECT count(*) FROM throttles") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "unix socket", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool):
    assert (throttle.address_key("x", one) == throttle.address_key("x", other)) is same


async def test_attempts_are_forgotten_and_their_table_is_bounded(pool: Pool, clock: VirtualClock):
    rate = throttle.Rate(10, 60_000)
    for i in range(20):
        for _ in range(1 + i % 3):
            await throttle.take(pool, f"k{i}", rate, clock.now_ms())
    assert await throttle.forget(pool, clock.now_ms(), keys_max=5) == 15
    kept = await pool.fetch("SELECT full_us FROM throttles")
    assert {row["full_us"] for row in kept} == {clock.now_ms() * 1000 + 18_000_000}, (
        "those with most attempts"
    )
    clock.advance(18_000)
    await throttle.forget(pool, clock.now_ms())
    assert await pool.fetchval("SELECT count(*) FROM throttles") == 0


async def test_a_clock_set_back_locks_nobody_out(pool: Pool, clock: VirtualClock):
    rate = throttle.Rate(1, 60_000)
    assert await throttle.take(pool, "k", rate, clock.now_ms() + 365 * DAY_MS) == 0
    assert await throttle.take(pool, "k", rate, clock.now_ms()) == 0
    assert await throttle.take(pool, "k", rate, clock.now_ms()) == 60_000


async def test_a_crowd_of_hashes_is_told_to_come_back(new_accounts: NewAccounts):
    accounts = await new_accounts(sign_ins_per_account_per_min=0, sign_ins_per_address_per_min=0)
    await registered(accounts)
    tries = [accounts._passwords.check(None, "x") for _ in range(80)]
    answers = [code(answer) for answer in await asyncio.gather(*tries)]
    assert answers.count("busy") == 80 - 66
    await signed_in(accounts)
