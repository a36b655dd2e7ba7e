"""Who has to hear that a session ended or an account changed: callbacks here, and the other processes through PostgreSQL.

NOTIFY is quick but not certain (the listening connection may be away), so nobody relies on it alone: edges check their
sessions again every half minute (`Accounts.alive`).
"""

import logging
import secrets
from collections.abc import Callable
from typing import Literal

from liveserver.accounts.store import CHANNEL
from liveserver.infra.database import Pool
from liveserver.infra.listening import Listening

Kind = Literal["ended", "changed"]

log = logging.getLogger(__name__)


class Notices:
    """What is told here and heard from others; the others are heard while it is started."""

    def __init__(self, pool: Pool) -> None:
        self.origin = secrets.token_hex(8)
        """Marks this process's own notices, which it has already acted on."""
        self._callbacks: dict[Kind, list[Callable[[str], None]]] = {"ended": [], "changed": []}
        self._others = Listening(pool, {CHANNEL: self._heard})
        self.start = self._others.start
        self.aclose = self._others.aclose
        self.listening = self._others.listening

    def on(self, kind: Kind, callback: Callable[[str], None]) -> None:
        """`callback(id)` is called in the event loop; it must not block. It may be told the same id twice."""
        self._callbacks[kind].append(callback)

    def tell(self, kind: Kind, about: str) -> None:
        """Calls this process's callbacks. One that fails does not keep the others from hearing."""
        for callback in self._callbacks[kind]:
            try:
                callback(about)
            except Exception:
                log.exception("notice_callback_failed", extra={"kind": kind})

    def _heard(self, said: str) -> None:
        match said.split(" "):
            case [origin, "ended" | "changed" as kind, about]:
                if origin != self.origin:
                    self.tell(kind, about)
            case _:
                log.warning("notice_not_understood")
