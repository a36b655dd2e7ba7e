"""What sales cost where there is no cart to ask: the goods alone, at the operator's rates. No postage, no taxes, no addresses."""

from collections.abc import Sequence

import msgspec

from liveserver.infra.database import Connection
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
    """`placing.Pricing` without a cart."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

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
        return GoodsQuote(tuple(lines), self._rates)
