"""The reference page: the API's operations, the socket's messages and events, from the tables that run them.

Searching works without scripts (`?q=`); with them the page is filtered as one types.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from storefront.api.reference import Subject, reference
from storefront.api.routes import DOCUMENT
from storefront.api.words import REFUSALS
from storefront.services import services_of
from storefront.web.context import OwnPage
from storefront.web.render import render

WORDS_LENGTH_MAX = 100
"""Longer searches are cut: nothing in the reference has so many words."""


class DocsPage(OwnPage, frozen=True):
    """`/docs`: the reference."""

    words: str
    """What is searched for; "" for all."""
    subjects: tuple[Subject, ...]
    messages: tuple[tuple[str, str], ...]
    """What one may send over the WebSocket: type, sentence."""
    events: tuple[tuple[str, str], ...]
    """What one is told: type, sentence with its payload."""
    refusals: tuple[tuple[int, str], ...]
    """Problem statuses, with when they are given."""


async def docs_page(request: web.Request) -> web.Response:
    """GET /docs"""
    words = " ".join(request.query.get("q", "").replace("\0", "").split())[:WORDS_LENGTH_MAX]

    def found(*texts: str) -> bool:
        text = " ".join(texts).casefold()
        return all(word in text for word in words.casefold().split())

    services = services_of(request)
    routes = services.routes.values()
    page = DocsPage(
        words=words,
        subjects=reference(request.app[DOCUMENT], words),
        messages=tuple((one.type, one.doc) for one in routes if found(one.type, one.doc)),
        events=tuple(event for event in _events(services.asyncapi or {}) if found(*event)),
        refusals=() if words else tuple((status, refusal.when) for status, refusal in REFUSALS.items()),
    )
    return await render(request, "docs.html", page)


def _events(asyncapi: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """As the gateway describes them, which pages know by its document alone."""
    messages: Mapping[str, Mapping[str, Any]] = asyncapi.get("components", {}).get("messages", {})
    for key, message in messages.items():
        if key.startswith("event_"):
            yield message["name"], message.get("summary", "")
