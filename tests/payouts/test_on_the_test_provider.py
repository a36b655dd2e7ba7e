"""An evening with the built-in test provider, everything put together as the server does it: cards pay, refunds and disputes happen,
sellers are paid out, and its books and ours say the same.
"""

from typing import cast

from liveserver.accounts.model import Account, identity_of
from liveserver.cli.paying import paying_of
from liveserver.config import Settings
from liveserver.infra.database import Pool, transaction
from liveserver.jobs.worker import Work, Worker
from liveserver.kernel.clock import SystemClock, VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.mail.model import MailJob
from liveserver.orders import moves, refunds, store
from liveserver.orders.model import Address, Order, OrderJob
from liveserver.payments.port import Event, EventId
from liveserver.payments.sandbox.provider import Sandbox
from liveserver.payouts.store import balances, find_payout
from tests.orders.shop import SELLER, draft

HOME = Address(name="Bea", line1="1 High St", city="Town", country="GB")
BUYER = Account(UserId("user_bea"), "Bea", "bea@example.org", "viewer", True, 1)
DAY_MS = 86_400_000


async def _nothing(job: object) -> None:
    pass


class Evening:
    """A server's parts, and a buyer and a seller."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = VirtualClock(SystemClock().now_ms())
        self.paying = paying_of(Settings(), pool, self.clock)
        self.provider = cast(Sandbox, self.paying.provider)
        beside = (Work("mail.send", MailJob, _nothing), Work("orders.complete", OrderJob, _nothing))
        self._worker = Worker(pool, [*self.paying.works, *beside])

    async def works(self) -> None:
        await self._worker.drain()

    async def sells(self, token: str = "card_pays") -> Order:
        """The buyer pays what they won with a test card; the provider's event says so."""
        now_ms = self.clock.now_ms()
        async with transaction(self.pool) as on:
            order = await moves.place(on, draft("auction", due_ts=now_ms + DAY_MS), now_ms)
        assert isinstance(order, Order), order
        session = await self.paying.checkout.pay(identity_of(BUYER), order.id, address=HOME)
        assert not isinstance(session, Rejected), session
        await self.provider.confirm(session.intent, token)
        await self.works()
        return await self.now(order)

    async def hears(self) -> None:
        """What came before that which it is about was parked: now it is tried again."""
        await self.pool.execute(
            "UPDATE pgqueuer SET execute_after = now() WHERE entrypoint = 'payments.apply'"
        )
        await self.works()

    async def delivers(self, order: Order) -> Order:
        async with transaction(self.pool) as on:
            await moves.ship(on, order.id, SELLER, "Post", "RR1", self.clock.now_ms())
            await moves.deliver(on, order.id, SELLER, self.clock.now_ms())
        await self.works()
        return await self.now(order)

    async def refunds(self, order: Order, amount: int) -> None:
        async with transaction(self.pool) as on:
            done = await refunds.request(on, order.id, SELLER, amount, "scratch", self.clock.now_ms())
        assert not isinstance(done, Rejected), done
        await self.works()
        await self.paying.money.level.sweep()

    async def now(self, order: Order) -> Order:
        found = await store.find(self.pool, order.id)
        assert found is not None
        return found


async def test_an_evening_from_cards_to_the_seller_s_bank(sellers_shop: Pool):
    evening = Evening(sellers_shop)
    money = evening.paying.money
    assert not isinstance(await money.accounts.open(SELLER, "DE"), Rejected)
    first = await evening.sells()
    assert (first.state, first.funds) == ("paid", "held")
    await evening.delivers(first)
    await evening.refunds(first, 2_000)
    disputed = await evening.sells("card_disputed")
    await evening.hears()
    assert (await evening.now(disputed)).dispute == "open"
    (dispute,) = await evening.pool.fetch("SELECT id FROM disputes")
    await evening.provider.decide_dispute(dispute["id"], won=False)
    given_back = await evening.sells()
    await evening.refunds(given_back, given_back.total)
    await evening.works()
    await evening.hears()

    (balance,) = await balances(evening.pool, SELLER)
    assert (balance.available, balance.arriving, balance.held) == (first.sale.seller_share - 1_840, 0, 0)
    payout = await money.payouts.ask(SELLER, "USD", balance.available, SELLER)
    assert not isinstance(payout, Rejected), payout
    await evening.works()
    evening.clock.advance(DAY_MS)
    sent = await find_payout(evening.pool, payout.id)
    assert sent is not None
    event = Event(id=EventId("evt_1"), type="payout.paid", object=sent.reference, account=sent.account)
    effect = await money.handlers()["payout.paid"](event)
    assert effect is not None
    async with transaction(evening.pool) as on:
        await effect(on)
    arrived = await find_payout(evening.pool, payout.id)
    assert arrived is not None
    assert arrived.status == "paid"

    report = await money.books.reconcile()
    assert (report.differences, report.unsound) == ((), ())
    assert report.clean
    assert report.matched == report.transactions == 8
