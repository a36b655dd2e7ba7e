"""What mails prove: that an address is somebody's, and a new password; on the real PostgreSQL, with the jobs that send them."""

import asyncio
import re
from email.message import EmailMessage

import pytest

from liveserver.accounts import proofs
from liveserver.accounts.proofs import HOUR_MS, TOKENS_MAX
from liveserver.accounts.service import Accounts
from liveserver.infra.database import Pool
from liveserver.jobs.worker import Worker
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.ids import UserId
from liveserver.mail.sending import Mailer
from tests.support.people import IP, PASSWORD, NewAccounts, code, signed_in

NEW = "a wholly other one"


class Letterbox:
    """Takes the mails."""

    def __init__(self, pool: Pool, clock: VirtualClock) -> None:
        self.mails: list[EmailMessage] = []
        mailer = Mailer(self, clock, origin="https://live.example", sender="shop@live.example")
        self._worker = Worker(pool, proofs.works(pool, clock, mailer))

    async def hand_over(self, message: EmailMessage) -> None:
        self.mails.append(message)

    async def brought(self) -> list[str]:
        """The tokens of the mails that were waiting."""
        self.mails.clear()
        await self._worker.drain()
        return [self.token(mail) for mail in self.mails]

    def token(self, mail: EmailMessage) -> str:
        text = mail.get_body(("plain",))
        assert text is not None
        found = re.search(
            r"https://live\.example/(?:verify|reset)/([A-Za-z0-9_-]{43})$", text.get_content(), re.MULTILINE
        )
        assert found is not None, text.get_content()
        return found[1]


@pytest.fixture
def letterbox(pool: Pool, clock: VirtualClock) -> Letterbox:
    return Letterbox(pool, clock)


async def joined(accounts: Accounts, name: str = "Ana") -> UserId:
    account = await accounts.register(name, f"{name}@example.com", PASSWORD, ip=IP)
    assert code(account) == "accepted", account
    return account.id  # type: ignore[union-attr] # an account, as just seen


async def is_verified(accounts: Accounts, user: UserId) -> bool:
    account = await accounts.get(user)
    assert account is not None
    return account.email_verified


async def test_who_joins_is_welcomed_and_the_link_confirms_the_address_once(
    accounts: Accounts, letterbox: Letterbox
):
    ana = await joined(accounts)
    assert not await is_verified(accounts, ana)
    (token,) = await letterbox.brought()
    (mail,) = letterbox.mails
    assert (mail["To"], mail["Subject"]) == ("Ana@example.com", "Welcome, Ana")
    assert await accounts.proofs.verify(token) is None
    assert await is_verified(accounts, ana)
    assert code(await accounts.proofs.verify(token)) == "link_expired"
    assert code(await accounts.proofs.ask_verification(ana, IP)) == "already_verified"


async def test_to_be_able_to_bid_is_something_else(new_accounts: NewAccounts, letterbox: Letterbox):
    accounts = await new_accounts(bid_requires_approval=True)
    ana = await joined(accounts)
    await accounts.proofs.verify((await letterbox.brought())[0])
    account = await accounts.get(ana)
    assert account is not None
    assert (account.email_verified, account.verified) == (True, False)


async def test_the_server_s_own_people_get_no_mail(accounts: Accounts, letterbox: Letterbox):
    await accounts.register("Bo", "bo@example.com", PASSWORD)
    assert await letterbox.brought() == []


async def test_a_refused_registration_sends_nothing(accounts: Accounts, letterbox: Letterbox):
    await joined(accounts)
    tries = [accounts.register(f"Bo {i}", "Bo@example.com", PASSWORD, ip=IP) for i in range(4)]
    assert sorted(code(one) for one in await asyncio.gather(*tries)) == ["accepted", *["email_taken"] * 3]
    assert len(await letterbox.brought()) == 2


async def test_a_reset_changes_the_password_and_ends_every_session(
    new_accounts: NewAccounts, letterbox: Letterbox
):
    accounts, elsewhere = await new_accounts(), await new_accounts()
    ana = await joined(accounts)
    await letterbox.brought()
    session, token = await signed_in(accounts)
    ended = asyncio.Event()
    elsewhere.on_ended(lambda one: ended.set() if one == session.id else None)
    assert await accounts.proofs.ask_reset("ANA@example.com", IP) is None
    (link,) = await letterbox.brought()
    assert letterbox.mails[0]["To"] == "Ana@example.com", "the address that the account has"
    assert await accounts.proofs.reset(link, NEW) is None
    assert await accounts.session(token) is None
    async with asyncio.timeout(5):
        await ended.wait()
    assert code(await accounts.sign_in("Ana@example.com", PASSWORD, IP)) == "bad_credentials"
    await signed_in(accounts, password=NEW)
    assert await is_verified(accounts, ana), "the mail arrived"
    assert code(await accounts.proofs.reset(link, NEW)) == "link_expired"


