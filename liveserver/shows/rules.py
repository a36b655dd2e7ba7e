"""The rules about shows: who is what in a show, what a show and a queued lot must be like. Pure: no I/O, no clock.

Whether a lot's format, increments and preset exist is known to the auction, which is above; here they need a name's form.
"""

import re
from typing import TypeVar

import msgspec
from msgspec import UNSET

from liveserver.accounts.model import Identity
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import is_id
from liveserver.kernel.money import AMOUNT_MAX
from liveserver.kernel.text import clean_line, clean_text, is_picture
from liveserver.shows.errors import NO_SUCH_VARIANT, bad
from liveserver.shows.model import ChatSettings, LotChanges, LotDraft, Show, ShowChanges, ShowDraft, ShowRole

TITLE_LENGTH_MAX = 100
DESCRIPTION_LENGTH_MAX = 2_000
LOT_TITLE_LENGTH_MAX = 120
BLOCKED_WORDS_MAX = 200
"""Words a show may block besides what moderation knows; each is looked for in every message."""
BLOCKED_WORD_LENGTH_MAX = 40
SLOW_MS_MAX = 600_000
"""Longest pause between two messages of a viewer: as long as the room's own command allows."""
SCHEDULE_PAST_MS_MAX = 3_600_000
"""A show may be planned for up to an hour ago: clocks and forms are slow, and hosts late."""
SCHEDULE_AHEAD_MS_MAX = 400 * 86_400_000
LOT_MS_MAX = 31 * 86_400_000
"""Longest a lot may run: timed lots take days."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(:[1-9][0-9]{0,12})?")
_NAME_LENGTH_MAX = 32

T = TypeVar("T", bound=msgspec.Struct)


def role_in(show: Show, identity: Identity) -> ShowRole:
    """What this person is in this show. The operator is `admin` in every show but their own, where they are the host.

    Being a host elsewhere counts for nothing here. Who was the host but may not host any more only watches: a `viewer`
    might bid on lots of their own.
    """
    if identity.role == "guest":
        return "guest"
    if identity.id == show.host:
        return "host" if identity.role in ("host", "admin") else "guest"
    if identity.role == "admin":
        return "admin"
    # Who sells together does not bid against the buyers: co-hosts are staff, as moderators are.
    return "moderator" if identity.id in show.moderators or identity.id in show.co_hosts else "viewer"


def may_publish(show: Show, identity: Identity) -> bool:
    """Whether this person may be seen and heard in this show: its host, as long as they may host, and its co-hosts."""
    if identity.id == show.host:
        return identity.role in ("host", "admin")
    return identity.role != "guest" and identity.id in show.co_hosts


def changed(present: T, changes: ShowChanges | LotChanges) -> T:
    """The draft with what the changes set."""
    wanted = {name: getattr(changes, name) for name in changes.__struct_fields__}
    return msgspec.structs.replace(
        present, **{name: value for name, value in wanted.items() if value is not UNSET}
    )


def draft_of(show: Show) -> ShowDraft:
    """The draft that would make this show."""
    return ShowDraft(
        show.title,
        show.currency,
        show.description,
        show.scheduled_ts,
        show.picture,
        show.chat,
        show.requires_card,
    )


def judge_show(draft: ShowDraft) -> ShowDraft | Rejected:
    """The draft with its texts cleaned, or the first thing wrong with it (`bad_title`, … with `detail.field`)."""
    title = clean_line(draft.title, TITLE_LENGTH_MAX, 1)
    description = clean_text(draft.description, DESCRIPTION_LENGTH_MAX)
    if title is None:
        return bad("title", f"A title has 1 to {TITLE_LENGTH_MAX} characters.")
    if description is None:
        return bad("description", f"A description has at most {DESCRIPTION_LENGTH_MAX} characters.")
    if _CURRENCY.fullmatch(draft.currency) is None:
        return bad("currency", "A currency is three capital letters, such as USD.")
    if draft.picture and not is_picture(draft.picture):
        return bad("picture", "A picture's address begins with https:// or is a path of this server.")
    chat = judge_chat(draft.chat)
    if isinstance(chat, Rejected):
        return chat
    return msgspec.structs.replace(draft, title=title, description=description, chat=chat)


def judge_schedule(scheduled_ts: int | None, now_ms: int) -> Rejected | None:
    """`bad_scheduled_ts` for a time that can't be meant. Asked when a schedule is made or moved, not ever after."""
    if scheduled_ts is None:
        return None
    if not now_ms - SCHEDULE_PAST_MS_MAX <= scheduled_ts <= now_ms + SCHEDULE_AHEAD_MS_MAX:
        return bad("scheduled_ts", "A show is planned for a time to come, within about a year.")
    return None


