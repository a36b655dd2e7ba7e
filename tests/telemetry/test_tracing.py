"""Traces: spans where time is spent, below the caller's; nothing at all while they are off."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from liveserver.infra import tracing
from liveserver.infra.migrations import known_migrations, migrate
from liveserver.infra.telemetry import set_up_logging
from liveserver.infra.tracing import provider_of, span
from tests.storefront.conftest import services, shop  # noqa: F401 - fixtures of the same storefront
from tests.support.storefront import Shop

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
"""The example of W3C Trace Context, 3.2: sampled."""

Spans = Callable[[], list[ReadableSpan]]


def traced(percent: int) -> Iterator[Spans]:
    exporter = InMemorySpanExporter()
    tracing.turn_on(provider_of(SimpleSpanProcessor(exporter), percent, "node_1"))
    yield lambda: list(exporter.get_finished_spans())
    tracing.turn_off()


@pytest.fixture
def spans() -> Iterator[Spans]:
    yield from traced(100)


@pytest.fixture
def spans_of_none() -> Iterator[Spans]:
    """Of traces that begin here nothing is kept."""
    yield from traced(0)


def named(found: list[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [one for one in found if one.name == name]


def test_off_it_is_one_and_the_same_nothing():
    assert span("append", show="show_1") is span("record", show="show_2")
    with span("append", show="show_1"), span("append", show="show_1"):
        pass


async def test_a_bid_is_traced_from_the_log_to_the_record(spans: Spans, shop: Shop):  # noqa: F811 - the fixture
    host = await shop.person("Hanna", "host")
    show = await shop.live_show(host)
    (append,) = named(spans(), "append")
    assert dict(append.attributes or {}) == {"show": show.id, "commands": 1}
    assert named(spans(), "record")
    assert named(spans(), "open room")
    assert append.resource.attributes["service.instance.id"] == "node_1"


async def test_a_request_hangs_below_its_senders_span_and_names_its_route(spans: Spans, shop: Shop):  # noqa: F811 - as above
    host = await shop.person("Hanna", "host")
    show = await shop.show(host)
    await shop.browser().get(f"/api/v1/livestreams/{show.id}", headers={"traceparent": PARENT})
    (request,) = named(spans(), "GET /api/v1/livestreams/{id}")
    assert request.parent is not None
    assert f"{request.parent.trace_id:032x}" == PARENT.split("-")[1]
    assert f"{request.parent.span_id:016x}" == PARENT.split("-")[2]


async def test_who_began_a_trace_decides_whether_it_is_kept(spans_of_none: Spans, shop: Shop):  # noqa: F811 - as above
    await shop.browser().get("/healthz")
    await shop.browser().get("/healthz", headers={"traceparent": PARENT})
    assert len(named(spans_of_none(), "GET /healthz")) == 1


async def test_migrations_are_spans(spans: Spans, empty_database_url: str):
    await migrate(empty_database_url)
    assert [dict(one.attributes or {})["file"] for one in named(spans(), "migrate")] == [
        one.title for one in known_migrations()
    ]


def test_an_error_that_passes_through_is_told(spans: Spans):
    with pytest.raises(ValueError, match="no"), span("append", show="show_1"):
        raise ValueError("no")
    (failed,) = spans()
    assert not failed.status.is_ok
    assert [event.name for event in failed.events] == ["exception"]


def test_lines_name_the_span_they_were_written_in(spans: Spans, capsys: pytest.CaptureFixture[str]):
    root = logging.getLogger()
    before = root.handlers[:]
    set_up_logging("info", "json")
    try:
        with span("append", show="show_1"):
            structlog.get_logger().info("inside")
        structlog.get_logger().info("outside")
    finally:
        root.handlers[:] = before
        structlog.reset_defaults()
    (one,) = spans()
    inside, outside = capsys.readouterr().err.splitlines()
    assert f'"trace": "{one.context.trace_id:032x}"' in inside
    assert f'"span": "{one.context.span_id:016x}"' in inside
    assert "trace" not in outside


async def test_a_collector_that_is_away_does_not_hold_up_the_stop(unused_tcp_port: int):
    async with tracing.tracing(f"http://127.0.0.1:{unused_tcp_port}/v1/traces", 100, "node_1"):
        with span("append", show="show_1"):
            pass
        assert tracing._tracer is not None
    assert tracing._tracer is None


async def test_without_the_extra_the_server_runs_and_says_so(monkeypatch: pytest.MonkeyPatch):
    said: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        tracing.log, "warning", lambda event, **more: said.append((event, more)), raising=False
    )
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace.export", None)
    async with tracing.tracing("http://collector:4318/v1/traces", 100, "node_1"):
        assert span("append") is span("record")
    assert [event for event, _ in said] == ["tracing_unavailable"]
