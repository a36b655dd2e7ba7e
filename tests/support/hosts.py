"""People and records for tests of what hosts prepare: who they are, a show of theirs, a lot in its queue."""

from typing import Any

from liveserver.accounts.model import Identity, IdentityRole
from liveserver.kernel.errors import Rejected
from liveserver.shows.model import LotDraft, QueuedLot, Show, ShowDraft
from liveserver.shows.service import Shows


def person(name: str, role: IdentityRole = "host") -> Identity:
    """Somebody without a session: the id of Ana is user_ana."""
    return Identity(f"user_{name}", name.title(), role, True, "", 2**53 - 1)


async def planned(shows: Shows, by: Identity, title: str = "Show", **more: Any) -> Show:
    """A show that was accepted."""
    show = await shows.create(by, ShowDraft(**{"title": title, "currency": "USD", **more}))
    assert isinstance(show, Show), show
    return show


async def queued(shows: Shows, by: Identity, show: Show, title: str = "Lot", **more: Any) -> QueuedLot:
    """A lot that was accepted into the queue."""
    lot = await shows.enqueue(by, show.id, LotDraft(**{"title": title, "start": 100, **more}))
    assert isinstance(lot, QueuedLot), lot
    return lot


def code(answer: object) -> str:
    """The refusal's code, or "accepted"."""
    return answer.code if isinstance(answer, Rejected) else "accepted"
