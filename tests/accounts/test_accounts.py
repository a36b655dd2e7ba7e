"""Registering, signing in and out, sessions and roles, on the real PostgreSQL."""

import asyncio

import jwt
import pytest

from liveserver.accounts import store
from liveserver.accounts.model import NO_SESSION, Account, Identity, Session, guest
from liveserver.accounts.service import DAY_MS, SESSIONS_MAX, Accounts
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import SessionId, UserId, is_id
from tests.support.people import IP, PASSWORD, NewAccounts, code, registered, signed_in


async def test_who_registers_can_sign_in_and_is_known(accounts: Accounts, clock: VirtualClock):
    ana = await registered(accounts)
    assert (ana.role, ana.verified, ana.created_ts) == ("viewer", True, clock.now_ms())
    session, token = await signed_in(accounts)
    assert session.user == ana
    assert await accounts.session(token) == session
    assert await accounts.identify(token) == Identity(
        ana.id, "Ana", "viewer", True, session.id, session.expires_ts
    )
    assert await accounts.get(ana.id) == await accounts.by_email("ANA@example.com") == ana
    assert await accounts.by_name("aNa") == ana


@pytest.mark.parametrize(
    ("name", "email", "password", "refusal", "field"),
    [
        ("A", "b@example.com", PASSWORD, "bad_name", "name"),
        ("Admin", "b@example.com", PASSWORD, "name_reserved", "name"),
        ("ana", "b@example.com", PASSWORD, "name_taken", "name"),
        ("A.N.A", "b@example.com", PASSWORD, "name_taken", "name"),
        ("Bo", "nonsense", PASSWORD, "bad_email", "email"),
        ("Bo", "ANA@EXAMPLE.COM", PASSWORD, "email_taken", "email"),
        ("Bo", "b@example.com", "short", "weak_password", "password"),
    ],
)
async def test_refused_registrations(
    accounts: Accounts, name: str, email: str, password: str, refusal: str, field: str
):
    await registered(accounts)
    refused = await accounts.register(name, email, password)
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.detail["field"]) == (refusal, field)


async def test_of_many_who_want_one_name_at_once_one_gets_it(new_accounts: NewAccounts):
    one, other = await new_accounts(), await new_accounts()
    tries = [
        (one, other)[i % 2].register(("Ana", "ANA")[i % 2], f"a{i}@example.com", PASSWORD) for i in range(8)
    ]
    outcomes = sorted(code(outcome) for outcome in await asyncio.gather(*tries))
    assert outcomes == ["accepted", *["name_taken"] * 7]


async def test_of_many_who_register_one_address_at_once_one_does(new_accounts: NewAccounts):
    one, other = await new_accounts(), await new_accounts()
    tries = [(one, other)[i % 2].register(f"Ana {i}", "Ana@example.com", PASSWORD) for i in range(8)]
    outcomes = sorted(code(outcome) for outcome in await asyncio.gather(*tries))
    assert outcomes == ["accepted", *["email_taken"] * 7]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("Ana@example.com", "blue harvest 8"),
        ("Ana@example.com", ""),
        ("Ana@example.com", PASSWORD + "x" * 10_000),
        ("Ana@example.com", "half a \ud800 character"),
        ("bo@example.com", PASSWORD),
        ("", ""),
        ("\x00", PASSWORD),
        ("x" * 100_000, PASSWORD),
        ("\ud800@example.com", PASSWORD),
    ],
)
async def test_wrong_credentials_all_sound_the_same(accounts: Accounts, email: str, password: str):
    await registered(accounts)
    refused = await accounts.sign_in(email, password, IP)
    assert code(refused) == "bad_credentials"


