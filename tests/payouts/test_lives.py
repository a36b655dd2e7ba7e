"""Random lives of several orders in three currencies with everything that money out does to them, on PostgreSQL: at the end the
provider, the ledger and the rows say the same, whatever was lost or refused on the way.
"""

import random
from contextlib import suppress

import pytest

from liveserver.ledger.rules import share
from liveserver.orders import store as orders
from liveserver.orders.model import Line, Order
from liveserver.payments.port import OutcomeUnknown
from liveserver.payouts import store
from liveserver.payouts.books import YOUNG_MS
from liveserver.payouts.level import REFUSED_PAUSE_MS
from liveserver.payouts.model import Balance, PayoutId, PayoutJob
from liveserver.payouts.rules import movable, step
from liveserver.payouts.sound import unsound_facts
from tests.orders.shop import SELLER
from tests.payouts.stage import Stage

CURRENCIES = ("USD", "JPY", "KWD")


class Life:
    """One life."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.rng = random.Random(seed)
        self.orders: list[str] = []

    async def step(self) -> None:
        happenings = [
            self._sells,
            self._sells,
            self._refunds,
            self._refunds,
            self._loses,
            self._asks,
            self._ends,
            self._rests,
        ]
        if self.rng.random() < 0.3:
            self.stage.bank.faults.append(self.rng.choice(["lost before", "lost after", "refused"]))
        with suppress(OutcomeUnknown):
            await self.rng.choice(happenings)()

    async def _sells(self) -> None:
        sell = self.rng.choice([self.stage.paid, self.stage.delivered, self.stage.delivered])
        price = self.rng.choice([1, 500, 12_345, 99_999])
        order = await sell(currency=self.rng.choice(CURRENCIES), lines=_goods(price))
        self.orders.append(order.id)

    async def _refunds(self) -> None:
        order = await self._some()
        if order is not None and order.refundable:
            faults, self.stage.bank.faults = self.stage.bank.faults, []
            amount = self.rng.choice([1, order.refundable // 2 or 1, order.refundable])
            await self.stage.asks_refund(order, amount)
            await self.stage.works()
            self.stage.bank.faults = faults

    async def _loses(self) -> None:
        order = await self._some()
        if order is not None and order.refundable and order.dispute == "none" and self.rng.random() < 0.3:
            await self.stage.dispute_lost(order, order.refundable)

    async def _asks(self) -> None:
        currency = self.rng.choice(CURRENCIES)
        balance = next((one for one in await self.balances() if one.currency == currency), None)
        if balance is not None:
            part = share(balance.available, self.rng.choice([1, 2, 3]), 3)
            await self.stage.asks(movable(part, currency), currency)
        await self.stage.works()

    async def _ends(self) -> None:
        for reference in list(self.stage.bank.payouts):
            if self.stage.bank.payouts[reference].status == "in_transit":
                self.stage.bank.ends(reference, self.rng.choice(["paid", "paid", "failed"]))
            elif self.stage.bank.payouts[reference].status == "paid" and self.rng.random() < 0.2:
                self.stage.bank.ends(reference, "failed")
            for type in self.rng.sample(["payout.paid", "payout.failed", "payout.updated"], 2):
                await self.stage.event(type, reference)

    async def _rests(self) -> None:
        self.stage.clock.advance(REFUSED_PAUSE_MS + 1)
        await self.stage.out.level.sweep()

    async def _some(self) -> Order | None:
        return await orders.find(self.stage.pool, self.rng.choice(self.orders)) if self.orders else None

    async def balances(self) -> list[Balance]:
        return await store.balances(self.stage.pool, SELLER)


def _goods(price: int) -> tuple[Line, ...]:
    return (Line(title="Lamp", price=price),)


@pytest.mark.parametrize("seed", range(5))
async def test_after_any_life_everybody_says_the_same(stage: Stage, seed: int):
    await stage.account()
    life = Life(stage, seed)
    for _ in range(30):
        await life.step()
        assert await unsound_facts(stage.pool) == []
    stage.bank.faults = []
    open_payouts = await stage.pool.fetch("SELECT id FROM payouts WHERE status = 'requested'")
    for row in open_payouts:
        await stage.out.payouts.pay(PayoutJob(PayoutId(row["id"])))
    for _ in range(2):
        stage.clock.advance(REFUSED_PAUSE_MS + 1)
        await stage.out.level.sweep()
    for balance in await life.balances():
        there = stage.at_the_provider(balance.currency)
        assert balance.arriving < step(balance.currency), balance
        assert 0 <= there - balance.available < step(balance.currency), balance
        out = sum(
            one.amount
            for one in stage.bank.payouts.values()
            if (one.status, one.currency) == ("paid", balance.currency)
        )
        assert balance.paid_out == out
    stage.clock.advance(YOUNG_MS + 1)
    report = await stage.out.books.reconcile()
    assert (report.differences, report.unsound) == ((), ())
