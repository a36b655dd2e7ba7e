"""Optional OpenTelemetry traces: spans where time is spent, sent to a collector. Off by default, and then next to free.

It wants the extra `liveserver[tracing]`. No span holds names, texts or amounts: ids, counts and routes only.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

import structlog

from liveserver import __version__
from liveserver.infra.telemetry import add_to_lines

log = structlog.get_logger(__name__)

SPANS_WAITING_MAX = 2_048
"""Spans kept for a collector that is slow or away; more are dropped. Some 2 MB."""
CLOSE_MAX_S = 3.0
"""Longest wait for the collector when the process stops."""

Value = str | int | float | bool
Span = AbstractContextManager[object]

_OFF: Span = nullcontext()
_tracer: Any = None
"""OpenTelemetry's, while tracing is on. One a process, as its context is."""


def span(name: str, **about: Value) -> Span:
    """A span around a block, below the one that is under way. Errors that pass through are recorded in it."""
    if _tracer is None:
        return _OFF
    return _tracer.start_as_current_span(name, attributes=about)


def request_span(name: str, headers: Mapping[str, str], **about: Value) -> Span:
    """The same for a request that came in: below its sender's span if it names one (W3C Trace Context, `traceparent`)."""
    if _tracer is None:
        return _OFF
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    return _tracer.start_as_current_span(
        name, context=extract(headers), kind=SpanKind.SERVER, attributes=about
    )


@asynccontextmanager
async def tracing(endpoint: str, percent: int, instance: str) -> AsyncGenerator[None]:
    """Traces while the block runs, if there is an endpoint (OTLP over HTTP, `http://collector:4318/v1/traces`). Of the traces that
    begin here `percent` are kept; those that others began, as they decided. `instance` is this process's name."""
    if not endpoint:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        log.warning("tracing_unavailable", error=str(error))
        yield
        return
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=CLOSE_MAX_S)
    processor = BatchSpanProcessor(exporter, max_queue_size=SPANS_WAITING_MAX)
    provider = provider_of(processor, percent, instance)
    turn_on(provider)
    try:
        yield
    finally:
        turn_off()
        # It waits for the collector in this thread's stead.
        await asyncio.to_thread(provider.shutdown)


def provider_of(processor: Any, percent: int, instance: str) -> Any:
    """OpenTelemetry's provider of tracers, with our name on every span."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    named = {
        "service.name": "liveserver",
        "service.version": __version__,
        "service.instance.id": instance,
    }
    provider = TracerProvider(
        resource=Resource.create(named), sampler=ParentBased(TraceIdRatioBased(percent / 100))
    )
    provider.add_span_processor(processor)
    return provider


def turn_on(provider: Any) -> None:
    """From now on `span` makes spans of this provider, and log lines name theirs."""
    global _tracer  # noqa: PLW0603 - a process traces or it does not; looking it up anywhere else costs the paths that are off
    _tracer = provider.get_tracer("liveserver", __version__)
    add_to_lines(_ids)


def turn_off() -> None:
    """`span` does nothing again."""
    global _tracer  # noqa: PLW0603 - as above
    _tracer = None


def _ids() -> dict[str, str]:
    """The present span's ids, as collectors write them."""
    if _tracer is None:
        return {}
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace": format_trace_id(context.trace_id), "span": format_span_id(context.span_id)}
