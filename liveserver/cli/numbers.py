"""The numbers a node gives to Prometheus, each with its name and where it is read. Names are API for dashboards.

It counts nothing itself: parts keep plain counters, which are read when somebody asks. docs/operating/metrics.md is made of this.
"""

import platform
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from liveserver import __version__
from liveserver.cli.relay import Heard
from liveserver.gateway.closecodes import CODES, STANDARD
from liveserver.gateway.stats import Stats
from liveserver.infra.database import Pool
from liveserver.infra.garbage import Pauses
from liveserver.infra.telemetry import Metrics, Number, Reading
from liveserver.infra.watch import EngineSeen, Watch
from liveserver.jobs.look import QueueWatch
from liveserver.jobs.model import Counts
from liveserver.nodes.service import Nodes
from liveserver.payouts.watch import BooksWatch
from liveserver.rooms.hub import Hub
from liveserver.rooms.recorder import Numbers

_CAUSES = {code.code: code.name for code in CODES}


@dataclass(frozen=True)
class Parts:
    """What is read."""

    stats: Stats
    hub: Hub
    nodes: Nodes
    pool: Pool
    heard: Heard
    """The recorder process beside the node."""
    pauses: Pauses
    """Of the garbage collector."""
    watch: Watch
    viewers: Callable[[], Mapping[str, int]]
    """Viewers on this node, by show."""
    jobs: "Jobs"
    books: BooksWatch


@dataclass(frozen=True)
class Jobs:
    """What is read of jobs."""

    queue: QueueWatch
    """How it stands, for all processes."""
    counts: Callable[[], Counts | None]
    """What the worker in this node or in the recorder process beside it did; None: nobody tells."""


class _Part:
    """One heading of the reference, and the metrics under it."""

    def __init__(self, metrics: Metrics, title: str) -> None:
        self._metrics = metrics
        self._title = title

    def gauge(self, name: str, doc: str, reading: Reading, *labels: str) -> None:
        self._metrics.read(Number(f"liveserver_{name}", "gauge", doc, labels, self._title), reading)

    def counter(self, name: str, doc: str, reading: Reading, *labels: str) -> None:
        self._metrics.read(Number(f"liveserver_{name}_total", "counter", doc, labels, self._title), reading)

    def histogram(self, name: str, doc: str, reading: Reading) -> None:
        self._metrics.read(Number(f"liveserver_{name}", "histogram", doc, (), self._title), reading)


def read_numbers(metrics: Metrics, parts: Parts) -> None:
    """Tells `metrics` what to read of a node's parts, of the recorder process beside it, and of the engines."""
    _read_connections(_Part(metrics, "Connections"), parts)
    _read_commands(_Part(metrics, "Bids, chat and other commands"), parts)
    _read_rooms(_Part(metrics, "Rooms and the log"), parts)
    _read_fan_out(_Part(metrics, "What viewers are sent"), parts.stats)
    _read_recording(_Part(metrics, "Recording"), parts)
    _read_jobs(_Part(metrics, "Jobs"), parts.jobs)
    _Part(metrics, "Money").gauge(
        "reconciliation_differences",
        "How many things differ between the payment provider's books and ours, by the newest comparison. Of the whole deployment: "
        "each node tells the same, looked at every minute.",
        lambda: parts.books.found,
    )
    _read_engines(_Part(metrics, "Engines"), parts)
    _read_process(_Part(metrics, "Nodes and processes"), parts)


def _read_connections(part: _Part, parts: Parts) -> None:
    stats = parts.stats
    part.gauge("connections", "WebSocket connections open now.", lambda: stats.connections)
    part.counter("connections_accepted", "WebSocket connections accepted.", lambda: stats.accepted)
    part.counter("handshakes_refused", "Request heads and handshakes refused.", lambda: stats.refused)
    part.counter("heads_late", "Request heads that did not arrive in time.", lambda: stats.heads_late)
    part.counter(
        "closes",
        "Connections closed by the server, by close code and cause (docs/PROTOCOL.md).",
        lambda: {(str(code), cause_of(code)): float(count) for code, count in stats.closes.items()},
        "code",
        "cause",
    )
    part.counter("joins", "Joins of rooms, resumes included.", lambda: stats.joins)
    part.counter(
        "resumes",
        "Joins that were given the events they had missed; the others took a snapshot.",
        lambda: stats.resumed,
    )
    part.gauge("viewers", "Viewers in rooms of this node.", lambda: sum(parts.viewers().values()))
    part.gauge("draining", "1 while this node sends its viewers elsewhere.", lambda: stats.draining)
    part.counter("drained", "Connections sent elsewhere because the node stops.", lambda: stats.drained)


