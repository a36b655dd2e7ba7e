"""Makes the order of what a room sold: who sells, what it is, where it goes as far as is known, and has its buyer charged.

The sale stands, whatever is missing: without an address or a card the order waits for its buyer. What an order costs besides its
goods is the cart's to say (`Pricing`).
"""

from collections.abc import Sequence
from typing import Protocol

from liveserver.accounts import store as accounts
from liveserver.cart import shipping
from liveserver.cart.model import Quote
from liveserver.infra.database import Connection, load_queries
from liveserver.jobs.queue import enqueue
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.orders import moves
from liveserver.orders.model import Address, Draft, Line, Order, OrderJob
from liveserver.sales.model import Sold

Q = load_queries("liveserver.sales")

TITLE_MAX, OPTIONS_MAX, NAME_MAX = 200, 200, 60
"""Characters that an order's line and its names hold."""


class Unplaceable(Exception):
    """The order of a sale can't be made now: the show is in no record, or the order was refused."""


class Pricing(Protocol):
    """What sales ask the cart."""

    async def address_of(self, on: Connection, user: str) -> Address | None:
        """Where somebody has things sent who says nothing else."""
        ...

    async def quote(
        self,
        on: Connection,
        seller: str,
        buyer: str,
        show: str,
        lines: Sequence[Line],
        currency: str,
        address: Address | None,
    ) -> Quote:
        """Postage bundled for the show, taxes, rates. It refuses nothing: the room has sold already."""
        ...


class Placing:
    """Places the orders of sales. `window_ms`: how long they may be paid; `test`: no money moves."""

    def __init__(self, pricing: Pricing, window_ms: int, *, test: bool) -> None:
        self._pricing = pricing
        self._window_ms = window_ms
        self._test = test

    async def place(self, on: Connection, sold: Sold, ts: int) -> Order:
        """Within the caller's transaction; the second time for one sale: the first order. Raises Unplaceable."""
        show = await on.fetchrow(Q.show_of_sale, sold.show)
        if show is None:
            raise Unplaceable(f"there is no show {sold.show}")
        account = await accounts.find_account(on, UserId(sold.buyer))
        address = await self._pricing.address_of(on, sold.buyer)
        line = await _line(on, sold)
        quote = await self._pricing.quote(
            on, show["host"], sold.buyer, sold.show, (line,), sold.currency, address
        )
        if address is not None and not quote.method and await shipping.of_seller(on, show["host"]):
            address = None  # not shipped there: the buyer has to name another place before it can be paid
        draft = Draft(
            origin=sold.origin,
            source=sold.source,
            buyer=UserId(sold.buyer),
            buyer_name=sold.buyer_name[:NAME_MAX],
            buyer_email="" if account is None else account.email,
            seller=UserId(show["host"]),
            seller_name=show["host_name"][:NAME_MAX],
            show=sold.show,
            currency=sold.currency,
            lines=quote.lines,
            shipping=quote.shipping,
            shipping_method=quote.method,
            taxes=quote.taxes,
            address=address,
            rates=quote.rates,
            due_ts=ts + self._window_ms,
            test=self._test,
        )
        order = await moves.place(on, draft, ts)
        if isinstance(order, Rejected):
            raise Unplaceable(f"{order.code}: {order.message}")
        if order.address is not None:
            # Without one, what it costs is not known yet, and a charged order could not be sent.
            await enqueue(on, "checkout.charge", OrderJob(order.id), once=f"charge:{order.id}")
        return order


async def _line(on: Connection, sold: Sold) -> Line:
    """What was sold as the room called it, with what the catalog knows of it still."""
    goods = await on.fetchrow(Q.goods_of_sale, sold.variant) if sold.variant else None
    options = sold.label
    if goods is not None:
        category = goods["category"]
        options = options or " / ".join(part for part in (goods["color"], goods["size"]) if part)
    else:
        category = (await on.fetchval(Q.category_of_product, sold.product) if sold.product else None) or ""
    return Line(
        product=sold.product,
        variant=sold.variant,
        title=sold.title[:TITLE_MAX],
        sku="" if goods is None else goods["sku"],
        options=options[:OPTIONS_MAX],
        picture=sold.picture,
        category=category,
        quantity=sold.quantity,
        price=sold.price,
    )
