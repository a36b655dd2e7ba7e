"""What operators have looked at of the differences between the provider's books and ours: who, when, and what they wrote about it.

It mends nothing and ends no alarm: a difference that is seen is still one. A later comparison that finds the very same knows that it
was seen; one with other figures is a difference of its own.
"""

import hashlib

import msgspec

from liveserver.infra.database import Connection, Pool
from liveserver.kernel.errors import Rejected
from liveserver.kernel.text import clean_line
from liveserver.payouts.model import Difference, Report
from liveserver.payouts.store import Q

NOTE_LENGTH_MAX = 500
NOTES_SHOWN = 30
"""Of the history on one page."""
_ABOUT_LENGTH_MAX = 500
DIFFERENCE_GONE = Rejected("difference_not_found", "This comparison has no such difference.")
NOTE_MISSING = Rejected(
    "bad_note", f"Write in 1 to {NOTE_LENGTH_MAX} characters what you found.", detail={"field": "note"}
)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said about a difference."""

    difference: str
    about: str
    seen: bool
    """False: it was opened again."""
    note: str
    actor: str
    ts: int


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A difference, or an unsound fact, with what was said about it last."""

    key: str
    of: Difference | str
    note: Note | None

    @property
    def open(self) -> bool:
        """Nobody has looked at it yet, or somebody has opened it again."""
        return self.note is None or not self.note.seen


def key_of(provider: str, of: Difference | str) -> str:
    """By which a difference is known from comparison to comparison: all that is said of it."""
    return hashlib.sha256(msgspec.json.encode((provider, of))).hexdigest()


def _all_of(report: Report) -> dict[str, Difference | str]:
    found: tuple[Difference | str, ...] = (*report.differences, *report.unsound)
    return {key_of(report.provider, one): one for one in found}


async def judged(on: Pool | Connection, report: Report) -> tuple[Judged, ...]:
    """All that a report names, the open ones first."""
    found = _all_of(report)
    rows = await on.fetch(Q.newest_difference_notes, list(found))
    notes = {note.difference: note for note in (Note(**dict(row)) for row in rows)}
    every = [Judged(key=key, of=of, note=notes.get(key)) for key, of in found.items()]
    return tuple(sorted(every, key=lambda one: not one.open))


async def say(
    on: Connection, actor: str, report: Report, difference: str, note: str, ts: int, *, seen: bool
) -> Note | Rejected:
    """Somebody has looked at a difference of this report (or opens it again). Refusals: `difference_not_found`, `bad_note`."""
    of = _all_of(report).get(difference)
    if of is None:
        return DIFFERENCE_GONE
    said = clean_line(note, NOTE_LENGTH_MAX, 1)
    if said is None:
        return NOTE_MISSING
    about = of if isinstance(of, str) else f"{of.kind} {of.type} {of.object}"
    made = Note(
        difference=difference, about=about[:_ABOUT_LENGTH_MAX], seen=seen, note=said, actor=actor, ts=ts
    )
    await on.execute(Q.add_difference_note, *msgspec.structs.astuple(made))
    return made


async def history(on: Pool | Connection) -> tuple[Note, ...]:
    """What was said lately, the newest first."""
    return tuple(Note(**dict(row)) for row in await on.fetch(Q.difference_notes, NOTES_SHOWN))