async def test_an_unknown_address_costs_a_hash_too(accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    from argon2 import PasswordHasher

    checked: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: str) -> bool:
        checked.append(stored.rsplit("$", 2)[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    await registered(accounts)
    await accounts.sign_in("Ana@example.com", "wrong", IP)
    await accounts.sign_in("nobody@example.com", "wrong", IP)
    await accounts.sign_in("no address", "wrong", IP)
    assert len(checked) == 3
    assert len(set(checked)) == 1, "the same algorithm with the same parameters"


async def test_nothing_stored_lets_anybody_in(accounts: Accounts, pool: Pool):
    await registered(accounts)
    session, token = await signed_in(accounts)
    rows = await pool.fetch(
        "SELECT to_jsonb(a) AS row FROM accounts a UNION ALL SELECT to_jsonb(s) FROM sessions s"
    )
    stored = str([row["row"] for row in rows])
    for secret in (PASSWORD, token, token.removeprefix("ls_"), session.csrf):
        assert secret not in stored
    assert session.csrf not in token


async def test_old_hashes_are_made_anew_at_the_next_sign_in(new_accounts: NewAccounts, pool: Pool):
    await registered(await new_accounts())
    stricter = await new_accounts(password_memory_kib=16_384)
    await signed_in(stricter)
    assert "m=16384" in await pool.fetchval("SELECT password FROM accounts")
    await signed_in(stricter)


async def test_signing_out_ends_the_session_at_once_and_only_it(accounts: Accounts):
    await registered(accounts)
    ended: list[SessionId] = []
    accounts.on_ended(ended.append)
    phone, phone_token = await signed_in(accounts)
    laptop, laptop_token = await signed_in(accounts)
    await accounts.sign_out(phone_token)
    assert ended == [phone.id], "told before sign_out returns"
    assert await accounts.session(phone_token) is None
    assert code(await accounts.identify(phone_token)) == "session_ended"
    assert await accounts.session(laptop_token) is not None
    assert await accounts.alive([phone.id, laptop.id]) == {laptop.id}
    for token in (phone_token, "ls_nonsense", "nonsense", "", "ls_\ud800"):
        await accounts.sign_out(token)
    assert ended == [phone.id]


async def test_signing_out_in_one_process_is_heard_in_another_within_a_second(new_accounts: NewAccounts):
    here, there = await new_accounts(), await new_accounts()
    await registered(here)
    session, token = await signed_in(here)
    heard = asyncio.get_running_loop().create_future()
    there.on_ended(heard.set_result)
    await here.sign_out(token)
    assert await asyncio.wait_for(heard, 1) == session.id


LISTENERS = "SELECT pid, pg_sleep(0.02) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"


async def test_after_the_listening_connection_is_lost_sign_outs_are_heard_again(
    new_accounts: NewAccounts, pool: Pool
):
    here, there = await new_accounts(), await new_accounts()
    await registered(here)
    session, token = await signed_in(here)
    lost = {row["pid"] for row in await pool.fetch(LISTENERS)}
    assert len(lost) == 2
    await pool.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", list(lost))
    async with asyncio.timeout(5):
        while len({row["pid"] for row in await pool.fetch(LISTENERS)} - lost) < 2:
            pass
    heard = asyncio.get_running_loop().create_future()
    there.on_ended(heard.set_result)
    await here.sign_out(token)
    assert await asyncio.wait_for(heard, 1) == session.id


async def test_a_callback_that_fails_keeps_nobody_from_hearing(
    accounts: Accounts, caplog: pytest.LogCaptureFixture
):
    await registered(accounts)
    _, token = await signed_in(accounts)

    def fails(_: SessionId) -> None:
        raise RuntimeError("a gateway's mistake")

    ended: list[SessionId] = []
    accounts.on_ended(fails)
    accounts.on_ended(ended.append)
    await accounts.sign_out(token)
    assert len(ended) == 1
    assert "callback" in caplog.text


async def test_a_session_lasts_while_it_is_used_but_not_for_ever(accounts: Accounts, clock: VirtualClock):
    await registered(accounts)
    session, token = await signed_in(accounts)
    _, unused = await signed_in(accounts)
    assert session.expires_ts == clock.now_ms() + 30 * DAY_MS
    for _ in range(8):
        clock.advance(20 * DAY_MS)
        assert await accounts.session(token) is not None
    assert await accounts.session(unused) is None
    clock.advance(20 * DAY_MS - 1)
    last = await accounts.session(token)
    assert last is not None
    assert last.expires_ts == clock.now_ms() + 1, "180 days after signing in it ends, used or not"
    clock.advance(1)
    assert await accounts.session(token) is None


async def test_expired_sessions_are_swept_out_and_told(new_accounts: NewAccounts, clock: VirtualClock):
    here, there = await new_accounts(), await new_accounts()
    await registered(here)
    session, _ = await signed_in(here)
    ended: list[SessionId] = []
    here.on_ended(ended.append)
    heard = asyncio.get_running_loop().create_future()
    there.on_ended(heard.set_result)
    assert await here.sweep() == 0
    clock.advance(30 * DAY_MS)
    assert await here.sweep() == 1
    assert ended == [session.id]
    assert await asyncio.wait_for(heard, 1) == session.id


async def test_the_oldest_session_makes_room_for_the_newest(new_accounts: NewAccounts, clock: VirtualClock):
    accounts = await new_accounts(sign_ins_per_address_per_min=0)
    await registered(accounts)
    ended: list[SessionId] = []
    accounts.on_ended(ended.append)
    sessions: list[SessionId] = []
    for _ in range(SESSIONS_MAX + 2):
        clock.advance(1)
        sessions.append((await signed_in(accounts))[0].id)
    assert ended == sessions[:2]
    assert await accounts.alive(sessions) == set(sessions[2:])


async def test_a_refreshed_session_keeps_its_id_and_drops_its_token(accounts: Accounts):
    await registered(accounts)
    session, token = await signed_in(accounts)
    tries = await asyncio.gather(accounts.refresh(token), accounts.refresh(token))
    refreshed = [outcome for outcome in tries if outcome]
    assert len(refreshed) == 1, "a token is exchanged once"
    anew, new_token = refreshed[0]
    assert (anew.id, anew.user) == (session.id, session.user)
    assert anew.csrf != session.csrf
    assert await accounts.session(token) is None
    assert await accounts.session(new_token) == anew
    assert await accounts.refresh("nonsense") is None


async def test_a_new_password_ends_all_other_sessions(accounts: Accounts):
    await registered(accounts)
    ended: list[SessionId] = []
    accounts.on_ended(ended.append)
    mine, token = await signed_in(accounts)
    stolen, _ = await signed_in(accounts)
    new = "green harvest 8"
    assert code(await accounts.change_password(token, "wrong", new)) == "bad_credentials"
    assert code(await accounts.change_password(token, PASSWORD, "short")) == "weak_password"
    assert code(await accounts.change_password("nonsense", PASSWORD, new)) == "session_ended"
    assert ended == []
    assert isinstance(await accounts.change_password(token, PASSWORD, new), Session)
    assert ended == [stolen.id]
    assert await accounts.alive([mine.id, stolen.id]) == {mine.id}
    assert code(await accounts.sign_in("Ana@example.com", PASSWORD, IP)) == "bad_credentials"
    await signed_in(accounts, password=new)


NEW = "green harvest 8"


async def test_a_password_changed_while_the_old_one_is_checked_begins_no_session(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
):
    await registered(accounts)
    _, token = await signed_in(accounts)
    check = accounts._passwords.check

    async def checks_while_it_is_changed(stored: str | None, password: str) -> bool | Rejected:
        right = await check(stored, password)
        monkeypatch.setattr(accounts._passwords, "check", check)
        assert isinstance(await accounts.change_password(token, PASSWORD, NEW), Session)
        return right

    monkeypatch.setattr(accounts._passwords, "check", checks_while_it_is_changed)
    assert code(await accounts.sign_in("Ana@example.com", PASSWORD, IP)) == "bad_credentials"
    await signed_in(accounts, password=NEW)


WAITING = "SELECT count(*), pg_sleep(0.02) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_a_session_waits_for_a_change_of_password_that_is_not_committed_yet(
    accounts: Accounts, pool: Pool
):
    ana = await registered(accounts)
    credentials = await store.find_credentials(pool, ana.email)
    assert credentials is not None
    async with transaction(pool) as changing:
        assert await store.replace_password(changing, ana.id, credentials.password, "$argon2id$another")
        await store.end_sessions_of(changing, ana.id, NO_SESSION, "test")
        begin = store.insert_session(pool, SessionId("ses_1"), credentials, b"x" * 32, 1, 2)
        beginning = asyncio.create_task(begin)
        async with asyncio.timeout(5):
            while not beginning.done() and await pool.fetchval(WAITING) == 0:
                pass
    assert await beginning is False
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_more_rights_come_at_once_and_fewer_end_the_sessions(accounts: Accounts):
    ana = await registered(accounts)
    ended: list[SessionId] = []
    changed: list[UserId] = []
    accounts.on_ended(ended.append)
    accounts.on_changed(changed.append)
    session, token = await signed_in(accounts)
    host = await accounts.set_role(ana.id, "host")
    assert host is not None
    assert host.role == "host"
    identity = await accounts.identify(token)
    assert isinstance(identity, Identity)
    assert (identity.role, ended, changed) == ("host", [], [ana.id])
    await accounts.set_role(ana.id, "viewer")
    assert ended == [session.id]
    assert code(await accounts.identify(token)) == "session_ended"
    assert await accounts.set_role(UserId("user_nobody"), "host") is None


async def test_bidding_may_wait_for_an_approval(new_accounts: NewAccounts):
    here, there = await new_accounts(bid_requires_approval=True), await new_accounts()
    ana = await registered(here)
    assert ana.verified is False
    heard = asyncio.get_running_loop().create_future()
    there.on_changed(heard.set_result)
    approved = await here.set_verified(ana.id, True)
    assert approved is not None
    assert approved.verified
    assert await asyncio.wait_for(heard, 1) == ana.id
    assert await here.set_verified(UserId("user_nobody"), True) is None


async def test_a_new_name_must_be_free(accounts: Accounts):
    ana, bo = await registered(accounts, "Ana"), await registered(accounts, "Bo")
    assert code(await accounts.rename(bo.id, "ANA")) == "name_taken"
    assert code(await accounts.rename(bo.id, "x")) == "bad_name"
    assert code(await accounts.rename(UserId("user_nobody"), "Cy")) == "no_account"
    renamed = await accounts.rename(ana.id, "A.n.a")
    assert isinstance(renamed, Account)
    assert renamed.name == "A.n.a"
    assert await accounts.by_name("Bo") == bo


async def test_signing_somebody_out_everywhere(accounts: Accounts):
    ana, _ = await registered(accounts), await registered(accounts, "Bo")
    mine = [(await signed_in(accounts))[0].id for _ in range(2)]
    others, _ = await signed_in(accounts, "Bo")
    assert await accounts.end_sessions(ana.id) == 2
    assert await accounts.alive([*mine, others.id]) == {others.id}


async def test_tokens_of_the_embedding_app_are_people_too(new_accounts: NewAccounts, clock: VirtualClock):
    secret = "a secret of the embedding application, 48 bytes."
    accounts = await new_accounts(jwt_secret=secret)
    token = jwt.encode({"sub": "42", "name": "Ana", "exp": clock.now_ms() // 1000 + 60}, secret)
    identity = await accounts.identify(token)
    assert isinstance(identity, Identity)
    assert (identity.id, identity.session) == ("ext:42", "")
    clock.advance(60_000 + 30_000)
    assert code(await accounts.identify(token)) == "token_expired"
    assert code(await (await new_accounts()).identify(token)) == "bad_token"


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "ls_", "ls_" + "x" * 43, "\x00", "ls_\ud800", "x" * 1_000_000]
)
async def test_nonsense_is_nobody(accounts: Accounts, token: str):
    assert code(await accounts.identify(token)) in ("bad_token", "session_ended")
    assert await accounts.session(token) is None


@pytest.mark.parametrize("user", ["", "\x00", "\ud800", "x" * 100_000, "user_nobody", "' OR 1=1 --"])
async def test_nonsense_finds_nobody(accounts: Accounts, user: str):
    await registered(accounts)
    assert await accounts.get(UserId(user)) is None
    assert await accounts.by_email(user) is None
    assert await accounts.by_name(user) is None


def test_guests_are_different_people_without_rights():
    one, other = guest(), guest()
    assert one.id != other.id
    assert is_id(one.id)
    assert (one.role, one.verified, one.session) == ("guest", False, "")
