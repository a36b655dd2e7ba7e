"""A seller, their orders and a provider in memory: what tests of money out say."""

from typing import Any, cast

import msgspec

from liveserver.config import Settings
from liveserver.infra.database import Pool, transaction
from liveserver.jobs.worker import Work, Worker
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.mail.model import MailJob
from liveserver.orders import disputes, moves, refunds, store
from liveserver.orders.model import Captured, Order, OrderJob, Refund, RefundJob
from liveserver.payments.port import Event, EventId, PaymentProvider
from liveserver.payouts import store as money
from liveserver.payouts.model import Balance, Payout
from liveserver.payouts.upkeep import MoneyOut, money_out
from tests.orders.shop import SELLER, TS, draft
from tests.payouts.bank import Bank

FEE_BP = 290


class Stage:
    """Everything of a test, with a provider in memory unless there is another."""

    def __init__(
        self, pool: Pool, clock: VirtualClock | None = None, provider: PaymentProvider | None = None
    ) -> None:
        self.pool = pool
        self.clock = clock or VirtualClock(TS)
        self.bank = Bank(self.clock)
        self.provider = provider or cast(PaymentProvider, self.bank)
        self.out: MoneyOut = money_out(pool, self.provider, self.clock, Settings())
        self.mails: list[Any] = []
        works = [
            *self.out.works(),
            *self.more_works(),
            Work("mail.send", MailJob, self._mail),
            Work("checkout.refund", RefundJob, self._refund),
            Work("checkout.expire", OrderJob, self._nothing),
            Work("orders.complete", OrderJob, self._nothing),
        ]
        # Two at once: the queue then hears of each job as it ends, and not a tenth of a second later.
        self._worker = Worker(pool, works, at_once=2)

    def more_works(self) -> list[Work]:
        """What else is done."""
        return []

    async def _mail(self, job: MailJob) -> None:
        self.mails.append(job.mail)

    async def _nothing(self, job: msgspec.Struct) -> None:
        pass

    async def _refund(self, job: RefundJob) -> None:
        found = await store.find_refund(self.pool, job.refund)
        assert found is not None
        sent = await self.provider.refund(
            found.charge, found.amount, found.currency, found.id, f"ref:{found.id}"
        )
        async with transaction(self.pool) as on:
            await refunds.settled(on, found.id, sent.id, self.clock.now_ms())

    async def works(self) -> None:
        """All jobs that are due are done."""
        await self._worker.drain()

    async def account(self, seller: UserId = SELLER, country: str = "DE") -> None:
        made = await self.out.accounts.open(seller, country)
        assert not isinstance(made, Rejected), made
        await self.works()

    async def paid(self, **more: Any) -> Order:
        """An order that is paid, with the provider and here."""
        async with transaction(self.pool) as on:
            order = await moves.place(on, draft(**more), TS)
        assert isinstance(order, Order), order
        payment = await self.charges(order)
        async with transaction(self.pool) as on:
            done = await moves.paid(on, order.id, payment, self.clock.now_ms())
        assert isinstance(done, Order), done
        return done

    async def charges(self, order: Order) -> Captured:
        """The provider takes an order's money."""
        charge = f"ch_{order.number}"
        self.bank.charged(charge, order.total, order.currency, order.total * FEE_BP // 10_000)
        return Captured(f"pi_{order.number}", charge, order.total, order.currency)

    async def delivered(self, **more: Any) -> Order:
        """An order that is paid and delivered: what is the seller's is theirs."""
        return await self.delivers(await self.paid(**more))

    async def delivers(self, order: Order) -> Order:
        """A paid order arrives."""
        async with transaction(self.pool) as on:
            await moves.ship(on, order.id, SELLER, "Post", "RR1", self.clock.now_ms())
            done = await moves.deliver(on, order.id, SELLER, self.clock.now_ms())
        assert isinstance(done, Order), done
        await self.works()
        return done

    async def asks_refund(self, order: Order, amount: int) -> Refund | Rejected:
        async with transaction(self.pool) as on:
            return await refunds.request(on, order.id, SELLER, amount, "scratch", self.clock.now_ms())

    async def refunded(self, order: Order, amount: int) -> Refund | Rejected:
        done = await self.asks_refund(order, amount)
        await self.works()
        await self.out.level.sweep()
        return done

    async def dispute_lost(self, order: Order, amount: int) -> None:
        dispute = f"dp_{order.number}"
        self.bank.line("dispute", dispute, -amount, order.currency, 1_500)
        async with transaction(self.pool) as on:
            opened = await disputes.opened(
                on, order.id, dispute, amount, 1_500, "fraudulent", self.clock.now_ms()
            )
            assert isinstance(opened, Order), opened
            await disputes.closed(on, dispute, False, self.clock.now_ms())
        await self.works()
        await self.out.level.sweep()

    async def asks(self, amount: int, currency: str = "USD") -> Payout | Rejected:
        return await self.out.payouts.ask(SELLER, currency, amount, SELLER)

    async def event(self, type: str, object: str, account: str = "acct_1") -> None:
        """The provider tells, and the inbox does what follows."""
        handler = self.out.handlers()[type]
        effect = await handler(
            Event(id=EventId(f"evt_{type}_{object}"), type=type, object=object, account=account)
        )
        if effect is not None:
            async with transaction(self.pool) as on:
                await effect(on)

    async def payout(self, payout: Payout) -> Payout:
        found = await money.find_payout(self.pool, payout.id)
        assert found is not None
        return found

    async def balance(self, currency: str = "USD") -> Balance:
        found = await money.balances(self.pool, SELLER)
        return next(one for one in found if one.currency == currency)

    def at_the_provider(self, currency: str = "USD") -> int:
        return sum(amount for (_, of), amount in self.bank.there.items() if of == currency)
