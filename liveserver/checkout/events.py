"""How a provider's message is handled: asked about first, then applied in one transaction (`payments.Inbox`)."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from liveserver.infra.database import Connection
from liveserver.payments.port import Event

Effect: TypeAlias = Callable[[Connection], Awaitable[None]]
EventHandler: TypeAlias = Callable[[Event], Awaitable[Effect | None]]


class NotYet(Exception):
    """What a message is about is not committed here yet: it is tried again later."""
