"""Adds jobs, inside the caller's transaction: what was not committed is not done.

Which library keeps them is known in this package alone (docs/adr/0012-jobs.md). It runs nothing.
"""

from datetime import timedelta

import msgspec

from liveserver.infra.database import Connection
from liveserver.jobs.library import queries_on

PAYLOAD_BYTES_MAX = 65_536
"""A job names what it is about; whoever runs it reads the rest."""


async def enqueue(
    on: Connection, kind: str, payload: msgspec.Struct, *, after_ms: int = 0, once: str = ""
) -> None:
    """Adds a job of a kind (`package.verb`), to be run after so many ms. While one with the key `once` waits or runs, no other
    of that key and kind is added.
    """
    body = msgspec.json.encode(payload)
    assert len(body) <= PAYLOAD_BYTES_MAX, "a job names what it is about"
    await queries_on(on).enqueue(
        kind,
        body,
        execute_after=timedelta(milliseconds=max(0, after_ms)),
        dedupe_key=f"{kind}:{once}" if once else None,
        on_conflict="skip",
    )
