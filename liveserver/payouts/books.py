"""Compares the payment provider's books with ours, every night and on demand: what it moved that we did not post, what we posted
that it did not move, and where both have it with other figures.

It posts what only the provider's books give cause for (its fees, money become available, our own money in our bank), and mends
nothing: a difference is reported, stored, logged and an alarm until somebody has found its cause.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import Clock
from liveserver.ledger import rules as postings
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Journal
from liveserver.payments.port import PaymentProvider, Transaction
from liveserver.payouts import store
from liveserver.payouts.model import CompareJob, Difference, Report
from liveserver.payouts.sound import unsound_facts
from liveserver.payouts.store import Q

DAY_MS = 86_400_000
LOOK_BACK_MS = 35 * DAY_MS
"""Furthest that a comparison goes back by itself: since the last that was clean, but not over more than five weeks."""
MARGIN_MS = 4 * DAY_MS
"""The provider moves first and we post when we hear of it, at most after the three days that Stripe repeats its events for."""
YOUNG_MS = 3_600_000
"""What the provider moved within the last hour may still be on its way to us."""
BATCH = 500
"""Lines that are looked up at once."""
TRANSACTIONS_MAX = 500_000
"""Lines of one run: it keeps a short name of each in memory. A run that meets more ends there and says so; the next one goes on."""
DIFFERENCES_KEPT = 500
"""In a report. Who has more than that has one cause, not five hundred."""

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""A journal's kind and object."""
Known = Mapping[Key, tuple[int, str, str]]

_JOURNAL_OF: Mapping[str, str] = {
    "charge": "captured",
    "refund": "refund_paid",
    "dispute": "dispute_opened",
    "dispute_reversal": "dispute_won",
    "transfer": "transferred",
    "transfer_reversal": "transfer_reversed",
}
"""Which of our journals a line of the provider's books belongs to."""
_TOLD = tuple(_JOURNAL_OF.values())


class Books:
    """See the module."""

    def __init__(self, pool: Pool, provider: PaymentProvider, clock: Clock) -> None:
        self._pool = pool
        self._provider = provider
        self._clock = clock

    async def nightly(self) -> None:
        """The periodic job."""
        await self.reconcile()

    async def asked(self, job: CompareJob) -> None:
        """The job `payouts.compare`."""
        await self.reconcile(job.since_ts)

    async def reconcile(self, since_ts: int | None = None) -> Report:
        """Compares from `since_ts` (ms; None: since the last comparison in which nothing differed) until an hour ago.

        Stores the report, and logs `reconciliation_differs` when it is not clean. Raises OutcomeUnknown when the provider's books
        can't be read to their end.
        """
        made_ts = self._clock.now_ms()
        until_ts = made_ts - YOUNG_MS
        before = await self._pool.fetchrow(Q.compared, self._provider.name)
        assert before is not None, "an aggregate has a row"
        clean_ts, pending_ts = before["clean_ts"] or 0, before["pending_ts"] or made_ts
        start_ts = max(clean_ts, made_ts - LOOK_BACK_MS) if since_ts is None else since_ts
        run = _Run(self._pool, self._provider, min(start_ts, until_ts), until_ts, made_ts)
        await run.compare(max(pending_ts, made_ts - LOOK_BACK_MS))
        unsound = await unsound_facts(self._pool)
        report = Report(
            provider=self._provider.name,
            since_ts=run.since_ts,
            until_ts=run.until_ts,
            made_ts=made_ts,
            transactions=run.transactions,
            matched=run.matched,
            posted=run.posted,
            found=run.found + len(unsound),
            differences=tuple(run.differences),
            unsound=tuple(unsound),
            complete=run.complete,
            pending_ts=run.pending_ts,
        )
        report = await store.add_report(self._pool, report)
        if report.found:
            log.warning(
                "reconciliation_differs",
                extra={"report": report.id, "differences": run.found, "unsound": len(unsound)},
            )
        return report


