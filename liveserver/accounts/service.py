"""What can be done with accounts: register, sign in and out, find out who a token belongs to, change roles.

It does not know cookies, headers or sockets: edges hand it tokens and are told when a session has ended.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

import asyncpg

from liveserver.accounts import store, throttle
from liveserver.accounts.errors import (
    BAD_CREDENTIALS,
    BAD_TOKEN,
    EMAIL_TAKEN,
    NAME_TAKEN,
    NO_ACCOUNT,
    SESSION_ENDED,
    too_many_attempts,
)
from liveserver.accounts.model import NO_SESSION, Account, AccountRole, Identity, Session, identity_of
from liveserver.accounts.notices import Notices
from liveserver.accounts.passwords import Passwords
from liveserver.accounts.proofs import Proofs
from liveserver.accounts.rules import PASSWORD_LENGTH_MAX, clean_email, clean_name, judge_password
from liveserver.accounts.tokens import ExternalTokens, csrf_of, is_ours, new_token, token_hash
from liveserver.config import Settings
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import SessionId, UserId, is_id, new_id

DAY_MS = 86_400_000
PROLONG_STEP_MS = 3_600_000
"""A session's end is moved when that gains an hour: one write an hour, not one a request."""
SESSIONS_MAX = 50
"""Sign-ins an account may have at a time, more than anybody has devices; the oldest ends for the newest."""
SWEEP_INTERVAL_MS = 60_000
SWEEP_AT_ONCE_MAX = 1_000
"""Sessions ended by one statement of the sweep."""
ALIVE_AT_ONCE_MAX = 10_000
"""Sessions asked about by one statement."""

_RANK: dict[AccountRole, int] = {"viewer": 0, "host": 1, "admin": 2}

log = logging.getLogger(__name__)


