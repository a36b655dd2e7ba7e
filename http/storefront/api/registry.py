"""One registry of the API's operations: what a handler takes and gives is read off its own signature.

    @operation("POST", "/seller/livestreams", tag="seller", who=HOSTS, status=201, keyed=True)
    async def create_livestream(call: Call, body: NewLivestream) -> SellerLivestream | Rejected:
        "Plans a show."

`body` is the JSON body's type, `query` the query's; every other parameter after `call` is a part of the path. From the same
facts come the route, the checks before the handler runs, and the OpenAPI document (`openapi`). It holds no operation.
"""

import functools
import inspect
import re
import types
import typing
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from liveserver.accounts.model import Identity
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import is_id
from storefront.bodies import read_json, read_query
from storefront.headers import secure_answer
from storefront.idempotency import Secret, once
from storefront.middleware import request_id
from storefront.problems import NOT_FOUND, Refused
from storefront.services import Services, services_of
from storefront.visitors import Visitor, check_api_call, need, visitor_of

PREFIX = "/api/v1"

EVERYBODY: frozenset[str] = frozenset({"guest", "viewer", "host", "admin"})
SIGNED_IN: frozenset[str] = EVERYBODY - {"guest"}
HOSTS: frozenset[str] = frozenset({"host", "admin"})
ADMINS: frozenset[str] = frozenset({"admin"})

_encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct, frozen=True):
    """One request, checked: who asks, and what may be used to answer."""

    request: web.Request
    services: Services
    visitor: Visitor

    @property
    def who(self) -> Identity:
        """Who asks."""
        return self.visitor.identity


SecretAgain: typing.TypeAlias = Callable[[Call, dict[str, Any]], Awaitable[str]]
"""Gives the secret of an answer that is kept without it; see `idempotency.Secret`."""


class Table(msgspec.Struct, frozen=True):
    """An answer that is no JSON: a CSV file, sent as it is read."""

    name: str
    """What the browser calls the file."""
    parts: AsyncIterator[str]


class Operation(msgspec.Struct, frozen=True):
    """One operation of the API."""

    method: str
    path: str
    """Below `/api/v1`, with `{id}` for its parameters."""
    tag: str
    who: frozenset[str]
    status: int
    keyed: bool
    """Creates something: takes an `Idempotency-Key`."""
    name: str
    summary: str
    description: str
    parameters: tuple[str, ...]
    body: Any
    query: Any
    answer: Any
    """None: an answer without content."""
    handler: Callable[..., Awaitable[Any]]
    problems: tuple[int, ...] = ()
    """Problem statuses besides those that follow from what it takes (`openapi.refusals_of`)."""
    secret: tuple[str, SecretAgain] | None = None
    """The field of a keyed operation's answer that is not kept, and where it is had again."""


OPERATIONS: list[Operation] = []
"""All operations, in the order of their modules; filled by `operation` when those are imported, and then never changed."""

H = typing.TypeVar("H", bound=Callable[..., Awaitable[Any]])


def operation(
    method: str,
    path: str,
    *,
    tag: str,
    who: frozenset[str],
    status: int = 200,
    keyed: bool = False,
    problems: tuple[int, ...] = (),
    secret: tuple[str, SecretAgain] | None = None,
) -> Callable[[H], H]:
    """Registers a handler; see the module's example."""

    def register(handler: H) -> H:
        hints = typing.get_type_hints(handler)
        answer = _without_refusal(hints.pop("return"))
        names = [
            name for name in inspect.signature(handler).parameters if name not in {"call", "body", "query"}
        ]
        assert names == re.findall(r"{(\w+)}", path), f"{handler.__name__} does not take what {path} gives"
        summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n")
        assert summary, f"{handler.__name__} says nothing in the reference"
        OPERATIONS.append(
            Operation(
                method=method,
                path=path,
                tag=tag,
                who=who,
                status=204 if answer is None else status,
                keyed=keyed,
                name=handler.__name__,
                summary=summary,
                description=" ".join(description.split()),
                parameters=tuple(names),
                body=hints.get("body"),
                query=hints.get("query"),
                answer=answer,
                handler=handler,
                problems=problems,
                secret=secret,
            )
        )
        return handler

    return register


def _without_refusal(answer: Any) -> Any:
    """`X` of `X | Rejected`; None of `Rejected | None`."""
    if isinstance(answer, types.UnionType) or typing.get_origin(answer) is typing.Union:
        parts = [part for part in typing.get_args(answer) if part not in (Rejected, type(None))]
        assert len(parts) <= 1, "an operation has one kind of answer"
        return parts[0] if parts else None
    return None if answer is type(None) else answer


def http_handler(op: Operation) -> Handler:
    """What aiohttp calls: checks the caller, reads what the operation takes, and writes what it gives."""

    async def handle(request: web.Request) -> web.StreamResponse:
        visitor = await visitor_of(request)
        check_api_call(request, visitor)
        need(visitor, op.who)
        arguments: dict[str, Any] = {name: _path_part(request, name) for name in op.parameters}
        raw = b""
        if op.query is not None:
            arguments["query"] = read_query(request, op.query)
        if op.body is not None:
            arguments["body"], raw = await read_json(request, op.body)
        call = Call(request, services_of(request), visitor)

        async def carry_out() -> web.Response:
            answer = await op.handler(call, **arguments)
            if isinstance(answer, Rejected):
                raise Refused(answer)
            return _answer(op, answer)

        if op.answer is Table:
            return await _send_table(request, await op.handler(call, **arguments))
        if not op.keyed:
            return await carry_out()
        return await once(request, visitor, raw, carry_out, secret=_secret_of(op, call))

    return handle


def _secret_of(op: Operation, call: Call) -> Secret | None:
    if op.secret is None:
        return None
    field, again = op.secret
    return Secret(field, functools.partial(again, call))


async def _send_table(request: web.Request, answer: Table | Rejected) -> web.StreamResponse:
    if isinstance(answer, Rejected):
        raise Refused(answer)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{answer.name}"',
            "Cache-Control": "no-store",
        }
    )
    # The middleware can't add them any more once the first part has left.
    response.headers["X-Request-Id"] = request_id(request)
    secure_answer(response, https=services_of(request).settings.secure)
    await response.prepare(request)
    try:
        async for part in answer.parts:
            await response.write(part.encode())
    except BaseException:
        # Cut off, so that half a file is not taken for the whole; who logs it is above.
        if request.transport is not None:
            request.transport.abort()
        raise
    await response.write_eof()
    return response


def _path_part(request: web.Request, name: str) -> str:
    text = request.match_info[name]
    if not is_id(text):
        raise Refused(NOT_FOUND)
    return text


def _answer(op: Operation, answer: Any) -> web.Response:
    # What one person sees must not be given to another by a cache in between.
    # Nor is what a guest got by asking for it (a token) anybody's to keep.
    public = op.who == EVERYBODY and op.method == "GET"
    headers = {"Cache-Control": "private, no-cache" if public else "no-store"}
    if op.answer is None:
        return web.Response(status=204, headers=headers)
    return web.Response(
        status=op.status, body=_encode(answer), content_type="application/json", headers=headers
    )
