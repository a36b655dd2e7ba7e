"""Refusals in HTTP's words: which status a `Rejected` has, and RFC 9457 problem documents.

It does not write pages: `web.errors` shows the same refusals to people.
"""

from typing import Any

import msgspec
from aiohttp import web

from liveserver.kernel.errors import Rejected

STATUS_BY_CODE: dict[str, int] = {
    "bad_request": 400,
    "sign_in_first": 401,
    "bad_credentials": 401,
    "bad_token": 401,
    "token_expired": 401,
    "session_ended": 401,
    "forbidden": 403,
    "banned": 403,
    "cross_site": 403,
    "bad_csrf": 403,
    "role": 403,
    "not_a_host": 403,
    "not_found": 404,
    "no_account": 404,
    "method_not_allowed": 405,
    "name_taken": 409,
    "email_taken": 409,
    "in_progress": 409,
    "too_large": 413,
    "wrong_content_type": 415,
    "bad_cursor": 400,
    "too_many_attempts": 429,
    "too_many_requests": 429,
    "internal": 500,
    "bad_signature": 400,
    "payment_unknown": 503,
    "unavailable": 503,
    "livekit_not_configured": 503,
    "busy": 503,
    "draining": 503,
}
"""Codes with a status of their own. Others: 422 when `detail.field` names an input, 409 when the state of things says no."""

TITLES: dict[int, str] = {
    400: "The request is not understood",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible now",
    413: "Too large",
    415: "Content type not supported",
    422: "Something is not right in what was sent",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Not available right now",
}

NOT_FOUND = Rejected("not_found", "There is nothing here, or it is not yours to see.")
SIGN_IN_FIRST = Rejected("sign_in_first", "Sign in to do this.")
FORBIDDEN = Rejected("forbidden", "Your account may not do this.")
INTERNAL = Rejected(
    "internal",
    "Something went wrong on our side. It has been written down; try again in a moment.",
    retryable=True,
)


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one input."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    """Stable; the end of `type`."""
    instance: str = ""
    request: str = ""
    """The request id; say it when asking for help."""
    retryable: bool = False
    errors: tuple[FieldError, ...] = ()
    info: dict[str, Any] = {}
    """What a client needs to do better, such as `retry_after_ms`."""


class Refused(
    Exception
):  # leaves a handler early; the outermost middleware turns it into a document or a page
    """A refusal on its way out of a handler."""

    def __init__(self, rejected: Rejected, headers: dict[str, str] | None = None) -> None:
        super().__init__(rejected.code)
        self.rejected = rejected
        self.headers = headers or {}


def invalid(field: str, message: str, code: str = "invalid") -> Rejected:
    """A refusal of one input."""
    return Rejected(code, message, detail={"field": field})


def status_of(rejected: Rejected) -> int:
    """The status that fits a refusal; see `STATUS_BY_CODE`."""
    status = STATUS_BY_CODE.get(rejected.code)
    if status is not None:
        return status
    if rejected.code.endswith("_not_found"):
        return 404
    wrong_input = "field" in rejected.detail or rejected.code.startswith(("bad_", "unknown_", "no_such_"))
    return 422 if wrong_input else 409


def problem_of(rejected: Rejected, instance: str, request_id: str) -> Problem:
    """The document of a refusal."""
    status = status_of(rejected)
    info = dict(rejected.detail)
    field = info.pop("field", "")
    errors = (FieldError(str(field), rejected.message),) if field else ()
    return Problem(
        type=f"urn:liveserver:problem:{rejected.code}",
        title=TITLES.get(status, "Refused"),
        status=status,
        detail=rejected.message,
        code=rejected.code,
        instance=instance,
        request=request_id,
        retryable=rejected.retryable,
        errors=errors,
        info=info,
    )


def refusal_headers(rejected: Rejected) -> dict[str, str]:
    """`Retry-After` and `WWW-Authenticate` where they belong."""
    status = status_of(rejected)
    headers: dict[str, str] = {}
    wait_ms = rejected.detail.get("retry_after_ms")
    if isinstance(wait_ms, int):
        headers["Retry-After"] = str(max(1, -(-wait_ms // 1000)))
    elif status == 503:
        headers["Retry-After"] = "2"
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="liveserver"'
    return headers


def problem_response(
    rejected: Rejected, instance: str, request_id: str, headers: dict[str, str] | None = None
) -> web.Response:
    """The answer of an API operation that is refused."""
    return web.Response(
        status=status_of(rejected),
        body=msgspec.json.encode(problem_of(rejected, instance, request_id)),
        content_type="application/problem+json",
        headers={**refusal_headers(rejected), "Cache-Control": "no-store", **(headers or {})},
    )
