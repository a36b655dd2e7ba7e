"""The test cards, and what each does. Their numbers are nobody's; the last four digits are those that people know from Stripe's."""

from typing import Literal

import msgspec

Behaviour = Literal[
    "pays", "declined", "insufficient_funds", "asks", "declines_later", "asks_later", "disputed"
]


class TestCard(msgspec.Struct, frozen=True):
    """One card to try something with."""

    __test__ = False  # for pytest: it is no test

    token: str
    label: str
    brand: str
    last4: str
    behaviour: Behaviour


CARDS = (
    TestCard("card_pays", "Pays", "visa", "4242", "pays"),
    TestCard("card_asks", "Asks you to confirm, then pays", "visa", "3155", "asks"),
    TestCard("card_declined", "Is declined", "visa", "0002", "declined"),
    TestCard("card_empty", "Has insufficient funds", "visa", "9995", "insufficient_funds"),
    TestCard("card_later", "Can be saved, and is declined when you win", "visa", "0341", "declines_later"),
    TestCard(
        "card_asks_later", "Can be saved, and asks you to confirm when you win", "visa", "3184", "asks_later"
    ),
    TestCard("card_disputed", "Pays, and its bank takes it back", "visa", "0259", "disputed"),
)
BY_TOKEN = {card.token: card for card in CARDS}

DECLINED = {
    "declined": ("card_declined", "The card was declined."),
    "insufficient_funds": ("insufficient_funds", "The card has insufficient funds."),
    "declines_later": ("card_declined", "The card was declined."),
}
"""Code and words of cards that don't pay."""


def declines(behaviour: Behaviour, *, off_session: bool) -> tuple[str, str] | None:
    """Why the card does not pay now, if it doesn't."""
    if behaviour == "declines_later" and not off_session:
        return None
    return DECLINED.get(behaviour)


def asks(behaviour: Behaviour, *, off_session: bool) -> bool:
    """Whether its owner has to confirm now."""
    return behaviour == "asks" if not off_session else behaviour in {"asks", "asks_later"}
