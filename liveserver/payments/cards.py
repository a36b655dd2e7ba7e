"""Saved cards: who is which customer of the provider's, and what people are charged with when they win.

The card itself is the provider's: what is kept here is its name there, and what its owner recognises it by.
"""

from collections.abc import Mapping

import msgspec

from liveserver.accounts.model import Identity
from liveserver.infra.database import Connection, Pool, load_queries, transaction
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Work
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import new_id
from liveserver.payments.errors import SETUP_NOT_FOUND, SETUP_WAITS
from liveserver.payments.inbox import Effect, EventHandler
from liveserver.payments.port import (
    UNKNOWN_OUTCOME,
    Event,
    OutcomeUnknown,
    PaymentProvider,
    SavedCard,
    SetupIntent,
)

Q = load_queries("liveserver.payments")


FORGET_TRIES_MAX = 24
"""Most of a day of growing pauses: then an operator sees that a card is still there which its owner took away."""


class ForgetJob(msgspec.Struct, frozen=True):
    """The payload of `payments.forget_card`."""

    user: str
    card: str


class Cards:
    """Cards of people at one provider."""

    def __init__(self, pool: Pool, provider: PaymentProvider, clock: Clock) -> None:
        self._pool = pool
        self._provider = provider
        self._clock = clock

    async def customer(self, who: Identity, email: str) -> str:
        """The provider's customer of a person, made the first time. Raises OutcomeUnknown."""
        name = self._provider.name
        there: str | None = await self._pool.fetchval(Q.customer_of, who.id, name)
        if there is not None:
            return there
        # The key makes two calls at once the same; should they be a day apart, the first row stays.
        made = await self._provider.create_customer(who.id, who.name, email, f"cus:{who.id}")
        await self._pool.execute(Q.add_customer, who.id, name, made, self._clock.now_ms())
        return await self._pool.fetchval(Q.customer_of, who.id, name)

    async def begin(self, who: Identity, email: str) -> SetupIntent | Rejected:
        """What the page needs to save a card. `payment_unknown` when the provider does not answer."""
        try:
            customer = await self.customer(who, email)
            return await self._provider.save_card(customer, f"seti:{new_id('s')}")
        except OutcomeUnknown:
            return UNKNOWN_OUTCOME

    async def finish(self, who: str, setup: str) -> SavedCard | Rejected:
        """Takes over a card that was saved. `setup_not_found` for another's, `setup_unfinished`, `payment_unknown`."""
        try:
            found = await self._provider.find_setup(setup)
        except OutcomeUnknown:
            return UNKNOWN_OUTCOME
        if found is None or await self._owner(self._pool, found.customer) != who:
            return SETUP_NOT_FOUND
        if found.status != "succeeded" or found.card is None:
            return SETUP_WAITS
        async with transaction(self._pool) as on:
            await self._keep(on, who, found.card, self._clock.now_ms())
        return found.card

    async def card_of(self, on: Pool | Connection, user: str) -> SavedCard | None:
        """The card that somebody is charged with, if they have saved one."""
        row = await on.fetchrow(Q.card_of, user, self._provider.name)
        return None if row is None else SavedCard(**dict(row))

    async def forget(self, user: str) -> None:
        """Forgets a card here at once, and has the provider forget it as soon as it answers."""
        async with transaction(self._pool) as on:
            card = await on.fetchval(Q.drop_card, user, self._provider.name)
            await on.execute(Q.tell_card, user)
            if card is not None:
                await enqueue(on, "payments.forget_card", ForgetJob(user, card))

    async def _forget_there(self, job: ForgetJob) -> None:
        """The job `payments.forget_card`. Raises OutcomeUnknown to be run again."""
        await self._provider.forget_card(job.card)
        # Late word of its being saved may have brought it back until now, but not any more.
        async with transaction(self._pool) as on:
            if await on.fetchval(Q.drop_that_card, job.user, self._provider.name, job.card) is not None:
                await on.execute(Q.tell_card, job.user)

    def works(self) -> list[Work]:
        """For the worker."""
        return [Work("payments.forget_card", ForgetJob, self._forget_there, FORGET_TRIES_MAX)]

    def handlers(self) -> Mapping[str, EventHandler]:
        """What is done about the provider's events, by their type."""
        return {"setup_intent.succeeded": self._heard}

    async def _heard(self, event: Event) -> Effect | None:
        found = await self._provider.find_setup(event.object)
        if found is None or found.card is None or found.status != "succeeded":
            return None
        customer, card = found.customer, found.card

        async def keep(on: Connection) -> None:
            owner = await self._owner(on, customer)
            if owner is not None:
                await self._keep(on, owner, card, event.created_ts)

        return keep

    async def _owner(self, on: Pool | Connection, customer: str) -> str | None:
        return await on.fetchval(Q.person_of, self._provider.name, customer)

    async def _keep(self, on: Connection, user: str, card: SavedCard, saved_ts: int) -> None:
        """Unless a card that was saved later is kept already: events come late."""
        await on.execute(
            Q.put_card,
            user,
            self._provider.name,
            card.id,
            card.customer,
            card.brand,
            card.last4,
            card.exp_month,
            card.exp_year,
            saved_ts,
        )
        await on.execute(Q.tell_card, user)