def cause_of(code: int) -> str:
    """The name of a close code: `too_slow`; for the RFC's own `rfc6455`."""
    return _CAUSES.get(code, "rfc6455" if any(code == known for known, _, _ in STANDARD) else "other")


def _read_commands(part: _Part, parts: Parts) -> None:
    stats, rooms = parts.stats, parts.hub
    part.counter("messages", "Messages received over WebSockets.", lambda: stats.messages)
    part.counter("messages_bad", "Messages that could not be understood.", lambda: stats.bad_messages)
    part.counter("commands", "Commands submitted to rooms over WebSockets.", lambda: stats.commands)

    def outcomes() -> dict[tuple[str, ...], float]:
        found: Counter[tuple[str, ...]] = Counter()
        for counted in (rooms.numbers.verdicts, stats.refusals):
            for kind, by_code in counted.items():
                for code, count in by_code.items():
                    found[kind, code] += count
        return dict(found)

    part.counter(
        "outcomes",
        "What commands came to: `accepted` or a refusal's code (docs/PROTOCOL.md), by kind (`bid:place`, `chat:send`, …). Each "
        "command is counted by the one node that it was sent to.",
        outcomes,
        "kind",
        "outcome",
    )


def _read_rooms(part: _Part, parts: Parts) -> None:
    hub = parts.hub
    part.gauge("rooms", "Rooms followed by this node.", lambda: len(hub.rooms))
    part.gauge(
        "rooms_halted",
        "Rooms that take nothing because they are at odds with their log.",
        lambda: sum(bool(room.halted) for room in hub.rooms.values()),
    )
    part.histogram(
        "append_seconds",
        "A batch's way into the log, fsync and repeats included.",
        lambda: hub.numbers.append_s,
    )
    part.counter(
        "appends_refused",
        "Batches that the log did not take, by its code: FENCED and NOLOG (Redis restarted or lost the log), CLOCK, BACKLOG.",
        lambda: dict(hub.numbers.appends_refused),
        "code",
    )
    part.counter(
        "appends_unknown",
        "Appends whose outcome was not known; they are repeated under the same number and count once.",
        lambda: hub.numbers.appends_unknown,
    )
    part.histogram(
        "apply_lag_seconds",
        "From an entry's time in the log until it is applied on this node.",
        lambda: hub.numbers.apply_lag_s,
    )
    part.counter("gaps", "Entries that came while others before them were missing.", lambda: hub.numbers.gaps)
    part.counter(
        "refilled_commands",
        "Commands fetched from the log because no message brought them.",
        lambda: hub.numbers.refilled,
    )
    part.histogram("room_open_seconds", "Opening a room: record and log read.", lambda: hub.numbers.open_s)
    part.counter(
        "rebuilds", "Rooms built anew because they were at odds with their log.", lambda: hub.numbers.rebuilds
    )
    part.counter("epochs", "Times that a room followed its log into a new epoch.", lambda: hub.numbers.epochs)


def _read_fan_out(part: _Part, stats: Stats) -> None:
    part.histogram(
        "flush_seconds", "A batch of events to a room's viewers, to the last socket.", lambda: stats.flush_s
    )
    part.counter("flushes", "Batches of events sent to rooms' viewers.", lambda: stats.flushes)
    part.counter(
        "frames_sent", "Frames written to sockets by the room and state lanes.", lambda: stats.frames_sent
    )
    part.gauge("flush_ms_max", "Longest flush so far, in ms.", lambda: stats.flush_ms_max)


def _read_recording(part: _Part, parts: Parts) -> None:
    def by_process(pick: Callable[[Numbers], float]) -> Callable[[], dict[str, float]]:
        def read() -> dict[str, float]:
            found = {"node": pick(parts.hub.recording())}
            if parts.heard.numbers is not None:
                found["recorder"] = pick(parts.heard.numbers)
            return found

        return read

    part.gauge(
        "recorder_lag_commands",
        "Commands of the show furthest behind that are not yet known to be recorded.",
        by_process(lambda numbers: numbers.lag_commands),
        "process",
    )
    part.gauge(
        "recorder_lag_ms",
        "Age of the oldest entry that is not yet known to be recorded.",
        by_process(lambda numbers: numbers.lag_ms),
        "process",
    )
    part.counter(
        "recorded_facts",
        "Facts written to PostgreSQL by this process.",
        by_process(lambda numbers: numbers.counts.facts),
        "process",
    )
    part.counter(
        "recorded_commands",
        "Commands whose entries were written by this process.",
        by_process(lambda numbers: numbers.counts.commands),
        "process",
    )
    part.counter(
        "recorder_transactions",
        "Recording transactions of this process.",
        by_process(lambda numbers: numbers.counts.transactions),
        "process",
    )
    part.counter(
        "recorder_busy_seconds",
        "Time within recording transactions.",
        by_process(lambda numbers: numbers.counts.busy_s),
        "process",
    )


