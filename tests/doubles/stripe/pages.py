"""Stripe as pages meet it: its script, frames and public API, answered inside the browser's own requests, so that nothing leaves the machine.

Who takes the card is a `Bank`: our double of Stripe here, localstripe in the test that buys with it. It decides nothing about orders.
"""

import asyncio
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
from playwright.async_api import BrowserContext, Error, Page, Route

from tests.doubles.stripe.objects import parsed
from tests.doubles.stripe.server import Refusal, StripeDouble

FILES = Path(__file__).parent / "page"
NUMBERS = {
    "card_pays": "4242424242424242",
    "card_declined": "4000000000000002",
    "card_empty": "4000000000009995",
    "card_later": "4000000000000341",
    "card_asks": "4000002500003155",
}
"""Stripe's own test cards, by the words that all our providers have for them."""
REDIRECTS = "4000000000001000"
"""A card of ours alone, whose bank asks on a page of its own."""
SEEN = ("id", "object", "status", "next_action", "client_secret", "last_payment_error")
"""What a publishable key may see of an intent."""

Intent = dict[str, Any]


class Bank(Protocol):
    """What the public API does with an intent. Each raises Refusal for an answer that is an error."""

    async def retrieve(self, name: str, secret: str) -> Intent: ...
    async def confirm(self, name: str, secret: str, fields: dict[str, Any]) -> Intent:
        """`fields`: `payment_method_data` of a card that was typed, or `payment_method`; `return_url`."""
        ...

    async def authenticate(self, name: str, secret: str, *, agreed: bool) -> None: ...


class StripeOnPages:
    """Stripe for the windows that it is installed in."""

    def __init__(self, bank: Bank, key: str) -> None:
        self._bank = bank
        self._key = key
        self.script: Literal["there", "unreachable", "silent"] = "there"
        self.frames = True
        self.holds: asyncio.Event | None = None
        """While there is one that is not set, no confirmation is answered; it is carried out all the same."""
        self.confirmed = asyncio.Event()
        """A confirmation has been carried out."""

    async def install(self, context: BrowserContext) -> None:
        """Answers all that goes to Stripe; anything else of theirs than what is here fails the request."""
        await context.route("https://*.stripe.com/**", lambda route: route.abort())
        await context.route("https://js.stripe.com/v3/", self._script)
        await context.route("https://js.stripe.com/v3/elements-inner-payment.html", self._form)
        await context.route("https://hooks.stripe.com/bank.html*", lambda route: _file(route, "bank.html"))
        await context.route("https://api.stripe.com/v1/**", self._asked)

    async def _script(self, route: Route) -> None:
        if self.script == "unreachable":
            await route.abort("connectionrefused")
        elif self.script == "there":
            await _file(route, "stripe.js")

    async def _form(self, route: Route) -> None:
        await (_file(route, "form.html") if self.frames else route.abort())

    async def _asked(self, route: Route) -> None:
        request = route.request
        url = urlsplit(request.url)
        fields = parsed(parse_qsl(request.post_data or url.query))
        try:
            if fields.get("key") != self._key:
                raise Refusal(401, "invalid_request_error", "api_key_invalid")
            status, body = 200, await self._answer(url.path.split("/")[2:], fields)
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        try:
            await route.fulfill(status=status, json=body, headers={"Access-Control-Allow-Origin": "*"})
        except Error:
            # A page that was left meanwhile hears no answer; any other failure is one.
            if not (self.holds and self.holds.is_set()):
                raise

    async def _answer(self, path: list[str], fields: dict[str, Any]) -> dict[str, Any]:
        secret = fields["client_secret"]
        match path:
            case ["payment_intents" | "setup_intents", name]:
                found = await self._bank.retrieve(name, secret)
            case ["payment_intents" | "setup_intents", name, "confirm"]:
                found = await self._bank.confirm(name, secret, fields)
                self.confirmed.set()
                if self.holds is not None:
                    await self.holds.wait()
            case ["3ds2", "authenticate"]:
                await self._bank.authenticate(fields["source"], secret, agreed=fields["agreed"] == "true")
                return {"object": "three_d_secure_2"}
            case _:
                raise Refusal(404, "invalid_request_error", "resource_missing")
        return {name: found.get(name) for name in SEEN}


