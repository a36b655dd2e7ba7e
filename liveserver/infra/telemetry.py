"""What the server says about itself: log lines with who and where in them, and numbers for Prometheus.

It decides no alarms and keeps no history. Tokens, cookies, passwords and secrets never get into a line (`_redact`).
Context is bound with `structlog.contextvars.bound_contextvars(request=…, show=…, user=…)` at the edges; ids only, no names.
What each event of ours means: docs/operating/logging.md.
"""

import io
import logging
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as HttpHistogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from liveserver.kernel.histogram import SECONDS, Histogram

LINE_VALUE_CHARACTERS_MAX = 4_096
"""Longest value in a log line: an attacker's text must not fill the disk through an error message."""
_SECRET_KEYS = re.compile(r"(?i)token|password|secret|authorization|cookie|credential|api_?key")
_BEARER = re.compile(r"(?i)(bearer\s+|[?&](?:token|access_token)=)[^\s&\"']+")
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@/\s]+@")
_ROW = re.compile(r"^(DETAIL:\s+)(?:Failing row contains|Key) \(.*?\)[^()\n]*\.$", re.MULTILINE | re.DOTALL)
"""What PostgreSQL says of a row that it refuses: all that stands in it, names and addresses too."""

_process: dict[str, str] = {}
"""What every line of this process carries: `process` (worker-1, recorder) and `node`, once it has its id in the registry."""
_more: list[Callable[[], Mapping[str, str]]] = []


def set_up_logging(
    level: str = "info",
    form: Literal["auto", "console", "json"] = "auto",
    *,
    stream: TextIO | None = None,
    process: str = "",
) -> None:
    """Sends all logging, ours and libraries', to `stream` (stderr): for people on a terminal, else a JSON object a line."""
    out: TextIO = stream or sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=not console),
        structlog.processors.StackInfoRenderer(),
    ]
    _process.clear()
    if process:
        _process["process"] = process
    shared.append(_add_process)
    if not console:
        shared.append(structlog.processors.format_exc_info)
    shared.append(_redact)
    render = (
        # Plain tracebacks: the pretty ones show local variables, and those hold tokens.
        structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=_plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # tests and workers set it up anew
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # Chatty at info about every connection; our own lines say what matters of them.
    for library in ("websockets", "asyncio", "aiohttp.access"):
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))


def _plain_traceback(out: TextIO, error: Any) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, error)
    out.write(_ROW.sub(r"\1***", text.getvalue()))


def name_node(node: str) -> None:
    """From now on every line of this process says which node it is of. A process is one node."""
    _process["node"] = node


def add_to_lines(more: Callable[[], Mapping[str, str]]) -> None:
    """Asks `more` for each line what it should carry besides."""
    if more not in _more:
        _more.append(more)


def _add_process(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for found in (_process, *(more() for more in _more)):
        for key, value in found.items():
            line.setdefault(key, value)
    return line


def _redact(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in line.items():
        if key.startswith("_"):
            continue  # structlog's own
        if _SECRET_KEYS.search(key) and value:
            line[key] = "***"
        elif isinstance(value, str):
            line[key] = without_secrets(value)
    return line


def without_secrets(text: str) -> str:
    """The text without what looks like a bearer token, a JWT or an address's password, and without rows of the database, cut to a
    bounded length."""
    text = _ROW.sub(r"\1***", text)
    if len(text) > LINE_VALUE_CHARACTERS_MAX:
        text = text[:LINE_VALUE_CHARACTERS_MAX] + "…"
    return _URL_PASSWORD.sub(r"\1:***@", _JWT.sub("***", _BEARER.sub(r"\1***", text)))


@dataclass(frozen=True)
class Number:
    """One metric: its name is API for dashboards and alarms, and changes only with a line in the changelog."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    doc: str
    labels: tuple[str, ...] = ()
    part: str = ""
    """Under which heading the reference lists it."""


Reading = Callable[[], float | Mapping[str, float] | Mapping[tuple[str, ...], float] | Histogram]
"""Gives a metric's present value, one per value of its label (or tuple of labels), or a histogram. Called at each scrape, so
it must be cheap."""

HTTP_SECONDS = Number(
    "liveserver_http_request_seconds",
    "histogram",
    "Time to answer an HTTP request, by route and status class.",
    ("route", "status"),
    "Pages and API",
)


class Metrics:
    """The numbers of one process. Parts keep plain counters and are read when scraped: nothing is locked on hot paths."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._readings: dict[str, tuple[Number, Reading]] = {}
        self.registry.register(_Reader(self._readings))
        self.http_seconds = HttpHistogram(
            HTTP_SECONDS.name,
            HTTP_SECONDS.doc,
            HTTP_SECONDS.labels,
            buckets=SECONDS,
            registry=self.registry,
        )

    def read(self, number: Number, reading: Reading) -> None:
        """Adds a metric. Each name is read from one place."""
        assert number.name not in self._readings, f"{number.name} is read from two places"
        self._readings[number.name] = (number, reading)

    def numbers(self) -> list[Number]:
        """What is read, in the order of reading: the documentation of what a scrape gives."""
        return [number for number, _ in self._readings.values()]

    def render(self) -> bytes:
        """The Prometheus text format, version 0.0.4."""
        return generate_latest(self.registry)


class _Reader(Collector):
    def __init__(self, readings: Mapping[str, tuple[Number, Reading]]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for number, reading in self._readings.values():
            value = reading()
            if number.kind == "histogram":
                assert isinstance(value, Histogram), f"{number.name} is a histogram"
                buckets = [
                    ("+Inf" if math.isinf(bound_s) else repr(bound_s), float(count))
                    for bound_s, count in value.cumulative()
                ]
                yield HistogramMetricFamily(number.name, number.doc, buckets=buckets, sum_value=value.sum_s)
                continue
            family = CounterMetricFamily if number.kind == "counter" else GaugeMetricFamily
            metric = family(number.name, number.doc, labels=number.labels)
            if isinstance(value, Mapping):
                for label, part in value.items():
                    metric.add_metric((label,) if isinstance(label, str) else label, part)
            else:
                assert not isinstance(value, Histogram), f"{number.name} is no histogram"
                metric.add_metric((), value)
            yield metric
