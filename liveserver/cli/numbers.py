"""The numbers a node gives to Prometheus, each with its name and where it is read. Names are API for dashboards.

It counts nothing itself: parts keep plain counters, which are read when somebody asks.
"""

from liveserver.gateway.stats import Stats
from liveserver.infra.database import Pool
from liveserver.infra.telemetry import Metrics, Number
from liveserver.rooms.hub import Hub


def read_numbers(metrics: Metrics, stats: Stats, hub: Hub, pool: Pool) -> None:
    """Tells `metrics` what to read of a node's parts."""

    def gauge(name: str, doc: str, label: str = "") -> Number:
        return Number(f"liveserver_{name}", "gauge", doc, label)

    def counter(name: str, doc: str, label: str = "") -> Number:
        return Number(f"liveserver_{name}_total", "counter", doc, label)

    read = metrics.read
    read(gauge("connections", "WebSocket connections open now."), lambda: stats.connections)
    read(counter("connections_accepted", "WebSocket connections accepted."), lambda: stats.accepted)
    read(counter("handshakes_refused", "Request heads and handshakes refused."), lambda: stats.refused)
    read(counter("heads_late", "Request heads that did not arrive in time."), lambda: stats.heads_late)
    read(counter("messages", "Messages received over WebSockets."), lambda: stats.messages)
    read(counter("messages_bad", "Messages that could not be understood."), lambda: stats.bad_messages)
    read(counter("commands", "Commands submitted to rooms."), lambda: stats.commands)
    read(counter("joins", "Joins of rooms, resumes included."), lambda: stats.joins)
    read(counter("flushes", "Batches of events sent to rooms' viewers."), lambda: stats.flushes)
    read(
        counter("frames_sent", "Frames written to sockets by the room and state lanes."),
        lambda: stats.frames_sent,
    )
    read(gauge("flush_ms_max", "Longest flush so far, in ms."), lambda: stats.flush_ms_max)
    read(
        counter("closes", "Connections closed by the server, by close code.", "code"),
        lambda: {str(code): float(count) for code, count in stats.closes.items()},
    )
    read(gauge("rooms", "Rooms followed by this node."), lambda: len(hub.rooms))
    read(
        gauge("recorder_lag_commands", "Commands applied here and not yet known to be recorded."),
        lambda: sum(room.unrecorded for room in hub.rooms.values()),
    )
    read(gauge("database_connections", "Connections in the database pool."), lambda: float(pool.get_size()))
    read(
        gauge("database_connections_idle", "Connections in the database pool that nobody uses."),
        lambda: float(pool.get_idle_size()),
    )