async def test_a_weak_password_does_not_use_up_the_link(accounts: Accounts, letterbox: Letterbox):
    await joined(accounts)
    await letterbox.brought()
    await accounts.proofs.ask_reset("Ana@example.com", IP)
    (link,) = await letterbox.brought()
    assert code(await accounts.proofs.reset(link, "short")) == "weak_password"
    assert await accounts.proofs.reset(link, NEW) is None


async def test_of_many_who_bring_one_link_one_is_served(accounts: Accounts, letterbox: Letterbox):
    await joined(accounts)
    await letterbox.brought()
    await accounts.proofs.ask_reset("Ana@example.com", IP)
    (link,) = await letterbox.brought()
    passwords = [f"{NEW} {i}" for i in range(6)]
    outcomes = await asyncio.gather(*(accounts.proofs.reset(link, one) for one in passwords))
    assert sorted(code(one) for one in outcomes) == ["accepted", *["link_expired"] * 5]
    (won,) = [password for password, one in zip(passwords, outcomes, strict=True) if code(one) == "accepted"]
    await signed_in(accounts, password=won)


async def test_other_links_are_void_after_a_reset(accounts: Accounts, letterbox: Letterbox):
    await joined(accounts)
    await letterbox.brought()
    for _ in range(2):
        await accounts.proofs.ask_reset("Ana@example.com", IP)
    first, second = await letterbox.brought()
    assert await accounts.proofs.reset(second, NEW) is None
    assert code(await accounts.proofs.reset(first, NEW + "!")) == "link_expired"


async def test_who_has_no_account_gets_no_mail_and_nobody_is_told(
    accounts: Accounts, letterbox: Letterbox, pool: Pool
):
    await joined(accounts)
    await letterbox.brought()
    answers = [
        await accounts.proofs.ask_reset(email, IP) for email in ("Ana@example.com", "nobody@example.com")
    ]
    assert answers == [None, None]
    added = await pool.fetch("SELECT entrypoint, length(payload) AS n FROM pgqueuer ORDER BY id")
    assert [row["entrypoint"] for row in added] == ["accounts.mail"] * 2, "the same work either way"
    assert len(await letterbox.brought()) == 1


@pytest.mark.parametrize(("purpose", "lasts_ms"), [("verify", 24 * HOUR_MS), ("reset", HOUR_MS)])
async def test_links_have_their_time(
    accounts: Accounts, letterbox: Letterbox, clock: VirtualClock, purpose: str, lasts_ms: int, pool: Pool
):
    await joined(accounts)
    links = await letterbox.brought()
    if purpose == "reset":
        await accounts.proofs.ask_reset("Ana@example.com", IP)
        links = await letterbox.brought()
    (link,) = links
    clock.advance(lasts_ms - 1)
    assert await accounts.proofs.holder(link, purpose) is not None  # type: ignore[arg-type] # one of the two
    clock.advance(1)
    assert await accounts.proofs.holder(link, purpose) is None  # type: ignore[arg-type] # one of the two
    used = accounts.proofs.verify(link) if purpose == "verify" else accounts.proofs.reset(link, NEW)
    assert code(await used) == "link_expired"
    clock.advance(24 * HOUR_MS)
    await accounts.sweep()
    assert await pool.fetchval("SELECT count(*) FROM mail_tokens") == 0


async def test_a_link_is_good_for_its_purpose_only(accounts: Accounts, letterbox: Letterbox):
    await joined(accounts)
    (verify,) = await letterbox.brought()
    assert code(await accounts.proofs.reset(verify, NEW)) == "link_expired"
    await accounts.proofs.ask_reset("Ana@example.com", IP)
    (reset,) = await letterbox.brought()
    assert code(await accounts.proofs.verify(reset)) == "link_expired"