def judge_chat(chat: ChatSettings) -> ChatSettings | Rejected:
    """The settings with their words cleaned and each only once, or `bad_chat`."""
    if not 0 <= chat.slow_ms <= SLOW_MS_MAX:
        return bad("chat.slow_ms", f"Slow mode takes 0 to {SLOW_MS_MAX // 1000} seconds.")
    words: dict[str, str] = {}
    for word in chat.blocked_words[: BLOCKED_WORDS_MAX + 1]:
        cleaned = clean_line(word, BLOCKED_WORD_LENGTH_MAX)
        if cleaned is None:
            return bad(
                "chat.blocked_words", f"A blocked word has at most {BLOCKED_WORD_LENGTH_MAX} characters."
            )
        if cleaned:
            words.setdefault(cleaned.casefold(), cleaned)
    if len(chat.blocked_words) > BLOCKED_WORDS_MAX:
        return bad("chat.blocked_words", f"A show blocks at most {BLOCKED_WORDS_MAX} words.")
    return ChatSettings(chat.links, tuple(words.values()), chat.slow_ms)


def judge_lot(draft: LotDraft) -> LotDraft | Rejected:
    """The draft with its title cleaned, or the first thing wrong with it (`bad_start`, … with `detail.field`)."""
    title = clean_line(draft.title, LOT_TITLE_LENGTH_MAX, 1)
    if title is None:
        return bad("title", f"A lot's title has 1 to {LOT_TITLE_LENGTH_MAX} characters.")
    if draft.picture and not is_picture(draft.picture):
        return bad("picture", "A picture's address begins with https:// or is a path of this server.")
    if draft.product is not None and not is_id(draft.product):
        return bad("product", "This is no product's id.")
    if draft.variant is not None and (draft.product is None or not is_id(draft.variant)):
        return NO_SUCH_VARIANT
    if not 1 <= draft.start <= AMOUNT_MAX:
        return bad("start", "A lot starts at an amount above zero.")
    if draft.reserve is not None and not draft.start <= draft.reserve <= AMOUNT_MAX:
        return bad("reserve", "A reserve is at least the starting price.")
    for field in ("format", "increments", "preset"):
        name: str = getattr(draft, field)
        if len(name) > _NAME_LENGTH_MAX or _NAME.fullmatch(name) is None:
            return bad(field, f"This is no name of a {field}.")
    return _judge_clock(draft) or msgspec.structs.replace(draft, title=title)


def _judge_clock(draft: LotDraft) -> Rejected | None:
    """An own clock has a duration; window and extension fit into it, and the hard end is not before it."""
    duration = draft.duration_ms
    if duration is None:
        for field in ("window_ms", "extend_ms", "hard_ms"):
            if getattr(draft, field) is not None:
                return bad(field, "An own clock needs a duration too.")
        return None
    if not 1_000 <= duration <= LOT_MS_MAX:
        return bad("duration_ms", "A lot runs for a second at least and a month at most.")
    for field in ("window_ms", "extend_ms"):
        value: int | None = getattr(draft, field)
        if value is not None and not 0 <= value <= duration:
            return bad(field, "This can't be longer than the lot.")
    if draft.hard_ms is not None and not duration <= draft.hard_ms <= LOT_MS_MAX:
        return bad("hard_ms", "The latest end can't be before the planned one.")
    return None
