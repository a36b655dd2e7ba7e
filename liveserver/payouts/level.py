"""Brings sellers' accounts at the payment provider level with the ledger: what is theirs goes there, what is not theirs any more
comes back.

It follows no single event. Whatever has been posted (a release, a refund after it, a lost dispute, a payout that failed), the
difference between the books and the account is what has to be moved, and moving it twice is not possible: what is to be moved is
a row under a key of its own before the provider is asked, and the rows that are open count as moved.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.clock import Clock
from liveserver.kernel.ids import OrderId, UserId, new_id
from liveserver.ledger import rules as postings
from liveserver.ledger import store as ledger
from liveserver.orders import store as orders
from liveserver.orders.model import OrderJob
from liveserver.payments.port import (
    KeyRefused,
    OutcomeUnknown,
    PaymentProvider,
    ProviderRefuses,
    TransferState,
)
from liveserver.payouts import rules, store
from liveserver.payouts.model import PayoutAccount, SellerJob, Transfer, TransferId
from liveserver.payouts.store import Q

REFUSED_PAUSE_MS = 3_600_000
"""Before the provider is asked again, under a new key, for what it has refused: for lack of available money, mostly."""
KEY_LASTS_MS = 23 * 3_600_000
"""Stripe forgets idempotency keys after 24 hours: afterwards the same key is no longer the same call, and we look instead."""
CLOCKS_APART_MS = 600_000
"""By which the provider's clock may differ from ours, generously."""

log = logging.getLogger(__name__)


