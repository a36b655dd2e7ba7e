"""What the inbox takes and how long it keeps it: bodies up to a size, fields of a length, events for as long as they may come again."""

import pytest

from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.kernel.clock import VirtualClock
from liveserver.payments import inbox as inboxes
from liveserver.payments.errors import BAD_EVENT
from liveserver.payments.inbox import BODY_BYTES_MAX, FIELD_MAX, KEPT_MS, Effect, Inbox
from liveserver.payments.port import Event
from liveserver.payments.stripe.provider import StripeProvider
from tests.doubles.stripe.objects import made
from tests.doubles.stripe.server import StripeDouble
from tests.support import payments

NOW_MS = 1_700_000_000_000


async def nothing(_event: Event) -> Effect | None:
    return None


class Letterbox:
    """An inbox, and somebody who writes with Stripe's signature."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = VirtualClock(NOW_MS)
        self.double = StripeDouble()
        provider: StripeProvider = payments.before(self.double)
        self.inbox = Inbox(pool, provider, self.clock, {"charge.refunded": nothing})

    async def gets(self, *, bytes_long: int = 0, **fields: str) -> object:
        """A signed event of a length, if one is given."""
        event = made("event", type="charge.updated", data={"object": {"id": "ch_1"}}, padding="")
        event.update(fields)
        if bytes_long:
            event["padding"] = "x" * (bytes_long - len(self.double.signed(event)[0]))
        body, signature = self.double.signed(event)
        assert not bytes_long or len(body) == bytes_long
        return await self.inbox.receive(body, signature)

    async def kept(self) -> int:
        return await self.pool.fetchval("SELECT count(*) FROM provider_events")


@pytest.fixture
def letterbox(pool: Pool) -> Letterbox:
    return Letterbox(pool)


async def test_a_body_may_be_as_large_as_any_event_and_no_larger(letterbox: Letterbox):
    assert await letterbox.gets(bytes_long=BODY_BYTES_MAX) is None
    assert await letterbox.gets(bytes_long=BODY_BYTES_MAX + 1) == BAD_EVENT
    assert await letterbox.kept() == 1


def test_the_web_server_lets_such_bodies_through():
    assert Settings().body_bytes_max >= BODY_BYTES_MAX


@pytest.mark.parametrize(
    ("field", "text", "fits"),
    [
        ("id", "e" * FIELD_MAX, True),
        ("id", "e" * (FIELD_MAX + 1), False),
        ("id", "", False),
        ("type", "t" * (FIELD_MAX + 1), False),
        ("type", "", False),
        ("account", "a" * (FIELD_MAX + 1), False),
        ("account", "a\0b", False),
    ],
)
async def test_names_have_a_length(letterbox: Letterbox, field: str, text: str, fits: bool):
    assert await letterbox.gets(**{field: text}) == (None if fits else BAD_EVENT)
    assert await letterbox.kept() == int(fits)


@pytest.mark.parametrize("events", [0, 1, 2, 4, 5])
async def test_all_that_is_old_is_forgotten_a_part_at_a_time(
    letterbox: Letterbox, events: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inboxes, "DROPPED_AT_ONCE", 2)
    for _ in range(events):
        await letterbox.gets()
    letterbox.clock.advance(KEPT_MS)
    await letterbox.gets()
    await letterbox.inbox.sweep()
    assert await letterbox.kept() == events + 1, "they may still come again"
    letterbox.clock.advance(1)
    await letterbox.inbox.sweep()
    assert await letterbox.kept() == 1
