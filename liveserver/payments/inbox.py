"""The inbox of the provider's events: each is kept once, answered fast, and applied by a job, together with its mark of being applied.

Events are delivered twice, late and out of order. So an event is only a hint: its handler asks the provider for the object it is
about, and what it says now is what counts.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import msgspec

from liveserver.infra.database import Connection, Pool, load_queries, transaction
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Every, Work
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.payments.errors import BAD_EVENT, NOT_SIGNED
from liveserver.payments.port import BadSignature, Event, EventId, PaymentProvider

Q = load_queries("liveserver.payments")

Effect: TypeAlias = Callable[[Connection], Awaitable[None]]
"""What an event comes to, in the transaction that marks it applied."""
EventHandler: TypeAlias = Callable[[Event], Awaitable[Effect | None]]
"""Asks the provider (in no transaction), and says what to do."""

BODY_BYTES_MAX = 262_144
"""Events are a few kilobytes; a larger body is none of them."""
FIELD_MAX = 120
KEPT_MS = 90 * 86_400_000
"""How long an event is remembered after it was applied; providers deliver again for days."""
DROPPED_AT_ONCE = 1_000
TRIES_MAX = 24
"""With pauses that double up to an hour this is half a day: then it is about something that we never had, and an operator looks."""


class NotYet(Exception):
    """What an event is about is not committed here yet: it is tried again later."""


class EventJob(msgspec.Struct, frozen=True):
    """The payload of `payments.apply`."""

    event: EventId


class Inbox:
    """Events of one provider."""

    def __init__(
        self,
        pool: Pool,
        provider: PaymentProvider,
        clock: Clock,
        handlers: Mapping[str, EventHandler],
    ) -> None:
        self._pool = pool
        self._provider = provider
        self._clock = clock
        self._handlers = handlers

    async def receive(self, body: bytes, signature: str) -> Rejected | None:
        """Keeps an event, and has it applied. `bad_signature`, `bad_event`; None for one that is kept, now or before."""
        if len(body) > BODY_BYTES_MAX:
            return BAD_EVENT
        try:
            event = self._provider.event(body, signature)
        except BadSignature:
            return NOT_SIGNED
        except ValueError:
            return BAD_EVENT
        named = (event.id, event.type, event.object, event.account)
        if not event.id or not event.type or any(len(text) > FIELD_MAX or "\0" in text for text in named):
            return BAD_EVENT
        async with transaction(self._pool) as on:
            now = self._clock.now_ms()
            new = await on.fetchval(Q.add_event, self._provider.name, *named, event.created_ts, now)
            if new is None:
                return None
            if event.type in self._handlers:
                await enqueue(on, "payments.apply", EventJob(event.id))
            else:
                # Nothing is ever to be done about it: it is remembered as one that was, and forgotten like those.
                await on.execute(Q.applied, self._provider.name, event.id, now)
        return None

    async def apply(self, job: EventJob) -> None:
        """Does what an event comes to, once. Raises NotYet while what it is about is not here, OutcomeUnknown while the provider does
        not answer: the job is tried again."""
        row = await self._pool.fetchrow(Q.find_event, self._provider.name, job.event)
        if row is None or row["applied_ts"] is not None:
            return
        event = Event(
            id=EventId(row["id"]),
            type=row["type"],
            object=row["object"],
            account=row["account"],
            created_ts=row["created_ts"],
        )
        handler = self._handlers.get(event.type)
        effect = None if handler is None else await handler(event)
        async with transaction(self._pool) as on:
            if await on.fetchval(Q.lock_event, self._provider.name, event.id) is not None:
                return
            if effect is not None:
                await effect(on)
            await on.execute(Q.applied, self._provider.name, event.id, self._clock.now_ms())

    async def sweep(self) -> None:
        """Forgets what is too old to be delivered again."""
        before = self._clock.now_ms() - KEPT_MS
        while (
            await self._pool.execute(Q.drop_events, before, DROPPED_AT_ONCE)
        ) == f"DELETE {DROPPED_AT_ONCE}":
            pass

    def works(self) -> list[Work]:
        """For the worker."""
        return [Work("payments.apply", EventJob, self.apply, TRIES_MAX)]

    def periodic(self) -> list[Every]:
        """For the worker."""
        return [Every("payments.sweep", "41 4 * * *", self.sweep)]