class Level:
    """See the module. One object for a process; several processes may level the same seller at once."""

    def __init__(self, pool: Pool, provider: PaymentProvider, clock: Clock) -> None:
        self._pool = pool
        self._provider = provider
        self._clock = clock

    async def after_release(self, job: OrderJob) -> None:
        """The job `payouts.transfer`. Raises OutcomeUnknown to be run again."""
        order = await orders.find(self._pool, job.order)
        assert order is not None, "orders stay"
        await self.level(order.seller, order.currency, order.id)

    async def of_seller(self, job: SellerJob) -> None:
        """The job `payouts.level`."""
        await self.level(job.seller, job.currency)

    async def sweep(self) -> None:
        """Looks after all sellers: what no event has led to, what was refused long enough ago, and lost answers."""
        for seller, currency in await store.sellers_apart(self._pool, self._provider.name):
            try:
                await self.level(seller, currency)
            except OutcomeUnknown as unknown:
                log.warning("transfer_unanswered", extra={"user": seller, "error": str(unknown)})

    async def level(self, seller: UserId, currency: str, order: str = "") -> None:
        """Plans what is to be moved (of one order only, if one is named) and has the provider move it, with all that is open.

        Raises OutcomeUnknown, after all has been tried, when the provider's answer to something is not known.
        """
        account = await store.find_account(self._pool, seller, self._provider.name)
        if account is None or not account.ready:
            return
        async with transaction(self._pool) as on:
            await self._plan(on, account, currency, order)
        unknown: OutcomeUnknown | None = None
        for transfer in await store.open_transfers(self._pool, seller, currency, self._provider.name):
            try:
                await self._carry_out(transfer)
            except OutcomeUnknown as error:
                unknown = error
        if unknown is not None:
            raise unknown

    async def _plan(self, on: Connection, account: PayoutAccount, currency: str, order: str) -> None:
        seller, ts = account.seller, self._clock.now_ms()
        now = await store.hold(on, seller, currency)
        if settling := postings.owed_settled(seller, currency, new_id("set"), now.payable, now.owed):
            await ledger.post(on, [settling], ts)
            now = await store.hold(on, seller, currency)
        apart = rules.apart(now, await store.going(on, seller, currency))
        if apart > 0:
            await self._plan_transfers(on, account, currency, order, apart)
        elif apart < 0:
            await self._plan_reversals(on, account, currency, order, -apart)

    async def _plan_transfers(
        self, on: Connection, account: PayoutAccount, currency: str, order: str, amount: int
    ) -> None:
        ts = self._clock.now_ms()
        sources = await store.untransferred(
            on, account.seller, currency, order, test=self._provider.test, refused_ts=ts - REFUSED_PAUSE_MS
        )
        by_id = {source.id: source for source in sources}
        for part in rules.take(rules.movable(amount, currency), sources, rules.step(currency)):
            number = await on.fetchval(Q.count_transfers, part.id) + 1
            key = f"tr:{part.id}:{account.seller}"
            transfer = Transfer(
                id=TransferId(new_id("trf")),
                kind="transfer",
                seller=account.seller,
                provider=account.provider,
                account=account.account,
                order=OrderId(part.id),
                charge=by_id[part.id].charge,
                currency=currency,
                amount=part.amount,
                key=key if number == 1 else f"{key}:{number}",
                of=None,
                of_reference="",
                status="requested",
                reference="",
                created_ts=ts,
            )
            await store.add_transfer(on, transfer)

    async def _plan_reversals(
        self, on: Connection, account: PayoutAccount, currency: str, order: str, amount: int
    ) -> None:
        ts = self._clock.now_ms()
        sources = await store.reversible(
            on, account.seller, currency, order, account.provider, ts - REFUSED_PAUSE_MS
        )
        by_id = {source.id: source for source in sources}
        for part in rules.take(rules.movable(amount, currency), sources):
            source = by_id[part.id]
            number = await on.fetchval(Q.count_reversals, part.id) + 1
            transfer = Transfer(
                id=TransferId(new_id("trr")),
                kind="reversal",
                seller=account.seller,
                provider=account.provider,
                account=account.account,
                order=source.order,
                charge=source.charge,
                currency=currency,
                amount=part.amount,
                key=f"trr:{part.id}:{number}",
                of=TransferId(part.id),
                of_reference=source.reference,
                status="requested",
                reference="",
                created_ts=ts,
            )
            await store.add_transfer(on, transfer)

    async def _carry_out(self, transfer: Transfer) -> None:
        try:
            reference = await self._asked(transfer)
        except KeyRefused:
            raise  # an earlier call may have been carried out: under another key it would be carried out twice
        except ProviderRefuses as refused:
            log.warning(
                "transfer_refused",
                extra={"user": transfer.seller, "order": transfer.order, "error": str(refused)},
            )
            async with transaction(self._pool) as on:
                await store.settle_transfer(on, transfer.id, "failed", "", str(refused), self._clock.now_ms())
            return
        async with transaction(self._pool) as on:
            await self._done(on, transfer, reference)

    async def _asked(self, transfer: Transfer) -> str:
        """The provider's name for what it has done: asked under the row's key, or looked for once keys are forgotten."""
        if self._clock.now_ms() - transfer.created_ts > KEY_LASTS_MS:
            return await self._looked_for(transfer)
        if transfer.kind == "transfer":
            done = await self._provider.transfer(
                transfer.account,
                transfer.order,
                transfer.charge,
                transfer.amount,
                transfer.currency,
                transfer.key,
            )
            return done.id
        done = await self._provider.reverse_transfer(transfer.of_reference, transfer.amount, transfer.key)
        return done.reversal

    async def _looked_for(self, transfer: Transfer) -> str:
        """What became of a call whose answer never came. Raises ProviderRefuses once it is proven that nothing did."""
        if transfer.kind == "reversal":
            found = await self._provider.find_reversal(transfer.of_reference, transfer.key)
            if found is not None:
                return found
        else:
            since = transfer.created_ts - CLOCKS_APART_MS
            async for line in self._provider.transactions(since, self._clock.now_ms()):
                if (line.type, line.amount, line.currency) != (
                    "transfer",
                    -transfer.amount,
                    transfer.currency,
                ):
                    continue
                found = await self._provider.find_transfer(line.source)
                if found is not None and await self._is(transfer, found):
                    return found.id
        raise ProviderRefuses("not_carried_out", "The provider has never carried it out.")

    async def _is(self, transfer: Transfer, found: TransferState) -> bool:
        return (
            found.account == transfer.account
            and found.metadata.get("order") == transfer.order
            and await self._pool.fetchval(Q.transfer_by_reference, found.id) is None
        )

    async def _done(self, on: Connection, transfer: Transfer, reference: str) -> None:
        ts = self._clock.now_ms()
        # The balances first, as everybody who moves a seller's money does.
        await store.hold(on, transfer.seller, transfer.currency)
        if not await store.settle_transfer(on, transfer.id, "done", reference, "", ts):
            return
        make = postings.transferred if transfer.kind == "transfer" else postings.transfer_reversed
        journal = make(transfer.seller, transfer.currency, reference, transfer.amount, transfer.order)
        await ledger.post(on, [journal], ts)

    async def heard(self, reference: str) -> Callable[[Connection], Awaitable[None]] | None:
        """An event about a transfer: what to do of it in a transaction, if its answer had been lost; else nothing."""
        state = await self._provider.find_transfer(reference)
        if state is None or await self._pool.fetchval(Q.transfer_by_reference, reference) is not None:
            return None
        waiting = await store.open_transfer_like(
            self._pool, state.metadata.get("order", ""), state.account, state.currency, state.amount
        )
        return None if waiting is None else partial(self._done, transfer=waiting, reference=reference)
