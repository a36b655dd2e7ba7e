"""A bidder voided: what the others' maxima come to, who is told, and that only this lets a price fall."""

import json

from tests.support.shows import LocalShow, accepted, refused


def contested() -> LocalShow:
    show = LocalShow()
    show.opens("lot_1", start=1000)
    show.ana.bids(2000)
    show.ben.bids(3000)
    show.cleo.bids(9000)
    assert (show.lot["leader"], show.lot["price"]) == ("Cleo", 3100)
    return show


def test_the_price_falls_to_what_the_others_bid():
    show = contested()
    result = accepted(show.host.voids(show.cleo))
    assert result == {"lot": "lot_1", "price": 2100, "bids": 2, "min_next": 2200}
    assert (show.lot["leader"], show.lot["price"], show.lot["bids"]) == ("Ben", 2100, 2)
    assert show.ends()["leader"] == "Ben"


def test_a_voided_second_leaves_the_leader_at_the_third():
    show = contested()
    show.host.voids(show.ben)
    assert (show.lot["leader"], show.lot["price"]) == ("Cleo", 2100)


def test_when_nobody_is_left_the_lot_is_as_new():
    show = LocalShow()
    show.opens(start=1000)
    show.ana.bids(5000)
    show.host.voids(show.ana)
    lot = show.lot
    assert (lot["price"], lot["leader"], lot["leader_id"], lot["bids"], lot["min_next"]) == (
        None,
        None,
        None,
        0,
        1000,
    )
    assert show.ends()["reason"] == "no_bids"


def test_the_earlier_of_equals_follows_the_voided_leader():
    show = LocalShow()
    show.opens(start=1000)
    show.ana.bids(3000)
    show.ben.bids(3000)
    show.cleo.bids(5000)
    show.host.voids(show.cleo)
    assert (show.lot["leader"], show.lot["price"]) == ("Ana", 3000)


def test_who_raised_to_an_equal_maximum_is_the_later():
    show = LocalShow()
    show.opens(start=1000)
    show.ana.bids(1000)
    show.ben.bids(3000)
    show.ana.bids(3000)  # raised: from now on Ben's is the earlier of two equal maxima
    show.cleo.bids(5000)
    show.host.voids(show.cleo)
    assert (show.lot["leader"], show.lot["price"]) == ("Ben", 3000)


def test_a_reserve_may_be_unmet_again():
    show = LocalShow()
    show.opens(start=1000, reserve=4000)
    show.ana.bids(2000)
    show.ben.bids(5000)
    assert (show.lot["price"], show.lot["reserve"]) == (4000, "met")
    show.host.voids(show.ben)
    assert (show.lot["price"], show.lot["reserve"]) == (2000, "not_met")
    assert show.ends()["reason"] == "reserve_not_met"


def test_an_exact_bid_keeps_its_price_when_its_bidder_leads_again():
    show = LocalShow()
    show.opens(start=1000, exact=True)
    show.ana.bids(3000)
    show.ben.bids(5000)
    show.host.voids(show.ben)
    assert (show.lot["leader"], show.lot["price"]) == ("Ana", 3000)


def test_who_was_voided_may_not_bid_on_the_lot_again():
    show = contested()
    show.host.voids(show.cleo)
    refused(show.cleo.bids(9000), "bidder_voided")
    show.host.passes()
    show.opens("lot_2", start=1000)
    accepted(show.cleo.bids(9000))


def test_calls_start_anew_and_the_end_stays():
    show = contested()
    show.at(25_000)
    show.host.calls()
    end = show.lot["ends_at"]
    show.host.voids(show.cleo)
    assert (show.lot["calls"], show.lot["ends_at"]) == (0, end)


def test_the_last_bidder_may_be_voided_while_the_hammer_falls():
    show = contested()
    show.host.closes()
    accepted(show.host.voids(show.cleo))
    assert show.ends()["leader"] == "Ben"


def test_everybody_is_told_the_state_and_the_reason_but_not_the_person():
    show = contested()
    show.host.voids(show.cleo, "card was refused")
    told = show.told("lot:voided")[-1]
    assert told["reason"] == "card was refused"
    assert (told["price"], told["leader"], told["bids"], told["min_next"]) == (2100, "Ben", 2, 2200)
    assert "Cleo" not in json.dumps(told)
    assert "u_cleo" not in json.dumps(told)
    assert show.told("host:void", "staff")[-1]["bidder"] == {"id": "u_cleo", "name": "Cleo"}
    assert show.cleo.told("bid:voided")[-1]["reason"] == "card was refused"


def test_the_reason_is_on_record():
    show = contested()
    show.host.voids(show.cleo, "card was refused")
    fact = show.facts[-1][2]
    assert (fact.user, fact.reason, fact.by) == ("u_cleo", "card was refused", "u_host")
