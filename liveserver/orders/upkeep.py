"""The jobs that orders have of their own: an order that was delivered long enough ago is complete."""

from liveserver.infra.database import Pool, transaction
from liveserver.jobs.worker import Work
from liveserver.kernel.clock import Clock
from liveserver.orders import moves
from liveserver.orders.model import OrderJob


def works(pool: Pool, clock: Clock) -> list[Work]:
    """For the worker."""

    async def complete(about: OrderJob) -> None:
        async with transaction(pool) as on:
            await moves.complete(on, about.order, clock.now_ms())

    return [Work("orders.complete", OrderJob, complete)]
