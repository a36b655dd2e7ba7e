"""The hash chain of a lot: any change of what was public breaks it, and erasing a person does not."""

from typing import Any

import msgspec
import pytest

from liveserver.auction import chain
from liveserver.auction import model as m
from tests.support.shows import SHOW, LocalShow

LotRow = tuple[int, int, m.AnyLotFact]


def recorded() -> list[LotRow]:
    show = LocalShow()
    show.opens("lot_1", start=1000, reserve=1500)
    show.ana.bids(1000)
    show.host.calls()
    show.host.extends()
    show.ben.bids(3000)
    show.cleo.bids(4000)
    show.host.voids(show.cleo)
    show.ends()
    show.opens("lot_2")
    show.host.passes()
    facts = [(seq, ts, fact) for seq, ts, fact in show.facts if isinstance(fact, m.LotFact)]
    assert {type(fact) for _, _, fact in facts} == set(m.LOT_FACTS)
    return facts


def changed(facts: list[LotRow], kind: type[m.LotFact], **fields: Any) -> list[LotRow]:
    """The record with something altered in the first fact of a kind."""
    at = next(i for i, (_, _, fact) in enumerate(facts) if isinstance(fact, kind))
    seq, ts, fact = facts[at]
    return [*facts[:at], (seq, ts, msgspec.structs.replace(fact, **fields)), *facts[at + 1 :]]


def test_an_untouched_record_verifies():
    assert chain.verify(recorded()) is None


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (m.LotOpened, {"sealed": "0" * 64}),
        (m.LotOpened, {"hard_ends_at": None}),
        (m.BidAccepted, {"price": 1001}),
        (m.BidAccepted, {"public": "0" * 12}),
        (m.BidAccepted, {"leader_public": "0" * 12}),
        (m.BidAccepted, {"bids": 7}),
        (m.BidAccepted, {"ends_at": 0}),
        (m.BidAccepted, {"allowance_ms": 250}),
        (m.BidAccepted, {"commitment": "0" * 64}),
        (m.LotCalled, {"calls": 2}),
        (m.LotExtended, {"ends_at": 0}),
        (m.LotClosing, {"ends_at": 0}),
        (m.BidderVoided, {"price": 9}),
        (m.LotHammered, {"price": 9}),
        (m.LotSold, {"public": "0" * 12}),
        (m.LotPassed, {"reason": "no_bids"}),
    ],
)
def test_a_changed_record_is_noticed(kind: type[m.LotFact], fields: dict[str, Any]):
    broken = chain.verify(changed(recorded(), kind, **fields))
    assert broken is not None
    assert broken.recorded != broken.computed


def test_a_missing_or_moved_bid_is_noticed():
    facts = recorded()
    assert chain.verify([*facts[:2], *facts[3:]]) is not None
    seq, ts, fact = facts[1]
    assert chain.verify([facts[0], (seq, ts + 1, fact), *facts[2:]]) is not None


def test_erasing_everybody_leaves_the_chain_whole():
    """faults.md, row 39: names, ids and amounts are not in the chain, only pseudonyms and commitments."""
    personal = {
        "bidder",
        "name",
        "amount",
        "outbid",
        "leader",
        "leader_name",
        "top",
        "second",
        "winner",
        "user",
        "by",
        "reason",
    }
    erased: list[LotRow] = []
    for seq, ts, fact in recorded():
        gone: dict[str, Any] = {
            name: type(getattr(fact, name))() for name in fact.__struct_fields__ if name in personal
        }
        if isinstance(fact, m.LotPassed):
            del gone["reason"]  # one of three words, not a person's
        erased.append((seq, ts, msgspec.structs.replace(fact, **gone)))
    assert "Ana" not in repr(erased)
    assert "u_ana" not in repr(erased)
    assert chain.verify(erased) is None


def test_a_commitment_opens_with_its_salt_only():
    bid = next(fact for _, _, fact in recorded() if isinstance(fact, m.BidAccepted))
    assert chain.commitment(b"s" * 16, 7, "u_ana", 1000) == chain.bid_commitment(b"s" * 16, 7, "u_ana", 1000)
    assert chain.bid_commitment(b"s" * 16, 7, "u_ana", 1000) != chain.bid_commitment(
        b"t" * 16, 7, "u_ana", 1000
    )
    assert len(bid.commitment) == 64


def test_pseudonyms_link_no_two_shows():
    assert chain.public_id(SHOW, "u_ana") != chain.public_id("show_2", "u_ana")
    assert len(chain.public_id(SHOW, "u_ana")) == 12
