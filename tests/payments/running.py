"""A process that does nothing but jobs, as the recorder's does, and is killed in the middle of one:
`python -m tests.payments.running DATABASE STRIPE SECRET DEATH NUMBER`.

DEATH says where it kills itself (SIGKILL, so that nothing is put back): `posting` inside the transaction that has just posted to
the ledger, `applied` behind the commit of an event's effect and before the queue knows of it, `refund` when the provider has sent
money back and nobody here has heard so. NUMBER: at which of them; 0 for never. It says when it is ready, and writes to stderr why jobs
failed.
"""

import asyncio
import itertools
import logging
import os
import signal
import sys
from typing import Any

import structlog

from liveserver.cli.work import working
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from liveserver.jobs import worker
from liveserver.kernel.clock import SystemClock
from liveserver.ledger import store as ledger
from liveserver.payments.inbox import Inbox
from liveserver.payments.stripe.provider import StripeProvider

SECRET_KEY = "sk_test_double"
DEATHS: dict[str, tuple[Any, str]] = {
    "posting": (ledger, "post"),
    "applied": (Inbox, "apply"),
    "refund": (StripeProvider, "refund"),
}
TAKEN_OVER_MS = 2_000
"""As long as the silence of a dead process is believed; in service it is half a minute."""


def dies_behind(owner: Any, name: str, number: int) -> None:
    """The process ends behind so many of these calls."""
    call, numbers = getattr(owner, name), itertools.count(1)

    async def dying(*args: Any, **named: Any) -> Any:
        done = await call(*args, **named)
        if next(numbers) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(owner, name, dying)


def settings(stripe: str, secret: str) -> Settings:
    """A server that takes its payments from that Stripe."""
    return Settings(
        stripe_secret_key=SECRET_KEY,
        stripe_publishable_key="pk_test_double",
        stripe_webhook_secret=secret,
        stripe_api_url=stripe,
        password_memory_kib=8_192,
    ).without_rates()


class _Failures(logging.Handler):
    """One line for each job that failed."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg in {"job_failed", "job_dead"}:
            sys.stderr.write(f"{record.__dict__['kind']}: {record.__dict__['error']}\n")
            sys.stderr.flush()


async def main(database: str, stripe: str, secret: str, death: str, number: str) -> None:
    if int(number):
        dies_behind(*DEATHS[death], int(number))
    logging.getLogger().addHandler(_Failures())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    worker.TAKEN_OVER_MS, worker.LOOK_MS = TAKEN_OVER_MS, TAKEN_OVER_MS // 4
    async with working(settings(stripe, secret), Engines(database, ""), SystemClock()):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
