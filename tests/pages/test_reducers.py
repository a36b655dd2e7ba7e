"""The pages keep the same picture of a show as the server: old snapshot + events == new snapshot, in JavaScript too.

Histories of all features come from real rooms; the browser brings the old snapshot up to date with what the room was told.
"""

import json
from random import Random
from typing import Any

import pytest
from playwright.async_api import Page

from liveserver.auction.feature import Auction
from liveserver.auction.model import LOTS_MAX
from liveserver.chat import model as chat
from liveserver.chat.feature import ChatFeature
from liveserver.chat.text import digest
from liveserver.rooms.lifecycle import End, Lifecycle
from liveserver.spotlight.feature import SpotlightFeature
from liveserver.spotlight.model import BuySpotlight, Card, ClearSpotlight, Good, OfferSpotlight, SetSpotlight
from tests.support.shows import LocalShow

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("pages")]

HISTORIES = 60
STEPS = 70
BIDDERS = ("Ana", "Ben", "Cleo")


async def test_old_snapshot_and_events_make_the_new_snapshot(page: Page):
    cases = [_history(seed) for seed in range(HISTORIES)]
    views = await page.evaluate(
        """async (text) => {
          const { apply } = await import("/static/js/live/view.js");
          return JSON.parse(text).map(({ before, events }) => {
            for (const event of events) apply(before, event);
            return before;
          });
        }""",
        json.dumps(cases),
    )
    for seed, (case, view) in enumerate(zip(cases, views, strict=True)):
        assert view == case["after"], f"history {seed}"
    types = {event["type"] for case in cases for event in case["events"]}
    assert types >= {
        "lot:opened",
        "bid:accepted",
        "lot:extended",
        "lot:called",
        "lot:closing",
        "lot:sold",
        "lot:passed",
    }
    assert types >= {
        "lot:voided",
        "chat:new",
        "chat:deleted",
        "chat:pinned",
        "chat:slow",
        "product:highlighted",
    }
    assert types >= {"show:started", "show:ended"}
    assert any(len(case["after"]["auction"]["lots"]) == LOTS_MAX for case in cases), "old lots are let go"


def _history(seed: int) -> dict[str, Any]:
    random = Random(seed)
    features = (Lifecycle(), Auction(), ChatFeature(), SpotlightFeature())
    show = LocalShow(features, seed=str(seed), started=seed % 5 != 0)
    if seed % 10 == 1:  # a long evening, so that the oldest lots are let go
        for _ in range(LOTS_MAX - 3):
            show.opens()
            show.ends()
    for _ in range(random.randrange(STEPS)):
        _step(show, random)
    before, known = _public(show), len(show.public_events())
    if seed % 5 == 0:
        show.host.sends("show:start", _start())
    for _ in range(STEPS):
        _step(show, random)
    if seed % 7 == 0:
        show.ends()
        show.host.sends("show:end", End())
    return {"before": before, "events": show.public_events()[known:], "after": _public(show)}


def _start() -> Any:
    return Lifecycle.commands["show:start"]()


def _public(show: LocalShow) -> dict[str, Any]:
    return json.loads(json.dumps(show.room.snapshot()))  # as it travels


def _step(show: LocalShow, random: Random) -> None:
    show.wait(random.choice([0, 0, 200, 900, 3_500, 9_000, 31_000]))
    person = show.person(random.choice(BIDDERS))
    lot = show.state.lots.get(show.current)
    match random.choice(
        ["bid"] * 6
        + [
            "open",
            "open",
            "call",
            "close",
            "pass",
            "void",
            "say",
            "say",
            "delete",
            "pin",
            "slow",
            "ban",
            "spot",
            "spot",
            "buy",
            "buy",
        ]
    ):
        case "bid" if lot is not None:
            person.bids(lot.book.min_next + random.choice([0, 0, 100, 500, 2_000]))
        case "open":
            show.host.opens(
                show.terms(
                    reserve=random.choice([None, None, 1_500]), preset=random.choice(["live", "sudden-death"])
                )
            )
        case "call" if lot is not None:
            show.host.calls()
        case "close" if lot is not None:
            show.host.closes()
        case "pass" if lot is not None:
            show.host.passes()
        case "void" if lot is not None:
            show.host.voids(person)
        case "say":
            text = random.choice(["hello", "mine!", "🔥", "<b>bold</b>", f"nr {random.randrange(99)}"])
            person.sends("chat:send", chat.Send(text, digest(text), 0))
        case "delete":
            show.moderator.sends("chat:delete", chat.Delete(random.randrange(1, 90)))
        case "pin":
            show.moderator.sends("chat:pin", chat.Pin(random.choice([None, random.randrange(1, 90)])))
        case "slow":
            show.moderator.sends("chat:slow", chat.SetSlow(random.choice([0, 1_000])))
        case "ban" if random.random() < 0.1:
            show.host.sends("user:ban", chat.BanUser(person.id, "viewer", ""))
        case "spot":
            card = Card(id="p1", title="Camera", price=12_900, currency="USD", picture="/p.svg", stock=2)
            units = random.randrange(6)
            goods = tuple(
                Good(f"v{i}", f"Size {i}", 12_900 + i, units + i) for i in range(random.randrange(3))
            )
            show.host.sends(
                *random.choice(
                    [
                        ("spotlight:offer", OfferSpotlight(card, goods, 3)),
                        ("spotlight:offer", OfferSpotlight(card, goods, 3)),
                        ("spotlight:set", SetSpotlight(card)),
                        ("spotlight:clear", ClearSpotlight()),
                    ]
                )
            )
        case "buy":
            person.sends("spotlight:buy", BuySpotlight("p1", random.choice(["v0", "v1", ""]), 1))
        case _:
            pass
