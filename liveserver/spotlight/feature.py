"""The spotlight as a feature of a room: whoever may set it sets it, the last one counts.

Who may is said in `wire`; whether the product exists is settled there, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import Context, Decision, Event, Fact, Pending, Verdict, Viewer
from liveserver.spotlight.model import (
    Card,
    ClearSpotlight,
    ProductHighlighted,
    SetSpotlight,
    SpotlightState,
)


class SpotlightFeature:
    """See `liveserver.rooms.model.Feature` for what each method promises."""

    name: ClassVar[str] = "spotlight"
    state: ClassVar[type[msgspec.Struct]] = SpotlightState
    commands: ClassVar[Mapping[str, type[msgspec.Struct]]] = {
        "spotlight:set": SetSpotlight,
        "spotlight:clear": ClearSpotlight,
    }
    facts: ClassVar[tuple[type[Fact], ...]] = (ProductHighlighted,)
    versions: ClassVar[tuple[str, ...]] = ()
    guards: ClassVar[frozenset[str]] = frozenset()

    def guard(self, state: SpotlightState, kind: str, ctx: Context) -> Rejected | None:
        return None

    def due_ts(self, state: SpotlightState) -> int | None:
        return None

    def advance(self, state: SpotlightState, ctx: Context) -> Sequence[Fact]:
        return ()

    def pending(self, state: SpotlightState) -> Sequence[Pending]:
        return ()

    def decide(self, state: SpotlightState, command: SetSpotlight | ClearSpotlight, ctx: Context) -> Verdict:
        """Setting the same product again says so again: it draws the viewers' eyes, and the price may be new."""
        if isinstance(command, SetSpotlight):
            return Decision([ProductHighlighted(card=command.card, actor=ctx.actor.id)])
        if state.card is None:
            return Decision([])
        return Decision([ProductHighlighted(card=None, actor=ctx.actor.id)])

    def evolve(self, state: SpotlightState, fact: ProductHighlighted, ctx: Context) -> None:
        state.card = fact.card

    def events(self, facts: Sequence[tuple[int, ProductHighlighted]], ts: int) -> list[tuple[int, Event]]:
        return [(seq, Event("product:highlighted", {"product": document(fact.card)})) for seq, fact in facts]

    def snapshot(self, state: SpotlightState) -> dict[str, Any]:
        return {"product": document(state.card)}

    def own(self, state: SpotlightState, viewer: Viewer) -> dict[str, Any]:
        return {}


def document(card: Card | None) -> dict[str, Any] | None:
    """The card as people get it."""
    if card is None:
        return None
    return {
        "id": card.id,
        "title": card.title,
        "price": card.price,
        "currency": card.currency,
        "picture": card.picture,
    }