async def test_a_link_proves_nothing_about_an_address_entered_later(
    accounts: Accounts, letterbox: Letterbox, pool: Pool
):
    ana = await joined(accounts)
    (link,) = await letterbox.brought()
    await pool.execute("UPDATE accounts SET email = 'other@example.com', email_key = 'other@example.com'")
    assert code(await accounts.proofs.verify(link)) == "link_expired"
    assert not await is_verified(accounts, ana)


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 43, "x" * 10_000, "ünïcode" * 7, "\x00" * 43, "' OR 1=1 --"]
)
async def test_nonsense_is_a_link_that_has_expired(accounts: Accounts, token: str):
    assert code(await accounts.proofs.verify(token)) == "link_expired"
    assert code(await accounts.proofs.reset(token, NEW)) == "link_expired"


async def test_an_impatient_person_s_newest_links_work(
    new_accounts: NewAccounts, letterbox: Letterbox, clock: VirtualClock, pool: Pool
):
    accounts = await new_accounts(account_mails_per_hour=0, account_mails_per_address_per_hour=0)
    await joined(accounts)
    links = await letterbox.brought()
    for _ in range(TOKENS_MAX):
        clock.advance(1)
        await accounts.proofs.ask_verification((await accounts.by_email("ana@example.com")).id, IP)  # type: ignore[union-attr] # she joined
        links += await letterbox.brought()
    assert await pool.fetchval("SELECT count(*) FROM mail_tokens") == TOKENS_MAX
    assert await accounts.proofs.holder(links[0], "verify") is None
    assert await accounts.proofs.verify(links[1]) is None
    assert await pool.fetchval("SELECT count(*) FROM mail_tokens") == 0, "and then none is needed"


async def test_asking_is_limited_for_a_person_and_an_address_whoever_exists(
    new_accounts: NewAccounts, clock: VirtualClock
):
    accounts = await new_accounts(account_mails_per_hour=2, account_mails_per_address_per_hour=5)
    await joined(accounts)

    async def asks(email: str, ip: str) -> str:
        return code(await accounts.proofs.ask_reset(email, ip))

    for email in ("Ana@example.com", "nobody@example.com"):
        assert [await asks(email, IP) for _ in range(2)] == ["accepted"] * 2
        assert await asks(email, "192.0.2.99") == "too_many_attempts"
    assert await asks("fifth@example.com", IP) == "accepted"
    assert await asks("sixth@example.com", IP) == "too_many_attempts"
    clock.advance(HOUR_MS)
    assert await asks("Ana@example.com", IP) == "accepted"


async def test_no_token_is_kept_anywhere_but_in_the_mail(
    accounts: Accounts, letterbox: Letterbox, pool: Pool, caplog: pytest.LogCaptureFixture
):
    await joined(accounts)
    (token,) = await letterbox.brought()
    await accounts.proofs.verify(token[:-1] + ("A" if token[-1] != "A" else "B"))
    tables = [
        row["name"]
        for row in await pool.fetch(
            "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    ]
    assert {"mail_tokens", "pgqueuer", "pgqueuer_log"} <= set(tables)
    for table in tables:
        assert token not in str(await pool.fetchval(f"SELECT json_agg(t)::text FROM {table} t")), table
    assert token not in caplog.text


async def test_an_old_kind_of_mail_does_not_reach_who_is_verified_by_now(
    accounts: Accounts, letterbox: Letterbox, pool: Pool
):
    ana = await joined(accounts)
    await accounts.proofs.ask_verification(ana, IP)
    await pool.execute("UPDATE accounts SET email_verified = true")
    assert await letterbox.brought() == []


async def test_a_mail_that_has_to_be_sent_again_brings_another_link_and_both_work(
    accounts: Accounts, letterbox: Letterbox, pool: Pool, monkeypatch: pytest.MonkeyPatch
):
    await joined(accounts)
    handed: list[EmailMessage] = []

    async def taken_but_not_answered(message: EmailMessage) -> None:
        handed.append(message)
        if len(handed) == 1:
            raise TimeoutError

    monkeypatch.setattr(letterbox, "hand_over", taken_but_not_answered)
    await letterbox.brought()
    await pool.execute("UPDATE pgqueuer SET execute_after = now()")
    await letterbox.brought()
    first, second = handed
    assert first["Message-ID"] == second["Message-ID"]
    assert await accounts.proofs.holder(letterbox.token(second), "verify") is not None
    assert await accounts.proofs.verify(letterbox.token(first)) is None
