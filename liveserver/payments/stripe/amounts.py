"""Amounts as Stripe counts them, where that is not ISO 4217's minor unit (https://docs.stripe.com/currencies)."""

from liveserver.payments.port import ProviderRefuses

_AS_HUNDREDTHS = frozenset({"ISK", "UGX"})
"""Without decimals by ISO; Stripe still counts hundredths, which have to be zero."""
_WHOLE = frozenset({"MGA"})
"""With two decimals by ISO; Stripe counts whole ones."""
_BY_TEN = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Three decimals, of which the last has to be zero."""


def to_stripe(amount: int, currency: str) -> int:
    """Raises ProviderRefuses for an amount that Stripe can't move."""
    if currency in _AS_HUNDREDTHS:
        return amount * 100
    if currency in _WHOLE:
        if amount % 100:
            raise ProviderRefuses("amount_unfit", f"{currency} is moved in whole units.")
        return amount // 100
    if currency in _BY_TEN and amount % 10:
        raise ProviderRefuses("amount_unfit", f"{currency} is moved in hundredths.")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """In ISO's minor units."""
    if currency in _AS_HUNDREDTHS:
        return amount // 100
    return amount * 100 if currency in _WHOLE else amount