def _read_jobs(part: _Part, jobs: Jobs) -> None:
    def standing() -> dict[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {}
        for kind in jobs.queue.standing.kinds:
            found[kind.kind, "due"] = kind.due
            found[kind.kind, "running"] = kind.running
            found[kind.kind, "dead"] = kind.dead
        return found

    def counted(pick: Callable[[Counts], float]) -> Callable[[], float]:
        def read() -> float:
            counts = jobs.counts()
            return 0.0 if counts is None else pick(counts)

        return read

    part.gauge(
        "jobs",
        "Jobs by kind and state: `due` (wait for a worker), `running`, `dead` (not tried any more). Of the whole deployment: each node "
        "tells the same, looked at every ten seconds.",
        standing,
        "kind",
        "state",
    )
    part.gauge(
        "jobs_oldest_due_seconds",
        "For how long the oldest due job has waited for a worker.",
        lambda: jobs.queue.standing.oldest_due_ms / 1000,
    )
    part.counter("jobs_done", "Jobs done by the worker of this server.", counted(lambda counts: counts.done))
    part.counter(
        "jobs_failed", "Tries of jobs that failed and are repeated.", counted(lambda counts: counts.failed)
    )
    part.counter("jobs_died", "Jobs that died.", counted(lambda counts: counts.dead))
    part.counter(
        "jobs_busy_seconds", "Time that jobs ran, all together.", counted(lambda counts: counts.busy_s)
    )


def _read_engines(part: _Part, parts: Parts) -> None:
    def each(pick: Callable[[EngineSeen], float]) -> Callable[[], dict[str, float]]:
        return lambda: {name: pick(engine) for name, engine in parts.watch.engines.items()}

    part.gauge(
        "engine_up",
        "Whether PostgreSQL or Redis answers this process (`postgresql`, `redis`, `redis host:port` for a cluster's shards).",
        each(lambda engine: engine.up),
        "engine",
    )
    part.counter(
        "engine_away_seconds",
        "Time that an engine did not answer, asked once a second.",
        each(lambda engine: engine.away_s),
        "engine",
    )
    part.gauge(
        "engine_answer_seconds",
        "How long the last answer to a trivial question took.",
        each(lambda engine: engine.answer_ms / 1000),
        "engine",
    )
    part.gauge(
        "engine_clock_ahead_seconds",
        "How far an engine's clock is ahead of this machine's.",
        each(lambda engine: engine.ahead_ms / 1000),
        "engine",
    )
    part.gauge(
        "database_connections",
        "Connections in the database pool.",
        lambda: float(parts.pool.get_size()),
    )
    part.gauge(
        "database_connections_idle",
        "Connections in the database pool that nobody uses.",
        lambda: float(parts.pool.get_idle_size()),
    )


def _read_process(part: _Part, parts: Parts) -> None:
    watch, pauses = parts.watch, parts.pauses
    part.gauge(
        "info",
        "1, with what this process is.",
        lambda: {(__version__, platform.python_version(), parts.nodes.card.id): 1.0},
        "release",
        "python",
        "node",
    )
    part.gauge(
        "nodes",
        "Living processes in the registry, by kind; as last seen while PostgreSQL is away.",
        lambda: {kind: float(count) for kind, count in parts.nodes.seen.items()},
        "kind",
    )
    part.gauge("memory_bytes", "Resident memory of this process.", lambda: watch.process.memory_bytes)
    part.gauge(
        "cpu_share", "Share of one core that this process took last.", lambda: watch.process.cpu_percent / 100
    )
    part.gauge(
        "loop_late_seconds",
        "How much later than asked the event loop came to a turn, looked at once a second.",
        lambda: watch.process.late_ms / 1000,
    )
    part.counter("gc_seconds", "Time within garbage collections.", lambda: pauses.total_s)
    part.counter("gc_rounds", "Garbage collections.", lambda: pauses.rounds)
    part.gauge("gc_longest_seconds", "Longest garbage collection so far.", lambda: pauses.longest_s)
