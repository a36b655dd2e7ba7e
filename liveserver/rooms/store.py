"""A show's record in PostgreSQL: entries, facts and snapshots, as `queries.sql` reads and writes them.

It decides nothing: who may record, and what follows from facts, is the recorder's.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from liveserver.infra.database import Connection, Pool, load_queries
from liveserver.rooms.model import Entry, Fact
from liveserver.rooms.room import Applied

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
    """A fact as it is kept: what projectors are given and catch-up reads."""

    seq: int
    idx: int
    ts: int
    kind: str
    payload: dict[str, Any]


async def watermark(on: Pool | Connection, show: str) -> Watermark | None:
    """Where recording stands, or None for a show that has no log yet."""
    row = await on.fetchrow(QUERIES.log_of_show, show)
    return None if row is None else Watermark(*row)


def kind_of(fact: Fact) -> str:
    """The fact's kind: its struct's tag."""
    return str(type(fact).__struct_config__.tag)


def fact_rows(applied: Sequence[Applied]) -> list[FactRow]:
    """The rows of those entries' facts, numbered within each sequence number."""
    rows: list[FactRow] = []
    seq_before, idx = -1, 0
    for entry in applied:
        for seq, fact in entry.facts:
            idx = idx + 1 if seq == seq_before else 0
            seq_before = seq
            payload = msgspec.to_builtins(fact)
            del payload["type"]  # the column `kind` says it
            rows.append(FactRow(seq, idx, entry.entry.ts, kind_of(fact), payload))
    return rows


async def insert(
    connection: Connection, show: str, entries: Sequence[Entry], facts: Sequence[FactRow]
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
        encode = msgspec.json.encode
        await connection.execute(
            QUERIES.insert_facts,
            show,
            [f.seq for f in facts],
            [f.idx for f in facts],
            [f.ts for f in facts],
            [f.kind for f in facts],
            [encode(f.payload).decode() for f in facts],
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
