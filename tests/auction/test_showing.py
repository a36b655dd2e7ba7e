"""What whom is shown: documents, events, the private part, the console; and that a finished lot is told as finished."""

from liveserver.auction.chain import public_id
from liveserver.auction.model import LOTS_MAX
from liveserver.rooms.model import STAFF_ONLY, Viewer
from tests.support.shows import SHOW, LocalShow, accepted


def sold() -> LocalShow:
    show = LocalShow()
    show.opens("lot_1", start=1000)
    show.ana.bids(3000)
    show.ben.bids(2000)
    show.ends()
    return show


def test_the_lots_document():
    show = LocalShow()
    show.opens("lot_1", start=1000, title="Leica M3", product="prod_1")
    opened = show.lot
    assert opened == {
        "lot": "lot_1", "title": "Leica M3", "picture": "", "product": "prod_1", "format": "english", "exact": False,
        "currency": "USD", "status": "open", "start": 1000, "price": None, "leader": None, "leader_id": None, "bids": 0,
        "min_next": 1000, "reserve": "none", "opened_at": show.ts, "ends_at": show.ts + 30_000,
        "hard_ends_at": show.ts + 600_000, "window_ms": 10_000, "extend_ms": 10_000, "hammer_ms": 700, "preset": "live",
        "calls": 0, "extensions": 0, "reason": None, "head": opened["head"],
    }  # fmt: skip
    assert show.told("lot:opened") == [opened | {"server_now": show.ts}]
    assert show.snapshot()["current"] == "lot_1"


def test_an_accepted_bid_as_everybody_hears_it():
    show = sold()
    told = show.told("bid:accepted")[-1]
    assert told == {
        "lot": "lot_1", "price": 2100, "leader": "Ana", "leader_id": public_id(SHOW, "u_ana"), "bids": 2,
        "min_next": 2200, "reserve": "none", "status": "open", "ends_at": told["ends_at"], "extensions": 0,
        "server_now": told["server_now"], "head": told["head"],
    }  # fmt: skip


def test_a_sale_is_provisional_until_it_is_recorded():
    show = LocalShow()
    show.log.recording = False
    show.opens("lot_1", start=1000)
    show.ana.bids(1000)
    show.ends()
    told = show.told("lot:closing")
    assert [e["status"] for e in told] == ["closing", "hammered"]
    assert told[1]["provisional"] == {"price": 1000, "leader": "Ana", "leader_id": public_id(SHOW, "u_ana")}
    assert show.told("lot:sold") == []
    hammered_at = next(seq for seq, _, fact in show.facts if type(fact).__name__ == "LotHammered")
    feature = show.features[1]
    assert [(p.after_seq, p.kind) for p in feature.pending(show.state)] == [(hammered_at, "lot:confirm")]
    show.log.catch_up()
    assert feature.pending(show.state) == []
    final = show.told("lot:sold")
    assert len(final) == 1
    assert (final[0]["price"], final[0]["leader"], final[0]["status"]) == (1000, "Ana", "sold")


def test_a_pass_says_why():
    show = LocalShow()
    for end, reason in (("host", "host"), ("time", "no_bids")):
        show.opens()
        show.host.passes() if end == "host" else show.ends()
        assert show.told("lot:passed")[-1]["reason"] == reason == show.lot["reason"]
    show.opens(reserve=5000)
    show.ana.bids(4000)
    show.ends()
    assert show.told("lot:passed")[-1]["reason"] == "reserve_not_met"


def test_who_is_outbid_hears_it_with_the_next_amount():
    show = LocalShow()
    show.opens(start=1000)
    show.ana.bids(1000)
    show.ben.bids(5000)
    told = show.ana.told("bid:outbid")
    assert [(e["price"], e["min_next"], e["leader"]) for e in told] == [(1100, 1200, "Ben")]
    accepted(show.ana.bids(1500))  # beaten at once by Ben's maximum
    assert len(show.ana.told("bid:outbid")) == 2
    assert show.ben.told("bid:outbid") == []


def test_raising_ones_own_maximum_outbids_nobody():
    show = LocalShow()
    show.opens(start=1000)
    show.ana.bids(1000)
    show.ana.bids(5000)
    assert show.ana.told("bid:outbid") == []


def test_you():
    show = LocalShow()
    assert show.ana.you == {"id": public_id(SHOW, show.ana.id), "max": {}, "leading": [], "won": []}
    show.opens("lot_1", start=1000)
    show.ana.bids(3000)
    show.ben.bids(2000)
    assert show.ana.you == {
        "id": public_id(SHOW, "u_ana"),
        "max": {"lot_1": 3000},
        "leading": ["lot_1"],
        "won": [],
    }
    assert show.ben.you == {"id": public_id(SHOW, "u_ben"), "max": {"lot_1": 2000}, "leading": [], "won": []}
    show.log.recording = False
    show.ends()
    assert show.ana.you["won"] == [{"lot": "lot_1", "price": 2100, "final": False}]
    show.log.catch_up()
    assert show.ana.you["won"] == [{"lot": "lot_1", "price": 2100, "final": True}]
    assert show.ben.you["won"] == []


def test_staff_see_who_bids_and_no_maxima():
    show = LocalShow()
    show.opens("lot_1", start=1000)
    show.ana.bids(3000)
    show.ben.bids(2000)
    for staff in (show.host, show.moderator, show.admin):
        assert staff.you["bidders"] == {
            "lot_1": [
                {"id": "u_ben", "name": "Ben", "bids": 1, "leading": False},
                {"id": "u_ana", "name": "Ana", "bids": 1, "leading": True},
            ]
        }
    assert "bidders" not in show.ana.you
    line = show.told("host:bid", STAFF_ONLY)[-1]
    assert (line["bidder"], line["price"], line["leading"]) == ({"id": "u_ben", "name": "Ben"}, 2100, False)


def test_only_the_newest_lots_are_kept():
    show = LocalShow()
    for n in range(LOTS_MAX + 3):
        show.opens(f"lot_{n}")
        show.host.passes()
    lots = show.snapshot()["lots"]
    assert list(lots) == [f"lot_{n}" for n in range(3, LOTS_MAX + 3)]


def test_finished_lots_hold_nothing_hidden():
    lot = sold().state.lots["lot_1"]
    assert (lot.book.bidders, lot.book.top, lot.book.second) == ({}, 0, 0)


def test_guests_see_what_viewers_see():
    show = sold()
    guest, viewer = (show.snapshot(Viewer("x", role)) for role in ("guest", "viewer"))
    assert guest == viewer


def test_of_bids_in_one_moment_the_last_is_told_and_everybody_outbid_hears_how_it_stands():
    show = LocalShow()
    show.opens(start=1000, increments="flat:100")
    show.ana.bids(1000)
    show.batch(show.ben.bid(2000), show.cleo.bid(1500), show.ana.bid(3000), show.ben.bid(2500))
    assert [e["price"] for e in show.told("bid:accepted")] == [1000, 2600]
    assert show.told("bid:accepted")[-1] == show.told("bid:accepted")[-1] | {"leader": "Ana", "bids": 5}
    heard = {name: [(e["price"], e["leader"]) for e in person.told("bid:outbid")] for name, person in
             (("ana", show.ana), ("ben", show.ben), ("cleo", show.cleo))}  # fmt: skip
    assert heard == {"ana": [], "ben": [(2600, "Ana")], "cleo": [(2600, "Ana")]}
