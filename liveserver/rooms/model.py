"""The words a room is written in: commands go into a show's log, entries come out, facts follow, events go to people.

A room is composed of *features* (auction, chat, spotlight, ...). This module says what a feature is; it contains no
rule and no I/O. The order of things for one command:

    edge settles the wire payload  ->  `Command`  ->  the log gives it `seq` and `ts` (an `Entry` holds a batch)
    every replica:  advance (what time alone brought about)  ->  guards  ->  `decide`  ->  `Fact`s  ->  `evolve`
    facts become `Event`s for their audience; the command's sender gets the verdict (a result, or `Rejected`)

Inside `guard`, `advance`, `decide` and `evolve` only the state, the command and the `Context` count: no clock, no random, no I/O,
no float, no iteration over sets. Two replicas that read the same entries are equal to the byte.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from liveserver.kernel.errors import Rejected

Role = Literal["guest", "viewer", "moderator", "host", "admin", "system"]
"""What a person is *in this show*. `moderator` covers co-hosts; `admin` is the operator; `system` is the server itself."""

STAFF: frozenset[str] = frozenset({"moderator", "host", "admin", "system"})
HOSTS: frozenset[str] = frozenset({"host", "admin", "system"})


class Actor(msgspec.Struct, frozen=True, array_like=True):
    """Who sent a command, settled at the edge before the append."""

    id: str
    name: str
    role: Role
    verified: bool = True
    """May bid: has a card on file or the host's approval."""


SYSTEM = Actor("system", "liveserver", "system")


class Command(msgspec.Struct, frozen=True, array_like=True):
    """One line of a show's log. `args` is the MessagePack form of the kind's argument type (`Feature.commands`)."""

    kind: str
    actor: Actor
    args: msgspec.Raw
    client: str = ""
    """The client instance whose numbers are remembered, so that a retry gets the first verdict; "" = not remembered."""
    number: int = 0
    """The client's own number of this command, rising within `client`."""
    rtt_ms: int = 0
    """Best recent round-trip time to the sender as the server measured it; the bid allowance is derived from it."""
    every_ms: int = 0
    """Their rate: one such command in so many ms over all their connections; 0 = not limited (see `paces`)."""
    burst: int = 0
    """How many at once."""


class Entry(msgspec.Struct, frozen=True):
    """One append: a batch of commands with consecutive sequence numbers and one server time, linked to the one before."""

    epoch: int
    first: int
    """Sequence number of the first command; the others follow."""
    ts: int
    """Server time in ms; never less than the previous entry's."""
    node: str
    batch: int
    """The node's own counter of batches: (node, batch) is the nonce."""
    prev: str
    hash: str
    payload: bytes
    """MessagePack of `Batch`."""
    count: int

    @property
    def last(self) -> int:
        """Sequence number of the last command."""
        return self.first + self.count - 1


LOG_VERSION = 1
"""The form of batches that this release writes and reads. The registry of nodes tells each process's own; a release that writes
another one writes the old one until no living node lacks it (`offers`)."""


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """What a node appends at once. `salt` is random, so that commitments made of it reveal nothing."""

    salt: bytes
    commands: tuple[Command, ...]
    version: int = LOG_VERSION
    """Who reads a newer one than it knows must not guess: the room is halted there (faults.md, row 24)."""


class Fact(msgspec.Struct, kw_only=True):
    """What happened, decided once. Subclasses set `tag="lot_opened"` (the kind) and are listed in `Feature.facts`.

    Facts are the record (PostgreSQL keeps them as JSON): they may hold what viewers must not see. What may be seen is
    said by `Feature.events` and `Feature.snapshot`, field by field.
    """

    milestone: ClassVar[bool] = False
    """Whether a snapshot is taken after it: a lot's end, after which nobody wants to replay its bids."""


Audience = Literal["room", "staff", "people"]
ROOM: Audience = "room"
STAFF_ONLY: Audience = "staff"
PEOPLE: Audience = "people"
"""Those named in the event's `people`, wherever they are connected."""


class Event(msgspec.Struct):
    """What people are told. Events for `ROOM` are ordered and recoverable; all others stand alone and may be lost."""

    type: str
    payload: dict[str, Any]
    audience: Audience = ROOM
    lot: str = ""
    """Set on an event that a later one of the same type and lot, in the same batch of events, supersedes."""
    people: Sequence[str] = ()
    """User ids, for the audience `PEOPLE`."""


