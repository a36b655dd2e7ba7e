"""The test provider's objects and idempotency keys, as rows; and its events, put into the outbox of the same transaction."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from liveserver.infra.database import Connection, Pool, load_queries, transaction
from liveserver.jobs.queue import enqueue
from liveserver.kernel.clock import Clock
from liveserver.kernel.ids import new_id
from liveserver.payments.port import Event, EventId, Payment, PaymentFailed, ProviderRefuses, Transaction

Q = load_queries("liveserver.payments")
T = TypeVar("T", bound=msgspec.Struct)

AVAILABLE_AFTER_MS = 2 * 86_400_000
"""When charged money may be paid out."""


class TellJob(msgspec.Struct, frozen=True):
    """The payload of `sandbox.tell`."""

    event: Event


class _Answer(msgspec.Struct, omit_defaults=True):
    """What a call came to: its value, or its error, which is an answer too."""

    value: Any = None
    refused: tuple[str, str] | None = None
    failed: tuple[str, str] | None = None


class Books:
    """Objects by kind and id."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self.pool = pool
        self.clock = clock

    async def once(
        self, key: str, asked: object, gives: type[T], work: Callable[[Connection], Awaitable[T]]
    ) -> T:
        """Does the work under an idempotency key: the same call again gets the same answer, errors included.

        Raises ProviderRefuses when the key was used for another call, and what the work raises.
        """
        digest = hashlib.sha256(msgspec.json.encode(asked)).digest()
        async with transaction(self.pool) as on:
            if await on.fetchval(Q.sandbox_claim, key, digest, self.clock.now_ms()) is None:
                row = await on.fetchrow(Q.sandbox_answer, key)
                assert row is not None, "whoever claimed the key has committed or is gone"
                if row["request"] != digest:
                    raise ProviderRefuses("idempotency_error", "The key was used with other parameters.")
                answer = msgspec.convert(row["answer"], _Answer)
            else:
                answer = await self._tried(on, work)
                await on.execute(Q.sandbox_keep, key, msgspec.to_builtins(answer))
        return _given(answer, gives)

    async def _tried(
        self, on: Connection, work: Callable[[Connection], Awaitable[msgspec.Struct]]
    ) -> _Answer:
        try:
            async with on.transaction():
                return _Answer(value=msgspec.to_builtins(await work(on)))
        except ProviderRefuses as refused:
            return _Answer(refused=(refused.code, str(refused).partition(": ")[2]))
        except Declined as declined:
            # What was declined is in the books: the payment is there, and failed.
            await declined.kept(on)
            value = msgspec.to_builtins(declined.payment)
            return _Answer(value=value, failed=(declined.code, declined.message))

    async def answered(self, key: str, gives: type[T]) -> T | None:
        """What a call under a key has given; None where it was refused or never made."""
        row = await self.pool.fetchrow(Q.sandbox_answer, key)
        answer = None if row is None else msgspec.convert(row["answer"], _Answer | None)
        return None if answer is None or answer.refused is not None else _given(answer, gives)

    async def add(self, on: Connection, kind: str, id: str, doc: msgspec.Struct, about: str = "") -> None:
        """A new object."""
        await on.execute(Q.sandbox_add, id, kind, about, msgspec.to_builtins(doc), self.clock.now_ms())

    async def put(self, on: Connection, id: str, doc: msgspec.Struct) -> None:
        """Another state of an object."""
        await on.execute(Q.sandbox_put, id, msgspec.to_builtins(doc))

    async def get(self, on: Pool | Connection, kind: str, id: str, shape: type[T]) -> T | None:
        """An object."""
        found = await on.fetchval(Q.sandbox_get, kind, id)
        return None if found is None else msgspec.convert(found, shape)

    async def lock(self, on: Connection, kind: str, id: str, shape: type[T]) -> T:
        """An object, held still. Raises ProviderRefuses when there is none."""
        found = await on.fetchval(Q.sandbox_lock, kind, id)
        if found is None:
            raise ProviderRefuses("resource_missing", f"There is no {kind} {id}.")
        return msgspec.convert(found, shape)

    async def about(self, on: Pool | Connection, kind: str, about: str, shape: type[T]) -> list[T]:
        """Objects that are about something, the oldest first."""
        return [msgspec.convert(row["doc"], shape) for row in await on.fetch(Q.sandbox_about, kind, about)]

    async def tell(
        self, on: Connection, type: str, object: str, account: str = "", after_ms: int = 0
    ) -> None:
        """An event, delivered once the transaction is committed."""
        event = Event(
            id=EventId(new_id("evt")),
            type=type,
            object=object,
            account=account,
            created_ts=self.clock.now_ms(),
        )
        await enqueue(on, "sandbox.tell", TellJob(event), after_ms=after_ms)

    async def line(
        self, on: Connection, type: str, source: str, amount: int, currency: str, fee: int = 0
    ) -> None:
        """A line of the books. Charged money is pending at first; all else is available at once."""
        now = self.clock.now_ms()
        line = msgspec.convert(
            {
                "id": new_id("txn"),
                "type": type,
                "source": source,
                "amount": amount,
                "fee": fee,
                "net": amount - fee,
                "currency": currency,
                "status": "pending",
                "created_ts": now,
                "available_ts": now + (AVAILABLE_AFTER_MS if type == "charge" else 0),
            },
            Transaction,
        )
        await self.add(on, "transaction", line.id, line, about=source)


class Declined(Exception):
    """A payment that the card did not pay: kept in the books as it is, and answered as a failure."""

    def __init__(
        self, code: str, message: str, payment: Payment, kept: Callable[[Connection], Awaitable[None]]
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.payment = payment
        self.kept = kept


def _given(answer: _Answer, gives: type[T]) -> T:
    if answer.refused is not None:
        raise ProviderRefuses(*answer.refused)
    value = msgspec.convert(answer.value, gives)
    if answer.failed is not None:
        assert isinstance(value, Payment), "only payments are declined"
        raise PaymentFailed(*answer.failed, payment=value)
    return value
