"""The edge of a room: how a wire message becomes a command, with everything that needs I/O or the outside settled first.

A feature describes its messages as `Route`s in its `wire.py`; the gateway decodes, checks role and rate, lets the route
`settle` the payload into the arguments that go into the log, and submits. HTTP handlers that act on a room use the same
routes, so that a rule about a message exists once.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import msgspec

from liveserver.catalog.service import Catalog
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ID_LENGTH_MAX
from liveserver.rooms.model import HOSTS, STAFF, Actor, Command, Role
from liveserver.rooms.offers import ALONE, Offers
from liveserver.shows.model import Show
from liveserver.shows.service import Shows

Cost = Literal["bid", "chat", "reaction", "host"]
"""Which rate limit a message counts against."""

EVERYBODY: frozenset[Role] = frozenset({"guest", "viewer", "moderator", "host", "admin"})
SIGNED_IN: frozenset[Role] = EVERYBODY - {"guest"}
MODERATORS: frozenset[str] = STAFF
HOSTS_ONLY: frozenset[str] = HOSTS


KnownId = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LENGTH_MAX)]
"""The id of something that is there already, such as the show: it is looked up and nothing else, so its length is all that must
be checked. (A pattern costs twice what decoding the rest of a bid does.)"""


class Gate(Protocol):
    """Whether a person may bid or buy in a show now, by what lies outside of it: a saved card, orders they have not paid."""

    def refusal(self, actor: Actor, show: Show, amount: int) -> Rejected | Awaitable[Rejected | None] | None:
        """What stands against owing `amount` more (minor units of the show's currency), or None. Mostly known at once: a bid must
        not wait for the record, so only a person who was not seen lately makes it an awaitable."""
        ...


class OpenGate:
    """Lets everybody pass: for shows without orders."""

    def refusal(self, actor: Actor, show: Show, amount: int) -> Rejected | None:
        return None


OPEN = OpenGate()


class Edge(msgspec.Struct, frozen=True):
    """What settling may use: who sends, into which show, the records, and who may."""

    actor: Actor
    show: Show
    catalog: Catalog
    shows: Shows
    clock: Clock
    offers: Offers = ALONE
    """What all living processes can decide."""
    gate: Gate = OPEN


Settled: TypeAlias = msgspec.Struct | Rejected
"""Arguments as they go into the log, or why the message can't."""


StructType: TypeAlias = type[msgspec.Struct]


class Route(msgspec.Struct, frozen=True):
    """One wire message of a feature.

    `payload` is its typed wire form (with bounds, a `show` field included); `kind` the command it becomes. `settle` may
    be a plain function (hot paths) or a coroutine function (when records must be read).
    """

    type: str
    payload: StructType
    kind: str
    settle: Callable[[Any, Edge], Settled | Awaitable[Settled]]
    roles: frozenset[str]
    cost: Cost
    doc: str
    """One sentence for docs/PROTOCOL.md and /asyncapi.json."""


_encode = msgspec.msgpack.encode


def command(
    kind: str,
    actor: Actor,
    args: msgspec.Struct,
    client: str = "",
    number: int = 0,
    rtt_ms: int = 0,
    pace: tuple[int, int] = (0, 0),
) -> Command:
    """A command ready for the log. `pace`: one in so many ms, and so many at once, over all that this person has open."""
    return Command(kind, actor, msgspec.Raw(_encode(args)), client, number, rtt_ms, *pace)
