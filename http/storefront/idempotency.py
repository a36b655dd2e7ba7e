"""Requests that create something, carried out once: a repeated `Idempotency-Key` gets the first answer again.

Answers are kept in PostgreSQL for a day, so that a retry may come to another process or after a restart. It is no
transaction: should the server die between creating and keeping the answer, the key stays taken for `CLAIM_MS`, and a retry
after that is a new request.

Answers are kept without their secrets (`Secret`): what ends up in a backup must not finish anybody's payment.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from liveserver.infra.database import load_queries
from liveserver.kernel.errors import Rejected
from storefront.problems import Refused, invalid
from storefront.services import services_of
from storefront.visitors import Visitor, standing_id

QUERIES = load_queries("storefront")

KEY_LENGTH_MAX = 255
KEPT_MS = 86_400_000
"""How long an answer is kept: clients retry for minutes, people for an evening."""
CLAIM_MS = 60_000
"""How long a key is taken without an answer: longer than any request runs."""
KEYS_MAX = 10_000
"""Keys one person may have at a time. Whoever has more is refused: forgetting an answer early would create twice."""
ANSWER_BYTES_MAX = 1_048_576
"""As the table allows; the answers of operations that create are a few kilobytes."""
DROPPED_AT_ONCE = 200

REUSED = invalid(
    "Idempotency-Key",
    "This key was used for another request. Make a new one for each.",
    "idempotency_key_reused",
)
IN_PROGRESS = Rejected(
    "in_progress",
    "The first request with this key is still being carried out.",
    retryable=True,
    detail={"retry_after_ms": 1_000},
)
TOO_MANY_KEYS = Rejected(
    "too_many_requests",
    "You have used as many idempotency keys as are kept for a day.",
    retryable=True,
    detail={"retry_after_ms": 3_600_000},
)
BAD_KEY = invalid("Idempotency-Key", f"A key has 1 to {KEY_LENGTH_MAX} printable ASCII characters.")


class Secret(msgspec.Struct, frozen=True):
    """A field of an answer that is not kept with it, but asked for anew when the request is repeated."""

    field: str
    again: Callable[[dict[str, Any]], Awaitable[str]]
    """Given the answer without it. Raises Refused when it can't be had now; a later repetition may have it."""

    def without(self, body: bytes) -> bytes:
        """An answer's body as it is kept."""
        return msgspec.json.encode({**msgspec.json.decode(body), self.field: ""})

    async def filled(self, kept: bytes) -> bytes:
        """The body as it was."""
        answer: dict[str, Any] = msgspec.json.decode(kept)
        return msgspec.json.encode({**answer, self.field: await self.again(answer)})


class _Kept(msgspec.Struct, frozen=True):
    request: bytes
    status: int | None
    body: bytes | None
    created_ts: int


async def once(
    request: web.Request,
    visitor: Visitor,
    raw: bytes,
    carry_out: Callable[[], Awaitable[web.Response]],
    form_key: str | None = None,
    secret: Secret | None = None,
) -> web.Response:
    """Carries the request out, or repeats the answer of the one that came first with the same key: the header, or a form's field.

    Without a key, or from a guest whom nothing tells from others, it is just carried out. Raises Refused for a key used for another request (422) or one whose request
    is still running (409). Refused requests give their key back: what was mended may be sent with the same key.
    """
    key = form_key or request.headers.get("Idempotency-Key")
    if key is None:
        return await carry_out()
    if not (0 < len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise Refused(BAD_KEY)
    if not visitor.signed_in and visitor.new_guest:
        # Somebody without any cookie is somebody else with the next request, and must not be given another's answer.
        return await carry_out()
    services = services_of(request)
    pool, owner, now_ms = services.pool, standing_id(visitor), services.clock.now_ms()
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + raw).digest()
    await pool.execute(QUERIES.drop_old_keys, now_ms - KEPT_MS, DROPPED_AT_ONCE)
    if not await pool.fetchval(QUERIES.claim_key, owner, key, digest, now_ms, KEYS_MAX):
        kept = await _kept(request, owner, key)
        if kept.request != digest:
            raise Refused(REUSED)
        if kept.status is not None and kept.body is not None:
            return _repeated(kept.status, kept.body if secret is None else await secret.filled(kept.body))
        if now_ms - kept.created_ts < CLAIM_MS or not await pool.fetchval(
            QUERIES.take_over_key, owner, key, now_ms, now_ms - CLAIM_MS
        ):
            raise Refused(IN_PROGRESS)
    try:
        response = await carry_out()
    except BaseException:
        await pool.execute(QUERIES.release_key, owner, key)
        raise
    body = response.body if isinstance(response.body, bytes) else b""
    assert len(body) <= ANSWER_BYTES_MAX, "an answer of an operation that creates is small"
    if secret is not None:
        body = secret.without(body)
    await pool.execute(QUERIES.keep_answer, owner, key, response.status, body)
    return response


async def _kept(request: web.Request, owner: str, key: str) -> _Kept:
    row = await services_of(request).pool.fetchrow(QUERIES.kept_answer, owner, key)
    if row is None:
        # Not taken, and yet not given: the owner has too many. (Or it was given back just now: then a retry helps.)
        raise Refused(TOO_MANY_KEYS)
    return _Kept(**row)


def _repeated(status: int, body: bytes) -> web.Response:
    return web.Response(
        status=status,
        body=body,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "Idempotency-Replayed": "true"},
    )
