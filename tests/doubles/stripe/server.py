"""A Stripe to test against: the calls that the adapter makes, with idempotency keys, declines, and faults to inject.

It is a server of its own on loopback, driven by the real SDK. What a buyer would do in Stripe's page elements, tests do here
(`confirm`, `confirm_setup`); what a bank would do, too (`dispute`). Events are not sent: tests deliver them, signed, as they like.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Literal

from aiohttp import web

from tests.doubles.stripe.objects import made, parsed
from tests.doubles.stripe.sellers import Refusal, SellersMoney, missing, refused

Fault = Literal["500 before", "500 after", "cut before", "cut after", "429", "slow"]
CARDS: dict[str, tuple[str, str, str]] = {
    "card_pays": ("4242", "", ""),
    "card_declined": ("0002", "card_declined", "generic_decline"),
    "card_empty": ("9995", "card_declined", "insufficient_funds"),
    "card_later": ("0341", "", "generic_decline"),
    "card_asks": ("3155", "asks", ""),
}
"""Last four digits; what happens on session; the bank's reason."""


HANGS_UP_MAX_S = 5


def _broken(status: int) -> web.Response:
    """As Stripe answers in bad times, inviting its SDK to try again by itself."""
    error = {"type": "api_error", "message": "Something went wrong."}
    return web.json_response({"error": error}, status=status, headers={"Stripe-Should-Retry": "true"})


