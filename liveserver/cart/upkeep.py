"""What is done about carts regularly: those that nobody has touched for three months are forgotten."""

from liveserver.cart.service import Carts
from liveserver.infra.database import Pool
from liveserver.jobs.worker import Every
from liveserver.kernel.clock import Clock


def upkeep(pool: Pool, clock: Clock) -> Every:
    """For the worker."""
    return Every("cart.sweep", "41 * * * *", Carts(pool, clock).sweep)
