"""How refusals and failures are said: a `Rejected` value for what users do, `Mendable` for what operators can cure.

It does not know HTTP or WebSocket: the storefront and the gateway each translate these two into their wire form.
"""

from typing import Any

import msgspec


class Rejected(msgspec.Struct, frozen=True):
    """An expected refusal: a value that rules return, never raise.

    `code` is stable and documented in docs/PROTOCOL.md, `message` is for people, `retryable` says whether the same
    command may succeed later unchanged, `detail` carries what a client needs to do better (such as `min_next`).
    """

    code: str
    message: str
    retryable: bool = False
    detail: dict[str, Any] = {}


UNAVAILABLE = Rejected(
    "unavailable", "The show cannot take this right now. Try again in a moment.", retryable=True
)
"""The answer while the log cannot be appended to: nothing was acknowledged, and the same command may be sent again."""


class Mendable(Exception):
    """A failure that an operator can cure: what failed, where, and what to do about it."""

    def __init__(self, what: str, where: str, mend: str) -> None:
        super().__init__(f"{what} ({where}). {mend}")
        self.what = what
        self.where = where
        self.mend = mend
