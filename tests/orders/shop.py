"""What tests of orders say: a draft, an order in some state, one move in a transaction of its own."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.ledger.model import Rates
from liveserver.orders import disputes, moves, store
from liveserver.orders.model import Captured, Draft, Line, Order, Source

T = TypeVar("T")
TS = 1_700_000_000_000
DUE_TS = TS + 900_000
LAMP, VASE = "var_lamp", "var_vase"
BUYER, SELLER = UserId("user_bea"), UserId("user_sam")
_numbers = itertools.count(1)


def draft(source: Source = "cart", *, quantity: int = 1, price: int = 5_000, **more: Any) -> Draft:
    """The worked example of docs/operating/ledger.md, unless said otherwise."""
    given: dict[str, Any] = {
        "origin": f"{source}:{next(_numbers)}",
        "source": source,
        "buyer": BUYER,
        "buyer_name": "Bea",
        "buyer_email": "bea@example.org",
        "seller": SELLER,
        "seller_name": "Sam",
        "currency": "USD",
        "lines": (Line(product="product_1", variant=LAMP, title="Lamp", quantity=quantity, price=price),),
        "shipping": 413,
        "rates": Rates(),
        "due_ts": DUE_TS,
        "test": True,
    }
    return Draft(**{**given, **more})


async def does(pool: Pool, move: Callable[..., Awaitable[T]], *args: Any) -> T:
    """One move, committed."""
    async with transaction(pool) as on:
        return await move(on, *args)


async def places(pool: Pool, of: Draft | None = None) -> Order:
    placed = await does(pool, moves.place, of or draft(), TS)
    assert isinstance(placed, Order), placed
    return placed


def captured(order: Order, charge: str = "") -> Captured:
    return Captured("pi_1", charge or f"ch_{order.number}", order.total, order.currency)


PATHS: dict[str, tuple[Callable[[Connection, Order], Awaitable[object]], ...]] = {
    "awaiting_payment": (),
    "payment_failed": (lambda on, o: moves.payment_failed(on, o.id, "card_declined", "No.", TS),),
    "action_required": (lambda on, o: moves.action_required(on, o.id, TS),),
    "paid": (lambda on, o: moves.paid(on, o.id, captured(o), TS),),
}
PATHS["shipped"] = (*PATHS["paid"], lambda on, o: moves.ship(on, o.id, SELLER, "Post", "RR1", TS))
PATHS["delivered"] = (*PATHS["shipped"], lambda on, o: moves.deliver(on, o.id, SELLER, TS))
PATHS["completed"] = (*PATHS["delivered"], lambda on, o: moves.complete(on, o.id, TS))
PATHS["cancelled"] = (lambda on, o: moves.cancel(on, o.id, BUYER, "changed my mind", TS),)
PATHS["paid, then cancelled"] = (*PATHS["paid"], *PATHS["cancelled"])
PATHS["disputed"] = (
    *PATHS["paid"],
    lambda on, o: disputes.opened(on, o.id, f"dp_{o.number}", o.total, 1_500, "fraudulent", TS),
)
"""How an order gets into a state."""


async def order_that_is(pool: Pool, state: str, of: Draft | None = None) -> Order:
    """An order that has come to a state by the moves that lead there."""
    now = await places(pool, of)
    for step in PATHS[state]:
        async with transaction(pool) as on:
            done = await step(on, now)
        assert not isinstance(done, Rejected), done
    async with transaction(pool) as on:
        found = await store.find(on, now.id)
    assert found is not None
    return found


async def stock(pool: Pool, variant: str = LAMP) -> int:
    return await pool.fetchval("SELECT stock FROM variants WHERE id = $1", variant)


async def escrow(pool: Pool, order: Order) -> int:
    found = await pool.fetchval(
        "SELECT -balance FROM ledger_balances WHERE account = 'escrow' AND owner = $1", order.id
    )
    return found or 0


async def seller_has(pool: Pool, account: str = "seller_payable") -> int:
    found = await pool.fetchval(
        "SELECT abs(balance) FROM ledger_balances WHERE account = $1 AND owner = $2", account, SELLER
    )
    return found or 0
