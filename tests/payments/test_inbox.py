"""The inbox forgets: what nobody does anything about does not stay for ever."""

import hashlib
import hmac
import time

import msgspec

from liveserver.infra.database import Pool
from liveserver.kernel.clock import VirtualClock
from liveserver.payments.inbox import KEPT_MS, Effect, Inbox
from liveserver.payments.port import Event
from liveserver.payments.stripe.provider import StripeProvider

SECRET = "whsec_of_a_test"


def told(id: str, type: str, sent_ms: int) -> tuple[bytes, str]:
    body = msgspec.json.encode(
        {"id": id, "type": type, "created": sent_ms // 1000, "data": {"object": {"id": "ch_1"}}}
    )
    at = sent_ms // 1000
    signed = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={at},v1={signed}"


async def nothing(event: Event) -> Effect | None:
    return None


async def test_messages_that_nothing_follows_from_are_forgotten_like_those_that_were_applied(
    pool: Pool,
) -> None:
    now_ms = int(
        time.time() * 1000
    )  # Stripe's library looks at no other clock when it checks a signature's age
    clock = VirtualClock(now_ms)
    provider = StripeProvider("sk_test_1", "", SECRET, "http://127.0.0.1:9")
    inbox = Inbox(pool, provider, clock, {"charge.dispute.created": nothing})
    for id, type in [
        ("evt_1", "invoice.created"),
        ("evt_2", "charge.updated"),
        ("evt_3", "charge.dispute.created"),
    ]:
        assert await inbox.receive(*told(id, type, now_ms)) is None
    assert await inbox.receive(*told("evt_1", "invoice.created", now_ms)) is None
    clock.advance(KEPT_MS + 1)
    await inbox.sweep()
    left = [row["id"] for row in await pool.fetch("SELECT id FROM provider_events")]
    assert left == ["evt_3"], "what was to be applied and was not stays until somebody has looked"
