"""The double's books and what it does with sellers' money: accounts with balances of their own, transfers, reversals, payouts.

As Stripe does, it moves no more than there is: of a charge, of a transfer, of an account.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.doubles.stripe.objects import made

AVAILABLE_AFTER_S = 172_800


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, type: str, code: str, **more: Any) -> None:
        self.status = status
        self.body = {"error": {"type": type, "code": code, "message": f"{code}.", **more}}


def missing(name: str) -> Refusal:
    """There is no such thing."""
    return Refusal(404, "invalid_request_error", "resource_missing", param=name)


def refused(code: str) -> Refusal:
    """The call itself is wrong, or asks for more than there is."""
    return Refusal(400, "invalid_request_error", code)


class SellersMoney:
    """Half of the double."""

    def __init__(self, now_s: Callable[[], int] | None = None) -> None:
        self.now_s = now_s or (lambda: int(time.time()))
        self.objects: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.there: Counter[tuple[str, str]] = Counter()
        """What stands on sellers' accounts, by account and currency."""
        self.ready_at_once = True
        """New accounts want nothing more of the seller."""

    # Objects and events

    def add(self, kind: str, **fields: Any) -> dict[str, Any]:
        thing = made(kind, **{"created": self.now_s(), **fields})
        self.objects[thing["id"]] = thing
        return thing

    def of(self, name: str, kind: str = "") -> dict[str, Any]:
        if name not in self.objects or kind not in ("", self.objects[name]["object"]):
            raise missing(name)
        return self.objects[name]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [thing for thing in self.objects.values() if thing["object"] == kind]

    def tell(self, type: str, thing: dict[str, Any], account: str = "") -> None:
        event = made("event", type=type, data={"object": dict(thing)}, created=self.now_s())
        if account:
            event["account"] = account
        self.events.append(event)

    # The books

    def line(
        self, category: str, source: str | None, amount: int, currency: str, fee: int = 0
    ) -> dict[str, Any]:
        return self.add(
            "balance_transaction",
            reporting_category=category,
            type=category,
            source=source,
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=currency,
            available_on=self.now_s() + AVAILABLE_AFTER_S,
        )

    def lines(self, query: dict[str, Any]) -> dict[str, Any]:
        """A page of them, the newest first."""
        since, until = int(query["created"]["gte"]), int(query["created"]["lt"])
        found = [line for line in self.all("balance_transaction") if since <= line["created"] < until][::-1]
        for line in found:
            line["status"] = "available" if line["available_on"] <= self.now_s() else "pending"
        after = query.get("starting_after")
        if after:
            found = found[[line["id"] for line in found].index(after) + 1 :]
        return _listed(found, int(query.get("limit", 10)))

    # Accounts

    def account(self, f: dict[str, Any]) -> dict[str, Any]:
        thing = self.add("account", metadata=f["metadata"])
        self.lets_in(thing["id"], self.ready_at_once)
        return thing

    def lets_in(self, account: str, ready: bool = True) -> None:
        """What Stripe wanted of a seller has come, or is wanted again."""
        self.of(account).update(
            payouts_enabled=ready,
            capabilities={"transfers": "active" if ready else "inactive"},
            requirements={"currently_due": [] if ready else ["external_account"]},
        )
        self.tell("account.updated", self.of(account), account)

    # Transfers

    def transfer(self, f: dict[str, Any]) -> dict[str, Any]:
        account, charge, amount = (
            self.of(f["destination"]),
            self.of(f["source_transaction"]),
            int(f["amount"]),
        )
        gone = sum(
            each["amount"] for each in self.all("transfer") if each["source_transaction"] == charge["id"]
        )
        if account["capabilities"]["transfers"] != "active":
            raise refused("insufficient_capabilities_for_transfer")
        if charge["currency"] != f["currency"] or not 0 < amount <= charge["amount"] - gone:
            raise refused("balance_insufficient")
        thing = self.add(
            "transfer",
            amount=amount,
            currency=f["currency"],
            destination=account["id"],
            source_transaction=charge["id"],
            transfer_group=f["transfer_group"],
            metadata=f["metadata"],
        )
        self.there[account["id"], thing["currency"]] += amount
        self.line("transfer", thing["id"], -amount, thing["currency"])
        self.tell("transfer.created", thing)
        return thing

    def reverse(self, thing: dict[str, Any], f: dict[str, Any]) -> dict[str, Any]:
        amount, account = int(f["amount"]), (thing["destination"], thing["currency"])
        if thing["amount_reversed"] + amount > thing["amount"]:
            raise refused("transfer_already_reversed")
        if self.there[account] < amount:
            raise refused("balance_insufficient")
        thing["amount_reversed"] += amount
        self.there[account] -= amount
        reversal = self.add(
            "transfer_reversal",
            amount=amount,
            currency=thing["currency"],
            transfer=thing["id"],
            metadata=f.get("metadata", {}),
        )
        self.line("transfer_reversal", reversal["id"], amount, thing["currency"])
        self.tell("transfer.reversed", thing)
        return reversal

    def reversals(self, transfer: str, query: dict[str, Any]) -> dict[str, Any]:
        found = [
            each for each in self.all("transfer_reversal") if each["transfer"] == self.of(transfer)["id"]
        ]
        return _listed(found[::-1], int(query.get("limit", 10)))

    # Payouts

    def pay_out(self, f: dict[str, Any], account: str) -> dict[str, Any]:
        amount, currency = int(f["amount"]), f["currency"]
        if not 0 < amount <= self.there[account, currency]:
            raise refused("balance_insufficient")
        self.there[account, currency] -= amount
        thing = self.add("payout", amount=amount, currency=currency, metadata=f["metadata"], status="pending")
        thing["of_account"] = account
        self.tell("payout.created", thing, account)
        return thing

    def payout(self, name: str, account: str) -> dict[str, Any]:
        """As its own account sees it; nobody else does."""
        thing = self.of(name, "payout")
        if thing["of_account"] != account:
            raise missing(name)
        return thing

    def payouts(self, query: dict[str, Any], account: str) -> dict[str, Any]:
        since = int(query["created"]["gte"])
        found = [x for x in self.all("payout") if x["of_account"] == account and x["created"] >= since]
        return _listed(found[::-1], int(query.get("limit", 10)))

    def ends(self, payout: str, status: str) -> None:
        """What a seller's bank does with a payout: `paid`, or `failed`, also afterwards."""
        thing = self.of(payout)
        if status == "failed":
            self.there[thing["of_account"], thing["currency"]] += thing["amount"]
            thing.update(failure_code="account_closed", failure_message="The bank account has been closed.")
        thing["status"] = status
        self.tell(f"payout.{status}", thing, thing["of_account"])


def _listed(found: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": "/v1/list"}
