"""Accounts and sessions as rows: each function is one statement of `queries.sql`, typed on both sides.

It decides nothing; what a unique constraint says is handed on as the refusal it means.
"""

import asyncpg
import msgspec

from liveserver.accounts.errors import EMAIL_TAKEN, NAME_TAKEN
from liveserver.accounts.model import Account, AccountRole, Purpose
from liveserver.accounts.rules import email_key, name_key
from liveserver.infra.database import Connection, Pool, Record, load_queries
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import SessionId, UserId

Q = load_queries("liveserver.accounts")
CHANNEL = "liveserver_accounts"
"""Where processes tell each other which sessions ended and which accounts changed."""

Database = Pool | Connection


class Credentials(msgspec.Struct, frozen=True):
    """An account with the hash of its password; stays inside this package."""

    account: Account
    password: str


class FoundSession(msgspec.Struct, frozen=True):
    """A session as stored, with its account."""

    id: SessionId
    account: Account
    began_ts: int
    expires_ts: int


def _account(row: Record) -> Account:
    return Account(
        UserId(row["id"]),
        row["name"],
        row["email"],
        row["role"],
        row["verified"],
        row["created_ts"],
        row["email_verified"],
    )


def _taken(error: asyncpg.UniqueViolationError) -> Rejected:
    names = {"accounts_name_is_unique": NAME_TAKEN, "accounts_email_is_unique": EMAIL_TAKEN}
    refusal = names.get(getattr(error, "constraint_name", ""))
    if refusal is None:
        raise error
    return refusal


async def insert_account(db: Database, account: Account, password: str) -> Rejected | None:
    """Adds it. `NAME_TAKEN` or `EMAIL_TAKEN` when another was first."""
    try:
        await db.execute(
            Q.insert_account,
            account.id,
            account.name,
            name_key(account.name),
            account.email,
            email_key(account.email),
            password,
            account.role,
            account.verified,
            account.created_ts,
        )
    except asyncpg.UniqueViolationError as error:
        return _taken(error)
    return None


async def find_account(db: Database, user: UserId) -> Account | None:
    """One account, or None."""
    row = await db.fetchrow(Q.find_account, user)
    return _account(row) if row else None


async def find_account_by_email(db: Database, email: str) -> Account | None:
    """The account with this address, however its case, or None."""
    row = await db.fetchrow(Q.find_account_by_email, email_key(email))
    return _account(row) if row else None


async def find_account_by_name(db: Database, name: str) -> Account | None:
    """The account with this name, as names are compared, or None."""
    row = await db.fetchrow(Q.find_account_by_name, name_key(name))
    return _account(row) if row else None


async def find_credentials(db: Database, email: str) -> Credentials | None:
    """What a sign-in is checked against, or None for an unknown address."""
    row = await db.fetchrow(Q.find_credentials, email_key(email))
    return Credentials(_account(row), row["password"]) if row else None


async def find_credentials_by_id(db: Database, user: UserId) -> Credentials | None:
    """What a change of password is checked against."""
    row = await db.fetchrow(Q.find_credentials_by_id, user)
    return Credentials(_account(row), row["password"]) if row else None


async def rename_account(db: Database, user: UserId, name: str) -> Account | Rejected | None:
    """None: there is no such account."""
    try:
        row = await db.fetchrow(Q.rename_account, user, name, name_key(name))
    except asyncpg.UniqueViolationError as error:
        return _taken(error)
    return _account(row) if row else None


async def replace_password(db: Database, user: UserId, former: str, new: str) -> bool:
    """Whether the hash still was `former` and now is `new`."""
    return await db.fetchval(Q.replace_password, user, former, new) is not None


async def set_role(db: Database, user: UserId, role: AccountRole) -> tuple[Account, AccountRole] | None:
    """The account as it now is, and its former role."""
    row = await db.fetchrow(Q.set_role, user, role)
    return (_account(row), row["former_role"]) if row else None


async def set_verified(db: Database, user: UserId, verified: bool) -> Account | None:
    """The account as it now is; None: there is no such account."""
    row = await db.fetchrow(Q.set_verified, user, verified)
    return _account(row) if row else None


async def insert_session(
    db: Database,
    session: SessionId,
    credentials: Credentials,
    token_hash: bytes,
    now_ms: int,
    expires_ts: int,
) -> bool:
    """False: the password has been changed since it was checked, and there is no session."""
    row = await db.fetchval(
        Q.insert_session,
        session,
        credentials.account.id,
        token_hash,
        now_ms,
        expires_ts,
        credentials.password,
    )
    return row is not None


