"""The demo's people: distinct, the same for the same seed, and never carried away past what a thing is worth to them."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveserver.accounts.rules import clean_email, clean_name, judge_password, name_key
from liveserver.demo.bidder import Intent, Mind, consider, step_of
from liveserver.demo.goods import EVERYTHING, LIVE
from liveserver.demo.people import BOTS_MAX, JUNO, MARA, OPERATOR, STYLES, THEO, VISITOR, Character, cast

EVERYBODY = [character.person for character in cast(1, BOTS_MAX)] + [MARA, VISITOR, OPERATOR, THEO, JUNO]


def a_lot(price: int | None, **more: Any) -> dict[str, Any]:
    lot = {
        "lot": "l",
        "title": LIVE[0].title,
        "start": 3_000,
        "price": price,
        "calls": 0,
        "status": "open",
        "bids": 0,
    }
    return lot | {"min_next": 3_000 if price is None else price + 200} | more


def test_all_have_names_addresses_and_passwords_that_accounts_accept() -> None:
    for person in EVERYBODY:
        assert clean_name(person.name) == person.name
        assert clean_email(person.email) == person.email
        assert judge_password(person.password, 10, person.name, person.email) is None
    assert len({name_key(person.name) for person in EVERYBODY}) == len(EVERYBODY)
    assert len({person.email for person in EVERYBODY}) == len(EVERYBODY)


def test_one_seed_is_one_evening() -> None:
    def evening(seed: int) -> list[Any]:
        people = cast(seed, 12)
        return [
            (who, [who.valuation(n, good.title, good.start) for good in LIVE for n in (1, 2)])
            for who in people
        ]

    assert evening(3) == evening(3)
    assert evening(3) != evening(4)


def test_twelve_people_make_an_auction_of_every_lot() -> None:
    """Several want it, at least two of them for clearly more than the start, nobody for a fortune."""
    for seed in range(20):
        people = cast(seed, 12)
        for good in EVERYTHING:
            worth = sorted(who.valuation(1, good.title, good.start) for who in people)
            assert worth[-1] <= good.worth * 1.6
        contested = sum(
            sorted(who.valuation(1, g.title, g.start) for who in people)[-2] > g.start * 1.5 for g in LIVE
        )
        assert contested >= len(LIVE) * 2 // 3


@given(
    st.sampled_from(cast(5, 60)),
    st.integers(0, 40_000),
    st.integers(0, 4),
    st.one_of(st.none(), st.integers(3_000, 60_000)),
    st.integers(0, 2),
    st.integers(0, 60_000),
    st.randoms(use_true_random=False),
)
def test_nobody_means_to_bid_what_they_cannot_or_would_not_pay(
    who: Character, valuation: int, bids: int, price: int | None, calls: int, left_ms: int, random: Random
) -> None:
    mind = Mind(valuation, bids)
    intent = consider(who, mind, a_lot(price, calls=calls), False, left_ms, random)
    least = a_lot(price)["min_next"]
    if least > valuation:
        assert intent is None
        assert mind.out
    if intent is not None:
        assert intent.after_ms >= 300, "nobody answers faster than a human"
        assert intent.after_ms <= max(left_ms, 15_000)
        assert intent.amount >= least


@pytest.mark.parametrize("style", STYLES)
def test_a_leader_does_not_bid_against_themselves(style: str) -> None:
    who = next(who for who in cast(1, 60) if who.style == style)
    assert consider(who, Mind(20_000), a_lot(4_000), True, 10_000, Random(1)) is None


def test_a_sniper_waits_and_a_stepper_steps() -> None:
    sniper = next(who for who in cast(1, 60) if who.style == "sniper")
    stepper = next(who for who in cast(1, 60) if who.style == "stepper")
    early = consider(sniper, Mind(20_000), a_lot(4_000), False, 30_000, Random(1))
    assert isinstance(early, Intent)
    assert early.after_ms >= 20_000
    step = consider(stepper, Mind(20_000), a_lot(4_000), False, 30_000, Random(1))
    assert step is not None
    assert step.amount == 4_200
    assert step_of(a_lot(None)) == 300
