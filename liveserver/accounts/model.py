"""The words for people: an account, a session, and the identity that edges act on.

It holds no rule and reads nothing; passwords and tokens never stand in these structs.
"""

import secrets
from typing import Literal

import msgspec

from liveserver.kernel.ids import SessionId, UserId

AccountRole = Literal["viewer", "host", "admin"]
"""What somebody may do on the server: watch and buy, run shows, operate."""
IdentityRole = Literal["guest", "viewer", "host", "admin"]

Purpose = Literal["verify", "reset"]
"""What a token that a mail brings is good for."""

NO_SESSION = SessionId("")
"""The session of identities that have none of ours: guests, and people of the embedding app."""
NEVER_MS = 2**53 - 1
"""`expires_ts` of what does not expire: the largest whole number that JSON readers hold exactly."""


class Account(msgspec.Struct, frozen=True):
    """One person who registered here."""

    id: UserId
    name: str
    """Shown to everybody; unique without regard to case, 2 to 30 characters."""
    email: str
    role: AccountRole
    verified: bool
    """May bid."""
    created_ts: int
    email_verified: bool = False
    """A mail of ours was opened at `email`."""


class Session(msgspec.Struct, frozen=True):
    """One sign-in. Its token is known to the client only; here it is found by the token's hash."""

    id: SessionId
    user: Account
    csrf: str
    """Belongs into every form of this session; derived from the token, so that it is stored nowhere."""
    expires_ts: int


class Identity(msgspec.Struct, frozen=True):
    """Who somebody is to the edges: an account's session, a person of the embedding app (`ext:…`), or a guest."""

    id: str
    name: str
    role: IdentityRole
    verified: bool
    session: SessionId
    expires_ts: int


def guest() -> Identity:
    """Somebody who did not say who they are: may watch. The id is random, so that two guests are two people."""
    return Identity(f"guest:{secrets.token_hex(8)}", "Guest", "guest", False, NO_SESSION, NEVER_MS)


def identity_of(account: Account, session: SessionId = NO_SESSION, expires_ts: int = NEVER_MS) -> Identity:
    """The identity of an account, within one of its sessions or (for the server's own work) without."""
    return Identity(account.id, account.name, account.role, account.verified, session, expires_ts)
