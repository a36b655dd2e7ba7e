"""Stripe's side of webhooks, at its worst: every message many times, in no order, to any server, and forgeries among them.

It keeps what was accepted, and insists on the answers: 204 for what Stripe has signed just now, a refusal for everything else.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import aiohttp

from tests.doubles.stripe.objects import made
from tests.doubles.stripe.server import StripeDouble

AT_ONCE = 24
"""Deliveries under way at a time."""
COPIES = 3
"""Of each message when it is new."""
BAD_PERCENT = 10
Kind = Literal["good", "wrong secret", "too old", "tampered"]
BAD: tuple[Kind, ...] = ("wrong secret", "too old", "tampered")
ECHOES: dict[str, tuple[str, ...]] = {
    "payment_intent.succeeded": ("charge.succeeded",),
    "refund.created": ("refund.updated", "charge.refund.updated"),
    "charge.dispute.created": ("charge.dispute.funds_withdrawn",),
    "charge.dispute.closed": ("charge.dispute.updated", "charge.dispute.funds_reinstated"),
}
"""What Stripe says besides, of the same thing at the same moment."""


class Deliveries:
    """Messages on their way to several servers."""

    def __init__(self, stripe: StripeDouble, servers: Sequence[str], http: aiohttp.ClientSession, seed: int):
        self._stripe, self._servers, self._http = stripe, servers, http
        self._chance = random.Random(seed)
        self._told = 0
        self._old: list[dict[str, Any]] = []
        self.genuine: set[str] = set()
        """Ids of what Stripe has said."""
        self.posts = 0
        self.answers: Counter[tuple[Kind, int]] = Counter()

    @property
    def waiting(self) -> bool:
        """Stripe has something new to say."""
        return len(self._stripe.events) > self._told

    async def storm(self) -> None:
        """Delivers what is new, several times, among what is old, in no order."""
        new = [said for event in self._stripe.events[self._told :] for said in self._all_said(event)]
        self._told = len(self._stripe.events)
        self.genuine |= {event["id"] for event in new}
        under_way: list[tuple[dict[str, Any], Kind]] = [(event, "good") for event in new * COPIES]
        # Stripe repeats for three days what it thinks was not received.
        old = self._chance.sample(self._old, min(len(new), len(self._old)))
        under_way += [(event, "good") for event in old]
        bad = self._chance.choices(new, k=len(under_way) * BAD_PERCENT // 100)
        under_way += [(event, self._chance.choice(BAD)) for event in bad]
        self._old += new
        self._chance.shuffle(under_way)
        rest = iter(under_way)

        async def sender() -> None:
            for event, kind in rest:
                await self._post(event, kind)

        await asyncio.gather(*(sender() for _ in range(AT_ONCE)))

    def _all_said(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        echoes = ECHOES.get(event["type"], ())
        return [event, *(made("event", type=name, data=event["data"]) for name in echoes)]

    async def _post(self, event: dict[str, Any], kind: Kind) -> None:
        if kind != "good":
            # An id of its own, so that one that got in would be seen.
            event = {**event, "id": f"evt_bad_{self.posts}"}
        body, signature = self._stripe.signed(
            event,
            secret="whsec_somebody_else" if kind == "wrong secret" else "",
            age_s=1_000 if kind == "too old" else 0,
        )
        if kind == "tampered":
            body = body.replace(b"evt_bad_", b"evt_worse_")
        self.posts += 1
        async with self._http.post(
            f"{self._chance.choice(self._servers)}/api/v1/webhooks/stripe",
            data=body,
            headers={"Stripe-Signature": signature, "Content-Type": "application/json"},
        ) as answer:
            self.answers[kind, answer.status] += 1
