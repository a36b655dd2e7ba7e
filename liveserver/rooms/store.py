"""A show's record in PostgreSQL: entries, facts and snapshots, as `queries.sql` reads and writes them.

It decides nothing: who may record, and what follows from facts, is the recorder's.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from liveserver.infra.database import Connection, Pool, load_queries
from liveserver.rooms.model import Entry, Fact

QUERIES = load_queries("liveserver.rooms")
READ_MAX = 500
"""Entries or facts read at once."""


class Watermark(msgspec.Struct, frozen=True):
    """Up to where a show is recorded, and under which epoch its log runs."""

    epoch: int
    seq: int
    ts: int
    hash: str


class FactRow(msgspec.Struct, frozen=True):
    """A fact as it is kept and read again."""

    seq: int
    idx: int
    ts: int
    kind: str
    payload: dict[str, Any]


class NewFact(msgspec.Struct, frozen=True, gc=False):
    """A fact on its way into the record: what projectors are given. `json` is the row's payload, encoded once."""

    seq: int
    idx: int
    ts: int
    kind: str
    fact: Fact
    json: msgspec.Raw

    @property
    def payload(self) -> dict[str, Any]:
        """The payload as it will be read again; decoded at each call, for hot paths have `fact`."""
        return msgspec.json.decode(self.json)


async def watermark(on: Pool | Connection, show: str) -> Watermark | None:
    """Where recording stands, or None for a show that has no log yet."""
    row = await on.fetchrow(QUERIES.log_of_show, show)
    return None if row is None else Watermark(*row)


class Decided(Protocol):
    """An entry and the facts it came to, each with its command's sequence number (`room.Applied` is one)."""

    @property
    def entry(self) -> Entry: ...
    @property
    def facts(self) -> Sequence[tuple[int, Fact]]: ...


class _Kinds(dict[type[Fact], tuple[str, bytes]]):
    """By type of fact: its kind, and how its JSON begins."""

    def __missing__(self, of: type[Fact]) -> tuple[str, bytes]:
        kind = str(of.__struct_config__.tag)
        self[of] = known = (kind, f'{{"type":"{kind}"'.encode())
        return known


_kinds = _Kinds()
_COMMA = ord(",")
_encode = msgspec.json.encode


def _payload(fact: Fact, tag: bytes) -> msgspec.Raw:
    """The fact's JSON without its tag, for the column `kind` says it. Cut off the text, which is several times cheaper than
    making a dict and encoding that."""
    text = _encode(fact)
    assert text.startswith(tag), "msgspec writes a struct's tag first"
    end = len(tag)
    return msgspec.Raw(b"{" + text[end + 1 if text[end] == _COMMA else end :])


def fact_rows(decided: Iterable[Decided]) -> list[NewFact]:
    """The rows of those entries' facts, numbered within each sequence number."""
    rows: list[NewFact] = []
    seq_before, idx = -1, 0
    for each in decided:
        ts = each.entry.ts
        for seq, fact in each.facts:
            idx = idx + 1 if seq == seq_before else 0
            seq_before = seq
            kind, tag = _kinds[type(fact)]
            rows.append(NewFact(seq, idx, ts, kind, fact, _payload(fact, tag)))
    return rows


async def insert(
    connection: Connection, show: str, entries: Sequence[Entry], facts: Sequence[NewFact]
) -> None:
    """Writes entries and their facts. Raises UniqueViolationError if a sequence number is taken."""
    await connection.execute(
        QUERIES.insert_entries,
        show,
        [e.epoch for e in entries],
        [e.first for e in entries],
        [e.last for e in entries],
        [e.ts for e in entries],
        [e.node for e in entries],
        [e.batch for e in entries],
        [e.prev for e in entries],
        [e.hash for e in entries],
        [e.payload for e in entries],
    )
    if facts:
        # Binary COPY: 74,000 rows a second where the same rows through `unnest` made 54,000, at half our own CPU.
        await connection.copy_records_to_table(
            "facts",
            columns=("show", "seq", "idx", "ts", "kind", "payload"),
            records=((show, f.seq, f.idx, f.ts, f.kind, f.json) for f in facts),
        )


async def entries_after(on: Pool | Connection, show: str, after: int, limit: int = READ_MAX) -> list[Entry]:
    """Recorded entries whose last sequence number is over `after`, in order."""
    rows = await on.fetch(QUERIES.entries_after, show, after, limit)
    return [
        Entry(
            row["epoch"],
            row["first"],
            row["ts"],
            row["node"],
            row["batch"],
            row["prev"],
            row["hash"],
            row["payload"],
            row["last"] - row["first"] + 1,
        )
        for row in rows
    ]


async def facts_after(on: Pool | Connection, show: str, after: int, limit: int = READ_MAX) -> list[FactRow]:
    """Recorded facts behind a sequence number, in order."""
    return [FactRow(*row) for row in await on.fetch(QUERIES.facts_after, show, after, limit)]


async def insert_snapshot(
    connection: Connection, show: str, seq: int, epoch: int, head: str, dump: bytes
) -> None:
    """Keeps a snapshot and drops all but the two newest."""
    await connection.execute(
        QUERIES.insert_snapshot, show, seq, epoch, head, hashlib.sha256(dump).digest(), dump
    )
    await connection.execute(QUERIES.drop_old_snapshots, show)


async def snapshots(on: Pool | Connection, show: str) -> list[bytes]:
    """The whole snapshots' bytes, newest first; damaged ones are left out."""
    rows = await on.fetch(QUERIES.snapshots, show)
    return [row["dump"] for row in rows if hashlib.sha256(row["dump"]).digest() == row["digest"]]
