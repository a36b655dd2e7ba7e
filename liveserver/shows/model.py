"""The words for shows: a show, its chat settings, a lot waiting in its queue; and drafts, as hosts hand them in.

It holds no rule: drafts are judged by `rules`. Amounts are minor units of the show's currency; times are ms.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from liveserver.kernel.ids import LotId, ProductId, ShowId, UserId

Status = Literal["scheduled", "live", "ended"]
Source = Literal["camera", "microphone", "screen", "other"]
ShowRole = Literal["guest", "viewer", "moderator", "host", "admin"]
"""What a person is in one show; a part of `liveserver.rooms.model.Role`."""


class ChatSettings(msgspec.Struct, frozen=True):
    """What the chat of a show allows."""

    links: bool = False
    """Everybody may post links; off, only the host and moderators may."""
    blocked_words: tuple[str, ...] = ()
    slow_ms: int = 0
    """Least time between two messages of one viewer; 0 for none."""


class OnStage(msgspec.Struct, frozen=True):
    """Somebody whose camera, microphone or screen can be seen or heard in a show, as the video server said."""

    id: UserId
    name: str
    sources: tuple[Source, ...]
    since_ts: int


class Show(msgspec.Struct, frozen=True):
    """One show. `status`, `started_ts` and `ended_ts` are written by the recorder alone (`shows/recording.py`)."""

    id: ShowId
    title: str
    description: str
    host: UserId
    host_name: str
    moderators: tuple[UserId, ...]
    currency: str
    status: Status
    scheduled_ts: int | None
    started_ts: int | None
    ended_ts: int | None
    picture: str
    chat: ChatSettings
    created_ts: int = 0
    requires_card: bool = False
    """Who bids or buys here has saved a card before."""
    co_hosts: tuple[UserId, ...] = ()
    """On stage beside the host. They moderate; selling, and what it commits to, stays the host's."""
    stage: tuple[OnStage, ...] = ()
    """Who is on stage now, the longest first; written by `liveserver.livekit` alone."""


class ShowDraft(msgspec.Struct, frozen=True):
    """A new show as handed in. `scheduled_ts` None: it starts whenever the host starts it."""

    title: str
    currency: str
    description: str = ""
    scheduled_ts: int | None = None
    picture: str = ""
    chat: ChatSettings = ChatSettings()
    requires_card: bool = False


class ShowChanges(msgspec.Struct, frozen=True):
    """What to change in a show; what is left unset stays. Currency and schedule are fixed once it is live."""

    title: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    scheduled_ts: int | UnsetType | None = UNSET
    picture: str | UnsetType = UNSET
    chat: ChatSettings | UnsetType = UNSET
    requires_card: bool | UnsetType = UNSET


class QueuedLot(msgspec.Struct, frozen=True):
    """A lot prepared for a show. Its clock is a preset, or `duration_ms` with the three others."""

    id: LotId
    show: ShowId
    position: int
    """1 is next; without gaps among the queued. 0 once opened."""
    product: ProductId | None
    title: str
    picture: str
    start: int
    reserve: int | None
    format: str = "english"
    exact: bool = False
    increments: str = "live"
    preset: str = "live"
    duration_ms: int | None = None
    window_ms: int | None = None
    extend_ms: int | None = None
    hard_ms: int | None = None
    status: Literal["queued", "opened"] = "queued"
    opened_ts: int | None = None
    variant: str | None = None
    """Of the product; None: the first that is in stock."""


class LotDraft(msgspec.Struct, frozen=True):
    """A lot as handed in for the queue. With a product, `title` and `picture` may be left to it by the caller."""

    title: str
    start: int
    product: ProductId | None = None
    picture: str = ""
    reserve: int | None = None
    format: str = "english"
    exact: bool = False
    increments: str = "live"
    preset: str = "live"
    duration_ms: int | None = None
    window_ms: int | None = None
    extend_ms: int | None = None
    hard_ms: int | None = None
    variant: str | None = None
    """Of the product; None: the first that is in stock."""


class LotChanges(msgspec.Struct, frozen=True):
    """What to change in a queued lot; what is left unset stays."""

    title: str | UnsetType = UNSET
    start: int | UnsetType = UNSET
    product: ProductId | UnsetType | None = UNSET
    picture: str | UnsetType = UNSET
    reserve: int | UnsetType | None = UNSET
    format: str | UnsetType = UNSET
    exact: bool | UnsetType = UNSET
    increments: str | UnsetType = UNSET
    preset: str | UnsetType = UNSET
    duration_ms: int | UnsetType | None = UNSET
    window_ms: int | UnsetType | None = UNSET
    extend_ms: int | UnsetType | None = UNSET
    hard_ms: int | UnsetType | None = UNSET
    variant: str | UnsetType | None = UNSET
    """With another product and without a variant, it is any of that one's."""
