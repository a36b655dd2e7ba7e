"""What commands come to, typed: one struct per kind of success. A refusal is `kernel.errors.Rejected`, never an exception.

Fields that a newer server adds are ignored; the whole payload stays in `payload`.
"""

from typing import Any, TypeVar

import msgspec

from liveserver.client.codecs import ServerBroken
from liveserver.kernel.errors import Rejected


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A command was accepted: `seq` and `ts` (server ms) are those of its place in the show's log; 0 where it has none."""

    seq: int = 0
    ts: int = 0
    payload: dict[str, Any] = {}


class BidPlaced(Done, frozen=True, kw_only=True):
    """A bid counted. `leading` says whether it leads now; `price`, `max`, `min_next` are minor units, `ends_at` server ms."""

    lot: str
    leading: bool
    price: int
    max: int
    min_next: int
    ends_at: int
    bids: int = 0
    id: str = ""
    """Your pseudonym in this show: where `leader_id` says it, it is you who leads."""


class Bought(Done, frozen=True, kw_only=True):
    """Bought from the spotlight. `amount` is minor units of `currency`, for all `qty` pieces; `bought` counts all of this product."""

    claim: str
    product: str
    variant: str
    qty: int
    amount: int
    currency: str
    bought: int = 0


class LotOpened(Done, frozen=True, kw_only=True):
    """A lot is open for bids."""

    lot: str


class Said(Done, frozen=True, kw_only=True):
    """A chat message stands; `id` is for deleting or pinning it."""

    id: str = ""


D = TypeVar("D", bound=Done)


def typed(verdict: dict[str, Any] | Rejected, kind: type[D]) -> D | Rejected:
    """The verdict as its type. Raises ServerBroken when the server's answer does not fit it."""
    if isinstance(verdict, Rejected):
        return verdict
    try:
        return msgspec.convert({**verdict, "payload": verdict}, kind)
    except msgspec.ValidationError as error:
        raise ServerBroken(f"{kind.__name__}: {error}") from error
