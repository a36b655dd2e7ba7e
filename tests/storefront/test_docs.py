"""The reference page: everything the API does, found by words without scripts, and nothing from elsewhere."""

import re

from storefront.api.openapi import openapi
from storefront.api.reference import reference
from storefront.api.registry import OPERATIONS
from storefront.api.words import MESSAGES
from tests.support.storefront import Shop

DOCUMENT = openapi(OPERATIONS, "1.0")


def names(words: str = "") -> list[str]:
    return [entry.name for subject in reference(DOCUMENT, words) for entry in subject.entries]


def test_every_operation_is_in_it_once():
    assert sorted(names()) == sorted([op.name for op in OPERATIONS] + [one.name for one in MESSAGES])


def test_words_find_what_has_all_of_them():
    assert "refund_order" in names("refund")
    assert names("seller REFUNDS post") == ["refund_order"]
    assert names("no such thing anywhere") == []


def test_an_entry_says_what_it_takes_gives_and_answers():
    (entry,) = [
        one for subject in reference(DOCUMENT) for one in subject.entries if one.name == "create_product"
    ]
    takes = {one.name: one for one in entry.takes}
    assert (takes["title"].type, takes["title"].required, takes["title"].about) == (
        "text",
        True,
        "at most 120 characters",
    )
    assert takes["variants"].type.startswith("list of {sku, ")
    assert takes["Idempotency-Key"].place == "header"
    assert {"id", "variants", "archived"} <= {one.name for one in entry.gives}
    assert {"201", "401", "403", "409", "422", "429", "503"} <= {one.status for one in entry.outcomes}
    assert '"Halden 35"' in entry.body
    assert entry.roles == "hosts"


async def test_the_page_is_ours_alone_and_can_be_searched(shop: Shop):
    page = await (await shop.browser().get("/docs")).text()
    for op in OPERATIONS:
        assert f'id="{op.name}"' in page
    assert re.findall(r'(?:src|href)="(?:https?:)?//(?!127\.0\.0\.1)[^"]*"', page) == []
    found = await (await shop.browser().get("/docs?q=refund")).text()
    assert 'id="refund_order"' in found
    assert 'id="create_livestream"' not in found
    nothing = await (await shop.browser().get("/docs?q=<script>")).text()
    assert "<script>alert" not in nothing
    assert "Nothing in the reference says that" in nothing
