"""Payouts: a seller asks for what is available, the provider sends it to their bank, and what it says of it is followed.

The money is set aside in the ledger when it is asked for, under the seller's locks, so that the same money is never promised twice;
the provider is asked by a job, under a key that was committed before.
"""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable

from liveserver.accounts import store as people
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.jobs.model import Later
from liveserver.jobs.queue import enqueue
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId, new_id
from liveserver.ledger import rules as postings
from liveserver.ledger import store as ledger
from liveserver.mail.model import SellerMail, SellerTemplate
from liveserver.mail.outbox import send
from liveserver.payments.port import KeyRefused, OutcomeUnknown, PaymentProvider, PayoutState, ProviderRefuses
from liveserver.payouts import rules, store
from liveserver.payouts.errors import (
    ACCOUNT_NOT_READY,
    NO_ACCOUNT,
    PAYOUT_NOT_FOUND,
    PAYOUT_SENT,
    TOO_MANY_PAYOUTS,
    amount_unfit,
    over_payout,
    too_small,
)
from liveserver.payouts.level import CLOCKS_APART_MS, KEY_LASTS_MS
from liveserver.payouts.model import Payout, PayoutId, PayoutJob, PayoutStatus
from liveserver.payouts.store import Q

PAYOUTS_PER_DAY_MAX = 50
"""Of one seller: each costs the provider's fee, and a runaway client should meet an end."""
LOOKED_FOR_AFTER_MS = 24 * 3_600_000
"""From `KEY_LASTS_MS` on nobody asks with the old key any more; an hour later nothing of it is on its way, and what is not there will
not come."""
LOOKED_FOR_AT_ONCE = 50
"""In one round; the next one goes on."""
ENDED: frozenset[PayoutStatus] = frozenset({"failed", "cancelled"})

log = logging.getLogger(__name__)


