"""The payment providers that the contract is asked of, each with the hands that buyers and banks have there."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from liveserver.payments.port import Event, PaymentProvider
from liveserver.payments.sandbox.books import TellJob
from liveserver.payments.sandbox.provider import Sandbox
from tests.doubles.stripe.server import StripeDouble
from tests.support import payments


class House(Protocol):
    """A provider, and what people do there."""

    provider: PaymentProvider
    lacks: Mapping[str, str]
    """What it can't do, and why."""

    async def confirm(self, payment: str, token: str) -> None: ...
    async def authenticate(self, payment: str, *, agreed: bool) -> None: ...
    async def confirm_setup(self, setup: str, token: str) -> None: ...
    async def told(self) -> list[Event]:
        """What it has told so far, each through its own signature."""
        ...


class SandboxHouse:
    """The built-in test provider."""

    lacks: Mapping[str, str] = {}

    def __init__(self, sandbox: Sandbox) -> None:
        self.provider = self._sandbox = sandbox

    async def confirm(self, payment: str, token: str) -> None:
        await self._sandbox.confirm(payment, token)

    async def authenticate(self, payment: str, *, agreed: bool) -> None:
        await self._sandbox.authenticate(payment, agreed=agreed)

    async def confirm_setup(self, setup: str, token: str) -> None:
        await self._sandbox.confirm_setup(setup, token)

    async def told(self) -> list[Event]:
        rows = await self._sandbox.books.pool.fetch(
            "SELECT payload FROM pgqueuer WHERE entrypoint = 'sandbox.tell' ORDER BY id"
        )
        jobs = [msgspec.json.decode(row["payload"], type=TellJob) for row in rows]
        return [self._sandbox.event(*self._sandbox.signed(job.event)) for job in jobs]


class DoubleHouse:
    """The Stripe adapter before our own double."""

    lacks: Mapping[str, str] = {}

    def __init__(self, double: StripeDouble) -> None:
        self.double = double
        self.provider = payments.before(double)

    async def confirm(self, payment: str, token: str) -> None:
        self.double.confirm(payment, token)

    async def authenticate(self, payment: str, *, agreed: bool) -> None:
        self.double.authenticate(payment, agreed=agreed)

    async def confirm_setup(self, setup: str, token: str) -> None:
        self.double.confirm_setup(setup, token)

    async def told(self) -> list[Event]:
        return [self.provider.event(*self.double.signed(event)) for event in self.double.events]
