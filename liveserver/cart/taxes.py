"""Taxes on a quote behind a port, and a simple port by country and region from a setting.

Rates are exclusive: they come on top of goods after discounts and postage. It knows no exemptions, thresholds or product codes: who
needs those puts a tax service behind `TaxPort`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from liveserver.cart.rules import BP
from liveserver.kernel.errors import Mendable
from liveserver.ledger.rules import share
from liveserver.orders.model import Address, Line, TaxLine

_ENTRY = re.compile(r"(?P<where>[A-Z]{2}(-[A-Z0-9]{1,3})?)=(?P<rate>\d{1,4}|10000)(:(?P<name>[^:=]{1,40}))?")


class TaxPort(Protocol):
    """Says which taxes a sale has."""

    def taxes(
        self, seller: str, address: Address, lines: Sequence[Line], shipping: int, currency: str
    ) -> tuple[TaxLine, ...]:
        """One line for each tax, in the currency's minor units. It is called inside a transaction: no I/O."""
        ...


class NoTaxes:
    """The seller's own business."""

    def taxes(
        self, seller: str, address: Address, lines: Sequence[Line], shipping: int, currency: str
    ) -> tuple[TaxLine, ...]:
        return ()


class TaxRates:
    """A country's rate, and its region's besides; each rounded once on the whole, half a unit upwards."""

    def __init__(self, rates: Mapping[str, tuple[str, int]]) -> None:
        self._rates = rates

    def taxes(
        self, seller: str, address: Address, lines: Sequence[Line], shipping: int, currency: str
    ) -> tuple[TaxLine, ...]:
        base = sum(line.amount for line in lines) + shipping
        places = (address.country, f"{address.country}-{address.region.upper()}")
        found = [self._rates[place] for place in places if place in self._rates]
        return tuple(TaxLine(name, rate_bp, share(base, rate_bp, BP)) for name, rate_bp in found)


def taxes_of(entries: Sequence[str]) -> TaxPort:
    """By the setting `tax_rates`: `DE=1900:VAT`, `US-CA=725:Sales tax`. Raises Mendable."""
    rates: dict[str, tuple[str, int]] = {}
    for entry in entries:
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise Mendable(
                f"There is no tax rate in {entry!r}",
                "LIVESERVER_TAX_RATES",
                "Write country or country-region, = and basis points, and a name, such as DE=1900:VAT.",
            )
        rates[found["where"]] = (found["name"] or "Tax", int(found["rate"]))
    return TaxRates(rates) if rates else NoTaxes()
