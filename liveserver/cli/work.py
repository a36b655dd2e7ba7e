"""The one list of jobs, and who runs them: the recorder process, or the nodes themselves where they record inside.

A domain says in `works` what its jobs do; here they are only put together.
"""

import ipaddress
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

from liveserver.accounts import proofs
from liveserver.cart import upkeep as carts
from liveserver.cli.parts import CLOSE_MAX_S, closing, started
from liveserver.cli.paying import Paying, paying_of
from liveserver.cli.selling import placing_of
from liveserver.config import Settings
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import Engines
from liveserver.jobs import look
from liveserver.jobs.worker import Every, Work, Worker
from liveserver.kernel.clock import Clock
from liveserver.mail import sending
from liveserver.mail.post import Printed, Smtp, smtp_address
from liveserver.mail.sending import Mailer
from liveserver.orders import upkeep
from liveserver.sales import recording as sales

CONNECTIONS_BESIDE = 2
"""Connections to PostgreSQL besides one for each job that runs: to listen, and to keep the queue."""
STOP_MAX_S = 1.0
"""What jobs get that run when the process stops: the recorder has shows to write in the same two seconds, at worst (`cli.recorder`).
Jobs that are cut off are put back and run again."""


def works(settings: Settings, pool: Pool, clock: Clock, paying: Paying) -> list[Work]:
    """All kinds of jobs."""
    mailer = mailer_of(settings, clock)
    return [
        *sending.works(mailer),
        *proofs.works(pool, clock, mailer),
        *upkeep.works(pool, clock),
        *paying.works,
        *sales.works(pool, clock, placing_of(settings, clock)),
    ]


def periodic(pool: Pool, clock: Clock, paying: Paying) -> list[Every]:
    """What is done regularly, by one of all processes."""
    return [look.upkeep(pool), carts.upkeep(pool, clock), *paying.periodic]


def mailer_of(settings: Settings, clock: Clock) -> Mailer:
    """Sends mails as the settings say; without a server it prints them."""
    post = Smtp(smtp_address(settings.smtp_url)) if settings.smtp_url else Printed()
    sender = settings.mail_from or f"liveserver <no-reply@{_domain(settings.origin())}>"
    return Mailer(post, clock, origin=settings.origin(), sender=sender)


def _domain(origin: str) -> str:
    """The host for addresses; numbers are none."""
    host = urlsplit(origin).hostname or "localhost"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return "localhost"


@asynccontextmanager
async def working(settings: Settings, engines: Engines, clock: Clock) -> AsyncGenerator[Worker]:
    """Runs jobs while the block runs, on connections of their own: a queue that is long must not hold up who records shows."""
    pool = await open_pool(
        engines.database_url,
        application="liveserver jobs",
        connections_max=settings.jobs_at_once + CONNECTIONS_BESIDE,
        statement_max_ms=settings.statement_timeout_ms,
    )
    paying = paying_of(settings, pool, clock)
    async with closing(pool, CLOSE_MAX_S), aclosing(paying):
        worker = Worker(
            pool,
            works(settings, pool, clock, paying),
            periodic(pool, clock, paying),
            at_once=settings.jobs_at_once,
            stop_max_s=STOP_MAX_S,
        )
        async with started(worker.start, worker.aclose):
            yield worker
