"""localstripe, somebody else's Stripe, as a process of its own behind a small relay: it refuses parameters that it does not know
and that change nothing for it (`description`, `transfer_group`, `receipt_email`), so the relay takes them out. It does not say what a
payment received, so the relay says it as Stripe does: all of it once it has succeeded.
"""

import asyncio
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import aiohttp
from aiohttp import web

from liveserver.infra.ports import free_port
from liveserver.payments.port import Event
from liveserver.payments.stripe.provider import StripeProvider
from tests.doubles.stripe.server import CARDS

START_MAX_S = 20
KEY = "sk_test_localstripe"
SECRET = "whsec_localstripe"
NUMBERS = {
    "card_pays": "4242424242424242",
    "card_declined": "4000000000000341",
    "card_later": "4000000000000341",
    "card_asks": "4000002500003155",
}
UNKNOWN = {"description", "transfer_group", "receipt_email"}


class LocalStripe:
    """The process, its relay, and the events that it sends."""

    def __init__(self) -> None:
        self.url = ""
        self.events: list[tuple[bytes, str]] = []
        self._told = asyncio.Condition()

    async def __aenter__(self) -> "LocalStripe":
        app = web.Application()
        app.router.add_post("/events", self._event)
        app.router.add_route("*", "/{path:.+}", self._relayed)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._port = free_port()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "localstripe", "--port", str(self._port), "--from-scratch",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._http = aiohttp.ClientSession()
        async with asyncio.timeout(START_MAX_S):
            while not await self._answers():  # noqa: ASYNC110 - a process that tells nobody
                await asyncio.sleep(0.1)
        await self.post("/_config/webhooks/test", url=f"{self.url}/events", secret=SECRET)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        self._process.terminate()
        await self._process.wait()
        await self._runner.cleanup()

    async def _answers(self) -> bool:
        try:
            async with self._http.get(f"http://127.0.0.1:{self._port}/"):
                return True
        except aiohttp.ClientError:
            return False

    async def post(self, path: str, **fields: str) -> dict[str, Any]:
        """What a page's own elements would ask. A decline is an answer, too."""
        headers = {"Authorization": f"Bearer {KEY}"}
        async with self._http.post(
            f"http://127.0.0.1:{self._port}{path}", data=fields, headers=headers
        ) as answer:
            text = await answer.text()
            return await answer.json(content_type=None) if text else {}

    async def _relayed(self, request: web.Request) -> web.Response:
        fields = [(k, v) for k, v in (await request.post()).items() if k not in UNKNOWN]
        headers = {"Authorization": request.headers["Authorization"]}
        async with self._http.request(
            request.method,
            f"http://127.0.0.1:{self._port}{request.path_qs}",
            data=aiohttp.FormData(fields)() if fields else None,
            headers=headers,
        ) as answer:
            found = await answer.json(content_type=None)
            if found.get("object") == "payment_intent":
                found["amount_received"] = found["amount"] if found["status"] == "succeeded" else 0
            return web.json_response(found, status=answer.status)

    async def _event(self, request: web.Request) -> web.Response:
        async with self._told:
            self.events.append((await request.read(), request.headers["Stripe-Signature"]))
            self._told.notify_all()
        return web.Response()


class LocalStripeHouse:
    """The Stripe adapter before localstripe."""

    lacks: Mapping[str, str] = MappingProxyType(
        {
            "keys": "it ignores idempotency keys",
            "over-refund": "it allows over-refunds",
            "search": "it has no search",
            "connect": "it has no connected accounts and no transfers",
            "books": "it has other balance transactions",
            "reasons": "it gives no bank's reasons",
            "again": "a declined payment takes no other card there",
            "refund events": "it tells nothing of refunds",
            "declined payments": "its declines name no payment, and a card that asks can not be saved there",
        }
    )

    def __init__(self, stripe: LocalStripe) -> None:
        self._stripe = stripe
        self.provider = StripeProvider(KEY, "pk_test_localstripe", SECRET, stripe.url)

    async def _method(self, token: str) -> str:
        card = {
            "type": "card",
            "card[number]": NUMBERS[token],
            "card[exp_month]": "12",
            "card[exp_year]": "2099",
            "card[cvc]": "123",
        }
        return str((await self._stripe.post("/v1/payment_methods", **card))["id"])

    async def confirm(self, payment: str, token: str) -> None:
        method = await self._method(token)
        await self._stripe.post(f"/v1/payment_intents/{payment}", payment_method=method)
        await self._stripe.post(f"/v1/payment_intents/{payment}/confirm")

    async def authenticate(self, payment: str, *, agreed: bool) -> None:
        found = await self.provider.find_payment(payment)
        assert found is not None
        await self._stripe.post(
            f"/v1/payment_intents/{payment}/_authenticate",
            client_secret=found.client_secret,
            success=str(agreed).lower(),
        )

    async def confirm_setup(self, setup: str, token: str) -> None:
        found = await self.provider.find_setup(setup)
        assert found is not None
        method = await self._method(token)
        await self._stripe.post(f"/v1/payment_methods/{method}/attach", customer=found.customer)
        await self._stripe.post(f"/v1/setup_intents/{setup}/confirm", payment_method=method)

    async def told(self) -> list[Event]:
        async with asyncio.timeout(10), self._stripe._told:
            await self._stripe._told.wait_for(
                lambda: any(b"payment_intent.succeeded" in body for body, _ in self._stripe.events)
            )
        return [self.provider.event(*each) for each in self._stripe.events]


assert set(NUMBERS) <= set(CARDS), "the same words for cards everywhere"
