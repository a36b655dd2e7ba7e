"""The deployment as the operator sees it: nodes, shows and engines from the registry's beats, and the alarms they come to.

What it tells is a beat old (a second), and it stores nothing. Who may see it is the caller's affair.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec
from aiohttp import web

from liveserver.infra.watch import AWAY, EngineSeen
from liveserver.jobs.look import Standing, standing
from liveserver.kernel.ids import ShowId
from liveserver.nodes.model import Kind, NodeSeen
from liveserver.payouts.watch import newest_found
from liveserver.rooms.numbers import NodeTold, RoomTold
from storefront.alarms import (
    BACKLOG_SHARE,
    BY_NAME,
    CLOCK_APART_MS,
    FULL_SHARE,
    JOBS_STAND_MS,
    LAG_MS,
    LATE_MS,
    SILENT_MS,
    Severity,
)
from storefront.services import Services

FRESH_MS = 1_000
"""Operators who look at the same time share one look at the registry."""
SHOWS_MAX = 200
"""Shows told; those in trouble first, then the busiest."""
NO_JOBS = Standing()
TITLES_MAX = 1_000
"""Titles remembered; the oldest go first."""


class NodeDocument(msgspec.Struct, frozen=True):
    """A living process."""

    id: str
    kind: Kind
    release: str
    python: str
    origin: str
    """Where it is reached; "" for one that serves nobody."""
    started_ms: int
    silent_ms: int
    """Since its last beat."""
    draining: bool
    connections: int
    rooms: int
    cpu_percent: int
    """Of one core."""
    memory_bytes: int
    late_ms: int
    """How late its event loop was in the last second."""
    here: bool
    """It is the one that answers."""


class ShowDocument(msgspec.Struct, frozen=True):
    """A show that is followed somewhere."""

    show: str
    title: str
    """"" while it is not known."""
    viewers: int
    nodes: int
    """Processes that follow it."""
    seq: int
    """The newest command that any of them has applied."""
    epoch: int
    unrecorded: int
    """Commands not yet known to be in PostgreSQL."""
    lag_ms: int
    """Age of the oldest of these."""
    halted: str
    """Why it stands still somewhere; "" while all is well."""


class EngineDocument(msgspec.Struct, frozen=True):
    """PostgreSQL, Redis, or one of a cluster's shards."""

    name: str
    asked: int
    """Processes that use it."""
    answers: int
    """How many of these it answers."""
    answer_ms: float
    """The slowest last answer."""
    ahead_ms: int
    """The largest difference of its clock from a machine's; what the way there may explain is left out."""
    away_s: float
    """The longest that any of them has missed it, in all."""


class AlarmDocument(msgspec.Struct, frozen=True):
    """Something to act on; names are those of Prometheus' rules and of docs/operating/alarms.md."""

    name: str
    severity: Severity
    about: str
    """Which node, show or engine."""
    means: str
    people: str
    """What people notice."""
    todo: str


class LiveDocument(msgspec.Struct, frozen=True):
    """All of it, as of `now_ms`."""

    now_ms: int
    registry: bool
    """Whether PostgreSQL answered; else nodes and shows are what was last seen."""
    viewers: int
    connections: int
    nodes: tuple[NodeDocument, ...]
    shows: tuple[ShowDocument, ...]
    shows_more: int
    """Shows left out."""
    engines: tuple[EngineDocument, ...]
    alarms: tuple[AlarmDocument, ...]


Pair = tuple[NodeSeen, NodeTold]


