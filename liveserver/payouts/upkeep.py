"""What is done for money out without anybody asking: its jobs, what runs regularly, and what follows from the provider's events."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from liveserver.config.settings import PaymentSettings
from liveserver.infra.database import Connection, Pool
from liveserver.jobs.worker import Every, Work
from liveserver.kernel.clock import Clock
from liveserver.orders.model import OrderJob
from liveserver.payments.port import Event, PaymentProvider
from liveserver.payouts.accounts import PayoutAccounts
from liveserver.payouts.books import Books
from liveserver.payouts.level import Level
from liveserver.payouts.model import CompareJob, PayoutJob, SellerJob
from liveserver.payouts.service import Payouts

UNANSWERED_TRIES_MAX = 16
"""Half a day of growing pauses: well within the 24 hours for which the provider remembers our keys."""
COMPARE_TRIES_MAX = 3
"""Who asked looks at the page, and the night comes anyway."""
SWEEP_CRON = "* * * * *"
"""Every minute: what a refund leaves on a seller's account can't be paid out, but it should not stay there either."""
UNANSWERED_CRON = "*/10 * * * *"
"""Sellers have waited for a day by then."""
NIGHTLY_CRON = "17 3 * * *"
"""At an hour when little is sold, and not at the full one, when everybody asks the provider."""


class MoneyOut(msgspec.Struct, frozen=True):
    """All parts of money out."""

    accounts: PayoutAccounts
    payouts: Payouts
    level: Level
    books: Books
    provider: PaymentProvider
    settings: PaymentSettings

    def works(self) -> list[Work]:
        """For the worker."""
        return [
            Work("payouts.transfer", OrderJob, self.level.after_release, UNANSWERED_TRIES_MAX),
            Work("payouts.level", SellerJob, self.level.of_seller, UNANSWERED_TRIES_MAX),
            Work("payouts.pay", PayoutJob, self.payouts.pay, UNANSWERED_TRIES_MAX),
            Work("payouts.compare", CompareJob, self.books.asked, COMPARE_TRIES_MAX),
        ]

    def periodic(self) -> list[Every]:
        """For the worker."""
        return [
            Every("payouts.sweep", SWEEP_CRON, self.level.sweep),
            Every("payouts.unanswered", UNANSWERED_CRON, self.payouts.sweep),
            Every("payouts.reconcile", NIGHTLY_CRON, self.books.nightly),
        ]

    def handlers(
        self,
    ) -> Mapping[str, Callable[[Event], Awaitable[Callable[[Connection], Awaitable[None]] | None]]]:
        """For the inbox, by the events' types. None needs to wait for a commit of ours: what they name is committed before the
        provider hears of it.
        """
        payouts = ("payout.created", "payout.updated", "payout.paid", "payout.failed", "payout.canceled")
        transfers = ("transfer.created", "transfer.updated", "transfer.reversed")
        return {
            **dict.fromkeys(payouts, self._payout_event),
            **dict.fromkeys(transfers, self._transfer_event),
            "account.updated": self._account_event,
        }

    async def _payout_event(self, event: Event) -> Callable[[Connection], Awaitable[None]] | None:
        # Ours to our own bank are made by the provider itself; its books tell of them.
        return await self.payouts.heard(event.account, event.object) if event.account else None

    async def _transfer_event(self, event: Event) -> Callable[[Connection], Awaitable[None]] | None:
        return await self.level.heard(event.object)

    async def _account_event(self, event: Event) -> Callable[[Connection], Awaitable[None]] | None:
        return await self.accounts.heard(event.object)


def money_out(pool: Pool, provider: PaymentProvider, clock: Clock, settings: PaymentSettings) -> MoneyOut:
    """All parts, put together."""
    return MoneyOut(
        accounts=PayoutAccounts(pool, provider, clock),
        payouts=Payouts(pool, provider, clock, settings.payout_min),
        level=Level(pool, provider, clock),
        books=Books(pool, provider, clock),
        provider=provider,
        settings=settings,
    )