class Payouts:
    """See the module."""

    def __init__(self, pool: Pool, provider: PaymentProvider, clock: Clock, payout_min: int) -> None:
        self._pool = pool
        self._provider = provider
        self._clock = clock
        self._payout_min = payout_min

    async def ask(self, seller: UserId, currency: str, amount: int, by: str) -> Payout | Rejected:
        """Sets so much (minor units) of a seller's available money aside, and has it sent to their bank.

        Refusals: `no_payout_account`, `payout_account_not_ready`, `payout_too_small`, `payout_amount_unfit`, `over_payout`,
        `too_many_payouts`.
        """
        account = await store.find_account(self._pool, seller, self._provider.name)
        if account is None:
            return NO_ACCOUNT
        if not account.ready:
            return ACCOUNT_NOT_READY
        if amount < self._payout_min:
            return too_small(self._payout_min)
        if amount != rules.movable(amount, currency):
            return amount_unfit(rules.step(currency))
        ts = self._clock.now_ms()
        period = dt.datetime.fromtimestamp(ts / 1000, dt.UTC).date().isoformat()
        async with transaction(self._pool) as on:
            await on.execute(Q.lock_seller, seller)
            now = await store.hold(on, seller, currency)
            counter = await on.fetchval(Q.payouts_on, seller, period) + 1
            if counter > PAYOUTS_PER_DAY_MAX:
                return TOO_MANY_PAYOUTS
            payout = Payout(
                id=PayoutId(new_id("po")),
                seller=seller,
                period=period,
                counter=counter,
                provider=account.provider,
                account=account.account,
                currency=currency,
                amount=amount,
                status="requested",
                reference="",
                error="",
                actor=by,
                test=self._provider.test,
                created_ts=ts,
                sent_ts=None,
                paid_ts=None,
                ended_ts=None,
            )
            journal = postings.payout_requested(seller, currency, payout.id, amount, now.available)
            if isinstance(journal, Rejected):
                return over_payout(now.available)
            await store.add_payout(on, payout)
            await ledger.post(on, [journal], ts)
            await enqueue(on, "payouts.pay", PayoutJob(payout.id))
        return payout

    async def cancel(self, seller: UserId, payout: str) -> Payout | Rejected:
        """Takes a request back, as long as the provider was not asked. Refusals: `payout_not_found`, `payout_sent`."""
        ts = self._clock.now_ms()
        async with transaction(self._pool) as on:
            now = await store.lock_payout(on, payout)
            if now is None or now.seller != seller:
                return PAYOUT_NOT_FOUND
            if now.status == "cancelled":
                return now
            if await on.fetchval(Q.cancel_payout, payout, ts) is None:
                return PAYOUT_SENT
            await self._give_back(on, now, ts, was_paid=False)
            done = await store.find_payout(on, payout)
        assert done is not None, "payouts stay"
        return done

    async def pay(self, job: PayoutJob) -> None:
        """The job `payouts.pay`. Raises OutcomeUnknown to be run again, with the same key; after a day it is looked for instead."""
        async with transaction(self._pool) as on:
            sent_ts = await on.fetchval(Q.mark_sent, job.payout, self._clock.now_ms())
        payout = await store.find_payout(self._pool, job.payout)
        assert payout is not None, "payouts stay"
        if sent_ts is None:
            return  # cancelled, or an event has told us how it went on
        unanswered_ms = self._clock.now_ms() - sent_ts
        try:
            if unanswered_ms > LOOKED_FOR_AFTER_MS:
                said = await self._looked_for(payout, sent_ts)
            elif unanswered_ms > KEY_LASTS_MS:
                raise Later(LOOKED_FOR_AFTER_MS - unanswered_ms, "no answer came, and the key is too old")
            else:
                said = await self._provider.pay_out(
                    payout.account, payout.id, payout.amount, payout.currency, payout.key
                )
        except KeyRefused:
            raise  # an earlier call may have sent it
        except ProviderRefuses as refused:
            log.warning("payout_refused", extra={"user": payout.seller, "error": str(refused)})
            said = PayoutState(
                id="",
                account=payout.account,
                amount=payout.amount,
                currency=payout.currency,
                status="failed",
                error=str(refused),
            )
        async with transaction(self._pool) as on:
            await self.said(on, payout.id, said)

    async def _looked_for(self, payout: Payout, sent_ts: int) -> PayoutState:
        """What became of a call whose answer never came. Raises ProviderRefuses once it is proven that nothing did."""
        try:
            found = await self._provider.search_payout(payout.account, payout.id, sent_ts - CLOCKS_APART_MS)
        except ProviderRefuses as refused:
            raise OutcomeUnknown(f"it can't be looked for: {refused}") from refused
        if found is None:
            raise ProviderRefuses("not_carried_out", "The provider has never carried it out.")
        return found

    async def sweep(self) -> None:
        """Looks for payouts whose answer and event never came: their jobs have ended by then."""
        before_ts = self._clock.now_ms() - LOOKED_FOR_AFTER_MS
        for row in await self._pool.fetch(
            Q.unanswered_payouts, self._provider.name, before_ts, LOOKED_FOR_AT_ONCE
        ):
            try:
                await self.pay(PayoutJob(PayoutId(row["id"])))
            except OutcomeUnknown as unknown:
                log.warning("payout_unanswered", extra={"payout": row["id"], "error": str(unknown)})

    async def heard(self, account: str, reference: str) -> Callable[[Connection], Awaitable[None]] | None:
        """An event about a payout of a seller's account: what to do of it. None: it is none of ours, as those that the provider
        makes by itself.
        """
        said = await self._provider.find_payout(account, reference)
        ours = "" if said is None else said.metadata.get("payout", "")
        if said is None or not ours:
            return None

        async def follow(on: Connection) -> None:
            await self.said(on, ours, said)

        return follow

    async def said(self, on: Connection, payout: str, said: PayoutState) -> None:
        """Follows what the provider says of a payout; what is old or known changes nothing. In the caller's transaction."""
        now = await store.lock_payout(on, payout)
        assert now is not None, "payouts stay"
        then = rules.next_status(now.status, said)
        if then is None:
            return
        ts = self._clock.now_ms()
        done = await on.fetchval(
            Q.set_payout,
            now.id,
            now.status,
            then,
            said.id or now.reference,
            said.error[:500],
            ts if then == "paid" else now.paid_ts,
            ts if then in ENDED else None,
        )
        assert done is not None, "its row is held"
        if then == "paid":
            await ledger.post(on, [postings.payout_paid(now.seller, now.currency, now.id, now.amount)], ts)
            await self._mail(on, now, "payout_paid")
        elif then in ENDED:
            await self._give_back(on, now, ts, was_paid=now.status == "paid")
            await self._mail(on, now, "payout_failed")

    async def _give_back(self, on: Connection, payout: Payout, ts: int, *, was_paid: bool) -> None:
        """It is the seller's again, and first pays what they owe us by now."""
        seller, currency = payout.seller, payout.currency
        now = await store.hold(on, seller, currency)
        journals = [
            postings.payout_failed(seller, currency, payout.id, payout.amount, was_paid=was_paid),
            postings.owed_settled(seller, currency, payout.id, now.payable + payout.amount, now.owed),
        ]
        await ledger.post(on, [journal for journal in journals if journal is not None], ts)

    async def _mail(self, on: Connection, payout: Payout, template: SellerTemplate) -> None:
        person = await people.find_account(on, payout.seller)
        if person is None:
            return
        mail = SellerMail(
            template=template,
            to=person.email,
            name=person.name,
            title=payout.period,
            amount=payout.amount,
            currency=payout.currency,
            path="/studio/money",
            test=payout.test,
        )
        await send(on, mail, once=f"{payout.id}:{template}")