async def _file(route: Route, name: str) -> None:
    await route.fulfill(path=FILES / name, headers={"Cache-Control": "no-store"})


class DoubleBank:
    """Our double of Stripe as a page's own elements drive it."""

    def __init__(self, double: StripeDouble, key: str) -> None:
        self._double = double
        self._key = key
        self._cards: dict[str, str] = {}
        """Cards that wait for their owner's answer before they are saved, by setup."""
        self._told = 0

    async def retrieve(self, name: str, secret: str) -> Intent:
        found = self._double.objects.get(name)
        if found is None or found["client_secret"] != secret:
            raise Refusal(404, "invalid_request_error", "resource_missing")
        return found

    async def confirm(self, name: str, secret: str, fields: dict[str, Any]) -> Intent:
        found = await self.retrieve(name, secret)
        kind = found["object"]
        if found["status"] in {"succeeded", "canceled", "processing"}:
            raise Refusal(400, "invalid_request_error", f"{kind}_unexpected_state", **{kind: found})
        number = fields.get("payment_method_data", {}).get("card", {}).get("number", "")
        token = "card_asks" if number == REDIRECTS else self._token(number, fields)
        if kind == "setup_intent":
            self._set_up(found, token)
        else:
            self._double.confirm(name, token)
        if found["status"] == "requires_action":
            found["next_action"] = {"type": "use_stripe_sdk"}
        if number == REDIRECTS:
            query = {
                "intent": name,
                "client_secret": secret,
                "return_url": fields["return_url"],
                "key": self._key,
            }
            url = f"https://hooks.stripe.com/bank.html?{urlencode(query)}"
            found["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": url}}
        if found["status"] == "requires_payment_method":
            error = found["last_payment_error" if kind == "payment_intent" else "last_setup_error"]
            raise Refusal(402, error["type"], error["code"], message=error["message"], **{kind: found})
        return found

    def _token(self, number: str, fields: dict[str, Any]) -> str:
        if not number:
            return str(self._double.objects[fields["payment_method"]]["metadata"]["token"])
        return next(token for token, each in NUMBERS.items() if each == number)

    def _set_up(self, setup: Intent, token: str) -> None:
        if token in {"card_declined", "card_empty"}:
            setup["last_setup_error"] = {
                "type": "card_error",
                "code": "card_declined",
                "message": "Your card was declined.",
            }
        elif token == "card_asks":
            self._cards[setup["id"]] = token
            setup["status"] = "requires_action"
        else:
            self._double.confirm_setup(setup["id"], token)

    async def authenticate(self, name: str, secret: str, *, agreed: bool) -> None:
        found = await self.retrieve(name, secret)
        found["next_action"] = None
        if found["object"] == "payment_intent":
            self._double.authenticate(name, agreed=agreed)
        elif agreed:
            self._double.confirm_setup(name, self._cards.pop(name))
        else:
            found["status"] = "requires_payment_method"

    async def tell(self, origin: str) -> None:
        """Delivers what has happened since the last time, signed."""
        events, self._told = self._double.events[self._told :], len(self._double.events)
        async with aiohttp.ClientSession() as http:
            for event in events:
                body, signature = self._double.signed(event)
                async with http.post(
                    f"{origin}/api/v1/webhooks/stripe", data=body, headers={"Stripe-Signature": signature}
                ) as answer:
                    assert answer.status == 204, await answer.text()


async def type_card(page: Page, number: str) -> None:
    """Fills in the element's frame, as soon as the page has it ready."""
    form = page.frame_locator("#stripe-form iframe")
    await form.get_by_label("Card number").fill(number)
    await form.get_by_label("Expiration date").fill("12 / 34")
    await form.get_by_label("Security code").fill("123")


async def answer_bank(page: Page, *, agreed: bool) -> None:
    """Answers the bank's question, in its frame over the page."""
    bank = page.frame_locator('iframe[src*="hooks.stripe.com"]')
    await bank.get_by_role("button", name="Complete" if agreed else "Fail").click()
