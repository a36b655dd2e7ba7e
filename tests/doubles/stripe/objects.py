"""Objects with Stripe's published shapes: from Stripe's own fixtures where they lie beside the checkout, else the fields that count."""

import copy
import functools
import itertools
import json
import secrets
import time
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "stripe_fixtures.json"

_MINIMAL: dict[str, dict[str, Any]] = {
    "customer": {"name": None, "email": None},
    "payment_method": {"type": "card", "customer": None},
    "setup_intent": {"status": "requires_payment_method", "payment_method": None, "customer": None},
    "payment_intent": {
        "status": "requires_payment_method",
        "amount_received": 0,
        "latest_charge": None,
        "payment_method": None,
        "customer": None,
        "last_payment_error": None,
    },
    "charge": {"amount_refunded": 0, "paid": True, "payment_intent": None},
    "refund": {"status": "succeeded", "charge": None},
    "dispute": {"status": "needs_response", "balance_transactions": [], "reason": "fraudulent"},
    "account": {"payouts_enabled": False, "capabilities": {}, "requirements": {"currently_due": []}},
    "account_link": {"url": ""},
    "transfer": {"amount_reversed": 0, "destination": None},
    "transfer_reversal": {"transfer": None},
    "payout": {"status": "pending", "failure_code": None, "failure_message": None},
    "balance_transaction": {"status": "pending", "fee": 0},
    "event": {"data": {"object": {}}, "type": ""},
}
_PREFIX = {
    "customer": "cus",
    "payment_method": "pm",
    "setup_intent": "seti",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "dispute": "dp",
    "account": "acct",
    "account_link": "link",
    "transfer": "tr",
    "transfer_reversal": "trr",
    "payout": "po",
    "balance_transaction": "txn",
    "event": "evt",
}
_numbers = itertools.count(1)


@functools.cache
def fixtures() -> dict[str, Any]:
    """Stripe's own examples by resource; empty where they are not at hand."""
    return json.loads(FIXTURES.read_text())["resources"] if FIXTURES.exists() else {}


def made(kind: str, **fields: Any) -> dict[str, Any]:
    """A new object with an id of its own."""
    thing = copy.deepcopy(fixtures().get(kind, {}))
    thing.update(copy.deepcopy(_MINIMAL[kind]))
    thing.update(
        id=f"{_PREFIX[kind]}_{next(_numbers)}{secrets.token_hex(6)}",
        object=kind,
        created=int(time.time()),
        metadata={},
        livemode=False,
    )
    thing.update(fields)
    return thing


def parsed(form: list[tuple[str, str]]) -> dict[str, Any]:
    """Stripe's form encoding: `metadata[order]=…`, `expand[0]=…`."""
    found: dict[str, Any] = {}
    for name, value in form:
        head, *rest = name.replace("]", "").split("[")
        at, parts = found, [head, *rest]
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = value
    return found
