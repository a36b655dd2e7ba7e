"""Orders for tests of what is shown of them: made of words alone, or sold for real."""

import itertools
from typing import Any, Protocol

from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId, UserId
from liveserver.ledger.model import Rates, Refunds
from liveserver.orders import disputes, moves, store
from liveserver.orders.model import Address, Captured, Draft, Line, Order, Refund, RefundId, TaxLine

_numbers = itertools.count(1)


class Person(Protocol):
    """Somebody who buys or sells."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


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


async def sell(
    pool: Pool, buyer: Person, seller: Person, state: str = "paid", ts: int = 0, **changes: Any
) -> Order:
    """An order that has really come to a state, by the moves that lead there."""
    now_ts = ts or SystemClock().now_ms()
    given: dict[str, Any] = {
        "origin": f"{changes.get('source', 'cart')}:{next(_numbers)}-{now_ts}",
        "source": "cart",
        "buyer": UserId(buyer.id),
        "buyer_name": buyer.name,
        "seller": UserId(seller.id),
        "seller_name": seller.name,
        "currency": "USD",
        "lines": (Line(title="Halden 35", sku="H-35", options="Black", price=5_000),),
        "shipping": 413,
        "shipping_method": "Parcel",
        "address": Address(
            name="Ana Müller", line1="Hauptstr. 1", city="Bern", postal_code="3011", country="CH"
        ),
        "rates": Rates(),
        "due_ts": now_ts + 900_000,
        "test": True,
    }
    async with transaction(pool) as on:
        placed = await moves.place(on, Draft(**{**given, **changes}), now_ts)
        assert isinstance(placed, Order), placed
        steps = {
            "paid": lambda: moves.paid(
                on, placed.id, Captured("pi_1", f"ch_{placed.number}", placed.total, placed.currency), now_ts
            ),
            "shipped": lambda: moves.ship(on, placed.id, seller.id, "Post", "RR 123", now_ts),
            "delivered": lambda: moves.deliver(on, placed.id, seller.id, now_ts),
        }
        if state in {"payment_failed", "action_required"}:
            steps = {
                "payment_failed": lambda: moves.payment_failed(on, placed.id, "card_declined", "Your card was declined.", now_ts),
                "action_required": lambda: moves.action_required(on, placed.id, now_ts),
            }  # fmt: skip
            steps = {state: steps[state]}
        elif state == "disputed":
            steps = {
                "paid": steps["paid"],
                "disputed": lambda: disputes.opened(
                    on, placed.id, f"dp_{placed.number}", placed.total, 1_500, "fraudulent", now_ts
                ),
            }
        wanted = list(steps)[: list(steps).index(state) + 1] if state in steps else []
        for step in wanted:
            done = await steps[step]()
            assert not isinstance(done, Rejected), (step, done)
        found = await store.find(on, placed.id)
        assert found is not None
        return found
