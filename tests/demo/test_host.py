"""What the host bot takes for a human's hand: everything only a host can do that it did not do itself."""

from random import Random
from typing import Any

import pytest

from liveserver.accounts.model import Identity
from liveserver.client import Event
from liveserver.demo.host import HostBot
from liveserver.kernel.ids import SessionId

MARA = Identity("u_mara", "Mara", "host", True, SessionId(""), 0)


def bot() -> Any:
    """One that has sent command 7 and message m7, and nothing else. It is only asked, so it needs no room."""
    host: Any = HostBot(None, MARA, None, None, Random(1))  # type: ignore[arg-type]  # as said
    host._own.append(7)
    host._own_messages.append("m7")
    return host


def says(who: str, message: str) -> dict[str, Any]:
    return {"id": message, "user": {"id": who, "name": who}, "message": "…"}


HANDS = [
    ("lot:opened", {"lot": "l"}, True),
    ("lot:called", {"lot": "l", "calls": 1}, True),
    ("lot:voided", {"lot": "l"}, True),
    ("lot:extended", {"lot": "l", "cause": "host"}, True),
    ("lot:extended", {"lot": "l", "cause": "bid"}, False),
    ("lot:closing", {"lot": "l", "cause": "host"}, True),
    ("lot:closing", {"lot": "l", "cause": "called"}, True),
    ("lot:closing", {"lot": "l", "cause": "clock"}, False),
    ("lot:closing", {"lot": "l", "status": "hammered", "provisional": {}}, False),
    ("lot:passed", {"lot": "l", "reason": "host"}, True),
    ("lot:passed", {"lot": "l", "reason": "no_bids"}, False),
    ("lot:sold", {"lot": "l"}, False),
    ("bid:accepted", {"lot": "l"}, False),
    ("product:highlighted", {"product": None}, True),
    ("chat:deleted", {"ids": ["m1"], "by": "moderator"}, True),
    ("chat:deleted", {"ids": ["m1"], "by": "author"}, False),
    ("chat:pinned", {"message": None}, True),
    ("chat:slow", {"interval_ms": 0}, True),
]


@pytest.mark.parametrize(("kind", "payload", "human"), HANDS)
def test_hands(kind: str, payload: dict[str, Any], human: bool) -> None:
    assert bot()._is_humans(Event(kind, payload, 8, 0)) is human
    assert not bot()._is_humans(Event(kind, payload, 7, 0)), "this was its own"


def test_voices() -> None:
    assert bot()._is_humans(Event("chat:new", says("u_mara", "m8"), 8, 0)), "a human speaks as the host"
    assert not bot()._is_humans(Event("chat:new", says("u_mara", "m7"), 7, 0))
    assert not bot()._is_humans(Event("chat:new", says("u_ana", "m9"), 9, 0))