async def trim_sessions(db: Database, user: UserId, keep: int) -> list[SessionId]:
    """Ends the oldest sessions beyond `keep` and tells which."""
    return [SessionId(row["id"]) for row in await db.fetch(Q.trim_sessions, user, keep)]


async def find_session(db: Database, token_hash: bytes, now_ms: int) -> FoundSession | None:
    """The session of a token, unless it has ended."""
    row = await db.fetchrow(Q.find_session, token_hash, now_ms)
    if row is None:
        return None
    return FoundSession(SessionId(row["session"]), _account(row), row["began_ts"], row["expires_ts"])


async def prolong_session(db: Database, session: SessionId, expires_ts: int) -> None:
    """Moves its end, never back."""
    await db.execute(Q.prolong_session, session, expires_ts)


async def replace_token(db: Database, former_hash: bytes, new_hash: bytes, now_ms: int) -> bool:
    """Whether there was such a session, now with the new token."""
    return await db.fetchval(Q.replace_token, former_hash, new_hash, now_ms) is not None


async def alive_sessions(db: Database, sessions: list[SessionId], now_ms: int) -> set[SessionId]:
    """Those of the sessions that have not ended."""
    return {SessionId(row["id"]) for row in await db.fetch(Q.alive_sessions, sessions, now_ms)}


async def end_session(db: Database, token_hash: bytes, origin: str) -> list[SessionId]:
    """Ends the session of a token; returns none or one."""
    return [SessionId(row["id"]) for row in await db.fetch(Q.end_session, token_hash, CHANNEL, origin)]


async def end_sessions_of(db: Database, user: UserId, keep: SessionId, origin: str) -> list[SessionId]:
    """Ends all sessions of an account but `keep`; returns which."""
    rows = await db.fetch(Q.end_sessions_of, user, keep, CHANNEL, origin)
    return [SessionId(row["id"]) for row in rows]


async def end_expired(db: Database, now_ms: int, at_most: int, origin: str) -> list[SessionId]:
    """Ends sessions whose time is over; returns which."""
    rows = await db.fetch(Q.end_expired, now_ms, at_most, CHANNEL, origin)
    return [SessionId(row["id"]) for row in rows]


async def notify(db: Database, message: str) -> None:
    """Tells other processes, once committed."""
    await db.execute(Q.notify, CHANNEL, message)


async def insert_mail_token(
    db: Connection, token_hash: bytes, account: Account, purpose: Purpose, now_ms: int, expires_ts: int
) -> bool:
    """False: the account is gone, or has another address by now."""
    added = await db.fetchval(
        Q.insert_mail_token, token_hash, account.id, purpose, email_key(account.email), now_ms, expires_ts
    )
    return added is not None


async def trim_mail_tokens(db: Connection, user: UserId, purpose: Purpose, keep: int) -> None:
    """Makes the oldest void, beyond `keep`."""
    await db.execute(Q.trim_mail_tokens, user, purpose, keep)


async def find_mail_token(db: Database, token_hash: bytes, purpose: Purpose, now_ms: int) -> Account | None:
    """Whose living token it is."""
    row = await db.fetchrow(Q.find_mail_token, token_hash, purpose, now_ms)
    return _account(row) if row else None


async def use_mail_token(db: Connection, token_hash: bytes, purpose: Purpose, now_ms: int) -> UserId | None:
    """Whose living token it was; it is used up."""
    user: str | None = await db.fetchval(Q.use_mail_token, token_hash, purpose, now_ms)
    return None if user is None else UserId(user)


async def confirm_email(db: Connection, user: UserId) -> None:
    """A mail arrived there."""
    await db.execute(Q.confirm_email, user)


async def void_mail_tokens(db: Connection, user: UserId, purpose: Purpose) -> None:
    """None of them is good for anything any more."""
    await db.execute(Q.void_mail_tokens, user, purpose)


async def set_password(db: Connection, user: UserId, password: str) -> None:
    """Another password's hash, whatever it was."""
    await db.execute(Q.set_password, user, password)


async def forget_mail_tokens(db: Database, now_ms: int, at_most: int) -> None:
    """Drops those whose time is over."""
    await db.execute(Q.forget_mail_tokens, now_ms, at_most)
