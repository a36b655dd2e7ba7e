"""Adds jobs, inside the caller's transaction: what was not committed is not done.

Which library keeps them is known here and in `worker` alone (docs/adr/0012-jobs.md). It runs nothing.
"""

from datetime import timedelta

import msgspec
from pgqueuer.queries import Queries

from liveserver.infra.database import Connection

PAYLOAD_BYTES_MAX = 65_536
"""A job names what it is about; whoever runs it reads the rest."""


async def enqueue(
    on: Connection, kind: str, payload: msgspec.Struct, *, after_ms: int = 0, once: str = ""
) -> None:
    """Adds a job of a kind (`package.verb`), to be run after so many ms. While one with the key `once` waits or runs, no other
    of that key is added.
    """
    body = msgspec.json.encode(payload)
    assert len(body) <= PAYLOAD_BYTES_MAX, "a job names what it is about"
    queries = Queries.from_asyncpg_connection(on)  # pyright: ignore[reportArgumentType]  # a pool's connection has the same methods
    await queries.enqueue(
        kind,
        body,
        execute_after=timedelta(milliseconds=max(0, after_ms)),
        dedupe_key=f"{kind}:{once}" if once else None,
        on_conflict="skip",
    )
