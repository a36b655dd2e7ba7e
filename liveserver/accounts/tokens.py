"""Tokens: our own opaque ones, and signed ones (JWT, HS256) by which an embedding app says who somebody is.

Only HS256 with the operator's secret is accepted; key sets fetched from elsewhere (JWKS, RS256) are not supported. It
issues no JWT and looks nothing up: a token of the app is believed until it expires.
"""

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import Any, Literal

import jwt
import msgspec

from liveserver.accounts.errors import BAD_TOKEN, TOKEN_EXPIRED
from liveserver.accounts.model import NEVER_MS, NO_SESSION, Identity
from liveserver.accounts.rules import tame_name
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ID_LENGTH_MAX, is_id

TOKEN_PREFIX = "ls_"  # noqa: S105 - no secret: it tells our tokens from JWTs, and lets secret scanners find leaked ones
TOKEN_LENGTH_MAX = 4_096
"""Longest token looked at; a JWT with our claims has some 250 characters."""
ALGORITHMS = ("HS256",)
"""Fixed here, never read from the token: `none`, RS256 with the secret as a key, and HS512 are all refused (RFC 8725, 3.1)."""
LEEWAY_MS = 30_000
"""How far the app's clock may be off (RFC 7519, 4.1.4: "no more than a few minutes")."""
SUBJECT_LENGTH_MAX = 256
READ_MAX = 2_000
"""Tokens whose claims are remembered, the last used; at most 8 MB of the longest there may be."""
EXP_S_MAX = 10**11
"""The year 5138: a bound on arithmetic, not a policy."""
EXTERNAL = "ext:"
"""Prefix of the ids of the embedding app's people; accounts of ours never have it."""


def new_token() -> str:
    """A token of 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def is_ours(token: str) -> bool:
    """Whether it may be a session's token."""
    return token.startswith(TOKEN_PREFIX) and len(token) <= TOKEN_LENGTH_MAX and token.isascii()


def token_hash(token: str) -> bytes:
    """What is stored of a token. It has 256 random bits, so a plain SHA-256 can't be searched."""
    return hashlib.sha256(token.encode()).digest()


def csrf_of(token: str) -> str:
    """The session's form token: only who has the session's token can make it, and it tells nothing about it."""
    return hmac.new(token.encode(), b"liveserver csrf", hashlib.sha256).hexdigest()


class _Claims(msgspec.Struct):
    """The claims we read (RFC 7519, 4.1); times are seconds, whole or not."""

    sub: str
    exp: int | float
    nbf: int | float = 0
    iat: int | float = 0
    name: str = ""
    role: Literal["viewer", "host", "admin"] = "viewer"
    verified: bool | None = None


class ExternalTokens:
    """Checks the embedding app's tokens. Without a secret none is accepted."""

    def __init__(self, secret: str, audience: str, verified_by_default: bool) -> None:
        self._secret = secret
        self._audience = audience
        self._verified_by_default = verified_by_default
        # What a token says never changes, only whether it is its time; a page is several requests with one token.
        self._read_once = lru_cache(READ_MAX)(self._read)

    def verify(self, token: str, now_ms: int) -> Identity | Rejected:
        """Whom the token names, until when. `BAD_TOKEN` or `TOKEN_EXPIRED`; which check failed is not told.

        `sub` and `exp` are required, `aud` if an audience is configured; `role` is viewer unless it says host or admin;
        `verified` (may bid) is the server's default unless it says so.
        """
        if not self._secret or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
            return BAD_TOKEN
        read = self._read_once(token)
        if read is None:
            return BAD_TOKEN
        identity, from_ms = read
        if now_ms >= identity.expires_ts:
            return TOKEN_EXPIRED
        return BAD_TOKEN if from_ms > now_ms + LEEWAY_MS else identity

    def _read(self, token: str) -> tuple[Identity, float] | None:
        """Whom it names, and from when in ms; None if it is not the app's."""
        claims = self._claims(token)
        if claims is None or not 0 < len(claims.sub) <= SUBJECT_LENGTH_MAX:
            return None
        # Comparisons that NaN fails; JSON as Python reads it has NaN and Infinity.
        if not (0 < claims.exp < EXP_S_MAX and claims.nbf < EXP_S_MAX and claims.iat < EXP_S_MAX):
            return None
        expires_ts = min(int(claims.exp * 1000) + LEEWAY_MS, NEVER_MS)
        verified = self._verified_by_default if claims.verified is None else claims.verified
        user = external_id(claims.sub)
        name = tame_name(claims.name, f"Viewer {hashlib.sha256(user.encode()).hexdigest()[:4]}")
        identity = Identity(user, name, claims.role, verified, NO_SESSION, expires_ts)
        return identity, max(claims.nbf, claims.iat) * 1000

    def _claims(self, token: str) -> _Claims | None:
        # Times are checked by our own clock, in `verify`.
        options: Any = {
            "require": ["exp", "sub"],
            "verify_aud": bool(self._audience),
            **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat"), False),
        }
        try:
            payload = jwt.decode(
                token,
                self._secret,
                algorithms=list(ALGORITHMS),
                audience=self._audience or None,
                options=options,
            )
            return msgspec.convert(payload, _Claims)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError):
            # ValueError: numbers with more digits than Python reads. RecursionError: brackets without end.
            return None


def external_id(subject: str) -> str:
    """The id of a person of the embedding app: `ext:` and its own id, or a hash of it where ours can't look like that."""
    plain = EXTERNAL + subject
    # Subjects that look like our hashes are hashed too, so that no two subjects share an id.
    if len(plain) <= ID_LENGTH_MAX and is_id(plain) and not subject.startswith("h."):
        return plain
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{EXTERNAL}h.{digest[:32]}"
