"""Who is refused what: one refusal a row, and what else a refusal says."""

from collections.abc import Callable
from typing import Any

import pytest

from liveserver.auction import model as m
from liveserver.auction.model import BARRED_MAX, CONFIRM_MS, UNCONFIRMED_MAX
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import Decision, Verdict
from liveserver.rooms.room import LogBroken
from tests.support.shows import LocalShow, accepted, refused


def running() -> LocalShow:
    show = LocalShow()
    show.opens("lot_1", start=1000)
    return show


def sold() -> LocalShow:
    show = running()
    show.ana.bids(1000)
    show.ends()
    return show


def closing() -> LocalShow:
    show = running()
    show.ana.bids(1000)
    show.host.closes()
    show.jump(300)
    return show


def hammered() -> LocalShow:
    show = running()
    show.log.recording = False
    show.ana.bids(1000)
    show.ends()
    return show


def scheduled() -> LocalShow:
    return LocalShow(started=False)


Row = tuple[str, Callable[[], LocalShow], Callable[[LocalShow], Verdict]]

# fmt: off
ROWS: list[Row] = [
    # bids
    ("sign_in_required", running, lambda s: s.guest.bids(1000)),
    ("own_show", running, lambda s: s.host.bids(1000)),
    ("own_show", running, lambda s: s.moderator.bids(1000)),
    ("own_show", running, lambda s: s.admin.bids(1000)),
    ("own_show", running, lambda s: s.system.bids(1000)),
    ("not_verified", running, lambda s: s.person("New", verified=False).bids(1000)),
    ("lot_unknown", running, lambda s: s.ana.bids(1000, "lot_9")),
    ("lot_closed", sold, lambda s: s.ben.bids(5000)),
    ("lot_closed", hammered, lambda s: s.ben.bids(5000)),
    ("lot_closed", closing, lambda s: s.ben.bids(5000, rtt_ms=10_000)),
    ("bid_too_low", running, lambda s: s.ana.bids(999)),
    ("bid_too_low", running, lambda s: s.ana.bids(999, exact=True)),
    ("show_not_live", scheduled, lambda s: s.ana.bids(1000, "lot_1")),
    # opening
    ("host_only", LocalShow, lambda s: s.ana.opens(s.terms())),
    ("host_only", LocalShow, lambda s: s.moderator.opens(s.terms())),
    ("host_only", LocalShow, lambda s: s.guest.opens(s.terms())),
    ("show_not_live", scheduled, lambda s: s.host.opens(s.terms())),
    ("lot_open", running, lambda s: s.host.opens(s.terms())),
    ("lot_open", closing, lambda s: s.host.opens(s.terms())),
    ("lot_known", sold, lambda s: s.host.opens(s.terms("lot_1"))),
    ("bad_reserve", LocalShow, lambda s: s.host.opens(s.terms(start=1000, reserve=999))),
    # acting on a lot
    ("host_only", running, lambda s: s.ana.calls()),
    ("host_only", running, lambda s: s.moderator.calls()),
    ("lot_unknown", running, lambda s: s.host.calls("lot_9")),
    ("lot_closed", closing, lambda s: s.host.calls()),
    ("lot_closed", sold, lambda s: s.host.calls()),
    ("host_only", running, lambda s: s.ana.closes()),
    ("host_only", running, lambda s: s.moderator.closes()),
    ("lot_unknown", running, lambda s: s.host.closes("lot_9")),
    ("lot_closed", closing, lambda s: s.host.closes()),
    ("lot_closed", sold, lambda s: s.host.closes()),
    ("not_due", running, lambda s: s.system.closes()),
    ("lot_closed", closing, lambda s: s.system.closes()),
    ("host_only", running, lambda s: s.ana.passes()),
    ("host_only", running, lambda s: s.moderator.passes()),
    ("lot_closed", closing, lambda s: s.host.passes()),
    ("lot_closed", hammered, lambda s: s.host.passes()),
    ("lot_closed", sold, lambda s: s.host.passes()),
    ("host_only", running, lambda s: s.ana.voids(s.ben)),
    ("host_only", running, lambda s: s.moderator.voids(s.ben)),
    ("no_such_bidder", running, lambda s: s.host.voids(s.ben)),
    ("lot_closed", hammered, lambda s: s.host.voids(s.ana)),
    ("lot_closed", sold, lambda s: s.host.voids(s.ana)),
    ("system_only", hammered, lambda s: s.host.confirms()),
    ("system_only", hammered, lambda s: s.admin.confirms()),
    ("lot_unknown", running, lambda s: s.system.confirms("lot_9")),
    ("lot_closed", running, lambda s: s.system.confirms()),
    ("lot_closed", sold, lambda s: s.system.confirms()),
    # ending the show over a lot
    ("lot_open", running, lambda s: s.host.ends_show()),
    ("lot_open", closing, lambda s: s.host.ends_show()),
]
# fmt: on


@pytest.mark.parametrize(("code", "scene", "act"), ROWS, ids=[f"{i}-{row[0]}" for i, row in enumerate(ROWS)])
def test_refused(code: str, scene: Callable[[], LocalShow], act: Callable[[LocalShow], Verdict]):
    show = scene()
    before, facts = show.snapshot(), len(show.facts)
    refused(act(show), code)
    assert show.snapshot() == before
    assert len(show.facts) == facts


@pytest.mark.parametrize("changed", [{"format": "dutch"}, {"version": 99}])
def test_row_24_a_format_or_version_that_only_a_newer_release_knows_stops_the_room(changed: dict[str, Any]):
    show = LocalShow()
    terms = m.Terms(**{f: getattr(show.terms(), f) for f in m.Terms.__struct_fields__} | changed)
    with pytest.raises(LogBroken, match="newer release"):
        show.host.opens(terms)


