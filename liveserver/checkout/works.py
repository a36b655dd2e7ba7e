"""The jobs of checkout: charging winners, refunds, expiry, and the way back of payments that came too late."""

from liveserver.checkout.model import StrayJob
from liveserver.checkout.service import Checkout
from liveserver.jobs.worker import Work
from liveserver.orders.model import OrderJob, RefundJob

CHARGE_TRIES_MAX = 90
"""A payment whose outcome nobody knows is looked for once a minute; after an hour its absence is proved."""
EXPIRE_TRIES_MAX = 200
"""A slow payment (a bank debit) may process for two days: a look each quarter of an hour."""
REFUND_TRIES_MAX = 16
"""With doubling pauses half a day; then an operator looks."""


def works(checkout: Checkout) -> list[Work]:
    """For the worker."""

    async def charge(about: OrderJob) -> None:
        await checkout.charge(about.order)

    async def expire(about: OrderJob) -> None:
        await checkout.expire(about.order)

    async def refund(about: RefundJob) -> None:
        await checkout.refund(about.refund)

    async def back(about: StrayJob) -> None:
        await checkout.back.return_stray(about.stray)

    return [
        Work("checkout.charge", OrderJob, charge, CHARGE_TRIES_MAX),
        Work("checkout.expire", OrderJob, expire, EXPIRE_TRIES_MAX),
        Work("checkout.refund", RefundJob, refund, REFUND_TRIES_MAX),
        Work("checkout.return", StrayJob, back, REFUND_TRIES_MAX),
    ]
