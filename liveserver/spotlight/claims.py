"""The rules of buying from the spotlight: what is offered, who may buy how many, who gets the last one. Pure.

What a show may sell was taken along at the edge (`liveserver.shows.goods`); here nothing is looked up.
"""

from hashlib import sha256

from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import STAFF, Context, Decision, Verdict
from liveserver.spotlight import model as m

SIGN_IN = Rejected("sign_in_required", "Sign in to buy.")
OWN_SHOW = Rejected("own_show", "Sellers, hosts and moderators may not buy in their own show.")
NOT_VERIFIED = Rejected("not_verified", "Your account has not been approved for buying yet.")
NOT_SHOWN = Rejected(
    "not_in_spotlight", "This is not in the spotlight any more.", detail={"field": "product"}
)
NOT_FOR_SALE = Rejected("not_for_sale", "This is shown, but not sold here.", detail={"field": "product"})
WHICH = Rejected("variant_needed", "Choose which one.", detail={"field": "variant"})
NO_VARIANT = Rejected("no_such_variant", "This one is not offered here.", detail={"field": "variant"})
OFFERS_FULL = Rejected(
    "offers_full",
    "This show sells as many different products as it can. Show it without selling it.",
    detail={"offers_max": m.OFFERS_MAX},
)
BUYERS_FULL = Rejected(
    "buyers_full", "As many people as can be counted have bought this.", detail={"buyers_max": m.BUYERS_MAX}
)


def offer(state: m.SpotlightState, command: m.OfferSpotlight, ctx: Context) -> Verdict:
    """Decides `spotlight:offer`; refused: offers_full. What is left of a variant goes on from where it was."""
    card = command.card
    before = state.offers.get(card.id)
    if command.goods and before is None and len(state.offers) >= m.OFFERS_MAX:
        return OFFERS_FULL
    goods: list[m.Left] = []
    known = {} if before is None or not command.goods else before.goods
    room = m.VARIANTS_MAX - len(known)
    for good in command.goods:
        was = known.get(good.variant)
        if was is None:
            if room <= 0:
                continue
            room -= 1
        # Two such commands may overtake each other on their way from the edge: the larger number is the later one.
        given = good.given if was is None else max(good.given, was.given)
        left = given - (0 if was is None else was.sold)
        goods.append(m.Left(good.variant, good.label, good.price, given, left))
    named = {good.variant for good in goods}
    # What the catalog has no more is not sold, but what was sold of it stays known.
    goods += [m.Left(id, was.label, was.price, was.sold, 0) for id, was in known.items() if id not in named]
    fact = m.ProductOffered(card=card, goods=tuple(goods), limit=command.limit, actor=ctx.actor.id)
    return Decision((fact,), {"product": card.id, "left": sum(good.left for good in goods)})


def buy(state: m.SpotlightState, command: m.BuySpotlight, ctx: Context) -> Verdict:
    """Decides `spotlight:buy`: who comes first in the log is served. Refused in this order: sign_in_required, own_show,
    not_verified, not_in_spotlight, not_for_sale, variant_needed, no_such_variant, sold_out or out_of_stock (detail.left),
    over_limit (detail.limit, detail.bought), buyers_full.
    """
    actor, card = ctx.actor, state.card
    if actor.role != "viewer" or not actor.verified:
        return _not_entitled(ctx)
    if card is None or card.id != command.product:
        return NOT_SHOWN
    offered = state.offers.get(card.id)
    if not state.selling or offered is None or not offered.goods:
        return NOT_FOR_SALE
    variant = command.variant or (next(iter(offered.goods)) if len(offered.goods) == 1 else "")
    if not variant:
        return WHICH
    goods = offered.goods.get(variant)
    if goods is None:
        return NO_VARIANT
    left, quantity = goods.given - goods.sold, command.quantity
    assert quantity > 0, "the edge takes no other quantity"
    if left < quantity:
        return _too_few(variant, left)
    bought = offered.bought.get(actor.id, 0)
    if bought + quantity > offered.limit:
        return Rejected(
            "over_limit",
            f"One person can buy {offered.limit} of this.",
            detail={"limit": offered.limit, "bought": bought},
        )
    if not bought and len(offered.bought) >= m.BUYERS_MAX:
        return BUYERS_FULL
    fact = m.ClaimMade(
        claim=_claim_id(ctx),
        product=card.id,
        variant=variant,
        title=card.title,
        label=goods.label,
        picture=card.picture,
        quantity=quantity,
        price=goods.price,
        currency=card.currency,
        buyer=actor.id,
        name=actor.name,
        left=left - quantity,
    )
    result = {
        "claim": fact.claim,
        "product": card.id,
        "variant": variant,
        "qty": quantity,
        "amount": goods.price * quantity,
        "currency": card.currency,
        "bought": bought + quantity,
    }
    return Decision((fact,), result)


def _not_entitled(ctx: Context) -> Rejected:
    if ctx.actor.role == "guest":
        return SIGN_IN
    return OWN_SHOW if ctx.actor.role in STAFF else NOT_VERIFIED


def _too_few(variant: str, left: int) -> Rejected:
    detail = {"variant": variant, "left": left}
    if left == 0:
        return Rejected("sold_out", "This is sold out.", detail=detail)
    return Rejected("out_of_stock", f"Only {left} of this are left.", detail=detail)


def _claim_id(ctx: Context) -> str:
    """By the place in the log, which every replica knows; with the batch's random salt, so that a place that was lost with a log
    that nobody has any more and given again makes another one."""
    return f"c{ctx.seq}-{sha256(ctx.salt + str(ctx.seq).encode()).hexdigest()[:12]}"


def enter_offer(state: m.SpotlightState, fact: m.ProductOffered) -> None:
    """Applies what is offered now."""
    state.card, state.selling = fact.card, bool(fact.goods)
    if not fact.goods:
        return
    offered = state.offers.get(fact.card.id)
    if offered is None:
        offered = state.offers[fact.card.id] = m.Offer(fact.limit)
    offered.limit = fact.limit
    offered.goods = {
        good.variant: m.Goods(good.label, good.price, good.given, good.given - good.left)
        for good in fact.goods
    }


def enter_claim(state: m.SpotlightState, fact: m.ClaimMade) -> None:
    """Applies a claim."""
    offered = state.offers[fact.product]
    goods = offered.goods[fact.variant]
    goods.sold = goods.given - fact.left
    offered.bought[fact.buyer] = offered.bought.get(fact.buyer, 0) + fact.quantity