class Context(msgspec.Struct):
    """All that a rule may know besides its state and its command."""

    seq: int
    ts: int
    actor: Actor
    rtt_ms: int
    salt: bytes


class Decision(msgspec.Struct):
    """An accepted command: the facts in order, and the payload of the sender's `ok`."""

    code: ClassVar[str] = "accepted"
    """Beside the codes of refusals, for counting."""
    facts: Sequence[Fact]
    result: dict[str, Any] = {}


Verdict = Decision | Rejected


class Viewer(msgspec.Struct, frozen=True):
    """For whom a snapshot is projected. `show` is filled in by the room."""

    id: str
    role: Role
    show: str = ""


class Feature(Protocol):
    """One aspect of a show. A feature object is stateless; its state is a `msgspec.Struct` that the room holds.

    State must encode to MessagePack (plain structs, lists, dicts with str keys, ints, strings, bools, bytes).
    """

    name: ClassVar[str]
    """Key of its part of room state and of snapshots. Never changes once released."""
    state: ClassVar[type[msgspec.Struct]]
    """Its state's type; calling it without arguments gives the state of a new room.

    A later release may add fields with defaults, and they must keep their defaults until something is in the log that no older release
    decides (a new kind, a newer pinned version): only then are a snapshot without them, made by an older node, and one with them,
    refused by it, the same room (faults.md, row 25). `omit_defaults` keeps snapshots readable for it until then."""
    commands: ClassVar[Mapping[str, type[msgspec.Struct]]]
    """Kinds it decides, with the type of their arguments as they stand in the log."""
    facts: ClassVar[tuple[type[Fact], ...]]
    versions: ClassVar[tuple[str, ...]]
    """Versions of rules that it decides by, where commands pin one (`english.1`). The registry tells them beside the kinds, so that
    nothing is pinned that an older living node does not know. Mostly none."""
    guards: ClassVar[frozenset[str]]
    """Kinds of commands that `guard` wants to see, its own or others'."""

    def guard(self, state: Any, kind: str, ctx: Context) -> Rejected | None:
        """Refuses a command of any feature (a banned person's bid), or None to let it pass."""
        ...

    def due_ts(self, state: Any) -> int | None:
        """The first ts at which `advance` would say something, or None while time changes nothing."""
        ...

    def advance(self, state: Any, ctx: Context) -> Sequence[Fact]:
        """What time alone has brought about by `ctx.ts`. Called, repeatedly until empty, before an entry's commands
        whenever `due_ts <= ctx.ts`; after its facts are evolved `due_ts` must have moved."""
        ...

    def decide(self, state: Any, command: Any, ctx: Context) -> Verdict:
        """What an (already decoded) command comes to. Must not change the state."""
        ...

    def evolve(self, state: Any, fact: Any, ctx: Context) -> None:
        """Applies one of its own facts to the state. Never refuses."""
        ...

    def events(self, facts: Sequence[tuple[int, Any]], ts: int) -> list[tuple[int, Event]]:
        """Whom to tell what about its own facts, which followed each other in one entry of time `ts`; each with the sequence
        number of the command that caused it, and so are the events, in that order.

        An allow-list projection of the facts alone, so that the record can tell the same later (catch-up over HTTP). What a
        later one of the facts supersedes for everybody (`Event.lot`) may be left out at once."""
        ...

    def snapshot(self, state: Any) -> dict[str, Any]:
        """What everybody may see of the state; made once for all who join at one moment.
        Law: old snapshot + ROOM events == new snapshot, shown by `liveserver.client.view`."""
        ...

    def own(self, state: Any, viewer: Viewer) -> dict[str, Any]:
        """What this viewer alone may see besides (own maximum, muted until), and staff what only staff may."""
        ...

    def pending(self, state: Any) -> Sequence["Pending"]:
        """Commands that the server appends by itself once what they confirm is recorded (a sale becomes final)."""
        ...


def one_by_one(
    told: Callable[[Any, int, int], Sequence[Event]], facts: Sequence[tuple[int, Any]], ts: int
) -> list[tuple[int, Event]]:
    """`Feature.events` of a feature whose facts supersede nothing: `told(fact, seq, ts)` of each."""
    return [(seq, event) for seq, fact in facts for event in told(fact, seq, ts)]


class Pending(msgspec.Struct, frozen=True):
    """A command of the server's own, due when the record has everything up to `after_seq`."""

    after_seq: int
    kind: str
    args: msgspec.Struct