def test_the_seller_of_the_product_may_not_bid_either():
    show = LocalShow()
    show.opens(seller="u_sam")
    refused(show.sam.bids(1000), "own_show")
    accepted(show.ana.bids(1000))


def test_a_leader_is_told_the_own_maximum_and_a_rival_is_not():
    show = running()
    show.ana.bids(3000)
    assert refused(show.ana.bids(3000), "already_leading").detail == {"max": 3000, "min_next": 1100}
    assert refused(show.ben.bids(1050), "bid_too_low").detail == {"min_next": 1100}


def test_a_lot_that_another_closed_is_the_only_one_in_the_way_of_the_next():
    show = hammered()
    show.opens("lot_2")
    accepted(show.ben.bids(1000, "lot_2"))
    show.log.catch_up()
    assert show.snapshot()["lots"]["lot_1"]["status"] == "sold"
    assert show.snapshot()["lots"]["lot_2"]["status"] == "open"


def test_a_show_ends_while_a_result_waits_for_the_record():
    show = hammered()
    accepted(show.host.ends_show())
    show.log.catch_up()
    assert show.lot["status"] == "sold"


def test_no_lot_opens_when_too_many_results_wait():
    show = LocalShow()
    show.log.recording = False
    for n in range(UNCONFIRMED_MAX):
        show.opens(f"lot_{n}")
        show.ana.bids(1000)
        show.ends()
    assert refused(show.host.opens(show.terms("late")), "lots_unconfirmed").retryable
    show.log.catch_up()
    show.opens("late")


def test_a_full_lot_takes_no_new_bidders_but_known_ones_go_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("liveserver.auction.bidding.BIDDERS_MAX", 2)
    show = running()
    show.ana.bids(1000)
    show.ben.bids(1100)
    refused(show.cleo.bids(5000), "lot_full")
    accepted(show.ana.bids(5000))


def test_voids_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(m, "BARRED_MAX", 1)
    assert BARRED_MAX > 1
    show = running()
    show.ana.bids(1000)
    show.ben.bids(1200)
    accepted(show.host.voids(show.ben))
    refused(show.host.voids(show.ana), "void_full")


class TestConfirmation:
    def asked(self) -> tuple[LocalShow, str]:
        show = LocalShow()
        show.opens("lot_1", start=1000, confirm_times=10)
        refusal = refused(show.ana.bids(10_001), "confirm_bid")
        assert refusal.detail["min_next"] == 1000
        return show, refusal.detail["token"]

    def test_ten_times_the_minimum_is_not_far_above_it(self):
        show, _ = self.asked()
        accepted(show.ana.bids(10_000))

    def test_a_confirmed_bid_is_accepted(self):
        show, token = self.asked()
        show.jump(CONFIRM_MS - 1000)
        assert accepted(show.ana.bids(10_001, confirm=token))["leading"]

    def test_a_leader_raising_far_is_asked_too(self):
        show, token = self.asked()
        accepted(show.ana.bids(10_001, confirm=token))
        refused(show.ana.bids(20_000), "confirm_bid")

    def test_a_token_is_for_one_amount(self):
        show, token = self.asked()
        refused(show.ana.bids(10_002, confirm=token), "confirm_bid")

    def test_a_token_is_for_one_person(self):
        show, token = self.asked()
        refused(show.ben.bids(10_001, confirm=token), "confirm_bid")

    def test_a_token_is_for_one_lot(self):
        show, token = self.asked()
        show.host.passes()
        show.opens("lot_2", start=1000, confirm_times=10)
        refused(show.ana.bids(10_001, confirm=token), "confirm_bid")

    def test_a_token_holds_thirty_seconds(self):
        show = LocalShow()
        show.opens(start=1000, confirm_times=10, duration_ms=120_000)
        token = refused(show.ana.bids(10_001), "confirm_bid").detail["token"]
        show.jump(CONFIRM_MS)
        accepted(show.ana.bids(10_001, confirm=token))
        token = refused(show.ben.bids(20_000), "confirm_bid").detail["token"]
        show.jump(CONFIRM_MS + 1)
        again = refused(show.ben.bids(20_000, confirm=token), "confirm_bid").detail["token"]
        accepted(show.ben.bids(20_000, confirm=again))

    @pytest.mark.parametrize(
        "token", ["", ".", "x.y", "1", "١٢.ab", "-1.ab", f"{10**30}.ab", "9" * 60 + ".a", "1.é"]
    )
    def test_made_up_tokens_confirm_nothing(self, token: str):
        show, _ = self.asked()
        refused(show.ana.bids(10_001, confirm=token), "confirm_bid")

    def test_a_lot_may_be_opened_without_the_question(self):
        show = LocalShow()
        show.opens(start=1000, confirm_times=0)
        accepted(show.ana.bids(10**9))


class TestLimit:
    def test_what_was_won_counts(self):
        show = LocalShow()
        show.opens(start=1000, limit=5000)
        accepted(show.ana.bids(3000))
        show.ben.bids(2000)
        show.ends()  # Ana owes 2100
        show.opens(start=1000, limit=5000)
        refusal = refused(show.ana.bids(2901), "over_limit")
        assert refusal.detail == {"limit": 5000, "available": 2900}
        accepted(show.ana.bids(2900))

    def test_a_hundred_bids_at_once_stay_under_it(self):
        """faults.md, row 31: two edges can't both let a bid through, the room decides."""
        show = LocalShow()
        show.opens(start=100, limit=5000, increments="flat:1")
        verdicts = show.batch(*(show.ana.bid(100 * n) for n in range(1, 101)))
        assert [isinstance(v, Decision) for v in verdicts] == [True] * 50 + [False] * 50
        assert {v.code for v in verdicts if isinstance(v, Rejected)} == {"over_limit"}
