"""Sales put together from the settings: what the recorder makes orders with, and who may bid."""

from liveserver.config import Settings
from liveserver.infra.database import Connection, Pool
from liveserver.kernel.clock import Clock
from liveserver.ledger.model import Rates
from liveserver.payments import cards
from liveserver.sales.gate import Rules, SalesGate
from liveserver.sales.placing import Placing
from liveserver.sales.pricing import GoodsAlone

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def placing_of(settings: Settings) -> Placing:
    """What makes the orders of lots and claims."""
    rates = Rates(settings.commission_bp, settings.processing_bp, settings.processing_fixed)
    return Placing(GoodsAlone(rates), settings.payment_window_hours * HOUR_MS, test=moves_no_money(settings))


def moves_no_money(settings: Settings) -> bool:
    """Whether orders are marked as tests: without a key of the payment provider's, or with one for testing (`sk_test_…`)."""
    key = settings.stripe_secret_key
    return not key or "_test_" in key


class CardsKept:
    """Who has saved a card with the provider that the settings choose: what is kept here of it is read, nobody is asked."""

    def __init__(self, provider: str) -> None:
        self._provider = provider

    async def card_of(self, on: Pool | Connection, user: str) -> object | None:
        return await on.fetchrow(cards.Q.card_of, user, self._provider)


def gate_of(settings: Settings, pool: Pool, clock: Clock) -> SalesGate:
    """Who may bid and buy in shows."""
    rules = Rules(
        strikes_max=settings.strikes_max,
        strikes_ms=settings.strikes_days * DAY_MS,
        unpaid_orders_max=settings.unpaid_orders_max,
        unpaid_total_max=settings.unpaid_total_max,
    )
    return SalesGate(pool, CardsKept("stripe" if settings.stripe_secret_key else "test"), clock, rules)