class Accounts:
    """Accounts on PostgreSQL. `start` begins hearing other processes' sign-outs; `aclose` before the pool is closed."""

    def __init__(self, pool: Pool, clock: Clock, settings: Settings) -> None:
        self._pool = pool
        self._clock = clock
        self._settings = settings
        self._passwords = Passwords(settings.password_memory_kib)
        self._external = ExternalTokens(
            settings.jwt_secret, settings.jwt_audience, verified_by_default=not settings.bid_requires_approval
        )
        self._notices = Notices(pool)
        self.proofs = Proofs(
            pool, clock, settings, self._passwords, self._notices.origin, self._ended, self._changed
        )
        """Confirmed addresses and forgotten passwords."""
        self._sweeper: asyncio.Task[None] | None = None
        self._account_rate = throttle.Rate(settings.sign_ins_per_account_per_min, 60_000)
        self._address_rate = throttle.Rate(settings.sign_ins_per_address_per_min, 60_000)
        self._registration_rate = throttle.Rate(settings.registrations_per_address_per_hour, 3_600_000)

    async def start(self) -> None:
        """Hears notices of other processes, and sweeps out expired sessions, until `aclose`."""
        await self._notices.start()
        self._sweeper = asyncio.create_task(self._sweep_for_ever(), name="account sweeper")

    async def aclose(self) -> None:
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.cancel()
            await asyncio.gather(sweeper, return_exceptions=True)
        await self._notices.aclose()
        self._passwords.close()

    def on_ended(self, callback: Callable[[SessionId], None]) -> None:
        """`callback(session)` when one ends in whatever process: signed out, expired, or ended by a change of rights.

        It comes within a second, may come twice, and in rare cases (database away) not at all: see `alive`.
        """
        self._notices.on("ended", lambda about: callback(SessionId(about)))

    def on_changed(self, callback: Callable[[UserId], None]) -> None:
        """`callback(user)` when an account's name, role or right to bid changed: identities of it are out of date."""
        self._notices.on("changed", lambda about: callback(UserId(about)))

    async def register(self, name: str, email: str, password: str, *, ip: str = "") -> Account | Rejected:
        """A new viewer. Refusals: `bad_name`, `name_reserved`, `name_taken`, `bad_email`, `email_taken`, `weak_password`
        (all with `detail.field`), `too_many_attempts`, `busy`. Without an `ip` (the server's own work) nothing is counted,
        and nobody is written to.
        """
        cleaned, address = clean_name(name), clean_email(email)
        if isinstance(cleaned, Rejected):
            return cleaned
        if isinstance(address, Rejected):
            return address
        if weak := judge_password(password, self._settings.password_length_min, cleaned, address):
            return weak
        now = self._clock.now_ms()
        if ip:
            key = throttle.address_key("register", ip)
            if wait_ms := await throttle.take(self._pool, key, self._registration_rate, now):
                return too_many_attempts(wait_ms)
        # Asked before the costly hash; who is first is decided by the constraints, in `insert_account`.
        if await store.find_account_by_name(self._pool, cleaned):
            return NAME_TAKEN
        if await store.find_account_by_email(self._pool, address):
            return EMAIL_TAKEN
        hashed = await self._passwords.hash(password)
        if isinstance(hashed, Rejected):
            return hashed
        verified = not self._settings.bid_requires_approval
        account = Account(UserId(new_id("user")), cleaned, address, "viewer", verified, now)
        async with transaction(self._pool) as on:
            # A refusal is a statement that failed, and the transaction with it; nothing was written.
            if taken := await store.insert_account(on, account, hashed):
                return taken
            if ip:
                await self.proofs.welcome(on, account)
        return account

    async def sign_in(self, email: str, password: str, ip: str) -> tuple[Session, str] | Rejected:
        """A new session and its token. Refusals: `bad_credentials`, `too_many_attempts` (detail.retry_after_ms), `busy`.

        Tries are counted per address and, until they succeed, per account, whether or not there is one.
        """
        now = self._clock.now_ms()
        address = clean_email(email)
        known = "" if isinstance(address, Rejected) else address
        by_ip = throttle.address_key("sign-in", ip)
        if wait_ms := await throttle.take(self._pool, by_ip, self._address_rate, now):
            return too_many_attempts(wait_ms)
        by_account = throttle.secret_key("sign-in", store.email_key(known or email[:PASSWORD_LENGTH_MAX]))
        if wait_ms := await throttle.take(self._pool, by_account, self._account_rate, now):
            return too_many_attempts(wait_ms)
        found = await store.find_credentials(self._pool, known) if known else None
        checked = await self._checked(found, password)
        if isinstance(checked, Rejected):
            return checked
        await throttle.give_back(self._pool, by_account, self._account_rate)
        return await self._begin(checked, now)

    async def sign_out(self, token: str) -> None:
        """Ends the session at once, here and in the other processes. A token of no session is no error."""
        if is_ours(token):
            self._ended(await store.end_session(self._pool, token_hash(token), self._notices.origin))

    async def refresh(self, token: str) -> tuple[Session, str] | None:
        """The same session under a new token; the old one is void at once. None: there is no such session."""
        new = new_token()
        now = self._clock.now_ms()
        if not is_ours(token) or not await store.replace_token(
            self._pool, token_hash(token), token_hash(new), now
        ):
            return None
        session = await self.session(new)
        return (session, new) if session else None

    async def session(self, token: str) -> Session | None:
        """The session of a token, prolonged by being used; None if there is none, or it has ended."""
        if not is_ours(token):
            return None
        now = self._clock.now_ms()
        found = await store.find_session(self._pool, token_hash(token), now)
        if found is None:
            return None
        expires_ts = self._expires_ts(found.began_ts, now)
        if expires_ts >= found.expires_ts + PROLONG_STEP_MS:
            await store.prolong_session(self._pool, found.id, expires_ts)
        else:
            expires_ts = found.expires_ts
        return Session(found.id, found.account, csrf_of(token), expires_ts)

    async def identify(self, token: str) -> Identity | Rejected:
        """Whose token this is: a session's or the embedding app's. `session_ended`, `token_expired` or `bad_token` else."""
        if is_ours(token):
            session = await self.session(token)
            return identity_of(session.user, session.id, session.expires_ts) if session else SESSION_ENDED
        if token.count(".") == 2:
            return self._external.verify(token, self._clock.now_ms())
        return BAD_TOKEN

    async def alive(self, sessions: Sequence[SessionId]) -> frozenset[SessionId]:
        """Which of these sessions have not ended: the recheck by which edges notice what they did not hear."""
        found: set[SessionId] = set()
        for i in range(0, len(sessions), ALIVE_AT_ONCE_MAX):
            part = list(sessions[i : i + ALIVE_AT_ONCE_MAX])
            found |= await store.alive_sessions(self._pool, part, self._clock.now_ms())
        return frozenset(found)

    async def get(self, user: UserId) -> Account | None:
        return await store.find_account(self._pool, user) if is_id(user) else None

    async def by_email(self, email: str) -> Account | None:
        address = clean_email(email)
        return (
            None if isinstance(address, Rejected) else await store.find_account_by_email(self._pool, address)
        )

    async def by_name(self, name: str) -> Account | None:
        """The account with this name, without regard to case and separators."""
        cleaned = clean_name(name)
        return (
            None if isinstance(cleaned, Rejected) else await store.find_account_by_name(self._pool, cleaned)
        )

    async def rename(self, user: UserId, name: str) -> Account | Rejected:
        """Refusals: `bad_name`, `name_reserved`, `name_taken`, `no_account`."""
        cleaned = clean_name(name)
        if isinstance(cleaned, Rejected):
            return cleaned
        account = await store.rename_account(self._pool, user, cleaned)
        if isinstance(account, Account):
            await self._changed(account.id)
        return account or NO_ACCOUNT

    async def change_password(self, token: str, current: str, new: str) -> Session | Rejected:
        """Replaces the password and ends the account's other sessions.

        Refusals: `session_ended`, `bad_credentials`, `weak_password`, `too_many_attempts`, `busy`.
        """
        session = await self.session(token)
        if session is None:
            return SESSION_ENDED
        user = session.user
        if weak := judge_password(new, self._settings.password_length_min, user.name, user.email):
            return weak
        # The same count as for signing in: a stolen session must not be a way to guess on.
        key = throttle.secret_key("sign-in", store.email_key(user.email))
        if wait_ms := await throttle.take(self._pool, key, self._account_rate, self._clock.now_ms()):
            return too_many_attempts(wait_ms)
        checked = await self._checked(await store.find_credentials_by_id(self._pool, user.id), current)
        if isinstance(checked, Rejected):
            return checked
        hashed = await self._passwords.hash(new)
        if isinstance(hashed, Rejected):
            return hashed
        async with transaction(self._pool) as connection:
            if not await store.replace_password(connection, user.id, checked.password, hashed):
                return BAD_CREDENTIALS  # changed elsewhere in the meantime
            ended = await store.end_sessions_of(connection, user.id, session.id, self._notices.origin)
        self._ended(ended)
        await throttle.give_back(self._pool, key, self._account_rate)
        return session

    async def set_role(self, user: UserId, role: AccountRole) -> Account | None:
        """Changes what somebody may do; None: no such account. Less than before ends their sessions."""
        changed = await store.set_role(self._pool, user, role)
        if changed is None:
            return None
        account, former = changed
        if _RANK[role] < _RANK[former]:
            await self.end_sessions(user)
        await self._changed(user)
        return account

    async def set_verified(self, user: UserId, verified: bool) -> Account | None:
        """Allows or forbids bidding; None: no such account."""
        account = await store.set_verified(self._pool, user, verified)
        if account is not None:
            await self._changed(user)
        return account

    async def end_sessions(self, user: UserId) -> int:
        """Signs somebody out everywhere; returns of how many sessions."""
        ended = await store.end_sessions_of(self._pool, user, NO_SESSION, self._notices.origin)
        self._ended(ended)
        return len(ended)

    async def sweep(self) -> int:
        """Ends expired sessions and forgets old attempts; returns how many sessions. `start` does it every minute."""
        swept = 0
        while True:
            now = self._clock.now_ms()
            ended = await store.end_expired(self._pool, now, SWEEP_AT_ONCE_MAX, self._notices.origin)
            self._ended(ended)
            swept += len(ended)
            if len(ended) < SWEEP_AT_ONCE_MAX:
                break
        await throttle.forget(self._pool, self._clock.now_ms())
        await self.proofs.forget()
        return swept

    async def _checked(self, found: store.Credentials | None, password: str) -> store.Credentials | Rejected:
        """The credentials, with today's kind of hash, if the password is right."""
        fit = password[:PASSWORD_LENGTH_MAX].encode("utf-8", "replace").decode()
        right = await self._passwords.check(found.password if found else None, fit)
        if isinstance(right, Rejected):
            return right
        if found is None or not right or fit != password:
            return BAD_CREDENTIALS
        if self._passwords.is_outdated(found.password):
            anew = await self._passwords.hash(password)
            if isinstance(anew, str) and await store.replace_password(
                self._pool, found.account.id, found.password, anew
            ):
                return store.Credentials(found.account, anew)
        return found

    async def _begin(self, credentials: store.Credentials, now: int) -> tuple[Session, str] | Rejected:
        token, session = new_token(), SessionId(new_id("ses"))
        expires_ts = self._expires_ts(now, now)
        account = credentials.account
        if not await store.insert_session(
            self._pool, session, credentials, token_hash(token), now, expires_ts
        ):
            return BAD_CREDENTIALS  # the password was changed while this was checked
        for ended in await store.trim_sessions(self._pool, account.id, SESSIONS_MAX):
            self._notices.tell("ended", ended)
            await store.notify(self._pool, f"{self._notices.origin} ended {ended}")
        return Session(session, account, csrf_of(token), expires_ts), token

    def _expires_ts(self, began_ts: int, now: int) -> int:
        sliding = now + self._settings.session_days * DAY_MS
        return min(sliding, began_ts + self._settings.session_days_max * DAY_MS)

    def _ended(self, sessions: Sequence[SessionId]) -> None:
        for session in sessions:
            self._notices.tell("ended", session)

    async def _changed(self, user: UserId) -> None:
        self._notices.tell("changed", user)
        await store.notify(self._pool, f"{self._notices.origin} changed {user}")

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_MS / 1000)
            try:
                await self.sweep()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("sessions_not_swept", extra={"error": repr(error)})
