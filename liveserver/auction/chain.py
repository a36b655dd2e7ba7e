"""The hash chain of a lot: every fact is linked to the one before, so that a history once shown can't be told differently.

A link covers what was public, with bidders by their pseudonym in the show, and commitments to what was not (who, which
maximum, which reserve). Names, user ids and amounts are not part of it: erasing a person leaves the chain whole
(faults.md, row 39). It does not keep or show anything; `verify` recomputes.
"""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from liveserver.auction.model import LotFact

PUBLIC_ID_LENGTH = 12
"""Hex digits of a pseudonym: 48 bits, no two bidders of a show meet by chance."""


def public_id(show: str, user: str) -> str:
    """A person's pseudonym in a show: tells "you" among equal names, and links no two shows."""
    return sha256(f"{show}|{user}".encode()).hexdigest()[:PUBLIC_ID_LENGTH]


def commitment(salt: bytes, seq: int, *hidden: object) -> str:
    """A commitment to what must not be shown. The salt is random and secret, so that nobody can try values out."""
    return sha256(salt + f"|{seq}|{'|'.join(map(str, hidden))}".encode()).hexdigest()


def bid_commitment(salt: bytes, seq: int, bidder: str, amount: int) -> str:
    """`commitment` to a bid, on the hot path."""
    return sha256(salt + f"|{seq}|{bidder}|{amount}".encode()).hexdigest()


def next_head(head: str, fact: LotFact, seq: int, ts: int) -> str:
    """The head after `fact`, which the command `seq` brought about at `ts`. A lot's first link continues ""."""
    return linked(head, seq, ts, fact.line())


def linked(head: str, seq: int, ts: int, line: str) -> str:
    """The head after a fact with this public part: `next_head` where the fact is still being made."""
    return sha256(f"{head}|{seq}|{ts}|{line}".encode()).hexdigest()


class Break(msgspec.Struct, frozen=True):
    """Where a recorded chain is not what its facts come to."""

    lot: str
    seq: int
    recorded: str
    computed: str


def verify(facts: Iterable[tuple[int, int, LotFact]]) -> Break | None:
    """Recomputes the chains of all lots in recorded facts `(seq, ts, fact)`; the first break, or None."""
    heads: dict[str, str] = {}
    for seq, ts, fact in facts:
        computed = next_head(heads.get(fact.lot, ""), fact, seq, ts)
        if computed != fact.head:
            return Break(fact.lot, seq, fact.head, computed)
        heads[fact.lot] = computed
    return None
