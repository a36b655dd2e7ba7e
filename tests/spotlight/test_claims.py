"""Buying from the spotlight: who comes first is served, nobody gets what is not there, and everybody sees what is left."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveserver.client.reducers.spotlight import reduce
from liveserver.rooms.lifecycle import End, Lifecycle, Start
from liveserver.rooms.model import ROOM, Actor, Context, Decision, Role
from liveserver.spotlight import model as m
from liveserver.spotlight.feature import SpotlightFeature
from tests.support.replica import Replica, person

HANA, ANA, BEN = person("Hana", "host"), person("Ana"), person("Ben")
CARD = m.Card("prod_1", "Scarf", 2500, "EUR", "/1.svg", 9)
RED, BLUE = "v_red", "v_blue"


def offers(show: Replica, *given: int, limit: int = 10, card: m.Card = CARD) -> dict[str, Any]:
    goods = tuple(
        m.Good(id, id[2:].title(), 2500 + 100 * i, units)
        for i, (id, units) in enumerate(zip((RED, BLUE), given, strict=False))
    )
    return show.does(HANA, "spotlight:offer", m.OfferSpotlight(card, goods, limit))


def buying(quantity: int = 1, variant: str = "", product: str = "prod_1") -> m.BuySpotlight:
    return m.BuySpotlight(product, variant, quantity)


def a_show(*given: int, limit: int = 10) -> Replica:
    show = Replica(SpotlightFeature())
    if given:
        offers(show, *given, limit=limit)
    return show


def remaining(show: Replica) -> dict[str, int]:
    return {
        each["id"]: each["remaining"] for each in show.snapshot("spotlight")["product"]["offer"]["variants"]
    }


def test_who_comes_first_gets_the_last_one():
    show = a_show(1)
    bought = show.does(ANA, "spotlight:buy", buying())
    assert (bought["qty"], bought["amount"], bought["currency"]) == (1, 2500, "EUR")
    refused = show.refuses(BEN, "spotlight:buy", buying())
    assert (refused.code, refused.detail) == ("sold_out", {"variant": RED, "left": 0})
    claimed = {"product": "prod_1", "variant": RED, "qty": 1, "remaining": 0, "name": "Ana"}
    assert show.told()[-1] == ("product:claimed", claimed)
    assert remaining(show) == {RED: 0}
    show.assert_survives_storage()


def test_the_price_is_the_variant_s():
    show = a_show(5, 5)
    assert show.does(ANA, "spotlight:buy", buying(2, BLUE))["amount"] == 5200
    assert remaining(show) == {RED: 5, BLUE: 3}


def test_claims_have_ids_of_their_own():
    show = a_show(5)
    ids = [show.does(ANA, "spotlight:buy", buying())["claim"] for _ in range(3)]
    assert len(set(ids)) == 3


def test_the_fact_holds_what_an_order_needs():
    show = a_show(5)
    state = show.room.states["spotlight"]
    feature = SpotlightFeature()

    verdict = feature.decide(state, buying(2), Context(9, show.ts, ANA, 0, b"s"))
    assert isinstance(verdict, Decision)
    (fact,) = verdict.facts
    assert isinstance(fact, m.ClaimMade)
    assert (fact.buyer, fact.name, fact.quantity, fact.price, fact.currency) == (
        "u_ana",
        "Ana",
        2,
        2500,
        "EUR",
    )
    assert (fact.title, fact.label, fact.picture, fact.left) == ("Scarf", "Red", "/1.svg", 3)


@pytest.mark.parametrize(
    ("who", "what", "code"),
    [
        (Actor("guest:1", "Guest", "guest"), buying(), "sign_in_required"),
        (HANA, buying(), "own_show"),
        (person("Mo", "moderator"), buying(), "own_show"),
        (person("Op", "admin"), buying(), "own_show"),
        (msgspec.structs.replace(ANA, verified=False), buying(), "not_verified"),
        (ANA, buying(product="prod_2"), "not_in_spotlight"),
        (ANA, buying(), "variant_needed"),
        (ANA, buying(1, "v_green"), "no_such_variant"),
        (ANA, buying(5, RED), "out_of_stock"),
        (ANA, buying(4, BLUE), "over_limit"),
    ],
)
def test_who_and_what_is_refused(who: Actor, what: m.BuySpotlight, code: str):
    show = a_show(4, 9, limit=3)
    assert show.refuses(who, "spotlight:buy", what).code == code
    assert remaining(show) == {RED: 4, BLUE: 9}


def test_the_limit_counts_all_that_a_person_bought_of_the_product():
    show = a_show(9, 9, limit=3)
    show.does(ANA, "spotlight:buy", buying(2, RED))
    refused = show.refuses(ANA, "spotlight:buy", buying(2, BLUE))
    assert (refused.code, refused.detail) == ("over_limit", {"limit": 3, "bought": 2})
    show.does(ANA, "spotlight:buy", buying(1, BLUE))
    show.does(BEN, "spotlight:buy", buying(3, BLUE))
    assert show.snapshot("spotlight", user="u_ana")["you"] == {"product": "prod_1", "bought": 3}
    assert "you" not in show.snapshot("spotlight", user="u_cleo")


def test_what_is_not_offered_is_not_sold():
    show = a_show()
    assert show.refuses(ANA, "spotlight:buy", buying()).code == "not_in_spotlight"
    offers(show)
    assert show.snapshot("spotlight")["product"]["offer"] is None
    assert show.refuses(ANA, "spotlight:buy", buying()).code == "not_for_sale"
    offers(show, 3)
    show.does(HANA, "spotlight:clear", m.ClearSpotlight())
    assert show.refuses(ANA, "spotlight:buy", buying()).code == "not_in_spotlight"


def test_a_card_that_an_older_release_set_is_shown_and_not_sold():
    show = a_show(3)
    show.does(HANA, "spotlight:set", m.SetSpotlight(CARD))
    assert show.snapshot("spotlight")["product"]["offer"] is None
    assert show.refuses(ANA, "spotlight:buy", buying()).code == "not_for_sale"
    offers(show, 3)
    assert remaining(show) == {RED: 3}


def test_what_was_sold_stays_sold_when_the_product_comes_back():
    show = a_show(3)
    show.does(ANA, "spotlight:buy", buying(2))
    offers(show, 8, card=msgspec.structs.replace(CARD, id="prod_2"))
    offers(show, 3)
    assert remaining(show) == {RED: 1}
    assert offers(show, 5)["left"] == 3, "two more were taken along"
    offers(show, 3)
    assert remaining(show) == {RED: 3}, "an older word that came later takes nothing away"


def test_a_variant_that_left_the_catalog_is_sold_no_more_and_comes_back_without_what_was_sold():
    show = a_show(3, 4)
    show.does(ANA, "spotlight:buy", buying(1, BLUE))
    offers(show, 3)
    assert remaining(show) == {RED: 3, BLUE: 0}
    offers(show, 3, 4)
    assert remaining(show) == {RED: 3, BLUE: 3}


def test_a_show_sells_a_bounded_number_of_products(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(m, "OFFERS_MAX", 1)
    show = a_show(3)
    second = msgspec.structs.replace(CARD, id="prod_2")
    goods = (m.Good(RED, "", 1, 1),)
    assert show.refuses(HANA, "spotlight:offer", m.OfferSpotlight(second, goods, 1)).code == "offers_full"
    show.does(HANA, "spotlight:offer", m.OfferSpotlight(second, (), 1))


def test_a_bounded_number_of_people_buys_one_product(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(m, "BUYERS_MAX", 1)
    show = a_show(9)
    show.does(ANA, "spotlight:buy", buying())
    assert show.refuses(BEN, "spotlight:buy", buying()).code == "buyers_full"
    show.does(ANA, "spotlight:buy", buying())


def test_only_while_the_show_is_live():
    show = Replica(Lifecycle(), SpotlightFeature())
    offers(show, 3)
    assert show.refuses(ANA, "spotlight:buy", buying()).code == "show_not_live"
    show.does(HANA, "show:start", Start())
    show.does(ANA, "spotlight:buy", buying())
    show.does(HANA, "show:end", End())
    assert show.refuses(ANA, "spotlight:buy", buying()).code == "show_ended"
    assert show.refuses(HANA, "spotlight:offer", m.OfferSpotlight(CARD, (), 1)).code == "show_ended"


STEPS = st.one_of(
    st.tuples(st.just("buy"), st.sampled_from(("Ana", "Ben", "Cleo")), st.integers(1, 4), st.sampled_from((RED, BLUE, ""))),
    st.tuples(st.just("offer"), st.integers(1, 2), st.integers(0, 12), st.integers(0, 12)),
    st.tuples(st.just("only red"), st.integers(1, 2), st.integers(0, 12)),
    st.tuples(st.just("clear")),
    st.tuples(st.just("old set")),
)  # fmt: skip


@given(steps=st.lists(STEPS, max_size=25), joins=st.integers(0, 25), limit=st.integers(1, 6))
def test_never_oversold_and_old_snapshot_and_events_make_the_new_one(
    steps: list[tuple[Any, ...]], joins: int, limit: int
):
    show = Replica(SpotlightFeature())
    given_most: dict[tuple[str, str], int] = {}
    sold: dict[tuple[str, str], int] = {}
    by_person: dict[tuple[str, str], int] = {}
    picture, known = copy.deepcopy(show.snapshot("spotlight")), 0
    for at, step in enumerate(steps):
        match step:
            case ("offer" | "only red", product, *units):
                card = msgspec.structs.replace(CARD, id=f"prod_{product}")
                offers(show, *units, limit=limit, card=card)
                for variant, n in zip((RED, BLUE), units, strict=False):
                    key = (card.id, variant)
                    given_most[key] = max(given_most.get(key, 0), n)
            case ("buy", name, quantity, variant):
                state = show.room.states["spotlight"]
                product = state.card.id if state.card is not None else "prod_1"
                who = person(name)
                verdict = show.appends(who, "spotlight:buy", buying(quantity, variant, product))
                if isinstance(verdict, Decision):
                    key = (product, verdict.result["variant"])
                    sold[key] = sold.get(key, 0) + quantity
                    own = (product, who.id)
                    by_person[own] = by_person.get(own, 0) + quantity
            case ("clear",):
                show.does(HANA, "spotlight:clear", m.ClearSpotlight())
            case _:
                show.does(HANA, "spotlight:set", m.SetSpotlight(CARD))
        if at == joins:
            picture, known = copy.deepcopy(show.snapshot("spotlight")), len(show.wire_events())
    assert all(n <= given_most[key] for key, n in sold.items()), "never oversold"
    assert all(n <= limit for n in by_person.values())
    for event in show.wire_events()[known:]:
        reduce(picture, event)
    assert picture == show.snapshot("spotlight")
    show.assert_survives_storage()


def test_of_a_rush_everybody_hears_what_is_left_at_its_end():
    show = a_show(50, 50)
    picture = copy.deepcopy(show.snapshot("spotlight"))
    for i in range(20):
        show.does(person(f"P{i}"), "spotlight:buy", buying(1, (RED, BLUE)[i % 2]))
    told = [
        event for _, _, event in show.events if event.audience == ROOM and event.type == "product:claimed"
    ]
    newest = {event.lot: event for event in told}
    assert len(newest) == 2
    for event in newest.values():
        reduce(picture, {"type": event.type, "payload": event.payload})
    assert picture == show.snapshot("spotlight")


ROLES: tuple[Role, ...] = ("viewer", "moderator", "host", "admin")


@pytest.mark.parametrize("role", ROLES)
def test_nobody_is_told_who_bought_how_much(role: Role):
    show = a_show(9)
    show.does(ANA, "spotlight:buy", buying())
    seen = msgspec.json.encode(show.snapshot("spotlight", role)).decode()
    assert "u_ana" not in seen
    assert "u_ana" not in msgspec.json.encode([event.payload for _, _, event in show.events]).decode()
