"""Sales put together from the settings: what the recorder makes orders with, and who may bid."""

from liveserver.cart.quotes import Quotes
from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.kernel.clock import Clock
from liveserver.payments.stripe.keys import moves_no_money
from liveserver.sales.gate import Cards, Rules, SalesGate
from liveserver.sales.placing import Placing

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def quotes_of(settings: Settings, clock: Clock) -> Quotes:
    """What goods cost with all that belongs to them."""
    return Quotes(clock, settings)


def placing_of(settings: Settings, clock: Clock) -> Placing:
    """What makes the orders of lots and claims."""
    window_ms, key = settings.payment_window_hours * HOUR_MS, settings.stripe_secret_key
    # Without a key it is the test provider that takes the payments.
    return Placing(quotes_of(settings, clock), window_ms, test=not key or moves_no_money(key))


def gate_of(settings: Settings, pool: Pool, clock: Clock, cards: Cards) -> SalesGate:
    """Who may bid and buy in shows."""
    rules = Rules(
        strikes_max=settings.strikes_max,
        strikes_ms=settings.strikes_days * DAY_MS,
        unpaid_orders_max=settings.unpaid_orders_max,
        unpaid_total_max=settings.unpaid_total_max,
    )
    return SalesGate(pool, cards, clock, rules)
