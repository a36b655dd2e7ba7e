"""The spotlight as a feature of a room: whoever may set it sets it, the last one counts; who buys first is served first.

Who may set it is said in `wire`; whether the product exists, and what the show took along of it, is settled there, too. The rules of
buying are in `claims`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import (
    Context,
    Decision,
    Event,
    Fact,
    Feature,
    Pending,
    Verdict,
    Viewer,
    one_by_one,
)
from liveserver.spotlight import claims
from liveserver.spotlight import model as m


class SpotlightFeature:
    """See `liveserver.rooms.model.Feature` for what each method promises."""

    name: ClassVar[str] = "spotlight"
    state: ClassVar[type[msgspec.Struct]] = m.SpotlightState
    commands: ClassVar[Mapping[str, type[msgspec.Struct]]] = {
        "spotlight:set": m.SetSpotlight,
        "spotlight:offer": m.OfferSpotlight,
        "spotlight:buy": m.BuySpotlight,
        "spotlight:clear": m.ClearSpotlight,
    }
    facts: ClassVar[tuple[type[Fact], ...]] = (m.ProductHighlighted, m.ProductOffered, m.ClaimMade)
    versions: ClassVar[tuple[str, ...]] = ()
    guards: ClassVar[frozenset[str]] = frozenset()

    def guard(self, state: m.SpotlightState, kind: str, ctx: Context) -> Rejected | None:
        return None

    def due_ts(self, state: m.SpotlightState) -> int | None:
        return None

    def advance(self, state: m.SpotlightState, ctx: Context) -> Sequence[Fact]:
        return ()

    def pending(self, state: m.SpotlightState) -> Sequence[Pending]:
        return ()

    def decide(self, state: m.SpotlightState, command: m.SpotlightCommand, ctx: Context) -> Verdict:
        """Setting the same product again says so again: it draws the viewers' eyes, and price and pieces may be new."""
        match command:
            case m.BuySpotlight():
                return claims.buy(state, command, ctx)
            case m.OfferSpotlight():
                return claims.offer(state, command, ctx)
            case m.SetSpotlight():
                return Decision([m.ProductHighlighted(card=command.card, actor=ctx.actor.id)])
            case m.ClearSpotlight():
                if state.card is None:
                    return Decision([])
                return Decision([m.ProductHighlighted(card=None, actor=ctx.actor.id)])

    def evolve(self, state: m.SpotlightState, fact: m.SpotlightFact, ctx: Context) -> None:
        match fact:
            case m.ClaimMade():
                claims.enter_claim(state, fact)
            case m.ProductOffered():
                claims.enter_offer(state, fact)
            case m.ProductHighlighted():
                state.card, state.selling = fact.card, False

    def events(self, facts: Sequence[tuple[int, m.SpotlightFact]], ts: int) -> list[tuple[int, Event]]:
        return one_by_one(_told, facts, ts)

    def snapshot(self, state: m.SpotlightState) -> dict[str, Any]:
        if state.card is None:
            return {"product": None}
        offered = state.offers.get(state.card.id) if state.selling else None
        if offered is None:
            return {"product": document(state.card)}
        goods = [
            m.Left(id, each.label, each.price, each.given, each.given - each.sold)
            for id, each in offered.goods.items()
        ]
        return {"product": document(state.card, goods, offered.limit)}

    def own(self, state: m.SpotlightState, viewer: Viewer) -> dict[str, Any]:
        """How many pieces of the product in the spotlight they have bought."""
        if state.card is None or not state.selling:
            return {}
        bought = state.offers[state.card.id].bought.get(viewer.id, 0)
        return {"product": state.card.id, "bought": bought} if bought else {}


_checked: Feature = SpotlightFeature()


def document(card: m.Card | None, goods: Sequence[m.Left] = (), limit: int = 0) -> dict[str, Any] | None:
    """The card as people get it; `offer` is null where it is shown and not sold."""
    if card is None:
        return None
    return {
        "id": card.id,
        "title": card.title,
        "price": card.price,
        "currency": card.currency,
        "picture": card.picture,
        "offer": {"limit": limit, "variants": [_variant(good) for good in goods]} if goods else None,
    }


def _variant(good: m.Left) -> dict[str, Any]:
    return {"id": good.variant, "label": good.label, "price": good.price, "remaining": good.left}


def _told(fact: m.SpotlightFact, seq: int, ts: int) -> Sequence[Event]:
    match fact:
        case m.ProductHighlighted():
            return (Event("product:highlighted", {"product": document(fact.card)}),)
        case m.ProductOffered():
            shown = document(fact.card, fact.goods, fact.limit)
            return (Event("product:highlighted", {"product": shown}),)
        case m.ClaimMade():
            claimed = {
                "product": fact.product,
                "variant": fact.variant,
                "qty": fact.quantity,
                "remaining": fact.left,
                "name": fact.name,
            }
            # What is left is absolute: of a rush of claims everybody hears the last (of each variant).
            return (Event("product:claimed", claimed, lot=f"{fact.product}/{fact.variant}"),)
