"""Money as integer minor units: parsing what people write, and how many decimals a currency has.

It does not format for people: that needs a locale and is the storefront's work. No float ever touches an amount.
"""

from decimal import Decimal, InvalidOperation
from typing import NewType

Minor = NewType("Minor", int)
"""An amount in a currency's minor unit: cents, paise, yen."""

AMOUNT_MAX = 10**12
"""Largest amount accepted anywhere (ten thousand million dollars in cents): far under what JSON numbers hold exactly."""

# ISO 4217 currencies whose minor unit is not a hundredth; all others have two decimals.
_ZERO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())


def decimals(currency: str) -> int:
    """How many decimals the currency's amounts have (ISO 4217)."""
    if currency in _ZERO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def parse_amount(text: str, currency: str) -> Minor:
    """Reads a decimal amount such as `12.50` into minor units.

    Raises ValueError when it is no plain decimal number, is negative, has more decimals than the currency, or exceeds
    `AMOUNT_MAX`.
    """
    if len(text) > 32:
        raise ValueError("an amount has at most 32 characters")
    if not text.isascii():  # Decimal reads the digits of every script (docs/operating/faults.md, row 22)
        raise ValueError(f"{text!r} is not a decimal number")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{text!r} is not an amount of zero or more")
    scaled = amount.scaleb(decimals(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{text!r} has more decimals than {currency} knows")
    if scaled > AMOUNT_MAX:
        raise ValueError(f"{text!r} is larger than any amount we accept")
    return Minor(int(scaled))