class StripeDouble(SellersMoney):
    """Its objects, what it was asked, and what it is told to do wrong. Its time is `now_s` (s; that of the machine unless given)."""

    def __init__(self, now_s: Callable[[], int] | None = None) -> None:
        super().__init__(now_s)
        self.keys: dict[str, tuple[bytes, int, dict[str, Any]]] = {}
        self.asked: Counter[str] = Counter()
        self.faults: deque[Fault] = deque()
        """Each is used up by one POST. `slow`: it is done, and the answer comes when the client has hung up."""
        self.read_faults: deque[Literal["", "500"]] = deque()
        """Each is used up by one GET."""
        self.away = False
        """Every call is answered with 503."""
        self.secret = "whsec_of_this_run"
        self.url = ""
        self._runner: web.AppRunner | None = None

    # Life

    async def __aenter__(self) -> "StripeDouble":
        app = web.Application()
        app.router.add_route("*", "/v1/{path:.+}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.asked[f"{request.method} {path.split('/')[0]}"] += 1
        if self.away:
            return _broken(503)
        if request.method == "GET":
            return self._read(request, path)
        raw = await request.read()
        fault = self.faults.popleft() if self.faults else ""
        if fault == "429":
            return _broken(429)
        if fault == "cut before":
            return self._cut(request)
        key = request.headers.get("Idempotency-Key", "")
        digest = hashlib.sha256(
            f"{path} {request.headers.get('Stripe-Account', '')} ".encode() + raw
        ).digest()
        if fault != "500 before" and key in self.keys:
            known, status, body = self.keys[key]
            if known != digest:
                return web.json_response(
                    {"error": {"type": "idempotency_error", "message": "Other parameters."}}, status=400
                )
            return web.json_response(body, status=status, headers={"Idempotent-Replayed": "true"})
        fields = parsed([(k, v) for k, v in (await request.post()).items() if isinstance(v, str)])
        if fault == "500 before":
            return _broken(500)
        else:
            status, body = self._result(lambda: self._post(path, fields, request.headers))
            if fault == "500 after":
                status, body = 500, {"error": {"type": "api_error", "message": "Something went wrong."}}
        if key:
            # As Stripe does, a stored failure is answered again.
            self.keys[key] = (digest, status, body)
        if fault == "cut after":
            return self._cut(request)
        if fault == "slow":
            await self._hung_up(request)
        return web.json_response(body, status=status)

    async def _hung_up(self, request: web.Request) -> None:
        async with asyncio.timeout(HANGS_UP_MAX_S):
            while request.transport is not None:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.005)

    def _read(self, request: web.Request, path: str) -> web.StreamResponse:
        fault = self.read_faults.popleft() if self.read_faults else ""
        if fault:
            return _broken(500)
        query, account = parsed(list(request.query.items())), request.headers.get("Stripe-Account", "")
        return self._answer(lambda: self._get(path, query, account))

    def _cut(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    def _answer(self, work: Callable[[], dict[str, Any]]) -> web.Response:
        status, body = self._result(work)
        return web.json_response(body, status=status)

    def _result(self, work: Callable[[], dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        try:
            return 200, work()
        except Refusal as refusal:
            return refusal.status, refusal.body

    # Reading

    def _get(self, path: str, query: dict[str, Any], account: str) -> dict[str, Any]:
        kind, _, name = path.partition("/")
        if path == "payment_intents/search":
            order = query["query"].split("'")[3]
            data = [x for x in self.all("payment_intent") if x["metadata"].get("order") == order]
            return {"object": "search_result", "data": data, "has_more": False, "url": "/v1/search"}
        if kind == "balance_transactions":
            return self.lines(query)
        if kind == "payouts":
            return self.payout(name, account) if name else self.payouts(query, account)
        if path.endswith("/reversals"):
            return self.reversals(name.partition("/")[0], query)
        return self._expanded(self.of(name), query)

    def _expanded(self, thing: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
        wanted = query.get("expand", {})
        names = wanted.values() if isinstance(wanted, dict) else [wanted]
        return {**thing, **{name: self.objects.get(thing.get(name), thing.get(name)) for name in names}}

    # Writing

    def _post(self, path: str, f: dict[str, Any], headers: Any) -> dict[str, Any]:
        kind, *rest = path.split("/")
        match kind, rest:
            case "customers", []:
                return self.add("customer", name=f.get("name"), email=f.get("email"), metadata=f["metadata"])
            case "setup_intents", []:
                thing = self.add("setup_intent", customer=self.of(f["customer"])["id"])
                thing["client_secret"] = f"{thing['id']}_secret"
                return thing
            case "payment_methods", [name, "detach"]:
                thing = self.of(name, "payment_method")
                if thing["customer"] is None:
                    raise refused("payment_method_not_attached")
                thing["customer"] = None
                return thing
            case "payment_intents", []:
                return self._pay(f)
            case "payment_intents", [name, "cancel"]:
                thing = self.of(name)
                if thing["status"] in {"succeeded", "canceled", "processing"}:
                    raise Refusal(400, "invalid_request_error", "payment_intent_unexpected_state")
                thing["status"] = "canceled"
                self.tell("payment_intent.canceled", thing)
                return thing
            case "refunds", []:
                return self._refund(f)
            case "accounts", []:
                return self.account(f)
            case "account_links", []:
                return made("account_link", url=f"https://connect.example/{f['account']}")
            case "transfers", []:
                return self.transfer(f)
            case "transfers", [name, "reversals"]:
                return self.reverse(self.of(name, "transfer"), f)
            case "payouts", []:
                return self.pay_out(f, headers["Stripe-Account"])
        raise missing(path)

    def _pay(self, f: dict[str, Any]) -> dict[str, Any]:
        thing = self.add(
            "payment_intent",
            amount=int(f["amount"]),
            currency=f["currency"],
            customer=f.get("customer"),
            metadata=f["metadata"],
            transfer_group=f["transfer_group"],
        )
        thing["client_secret"] = f"{thing['id']}_secret"
        self.tell("payment_intent.created", thing)
        if f.get("confirm") == "true":
            method = self.of(f["payment_method"], "payment_method")
            if method["customer"] != f["customer"]:
                raise refused("payment_method_not_attached")
            token = method["metadata"]["token"]
            _, on_session, reason = CARDS[token]
            if on_session == "asks":
                self._decline(thing, "authentication_required", "authentication_required")
            elif on_session or reason:
                self._decline(thing, "card_declined", reason or "generic_decline")
            else:
                self._succeed(thing, method["id"])
        return self._expanded(thing, f)

    def _decline(self, thing: dict[str, Any], code: str, reason: str) -> None:
        error = {
            "type": "card_error",
            "code": code,
            "decline_code": reason,
            "message": "Your card was declined.",
        }
        thing.update(status="requires_payment_method", last_payment_error=error)
        self.tell("payment_intent.payment_failed", thing)
        raise Refusal(402, "card_error", code, decline_code=reason, payment_intent=thing)

    def _succeed(self, thing: dict[str, Any], method: str | None) -> None:
        charge = self.add(
            "charge", amount=thing["amount"], currency=thing["currency"], payment_intent=thing["id"]
        )
        thing.update(
            status="succeeded",
            amount_received=thing["amount"],
            latest_charge=charge["id"],
            payment_method=method,
            last_payment_error=None,
        )
        fee = round(thing["amount"] * 29 / 1000) + 30
        self.line("charge", charge["id"], thing["amount"], thing["currency"], fee)
        self.tell("payment_intent.succeeded", thing)

    def _refund(self, f: dict[str, Any]) -> dict[str, Any]:
        charge, amount = self.of(f["charge"]), int(f["amount"])
        if charge["amount_refunded"] + amount > charge["amount"]:
            raise Refusal(400, "invalid_request_error", "charge_already_refunded")
        charge["amount_refunded"] += amount
        thing = self.add(
            "refund", charge=charge["id"], amount=amount, currency=charge["currency"], metadata=f["metadata"]
        )
        self.line("refund", thing["id"], -amount, charge["currency"])
        self.tell("refund.created", thing)
        return thing

    # What buyers and banks do

    def confirm(self, payment: str, token: str) -> None:
        """A buyer enters a card."""
        thing = self.of(payment)
        last4, on_session, reason = CARDS[token]
        method = self.add(
            "payment_method", card={"brand": "visa", "last4": last4, "exp_month": 12, "exp_year": 2099}
        )
        if on_session == "asks":
            thing.update(status="requires_action", payment_method=method["id"])
            self.tell("payment_intent.requires_action", thing)
        elif on_session:
            try:
                self._decline(thing, on_session, reason)
            except Refusal:
                pass
        else:
            self._succeed(thing, method["id"])

    def authenticate(self, payment: str, *, agreed: bool) -> None:
        """A buyer answers their bank."""
        thing = self.of(payment)
        if agreed:
            self._succeed(thing, thing["payment_method"])
            return
        try:
            self._decline(thing, "payment_intent_authentication_failure", "")
        except Refusal:
            pass

    def confirm_setup(self, setup: str, token: str) -> None:
        """A buyer saves a card."""
        thing = self.of(setup)
        method = self.add(
            "payment_method",
            customer=thing["customer"],
            metadata={"token": token},
            card={"brand": "visa", "last4": CARDS[token][0], "exp_month": 12, "exp_year": 2099},
        )
        thing.update(status="succeeded", payment_method=method["id"])
        self.tell("setup_intent.succeeded", thing)

    def dispute(self, payment: str, *, inquiry: bool = False) -> dict[str, Any]:
        """A bank takes a payment back."""
        thing = self.of(payment)
        charge = self.of(thing["latest_charge"])
        dispute = self.add(
            "dispute",
            amount=charge["amount"],
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=payment,
        )
        if inquiry:
            dispute["status"] = "warning_needs_response"
        else:
            line = self.line("dispute", dispute["id"], -charge["amount"], charge["currency"], 1_500)
            dispute["balance_transactions"] = [line]
        self.tell("charge.dispute.created", dispute)
        return dispute

    def send_back(self, refund: str) -> None:
        """A buyer's bank does not take a refund that was on its way."""
        thing = self.of(refund)
        thing.update(status="failed", failure_reason="lost_or_stolen_card")
        self.of(thing["charge"])["amount_refunded"] -= thing["amount"]
        self.line("refund_failure", thing["id"], thing["amount"], thing["currency"])
        self.tell("refund.failed", thing)

    def decide(self, dispute: str, *, won: bool) -> None:
        """The bank has decided a dispute; won: the money comes back, the fee does not."""
        thing = self.of(dispute)
        thing["status"] = "won" if won else "lost"
        if won:
            line = self.line("dispute_reversal", thing["id"], thing["amount"], thing["currency"])
            thing["balance_transactions"] = [*thing["balance_transactions"], line]
        self.tell("charge.dispute.closed", thing)

    # Events

    def signed(self, event: dict[str, Any], *, secret: str = "", age_s: int = 0) -> tuple[bytes, str]:
        """An event as it is delivered: its body and its signature."""
        body = json.dumps(event).encode()
        sent = int(time.time()) - age_s
        mac = hmac.digest((secret or self.secret).encode(), f"{sent}.".encode() + body, "sha256").hex()
        return body, f"t={sent},v1={mac}"
