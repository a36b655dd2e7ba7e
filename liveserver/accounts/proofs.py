"""Proofs by mail: that an address is somebody's, and a new password for who has forgotten theirs.

A token is made when its mail is sent, by the job `accounts.mail`, and stored as a hash: none stands in the queue, in a log or in a
backup. Whether an address has an account is told to nobody: asking adds the same job either way, and the job finds out.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import msgspec

from liveserver.accounts import store, throttle
from liveserver.accounts.errors import ALREADY_VERIFIED, LINK_EXPIRED, NO_ACCOUNT, too_many_attempts
from liveserver.accounts.model import NO_SESSION, Account, Purpose
from liveserver.accounts.passwords import Passwords
from liveserver.accounts.rules import clean_email, judge_password
from liveserver.accounts.tokens import token_hash
from liveserver.config import Settings
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Work
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import SessionId, UserId, new_id
from liveserver.mail.model import AccountMail
from liveserver.mail.sending import TRIES_MAX, Mailer

HOUR_MS = 3_600_000
LASTS_MS: dict[Purpose, int] = {"verify": 24 * HOUR_MS, "reset": HOUR_MS}
"""How long a token is good: the templates say so too. OWASP's Forgot Password Cheat Sheet wants resets short."""
TOKENS_MAX = 5
"""Living tokens of an account and purpose: each mail of an impatient person works, and a sixth makes the first one void."""
FORGET_AT_ONCE_MAX = 10_000

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

Template = Literal["welcome", "verify", "reset"]


class AccountMailJob(msgspec.Struct, frozen=True):
    """The payload of `accounts.mail`. The address may be nobody's."""

    template: Template
    email: str
    id: str
    """What the message is called."""


class Proofs:
    """What mails prove. Part of `Accounts`, whose sessions it ends through `ended`."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        settings: Settings,
        passwords: Passwords,
        origin: str,
        ended: Callable[[Sequence[SessionId]], None],
        changed: Callable[[UserId], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._passwords = passwords
        self._password_length_min = settings.password_length_min
        self._origin = origin
        self._ended = ended
        self._changed = changed
        self._per_person = throttle.Rate(settings.account_mails_per_hour, HOUR_MS)
        self._per_address = throttle.Rate(settings.account_mails_per_address_per_hour, HOUR_MS)

    async def welcome(self, on: Connection, account: Account) -> None:
        """Greets a new account, within the transaction that makes it."""
        await _ask(on, "welcome", account.email)

    async def ask_verification(self, user: UserId, ip: str) -> Rejected | None:
        """Another mail with a link. `no_account` for people of an embedding app, `already_verified`, `too_many_attempts`."""
        account = await store.find_account(self._pool, user)
        if account is None:
            return NO_ACCOUNT
        if account.email_verified:
            return ALREADY_VERIFIED
        return await self._ask(account.email, "verify", ip)

    async def ask_reset(self, email: str, ip: str) -> Rejected | None:
        """A mail with a link to a new password, if there is such an account; the answer is the same if not.

        `bad_email` for what is no address, `too_many_attempts`: both without regard to whether there is an account.
        """
        address = clean_email(email)
        return address if isinstance(address, Rejected) else await self._ask(address, "reset", ip)

    async def _ask(self, email: str, template: Template, ip: str) -> Rejected | None:
        now = self._clock.now_ms()
        keys = (
            (throttle.address_key("mail", ip), self._per_address),
            (throttle.secret_key("mail", store.email_key(email)), self._per_person),
        )
        for key, rate in keys:
            if wait_ms := await throttle.take(self._pool, key, rate, now):
                return too_many_attempts(wait_ms)
        async with transaction(self._pool) as on:
            await _ask(on, template, email)
        return None

    async def holder(self, token: str, purpose: Purpose) -> Account | None:
        """Whose token it is, while it is good; it is not used up by being looked at."""
        if not _TOKEN.fullmatch(token):
            return None
        return await store.find_mail_token(self._pool, token_hash(token), purpose, self._clock.now_ms())

    async def verify(self, token: str) -> Rejected | None:
        """The address is its account's. `link_expired`. Nobody has to be signed in: who has the mail has the address."""
        if not _TOKEN.fullmatch(token):
            return LINK_EXPIRED
        async with transaction(self._pool) as on:
            user = await store.use_mail_token(on, token_hash(token), "verify", self._clock.now_ms())
            if user is None:
                return LINK_EXPIRED
            await store.confirm_email(on, user)
            await store.void_mail_tokens(on, user, "verify")
        await self._changed(user)
        return None

    async def reset(self, token: str, password: str) -> Rejected | None:
        """A new password; all sessions of the account end, and its other links are void. `link_expired`, `weak_password`, `busy`."""
        account = await self.holder(token, "reset")
        if account is None:
            return LINK_EXPIRED
        if weak := judge_password(password, self._password_length_min, account.name, account.email):
            return weak
        hashed = await self._passwords.hash(password)
        if isinstance(hashed, Rejected):
            return hashed
        async with transaction(self._pool) as on:
            user = await store.use_mail_token(on, token_hash(token), "reset", self._clock.now_ms())
            if user is None:
                return LINK_EXPIRED  # somebody else brought it in the meantime
            await store.set_password(on, user, hashed)
            await store.confirm_email(on, user)
            await store.void_mail_tokens(on, user, "reset")
            ended = await store.end_sessions_of(on, user, NO_SESSION, self._origin)
        self._ended(ended)
        await self._changed(user)
        return None

    async def forget(self) -> None:
        """Drops tokens whose time is over."""
        await store.forget_mail_tokens(self._pool, self._clock.now_ms(), FORGET_AT_ONCE_MAX)


async def _ask(on: Connection, template: Template, email: str) -> None:
    await enqueue(on, "accounts.mail", AccountMailJob(template, email, new_id("mail")))


def works(pool: Pool, clock: Clock, mailer: Mailer) -> list[Work]:
    """For the worker. A mail that is sent twice brings two links, and both work."""

    async def send(job: AccountMailJob) -> None:
        account = await store.find_account_by_email(pool, job.email)
        purpose: Purpose = "reset" if job.template == "reset" else "verify"
        if account is None or (purpose == "verify" and account.email_verified):
            return
        token, now = secrets.token_urlsafe(32), clock.now_ms()
        async with transaction(pool) as on:
            expires_ts = now + LASTS_MS[purpose]
            if not await store.insert_mail_token(on, token_hash(token), account, purpose, now, expires_ts):
                return
            await store.trim_mail_tokens(on, account.id, purpose, TOKENS_MAX)
        # To the address that the account has, not to the one that was typed: they may differ by case.
        mail = AccountMail(
            template=job.template, to=account.email, name=account.name, path=f"/{purpose}/{token}"
        )
        await mailer.deliver(mail, job.id)

    return [Work("accounts.mail", AccountMailJob, send, tries_max=TRIES_MAX)]
