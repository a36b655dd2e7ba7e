"""Receives the entries that any node appends, over the shows' sharded channels.

It promises nothing about completeness: messages may be lost, and rooms notice by sequence numbers. After a lost connection the
rooms are told, so that they look for what they missed.
"""

from collections.abc import Callable

import structlog

from liveserver.infra.channels import Channels
from liveserver.infra.shards import Shards
from liveserver.rooms.log import channel_of, parse_message
from liveserver.rooms.model import Entry

log = structlog.get_logger(__name__)


class Feed:
    """One node's subscriptions. `follow` before reading a log, so that nothing falls in between."""

    def __init__(self, shards: Shards) -> None:
        self._channels = Channels(shards)
        self._rooms: dict[str, tuple[Callable[[Entry], None], Callable[[], None]]] = {}

    async def follow(self, show: str, deliver: Callable[[Entry], None], missed: Callable[[], None]) -> None:
        """Delivers the show's entries from now on, unchecked; `missed` is called when some may have been lost."""
        self._rooms[show] = (deliver, missed)
        await self._channels.subscribe(
            channel_of(show), lambda message: self._heard(show, message), lambda: self._missed(show)
        )

    async def unfollow(self, show: str) -> None:
        """Stops delivering the show's entries."""
        self._rooms.pop(show, None)
        await self._channels.unsubscribe(channel_of(show))

    async def aclose(self) -> None:
        """Ends all subscriptions."""
        await self._channels.aclose()

    def _heard(self, show: str, message: bytes) -> None:
        known = self._rooms.get(show)
        if known is None:
            return
        deliver, missed = known
        try:
            entry = parse_message(message)
        except ValueError as error:
            log.error("message_damaged", show=show, error=str(error))
            missed()
        else:
            deliver(entry)

    def _missed(self, show: str) -> None:
        known = self._rooms.get(show)
        if known is not None:
            known[1]()
