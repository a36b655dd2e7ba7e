"""The numbers a node gives to Prometheus, each with its name and where it is read. Names are API for dashboards.

It counts nothing itself: parts keep plain counters, which are read when somebody asks.
"""

from collections.abc import Callable

from liveserver.cli.relay import Heard
from liveserver.gateway.stats import Stats
from liveserver.infra.database import Pool
from liveserver.infra.garbage import Pauses
from liveserver.infra.telemetry import Metrics, Number
from liveserver.rooms.hub import Hub
from liveserver.rooms.recorder import Numbers


def _gauge(name: str, doc: str, label: str = "") -> Number:
    return Number(f"liveserver_{name}", "gauge", doc, label)


def _counter(name: str, doc: str, label: str = "") -> Number:
    return Number(f"liveserver_{name}_total", "counter", doc, label)


def read_numbers(metrics: Metrics, stats: Stats, hub: Hub, pool: Pool, heard: Heard, pauses: Pauses) -> None:
    """Tells `metrics` what to read of a node's parts, of the recorder process beside it, and of its garbage collector."""
    read = metrics.read
    _read_recording(metrics, hub, heard)
    _read_pauses(metrics, pauses)
    read(_gauge("connections", "WebSocket connections open now."), lambda: stats.connections)
    read(_counter("connections_accepted", "WebSocket connections accepted."), lambda: stats.accepted)
    read(_counter("handshakes_refused", "Request heads and handshakes refused."), lambda: stats.refused)
    read(_counter("heads_late", "Request heads that did not arrive in time."), lambda: stats.heads_late)
    read(_counter("messages", "Messages received over WebSockets."), lambda: stats.messages)
    read(_counter("messages_bad", "Messages that could not be understood."), lambda: stats.bad_messages)
    read(_counter("commands", "Commands submitted to rooms."), lambda: stats.commands)
    read(_counter("joins", "Joins of rooms, resumes included."), lambda: stats.joins)
    read(_counter("flushes", "Batches of events sent to rooms' viewers."), lambda: stats.flushes)
    read(
        _counter("frames_sent", "Frames written to sockets by the room and state lanes."),
        lambda: stats.frames_sent,
    )
    read(_gauge("flush_ms_max", "Longest flush so far, in ms."), lambda: stats.flush_ms_max)
    read(
        _counter("closes", "Connections closed by the server, by close code.", "code"),
        lambda: {str(code): float(count) for code, count in stats.closes.items()},
    )
    read(_gauge("rooms", "Rooms followed by this node."), lambda: len(hub.rooms))
    read(_gauge("database_connections", "Connections in the database pool."), lambda: float(pool.get_size()))
    read(
        _gauge("database_connections_idle", "Connections in the database pool that nobody uses."),
        lambda: float(pool.get_idle_size()),
    )


def _read_pauses(metrics: Metrics, pauses: Pauses) -> None:
    metrics.read(_counter("gc_seconds", "Time within garbage collections."), lambda: pauses.total_s)
    metrics.read(_counter("gc_rounds", "Garbage collections."), lambda: pauses.rounds)
    metrics.read(_gauge("gc_longest_seconds", "Longest garbage collection so far."), lambda: pauses.longest_s)


def _read_recording(metrics: Metrics, hub: Hub, heard: Heard) -> None:
    def by_process(pick: Callable[[Numbers], float]) -> Callable[[], dict[str, float]]:
        def read() -> dict[str, float]:
            found = {"node": pick(hub.recording())}
            if heard.numbers is not None:
                found["recorder"] = pick(heard.numbers)
            return found

        return read

    read = metrics.read
    read(
        _gauge(
            "recorder_lag_commands",
            "Commands of the show furthest behind that are not yet known to be recorded.",
            "process",
        ),
        by_process(lambda numbers: numbers.lag_commands),
    )
    read(
        _gauge("recorder_lag_ms", "Age of the oldest entry that is not yet known to be recorded.", "process"),
        by_process(lambda numbers: numbers.lag_ms),
    )
    read(
        _counter("recorded_facts", "Facts written to PostgreSQL by this process.", "process"),
        by_process(lambda numbers: numbers.counts.facts),
    )
    read(
        _counter("recorded_commands", "Commands whose entries were written by this process.", "process"),
        by_process(lambda numbers: numbers.counts.commands),
    )
    read(
        _counter("recorder_transactions", "Recording transactions of this process.", "process"),
        by_process(lambda numbers: numbers.counts.transactions),
    )
    read(
        _counter("recorder_busy_seconds", "Time within recording transactions.", "process"),
        by_process(lambda numbers: numbers.counts.busy_s),
    )
