"""The test provider's side of sellers: accounts that are ready at once, transfers, reversals, payouts that arrive after a moment."""

import msgspec

from liveserver.infra.database import Connection
from liveserver.kernel.ids import new_id
from liveserver.payments.port import PayoutState, ProviderRefuses, SellerAccount, TransferState
from liveserver.payments.sandbox.books import Books

ARRIVES_AFTER_MS = 5_000
"""A payout is in transit for so long."""


class _Payout(msgspec.Struct, frozen=True):
    state: PayoutState
    arrives_ts: int


class _Account(msgspec.Struct, frozen=True):
    id: str
    seller: str
    balances: dict[str, int] = {}
    """By currency."""


class Sellers:
    """Half of the port: from here on to sellers."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def create_account(self, seller: str, email: str, country: str, key: str) -> SellerAccount:
        async def work(on: Connection) -> SellerAccount:
            made = _Account(new_id("acct"), seller)
            await self.books.add(on, "account", made.id, made, about=seller)
            await self.books.tell(on, "account.updated", made.id, made.id)
            return SellerAccount(made.id, ready=True)

        return await self.books.once(key, ("account", seller, email, country), SellerAccount, work)

    async def find_account(self, account: str) -> SellerAccount | None:
        found = await self.books.get(self.books.pool, "account", account, _Account)
        return None if found is None else SellerAccount(found.id, ready=True)

    async def onboarding_url(self, account: str, return_url: str, refresh_url: str) -> str:
        """There is nothing to be asked: straight back."""
        return return_url

    async def transfer(
        self, account: str, order: str, charge: str, amount: int, currency: str, key: str
    ) -> TransferState:
        async def work(on: Connection) -> TransferState:
            if amount <= 0:
                raise ProviderRefuses("amount_too_small", "An amount is more than nothing.")
            await self._move(on, account, currency, amount)
            made = TransferState(
                id=new_id("tr"), account=account, amount=amount, currency=currency, metadata={"order": order}
            )
            await self.books.add(on, "transfer", made.id, made, about=account)
            await self.books.line(on, "transfer", made.id, -amount, currency)
            await self.books.tell(on, "transfer.created", made.id)
            return made

        asked = ("transfer", account, order, charge, amount, currency)
        return await self.books.once(key, asked, TransferState, work)

    async def reverse_transfer(self, transfer: str, amount: int, key: str) -> TransferState:
        async def work(on: Connection) -> TransferState:
            now = await self.books.lock(on, "transfer", transfer, TransferState)
            if amount <= 0 or now.reversed + amount > now.amount:
                raise ProviderRefuses("transfer_already_reversed", "More would be reversed than is left.")
            await self._move(on, now.account, now.currency, -amount)
            done = msgspec.structs.replace(now, reversed=now.reversed + amount)
            await self.books.put(on, transfer, done)
            reversal = new_id("trr")
            await self.books.line(on, "transfer_reversal", reversal, amount, now.currency)
            await self.books.tell(on, "transfer.reversed", transfer)
            return msgspec.structs.replace(done, reversal=reversal)

        return await self.books.once(key, ("reverse", transfer, amount), TransferState, work)

    async def find_transfer(self, transfer: str) -> TransferState | None:
        return await self.books.get(self.books.pool, "transfer", transfer, TransferState)

    async def find_reversal(self, transfer: str, key: str) -> str | None:
        done = await self.books.answered(key, TransferState)
        return None if done is None else done.reversal

    async def pay_out(self, account: str, payout: str, amount: int, currency: str, key: str) -> PayoutState:
        async def work(on: Connection) -> PayoutState:
            if amount <= 0:
                raise ProviderRefuses("amount_too_small", "An amount is more than nothing.")
            await self._move(on, account, currency, -amount)
            state = PayoutState(
                id=new_id("po"),
                account=account,
                amount=amount,
                currency=currency,
                status="in_transit",
                metadata={"payout": payout},
            )
            arrives = _Payout(state, self.books.clock.now_ms() + ARRIVES_AFTER_MS)
            await self.books.add(on, "payout", state.id, arrives, about=account)
            await self.books.tell(on, "payout.created", state.id, account)
            await self.books.tell(on, "payout.paid", state.id, account, after_ms=ARRIVES_AFTER_MS + 100)
            return state

        return await self.books.once(key, ("payout", account, payout, amount, currency), PayoutState, work)

    async def find_payout(self, account: str, payout: str) -> PayoutState | None:
        found = await self.books.get(self.books.pool, "payout", payout, _Payout)
        if found is None or found.state.account != account:
            return None
        if self.books.clock.now_ms() < found.arrives_ts:
            return found.state
        return msgspec.structs.replace(found.state, status="paid")

    async def search_payout(self, account: str, payout: str, since_ts: int) -> PayoutState | None:
        for each in await self.books.about(self.books.pool, "payout", account, _Payout):
            if each.state.metadata.get("payout") == payout:
                return await self.find_payout(account, each.state.id)
        return None

    async def _move(self, on: Connection, account: str, currency: str, amount: int) -> None:
        now = await self.books.lock(on, "account", account, _Account)
        balance = now.balances.get(currency, 0) + amount
        if balance < 0:
            raise ProviderRefuses("balance_insufficient", "The account does not have that much.")
        await self.books.put(
            on, account, msgspec.structs.replace(now, balances={**now.balances, currency: balance})
        )
