"""Orders for tests of what is shown of them: made of words, without a database."""

from typing import Any

from liveserver.kernel.ids import OrderId, UserId
from liveserver.ledger.model import Rates, Refunds
from liveserver.orders.model import Address, Line, Order, Refund, RefundId, TaxLine

PAID_TS = 1_795_000_000_000
"""18 November 2026."""


def order(**changes: Any) -> Order:
    """Ana's paid order of two lines from Hana, 54.13 in all; what a test cares about is changed."""
    usual: dict[str, Any] = {
        "id": OrderId("order_1"),
        "number": 100_001,
        "origin": "cart:1",
        "source": "cart",
        "buyer": UserId("user_ana"),
        "buyer_name": "Ana",
        "buyer_email": "ana@example.com",
        "seller": UserId("user_hana"),
        "seller_name": "Hana's Cameras",
        "show": "",
        "currency": "USD",
        "lines": (
            Line(title="Halden 35", sku="H-35", options="Black", price=4_000),
            Line(title="Leather strap", quantity=2, price=600, discount=200),
        ),
        "coupon": "",
        "item": 5_000,
        "shipping": 413,
        "shipping_method": "Parcel",
        "taxes": (),
        "tax": 0,
        "commission": 400,
        "processing": 187,
        "rates": Rates(),
        "address": Address(
            name="Ana Müller", line1="Hauptstr. 1", city="Bern", postal_code="3011", country="CH"
        ),
        "state": "paid",
        "dispute": "none",
        "funds": "held",
        "charge": "ch_1",
        "payment": "pi_1",
        "refunded": Refunds(),
        "lost": Refunds(),
        "defaulted": False,
        "test": False,
        "carrier": "",
        "tracking": "",
        "due_ts": PAID_TS + 900_000,
        "created_ts": PAID_TS - 60_000,
        "paid_ts": PAID_TS,
        "shipped_ts": None,
        "delivered_ts": None,
        "completed_ts": None,
        "cancelled_ts": None,
    }
    return Order(**{**usual, **changes})


def refund(amount: int = 2_000, **changes: Any) -> Refund:
    """A refund of a part of the goods."""
    usual: dict[str, Any] = {
        "id": RefundId("refund_1"),
        "order": OrderId("order_1"),
        "charge": "ch_1",
        "currency": "USD",
        "amount": amount,
        "parts": Refunds(item=amount),
        "reason": "A scratch on the lens",
        "actor": "user_hana",
        "status": "succeeded",
        "reference": "re_1",
        "error": "",
        "created_ts": PAID_TS + 86_400_000,
        "settled_ts": PAID_TS + 86_400_000,
    }
    return Refund(**{**usual, **changes})


def tax(percent_bp: int, amount: int) -> TaxLine:
    """Value added tax."""
    return TaxLine("VAT", percent_bp, amount)
