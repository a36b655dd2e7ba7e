"""What sales cost where there is no cart to ask: the goods alone, at the rates of their seller. No postage, no taxes, no addresses."""

from collections.abc import Callable, Sequence

import msgspec

from liveserver.infra.database import Connection
from liveserver.ledger import rates
from liveserver.ledger.model import Rates
from liveserver.orders.model import Address, Line, TaxLine


class GoodsQuote(msgspec.Struct, frozen=True):
    """A quote of goods alone (`placing.Quote`)."""

    lines: tuple[Line, ...]
    rates: Rates
    shipping: int = 0
    method: str = ""
    taxes: tuple[TaxLine, ...] = ()


class GoodsAlone:
    """`placing.Pricing` without a cart. `defaults` gives the rates of a currency where nobody has any of their own."""

    def __init__(self, defaults: Callable[[str], Rates]) -> None:
        self._defaults = defaults

    async def address_of(self, on: Connection, user: str) -> Address | None:
        return None

    async def quote(
        self,
        on: Connection,
        seller: str,
        buyer: str,
        show: str,
        lines: Sequence[Line],
        currency: str,
        address: Address | None,
    ) -> GoodsQuote:
        categories = [line.category for line in lines]
        kept = await rates.of_sale(on, seller, categories, self._defaults(currency))
        priced = [
            msgspec.structs.replace(line, commission_bp=kept.commission_bp(line.category)) for line in lines
        ]
        return GoodsQuote(tuple(priced), kept.rates)
