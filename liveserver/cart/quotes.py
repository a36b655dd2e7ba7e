"""The one place where goods are priced: with their discount, postage, taxes, and the rates that the order will keep.

A quote promises nothing: it is what is true in the caller's transaction. It asks nobody outside.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from liveserver.cart import addresses, coupons, shipping, store
from liveserver.cart.model import CartOwner, Quote
from liveserver.cart.service import person_of
from liveserver.cart.store import Q
from liveserver.cart.taxes import TaxPort, taxes_of
from liveserver.config import Settings
from liveserver.infra.database import Connection
from liveserver.inventory.errors import out_of_stock
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.ledger import rates
from liveserver.ledger.model import Rates
from liveserver.orders.model import Address, Line, Order


class Quotes:
    """Prices carts, sales of shows, and orders that go elsewhere."""

    def __init__(self, clock: Clock, settings: Settings, taxes: TaxPort | None = None) -> None:
        """Without a port of one's own, taxes are those of the setting `tax_rates`. Raises Mendable when that can't be read."""
        self._clock = clock
        self._settings = settings
        self._taxes = taxes or taxes_of(settings.tax_rates)

    async def of_cart(
        self,
        on: Connection,
        owner: CartOwner,
        seller: str,
        address: Address,
        method: str = "",
        coupon: str = "",
    ) -> Quote | Rejected:
        """All of one seller in a cart, which is held still until the transaction ends. Without lines: there is nothing of them.

        `coupon` "": the one that was typed into the cart, if it still holds. Refusals: `out_of_stock`, `not_shipped_there`,
        `method_not_found`, those of `coupons.apply`.
        """
        cart = await on.fetchval(Q.lock_cart, owner)
        goods = [item for item in await store.items_of(on, cart) if item.seller == seller] if cart else []
        short = next((item for item in goods if not item.available), None)
        if short is not None:
            return out_of_stock(short.variant, short.stock)
        # In one order, whatever the order in which things were added.
        lines = tuple(item.line() for item in sorted(goods, key=lambda item: item.variant))
        if not lines:
            return Quote(seller=UserId(seller), currency="", lines=(), rates=Rates())
        currency = goods[0].currency
        code = coupon or (await store.coupons_of_cart(on, cart)).get(seller, "")
        if code:
            done = await coupons.apply(
                on, seller, person_of(owner), code, lines, currency, self._clock.now_ms()
            )
            if isinstance(done, Rejected):
                return done
            lines = done
        quote = await self._priced(on, seller, lines, currency, address, method, bundled=False)
        if isinstance(quote, Rejected):
            return quote
        found = await coupons.find(on, seller, code) if code else None
        return _named(quote, goods[0].seller_name, "" if found is None else found.code)

    async def of_order(self, on: Connection, order: Order, address: Address) -> Quote | Rejected:
        """What an unpaid order costs when it goes to this address: its goods and rates stay. Refusals: as for a cart.

        The way it was shipped before is kept where it is still there and goes there, else the cheapest counts.
        """
        bundled = await shipping.travels_along(
            on, order.show, order.buyer, order.seller, order.created_ts, order.number
        )
        methods = await shipping.of_seller(on, order.seller)
        chosen = shipping.choose(
            methods, order.lines, address.country, order.currency, order.shipping_method, bundled=bundled
        )
        if isinstance(chosen, Rejected):
            chosen = shipping.choose(methods, order.lines, address.country, order.currency, bundled=bundled)
        if isinstance(chosen, Rejected):
            return chosen
        cost, name = chosen
        return Quote(
            seller=order.seller,
            seller_name=order.seller_name,
            currency=order.currency,
            lines=order.lines,
            coupon=order.coupon,
            shipping=cost,
            method=name,
            taxes=self._taxes.taxes(order.seller, address, order.lines, cost, order.currency),
            rates=order.rates,
        )

    async def address_of(self, on: Connection, user: str) -> Address | None:
        """Where somebody has things sent who says nothing else."""
        return await addresses.usual_of(on, user)

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
        """What a lot or claim costs. It refuses nothing, for the room has sold: without an address, or where the seller does not
        ship, there is neither postage nor tax yet, and the buyer is asked for an address before they pay.
        """
        if address is not None:
            bundled = await shipping.travels_along(on, show, buyer, seller, self._clock.now_ms())
            done = await self._priced(on, seller, tuple(lines), currency, address, "", bundled=bundled)
            if not isinstance(done, Rejected):
                return done
        kept, sold = await self._rates(on, seller, lines, currency)
        return Quote(seller=UserId(seller), currency=currency, lines=sold, rates=kept)

    async def _priced(
        self,
        on: Connection,
        seller: str,
        lines: tuple[Line, ...],
        currency: str,
        address: Address,
        method: str,
        *,
        bundled: bool,
    ) -> Quote | Rejected:
        methods = await shipping.of_seller(on, seller)
        chosen = shipping.choose(methods, lines, address.country, currency, method, bundled=bundled)
        if isinstance(chosen, Rejected):
            return chosen
        cost, name = chosen
        kept, rated = await self._rates(on, seller, lines, currency)
        return Quote(
            seller=UserId(seller),
            currency=currency,
            lines=rated,
            shipping=cost,
            method=name,
            taxes=self._taxes.taxes(seller, address, rated, cost, currency),
            rates=kept,
        )

    async def _rates(
        self, on: Connection, seller: str, lines: Sequence[Line], currency: str
    ) -> tuple[Rates, tuple[Line, ...]]:
        categories = sorted({line.category for line in lines if line.category})
        defaults = rates.default_rates(self._settings, currency)
        known = await rates.of_sale(on, seller, categories, defaults)
        return known.rates, tuple(
            replace(line, commission_bp=known.commission_bp(line.category)) for line in lines
        )


def _named(quote: Quote, seller_name: str, coupon: str) -> Quote:
    return replace(quote, seller_name=seller_name, coupon=coupon)
