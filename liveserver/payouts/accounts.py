"""Where a seller's money goes: their account at the payment provider, made on request and looked at again when the provider says
that something has changed.

What the provider wants to know of a seller (who they are, which bank) is asked on its own pages and never comes here.
"""

import logging
import re
from collections.abc import Awaitable, Callable

from liveserver.accounts import store as people
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.jobs.queue import enqueue
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.payments.port import (
    UNKNOWN_OUTCOME,
    OutcomeUnknown,
    PaymentProvider,
    ProviderRefuses,
    SellerAccount,
)
from liveserver.payouts import store
from liveserver.payouts.errors import ACCOUNT_REFUSED, COUNTRY_UNFIT, NO_ACCOUNT
from liveserver.payouts.model import PayoutAccount, SellerJob
from liveserver.payouts.store import Q

log = logging.getLogger(__name__)

_COUNTRY = re.compile(r"[A-Z]{2}")
WANTS_MAX = 50
"""Things the provider still wants that are kept."""


class PayoutAccounts:
    """Sellers' accounts at one provider."""

    def __init__(self, pool: Pool, provider: PaymentProvider, clock: Clock) -> None:
        self._pool = pool
        self._provider = provider
        self._clock = clock

    async def of(self, seller: UserId) -> PayoutAccount | None:
        """As last heard."""
        return await store.find_account(self._pool, seller, self._provider.name)

    async def open(self, seller: UserId, country: str) -> PayoutAccount | Rejected:
        """Makes a seller's account, once; the second time it is the same. `country` is ISO 3166-1 alpha-2.

        Refusals: `country_unfit`, `payout_account_refused`, `payment_unknown`.
        """
        if there := await self.of(seller):
            return there
        if not _COUNTRY.fullmatch(country):
            return COUNTRY_UNFIT
        known = await people.find_account(self._pool, seller)
        email = "" if known is None else known.email
        try:
            # The same key for a seller, always: two windows, or a crash in between, make one account.
            made = await self._provider.create_account(seller, email, country, f"acct:{seller}:{country}")
        except OutcomeUnknown:
            return UNKNOWN_OUTCOME
        except ProviderRefuses as refused:
            log.warning("payout_account_refused", extra={"user": seller, "error": str(refused)})
            return ACCOUNT_REFUSED
        ts = self._clock.now_ms()
        async with transaction(self._pool) as on:
            await on.execute(
                Q.add_account, seller, self._provider.name, made.id, made.ready, _wants(made), ts
            )
            if made.ready:
                await self._level(on, seller)
        there = await self.of(seller)
        assert there is not None, "it was just made, by us or by somebody at the same time"
        return there

    async def page(self, seller: UserId, return_url: str, refresh_url: str) -> str | Rejected:
        """The provider's page on which a seller says what it wants to know. Good for one visit."""
        account = await self.of(seller)
        if account is None:
            return NO_ACCOUNT
        try:
            return await self._provider.onboarding_url(account.account, return_url, refresh_url)
        except OutcomeUnknown:
            return UNKNOWN_OUTCOME

    async def look(self, seller: UserId) -> PayoutAccount | Rejected:
        """Asks the provider how the account is now; for a seller who comes back from its page."""
        account = await self.of(seller)
        if account is None:
            return NO_ACCOUNT
        try:
            now = await self._provider.find_account(account.account)
        except OutcomeUnknown:
            return account
        if now is not None:
            async with transaction(self._pool) as on:
                await self._set(on, seller, now)
        return await self.of(seller) or NO_ACCOUNT

    async def heard(self, reference: str) -> Callable[[Connection], Awaitable[None]] | None:
        """An event about an account: what to write of it."""
        account = await store.find_account_by_reference(self._pool, self._provider.name, reference)
        now = await self._provider.find_account(reference) if account is not None else None
        if account is None or now is None:
            return None

        async def write(on: Connection) -> None:
            await self._set(on, account.seller, now)

        return write

    async def _set(self, on: Connection, seller: UserId, now: SellerAccount) -> None:
        ts = self._clock.now_ms()
        was_ready = await on.fetchval(Q.set_account, seller, self._provider.name, now.ready, _wants(now), ts)
        if now.ready and was_ready is False:
            await self._level(on, seller)

    async def _level(self, on: Connection, seller: UserId) -> None:
        """What has waited for the account may go there now."""
        for row in await on.fetch(Q.currencies_of, seller):
            job = SellerJob(seller, row["currency"])
            await enqueue(on, "payouts.level", job, once=f"{seller}:{row['currency']}")


def _wants(account: SellerAccount) -> list[str]:
    return [want[:200] for want in account.wants[:WANTS_MAX]]