class Operating:
    """Looks at the registry for the operators of one application."""

    def __init__(self) -> None:
        self._kept: LiveDocument | None = None
        self._kept_at_ms = 0
        self._pairs: list[Pair] = []
        self._titles: dict[str, str] = {}
        self._jobs = Standing()
        self._books = 0

    async def look(self, services: Services) -> LiveDocument:
        """The deployment as it is now. Raises nothing of PostgreSQL's: its absence is part of what is told."""
        now_ms = services.clock.monotonic_ms()
        if self._kept is not None and now_ms - self._kept_at_ms < FRESH_MS:
            return self._kept
        registry = True
        try:
            self._pairs = [(seen, _told(seen)) for seen in await services.nodes.alive()]
            shows, more = _shows(self._pairs)
            await self._learn_titles(services, [show.show for show in shows])
            self._jobs = await standing(services.pool)
            self._books = await newest_found(services.pool)
        except AWAY:
            registry = False
            shows, more = _shows(self._pairs)
        self._kept = self._document(services, shows, more, registry)
        self._kept_at_ms = now_ms
        return self._kept

    def _document(
        self, services: Services, shows: list[ShowDocument], more: int, registry: bool
    ) -> LiveDocument:
        nodes = tuple(_node(seen, told, services.nodes.card.id) for seen, told in self._pairs)
        told = [told.engines for _, told in self._pairs] if registry else [list(services.engines.values())]
        titled = tuple(msgspec.structs.replace(show, title=self._titles.get(show.show, "")) for show in shows)
        engines = _engines(told)
        settings = services.settings
        return LiveDocument(
            now_ms=services.clock.now_ms(),
            registry=registry,
            viewers=sum(show.viewers for show in shows),
            connections=sum(node.connections for node in nodes),
            nodes=nodes,
            shows=titled,
            shows_more=more,
            engines=engines,
            alarms=tuple(
                alarms_of(
                    nodes,
                    titled,
                    engines,
                    _epochs(self._pairs),
                    self._jobs,
                    self._books,
                    recorder=settings.recorder == "process",
                    unrecorded_max=settings.unrecorded_max,
                    connections_max=settings.connections_max,
                )
            ),
        )

    async def _learn_titles(self, services: Services, shows: list[str]) -> None:
        for show in shows:
            if show not in self._titles:
                record = await services.shows.get(ShowId(show))
                if record is not None:
                    if len(self._titles) >= TITLES_MAX:
                        del self._titles[next(iter(self._titles))]
                    self._titles[show] = record.title


OPERATING = web.AppKey("operating", Operating)


def _told(seen: NodeSeen) -> NodeTold:
    try:
        return msgspec.convert(seen.numbers, NodeTold)
    except msgspec.ValidationError:
        return NodeTold()  # another release says it in another way; that it lives is seen all the same


def _node(seen: NodeSeen, told: NodeTold, here: str) -> NodeDocument:
    return NodeDocument(
        id=seen.id,
        kind=seen.kind,
        release=seen.release,
        python=seen.python,
        origin=seen.origin,
        started_ms=seen.started_ms,
        silent_ms=seen.silent_ms,
        draining=seen.draining,
        connections=told.connections,
        rooms=told.rooms,
        cpu_percent=told.cpu_percent,
        memory_bytes=told.memory_bytes,
        late_ms=told.late_ms,
        here=seen.id == here,
    )


def _shows(pairs: Iterable[Pair]) -> tuple[list[ShowDocument], int]:
    rooms: defaultdict[str, list[RoomTold]] = defaultdict(list)
    for _, told in pairs:
        for room in told.shows:
            rooms[room.show].append(room)
    shows = [
        ShowDocument(
            show=show,
            title="",
            viewers=sum(room.viewers for room in told),
            nodes=len(told),
            seq=max(room.seq for room in told),
            epoch=max(room.epoch for room in told),
            unrecorded=max(room.unrecorded for room in told),
            lag_ms=max(room.lag_ms for room in told),
            halted=next((room.halted for room in told if room.halted), ""),
        )
        for show, told in rooms.items()
    ]
    shows.sort(key=lambda show: (not show.halted, show.lag_ms < LAG_MS, -show.viewers, show.show))
    return shows[:SHOWS_MAX], max(0, len(shows) - SHOWS_MAX)


def _epochs(pairs: Iterable[Pair]) -> Mapping[str, set[int]]:
    epochs: defaultdict[str, set[int]] = defaultdict(set)
    for _, told in pairs:
        for room in told.shows:
            epochs[room.show].add(room.epoch)
    return epochs