class _Run:
    """One comparison."""

    def __init__(
        self, pool: Pool, provider: PaymentProvider, since_ts: int, until_ts: int, made_ts: int
    ) -> None:
        self._pool = pool
        self._provider = provider
        self.since_ts = since_ts
        self.until_ts = until_ts
        self._made_ts = made_ts
        self._seen: set[Key] = set()
        self.transactions = 0
        self.matched = 0
        self.posted = 0
        self.found = 0
        self.differences: list[Difference] = []
        self.complete = True
        self.pending_ts: int | None = None
        """The oldest line whose money is not available yet."""

    async def compare(self, pending_ts: int) -> None:
        """The provider's lines first (again from the oldest that was pending), then our journals that met none of them."""
        batch: list[Transaction] = []
        start_ts = min(self.since_ts - MARGIN_MS, pending_ts)
        async for line in self._provider.transactions(start_ts, self._made_ts):
            if self.transactions == TRANSACTIONS_MAX:
                self.complete, self.until_ts = False, max(self.since_ts, line.created_ts)
                break
            self.transactions += 1
            if line.status == "pending" and self.pending_ts is None:
                self.pending_ts = line.created_ts
            batch.append(line)
            if len(batch) == BATCH:
                await self._take(batch)
                batch = []
        await self._take(batch)
        await self._look_for_missing_there()

    async def _take(self, batch: Sequence[Transaction]) -> None:
        if not batch:
            return
        refunds = await self._refunds(batch)
        keys = {line.id: _key(line, refunds) for line in batch}
        wanted = [key for key in keys.values() if key is not None]
        wanted += [key for line in batch for key in (("psp_fee", line.source), ("dispute_fee", line.source))]
        wanted += [("psp_fee", line.id) for line in batch if line.type == "fee"]
        wanted += [("available", line.id) for line in batch]
        wanted += [(kind, line.source) for line in batch for kind in ("banked", "bank_returned")]
        known = await store.psp_journals(self._pool, wanted)
        late = await self._late(batch, keys, known)
        journals: list[Journal] = []
        for line in batch:
            journals += self._line(line, keys[line.id], known, late)
        new = [journal for journal in journals if (journal.kind, journal.object) not in known]
        if new:
            async with transaction(self._pool) as on:
                self.posted += len(await ledger.post(on, new, self._made_ts))

    async def _refunds(self, batch: Sequence[Transaction]) -> dict[str, str]:
        """Our refunds by the provider's names."""
        rows = await self._pool.fetch(Q.refunds_named, [line.source for line in batch])
        return {row["reference"]: row["id"] for row in rows}

    async def _late(
        self, batch: Sequence[Transaction], keys: Mapping[str, Key | None], known: Known
    ) -> set[str]:
        """Charges that came too late and the refunds that gave them back: neither is ever ours."""
        charge_of: dict[str, str] = {}
        for line in batch:
            key = keys[line.id]
            if line.type == "charge" and key not in known:
                charge_of[line.source] = line.source
            elif line.type == "refund" and (key is None or key not in known):
                refund = await self._provider.find_refund(line.source)
                if refund is not None:
                    charge_of[line.source] = refund.charge
        if not charge_of:
            return set()
        rows = await self._pool.fetch(Q.late_charges, sorted(set(charge_of.values())))
        late = {row["charge"] for row in rows}
        return {source for source, charge in charge_of.items() if charge in late}

    def _line(self, line: Transaction, key: Key | None, known: Known, late: set[str]) -> Iterable[Journal]:
        """Compares one line; gives what is to be posted because of it."""
        if line.type in ("payout", "payout_failure"):
            return self._our_own_bank(line, known)
        if line.type == "fee":
            self.matched += 1
            return [postings.psp_fee(line.id, line.currency, -line.net, None)] if line.net else []
        if line.source in late:
            self.matched += 1
            fee = [postings.psp_fee(line.source, line.currency, line.fee, None)] if line.fee else []
            return [*self._fee_of(line, fee, known), *_now_available(line)]
        there = None if key is None else known.get(key)
        if key is not None:
            self._seen.add(key)
        if there is None:
            if line.created_ts >= self.since_ts and line.created_ts < self.until_ts:
                self._differs(
                    line, "unknown" if key is None and line.type == "other" else "missing_here", None
                )
            return []
        amount, currency, order = there
        if (amount, currency) != (line.amount, line.currency):
            self._differs(line, "differs", amount, order)
            return []
        self.matched += 1
        fees: list[Journal] = []
        if line.type in ("dispute", "dispute_reversal"):
            self._dispute_fee(line, known, order)
        elif line.fee:
            fees = [postings.psp_fee(line.source, line.currency, line.fee, None)]
        return [*self._fee_of(line, fees, known), *_now_available(line)]

    def _fee_of(self, line: Transaction, fees: list[Journal], known: Known) -> list[Journal]:
        for fee in fees:
            posted = known.get(("psp_fee", fee.object))
            if posted is not None and -posted[0] != line.fee:
                self._differs(line, "differs", posted[0], posted[2], there=-line.fee)
        return fees

    def _dispute_fee(self, line: Transaction, known: Known, order: str) -> None:
        """It was posted with the dispute, by what the provider said of it then."""
        posted = -known.get(("dispute_fee", line.source), (0, "", ""))[0]
        if line.type == "dispute" and posted != line.fee:
            self._differs(line, "differs", -posted, order, there=-line.fee)

    def _our_own_bank(self, line: Transaction, known: Known) -> list[Journal]:
        """The provider sends our own money to our bank by itself, and that is all we hear of it."""
        self.matched += 1
        if line.type == "payout":
            return [postings.banked(line.source, line.currency, -line.amount)]
        return [postings.bank_returned(line.source, line.currency, line.amount)]

    def _differs(
        self, line: Transaction, kind: str, here: int | None, order: str = "", there: int | None = None
    ) -> None:
        self._add(
            Difference(
                kind=kind,  # pyright: ignore[reportArgumentType]  # three of its words
                type=line.type,
                object=line.source or line.id,
                order=order,
                currency=line.currency,
                here=here,
                there=line.amount if there is None else there,
                ts=line.created_ts,
            )
        )

    def _add(self, difference: Difference) -> None:
        self.found += 1
        if len(self.differences) < DIFFERENCES_KEPT:
            self.differences.append(difference)

    async def _look_for_missing_there(self) -> None:
        after = 0
        while rows := await self._pool.fetch(
            Q.psp_journals_since,
            self.since_ts,
            self.until_ts,
            list(_TOLD),
            self._provider.test,
            after,
            BATCH,
        ):
            for row in rows:
                if row["amount"] and (row["kind"], row["object"]) not in self._seen:
                    self._add(
                        Difference(
                            kind="missing_there",
                            type=row["kind"],
                            object=row["object"],
                            order=row["order_id"],
                            currency=row["currency"],
                            here=row["amount"],
                            there=None,
                            ts=row["ts"],
                        )
                    )
            after = rows[-1]["id"]


def _key(line: Transaction, refunds: Mapping[str, str]) -> Key | None:
    """Which of our journals should be about this line. None: there is none, or we do not know the refund."""
    if line.source in refunds:
        # Stripe books a refund that failed as a line of its own, which gives the money back.
        return ("refund_paid" if line.amount < 0 else "refund_returned", refunds[line.source])
    kind = _JOURNAL_OF.get(line.type)
    return None if kind is None or line.type == "refund" else (kind, line.source)


def _now_available(line: Transaction) -> list[Journal]:
    if line.status != "available" or not line.net:
        return []
    return [postings.available(line.id, line.currency, line.net)]
