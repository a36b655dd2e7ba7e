"""What every request passes through: its id, the rate of its address, its time, and the form its failure is told in.

Routes stay plain: a handler returns an answer or raises `Refused`, and this module makes the rest of it.
"""

import re
import secrets
import time
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from redis.exceptions import RedisError

from liveserver.infra.telemetry import Metrics
from liveserver.infra.tracing import request_span
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import UNAVAILABLE, Mendable, Rejected
from liveserver.kernel.ids import is_id
from liveserver.kernel.limits import TokenBucket
from storefront.headers import secure_answer
from storefront.problems import INTERNAL, NOT_FOUND, Refused, problem_response, refusal_headers, status_of
from storefront.services import SERVICES, services_of
from storefront.visitors import client_address

log = structlog.get_logger(__name__)

ErrorWriter = Callable[[web.Request, Rejected], Awaitable[web.Response]]
"""Shows a refusal to a person, as a page."""


REQUEST_ID = web.RequestKey("request_id", str)

_REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._-]{1,64}")
ADDRESSES_MAX = 20_000
"""Client addresses whose rate is remembered; the longest silent are forgotten first (and start with a full allowance)."""
BURST_FACTOR = 4
SOCKET = "/ws"
"""Handed over to the gateway with its connection: nobody sends what aiohttp calls the response."""
_FOR_PROGRAMS = ("/api/", "/metrics", "/readyz", "/healthz", "/openapi.json", "/asyncapi.json")
_OF_SHOWS = (
    "/shows/{id}",
    "/studio/shows/{id}",
    "/api/v1/livestreams/{id}",
    "/api/v1/seller/livestreams/{id}",
)
_FREE = ("/static/", "/healthz", "/readyz")
"""Not counted: they cost next to nothing, and one page needs many of them."""
_OF_PROVIDERS = "/api/v1/webhooks/"
"""Counted unless they were taken: the provider's few addresses send what many buyers cause, and an order that is told late is paid late;
a refused one was forged."""

NO_METHOD = Rejected("method_not_allowed", "This address does not take that method.")


class AddressRates:
    """A token bucket for each client address."""

    def __init__(self, per_s: float, clock: Clock) -> None:
        self._per_s = per_s
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}

    def take(self, address: str) -> int:
        """0 if the address may go on, else how long it should wait, in ms."""
        if self._per_s <= 0:
            return 0
        now_ms = self._clock.monotonic_ms()
        bucket = self._buckets.pop(address, None)
        if bucket is None:
            bucket = TokenBucket(self._per_s, self._per_s * BURST_FACTOR, now_ms)
            if len(self._buckets) >= ADDRESSES_MAX:
                del self._buckets[next(iter(self._buckets))]
        self._buckets[address] = bucket  # last in the order: heard just now
        return 0 if bucket.take(now_ms) else bucket.wait_ms()

    def give_back(self, address: str) -> None:
        """What was just taken does not count after all."""
        bucket = self._buckets.get(address)
        if bucket is not None:
            bucket.take(self._clock.monotonic_ms(), -1.0)


RATES = web.AppKey("rates", AddressRates)


def request_id(request: web.Request) -> str:
    """The request's id: the caller's own if it is a sane one, so that logs on both sides can be laid side by side."""
    return request.get(REQUEST_ID, "")


def wants_problem(request: web.Request) -> bool:
    """Whether a refusal is told as a problem document (API, programs) and not as a page."""
    if request.path.startswith(_FOR_PROGRAMS):
        return True
    accept = request.headers.get("Accept", "")
    return "json" in accept and "text/html" not in accept


def observed(write_page: ErrorWriter) -> Middleware:
    """The outermost: gives the request its id, turns whatever went wrong into an answer, and measures."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("X-Request-Id", "")
        request[REQUEST_ID] = given if _REQUEST_ID_FORM.fullmatch(given) else secrets.token_hex(8)
        services = services_of(request)
        started = time.perf_counter()
        # A connection's requests share one task, so what one of them has bound must not be left to the next.
        try:
            structlog.contextvars.bind_contextvars(request=request[REQUEST_ID], **_show_of(request))
            with request_span(
                f"{request.method} {route_of(request)}", request.headers, route=route_of(request)
            ):
                response = await _answered(request, handler, write_page)
        finally:
            structlog.contextvars.unbind_contextvars("request", "show", "user")
        if route_of(request) != SOCKET:
            _measure(services.metrics, request, response.status, time.perf_counter() - started)
        if not response.prepared:
            response.headers["X-Request-Id"] = request[REQUEST_ID]
            secure_answer(response, https=services.settings.secure)
        return response

    return observe


def _show_of(request: web.Request) -> dict[str, str]:
    """The show that the address names, for log lines."""
    show = request.match_info.get("id", "")
    named = route_of(request).startswith(_OF_SHOWS)
    return {"show": show} if named and is_id(show) else {}


async def _answered(request: web.Request, handler: Handler, write_page: ErrorWriter) -> web.StreamResponse:
    headers: dict[str, str] = {}
    try:
        return await handler(request)
    except Refused as refused:
        rejected, headers = refused.rejected, refused.headers
    except web.HTTPNotFound:
        rejected = NOT_FOUND
    except web.HTTPMethodNotAllowed as error:
        rejected, headers = NO_METHOD, {"Allow": ", ".join(sorted(error.allowed_methods))}
    except web.HTTPException as error:
        if error.status < 400:
            return error  # a redirect
        rejected = Rejected("bad_request", error.reason)
    except Mendable as error:
        log.exception("not_available", what=error.what, where=error.where, mend=error.mend)
        rejected = UNAVAILABLE
    except (OSError, TimeoutError, RedisError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
        log.exception("engine_away")
        rejected = UNAVAILABLE
    except Exception:
        log.exception("request_failed", method=request.method, route=route_of(request))
        rejected = INTERNAL
    if wants_problem(request):
        return problem_response(rejected, request.path, request_id(request), headers)
    return await _page_of(request, rejected, headers, write_page)


async def _page_of(
    request: web.Request, rejected: Rejected, headers: dict[str, str], write_page: ErrorWriter
) -> web.Response:
    try:
        response = await write_page(request, rejected)
    except Exception:
        # The page itself may be what fails: say it plainly then.
        log.exception("error_page_failed")
        response = web.Response(status=status_of(rejected), text=rejected.message)
    response.headers.update({**refusal_headers(rejected), **headers})
    response.headers.setdefault("Referrer-Policy", "same-origin")  # its address may hold a token
    response.headers.pop("WWW-Authenticate", None)  # a browser would ask for a password of its own
    return response


def route_of(request: web.Request) -> str:
    """The route's pattern (`/shows/{id}`), never the path: ids would make a metric of each show."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"


def _measure(metrics: Metrics, request: web.Request, status: int, seconds: float) -> None:
    metrics.http_seconds.labels(route_of(request), f"{status // 100}xx").observe(seconds)


@web.middleware
async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses an address that asks too often (`requests_per_s`)."""
    if request.path.startswith(_FREE):
        return await handler(request)
    rates, address = request.app[RATES], client_address(request)
    wait_ms = rates.take(address)
    if wait_ms:
        raise Refused(
            Rejected(
                "too_many_requests",
                "Too many requests from this address. Wait a moment.",
                retryable=True,
                detail={"retry_after_ms": wait_ms},
            )
        )
    answer = await handler(request)
    if request.path.startswith(_OF_PROVIDERS):
        rates.give_back(address)
    return answer


def rates_of(app: web.Application) -> AddressRates:
    """The rates of an application with these services."""
    services = app[SERVICES]
    return AddressRates(services.settings.requests_per_s, services.clock)
