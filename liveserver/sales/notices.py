"""Word that an order or a saved card changed, from whichever process changed it, to whoever wants to know here.

It is only word: what it says now is read from the record. Word may be lost with the connection; then everybody who
listens is told that it may have been.
"""

from collections.abc import Callable, Sequence

import msgspec
import structlog

from liveserver.infra.database import Pool
from liveserver.infra.listening import Listening
from liveserver.orders import store
from liveserver.orders.model import Order
from liveserver.orders.telling import CHANNEL, Notice

log = structlog.get_logger(__name__)

CARDS = "cards"
"""PostgreSQL's channel on which payments tell whose saved card has changed."""


class OrderNotices:
    """One LISTEN connection of the process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._changed: list[Callable[[Notice], None]] = []
        self._cards: list[Callable[[str], None]] = []
        self._missed: list[Callable[[], None]] = []
        self._decode = msgspec.json.Decoder(Notice).decode
        listening = Listening(pool, {CHANNEL: self._heard, CARDS: self._heard_of_card}, self._anew)
        self.start = listening.start
        self.aclose = listening.aclose
        self.listening = listening.listening

    def on_changed(self, callback: Callable[[Notice], None]) -> None:
        """`callback(notice)` is called in the event loop; it must not block, nor raise."""
        self._changed.append(callback)

    def on_card(self, callback: Callable[[str], None]) -> None:
        """`callback(user)` is called when somebody's saved card has changed."""
        self._cards.append(callback)

    def on_missed(self, callback: Callable[[], None]) -> None:
        """`callback()` is called when word may have been missed, and once at the beginning."""
        self._missed.append(callback)

    async def read(self, orders: Sequence[str]) -> list[Order]:
        """What orders say now. Raises what PostgreSQL raises."""
        return await store.several(self._pool, orders)

    def _heard(self, said: str) -> None:
        try:
            notice = self._decode(said)
        except msgspec.MsgspecError:
            log.warning("notice_not_understood", channel=CHANNEL)
            return
        for callback in self._changed:
            callback(notice)

    def _heard_of_card(self, user: str) -> None:
        for callback in self._cards:
            callback(user)

    def _anew(self) -> None:
        for callback in self._missed:
            callback()
