"""A payment provider in memory, as far as money out needs one: its own books, accounts and keys, and answers that get lost.

It believes nobody: a transfer of more than the charge, a payout of more than there is, and a key with other parameters are refused.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import msgspec

from liveserver.kernel.clock import VirtualClock
from liveserver.payments.port import (
    OutcomeUnknown,
    PayoutState,
    ProviderRefuses,
    RefundState,
    SellerAccount,
    Transaction,
    TransferState,
)

DAY_MS = 86_400_000
Fault = Literal["lost before", "lost after", "refused"]


class Bank:
    """See the module. `faults` are taken one a call, by the calls that move money or make accounts."""

    name = "test"
    test = True
    publishable_key = ""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.books: list[Transaction] = []
        self.charges: dict[str, tuple[int, str]] = {}
        self.accounts: dict[str, SellerAccount] = {}
        self.transfers: dict[str, TransferState] = {}
        self.reversals: dict[str, str] = {}
        """Their names, by the keys that they were asked with."""
        self.payouts: dict[str, PayoutState] = {}
        self.refunds: dict[str, RefundState] = {}
        self.there: Counter[tuple[str, str]] = Counter()
        """What stands on sellers' accounts, by account and currency."""
        self.faults: list[Fault | None] = []
        self.calls: list[str] = []
        self.ready_at_once = True
        self._keys: dict[str, tuple[tuple[Any, ...], Any]] = {}
        self._number = 0

    def _new(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_{self._number}"

    def line(self, type: str, source: str, amount: int, currency: str, fee: int = 0) -> Transaction:
        """A line of the books; what is a day old is available."""
        now = self.clock.now_ms()
        line = Transaction(
            id=self._new("txn"),
            type=type,  # type: ignore[arg-type] # tests use its words
            source=source,
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=currency,
            status="pending",
            created_ts=now,
            available_ts=now + DAY_MS,
        )
        self.books.append(line)
        return line

    async def _once(self, key: str, parameters: tuple[Any, ...], do: Callable[[], Any]) -> Any:
        self.calls.append(key)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "lost before":
            raise OutcomeUnknown("no answer")
        if key in self._keys:
            before, answer = self._keys[key]
            if before != parameters:
                raise ProviderRefuses("idempotency_error", "another call had this key")
        else:
            if fault == "refused":
                raise ProviderRefuses("balance_insufficient", "not enough of it is available")
            answer = do()
            self._keys[key] = parameters, answer
        if fault == "lost after":
            raise OutcomeUnknown("no answer")
        return answer

    def forgets_keys(self) -> None:
        self._keys.clear()

    # What the world does with it.
    def charged(self, charge: str, amount: int, currency: str, fee: int = 0) -> None:
        self.charges[charge] = amount, currency
        self.line("charge", charge, amount, currency, fee)

    def ends(self, payout: str, status: Literal["paid", "failed", "canceled"]) -> None:
        """What the seller's bank does with a payout."""
        now = self.payouts[payout]
        if status != "paid":
            self.there[now.account, now.currency] += now.amount
        self.payouts[payout] = msgspec.structs.replace(
            now, status=status, error="" if status == "paid" else "no such account"
        )

    # The port.
    async def create_account(self, seller: str, email: str, country: str, key: str) -> SellerAccount:
        def make() -> SellerAccount:
            made = SellerAccount(
                self._new("acct"), self.ready_at_once, () if self.ready_at_once else ("iban",)
            )
            self.accounts[made.id] = made
            return made

        return await self._once(key, (seller, email, country), make)

    async def find_account(self, account: str) -> SellerAccount | None:
        return self.accounts.get(account)

    async def onboarding_url(self, account: str, return_url: str, refresh_url: str) -> str:
        return f"https://provider.example/onboarding/{account}?return={return_url}"

    async def transfer(
        self, account: str, order: str, charge: str, amount: int, currency: str, key: str
    ) -> TransferState:
        def make() -> TransferState:
            paid, of = self.charges.get(charge, (0, currency))
            fit = amount % (10 if currency == "KWD" else 1) == 0
            if of != currency or not fit or not 0 < amount <= paid or not self.accounts[account].ready:
                raise ProviderRefuses("invalid_request", f"a transfer of {amount} {currency} of {paid} {of}")
            made = TransferState(
                id=self._new("tr"),
                account=account,
                amount=amount,
                currency=currency,
                metadata={"order": order},
            )
            self.transfers[made.id] = made
            self.there[account, currency] += amount
            self.line("transfer", made.id, -amount, currency)
            return made

        return await self._once(key, (account, order, charge, amount, currency), make)

    async def reverse_transfer(self, transfer: str, amount: int, key: str) -> TransferState:
        def make() -> TransferState:
            now = self.transfers[transfer]
            if now.reversed + amount > now.amount or self.there[now.account, now.currency] < amount:
                raise ProviderRefuses("balance_insufficient", "there is not so much there")
            reversal = self._new("trr")
            made = msgspec.structs.replace(now, reversed=now.reversed + amount)
            self.transfers[transfer] = made
            self.there[now.account, now.currency] -= amount
            self.line("transfer_reversal", reversal, amount, now.currency)
            self.reversals[key] = reversal
            return msgspec.structs.replace(made, reversal=reversal)

        return await self._once(key, (transfer, amount), make)

    async def find_reversal(self, transfer: str, key: str) -> str | None:
        return self.reversals.get(key)

    async def find_transfer(self, transfer: str) -> TransferState | None:
        return self.transfers.get(transfer)

    async def pay_out(self, account: str, payout: str, amount: int, currency: str, key: str) -> PayoutState:
        def make() -> PayoutState:
            if self.there[account, currency] < amount:
                raise ProviderRefuses("balance_insufficient", "there is not so much there")
            self.there[account, currency] -= amount
            made = PayoutState(
                id=self._new("po"),
                account=account,
                amount=amount,
                currency=currency,
                status="in_transit",
                metadata={"payout": payout},
            )
            self.payouts[made.id] = made
            return made

        return await self._once(key, (account, payout, amount, currency), make)

    async def find_payout(self, account: str, payout: str) -> PayoutState | None:
        return self.payouts.get(payout)

    async def search_payout(self, account: str, payout: str, since_ts: int) -> PayoutState | None:
        return next((one for one in self.payouts.values() if one.metadata.get("payout") == payout), None)

    async def refund(self, charge: str, amount: int, currency: str, refund: str, key: str) -> RefundState:
        def make() -> RefundState:
            made = RefundState(
                id=self._new("re"),
                charge=charge,
                amount=amount,
                currency=currency,
                status="succeeded",
                metadata={"refund": refund},
            )
            self.refunds[made.id] = made
            self.line("refund", made.id, -amount, currency)
            return made

        return await self._once(key, (charge, amount, currency), make)

    async def find_refund(self, refund: str) -> RefundState | None:
        return self.refunds.get(refund)

    async def transactions(self, since_ts: int, until_ts: int) -> AsyncIterator[Transaction]:
        for line in list(self.books):
            if since_ts <= line.created_ts < until_ts:
                ripe = line.available_ts <= self.clock.now_ms()
                yield msgspec.structs.replace(line, status="available" if ripe else "pending")