def _engines(told: Iterable[Iterable[EngineSeen]]) -> tuple[EngineDocument, ...]:
    by_name: defaultdict[str, list[EngineSeen]] = defaultdict(list)
    for engines in told:
        for engine in engines:
            by_name[engine.name].append(engine)
    return tuple(
        EngineDocument(
            name=name,
            asked=len(seen),
            answers=sum(engine.up for engine in seen),
            answer_ms=max(engine.answer_ms for engine in seen),
            ahead_ms=max((_beyond(engine) for engine in seen), key=abs),
            away_s=max(engine.away_s for engine in seen),
        )
        for name, seen in sorted(by_name.items())
    )


def _beyond(engine: EngineSeen) -> int:
    """The difference of clocks without what half of the way there and back may explain."""
    surely = max(0.0, abs(engine.ahead_ms) - engine.answer_ms / 2)
    return round(surely if engine.ahead_ms > 0 else -surely)


def alarms_of(
    nodes: Iterable[NodeDocument],
    shows: Iterable[ShowDocument],
    engines: Iterable[EngineDocument],
    epochs: Mapping[str, set[int]],
    jobs: Standing = NO_JOBS,
    books: int = 0,
    *,
    recorder: bool,
    unrecorded_max: int,
    connections_max: int,
) -> list[AlarmDocument]:
    """What an operator should act on, critical ones first. `recorder`: one is meant to run."""
    nodes, shows = list(nodes), list(shows)
    found: list[AlarmDocument] = []

    def raised(name: str, about: str) -> None:
        alarm = BY_NAME[name]
        words = (text.replace("`", "") for text in (alarm.means, alarm.people, alarm.todo))
        found.append(AlarmDocument(name, alarm.severity, about, *words))

    for engine in engines:
        if engine.answers < engine.asked:
            raised(
                "EngineAway",
                f"{engine.name} answers {engine.answers} of {engine.asked} processes",
            )
        if abs(engine.ahead_ms) > CLOCK_APART_MS:
            way = "ahead of" if engine.ahead_ms > 0 else "behind"
            raised(
                "ClockApart", f"{engine.name} is {abs(engine.ahead_ms) / 1000:.1f} s {way} a machine of ours"
            )
    for show in shows:
        name = show.title or show.show
        if show.halted:
            raised("RoomHalted", f"{name}: {show.halted}")
        if show.lag_ms > LAG_MS or show.unrecorded > BACKLOG_SHARE * unrecorded_max:
            raised(
                "RecordingBehind",
                f"{name}: {show.unrecorded} commands, the oldest {show.lag_ms // 1000} s old",
            )
        if len(epochs.get(show.show, ())) > 1:
            raised("NodesDisagree", f"{name}: epochs {', '.join(map(str, sorted(epochs[show.show])))}")
    for node in nodes:
        if node.silent_ms > SILENT_MS:
            raised("NodeSilent", f"{node.id}, for {node.silent_ms / 1000:.1f} s")
        if node.late_ms > LATE_MS:
            raised("LoopLate", f"{node.id}, by {node.late_ms} ms")
        if node.connections > FULL_SHARE * connections_max:
            raised("NodeFull", f"{node.id}: {node.connections} of {connections_max}")
    if nodes and recorder and not any(node.kind == "recorder" for node in nodes):
        raised("RecorderMissing", "none of the living processes only records")
    for what in (
        sorted({node.release for node in nodes}),
        sorted({f"Python {node.python}" for node in nodes}),
    ):
        if len(what) > 1:
            raised("ReleasesMixed", " and ".join(what))
    if jobs.oldest_due_ms > JOBS_STAND_MS:
        raised("JobsStandStill", f"the oldest has been due for {jobs.oldest_due_ms // 1000} s")
    if jobs.dead:
        dead = (f"{kind.dead} of {kind.kind}" for kind in jobs.kinds if kind.dead)
        raised("JobsDead", ", ".join(dead))
    if books:
        raised("BooksDiffer", f"{books} by the newest comparison")
    found.sort(key=lambda alarm: alarm.severity != "critical")
    return found
