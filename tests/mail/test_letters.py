"""What letters say: every template in both forms, with the amount as people read it and a link that works."""

import re
from html.parser import HTMLParser
from typing import get_args

import pytest

from liveserver.mail.letters import compose, one_line, written
from liveserver.mail.model import (
    AccountMail,
    AccountTemplate,
    Mail,
    OrderMail,
    OrderTemplate,
    SellerMail,
    SellerTemplate,
)

ORIGIN = "https://live.example"
NOTE = "DHL 00340434 & <Co>"


def every_mail(*, test: bool = False) -> list[Mail]:
    orders = [
        OrderMail(template=template, to="ana@example.com", name="Ana", number=100_001, title="Halden <35>",
                  amount=123_456, currency="USD", path="/orders/ord_1", note=NOTE, test=test)
        for template in get_args(OrderTemplate)
    ]  # fmt: skip
    accounts = [
        AccountMail(template=template, to="ana@example.com", name="Ana", path="/verify/abc")
        for template in get_args(AccountTemplate)
    ]
    sellers = [
        SellerMail(template=template, to="mia@example.com", name="Mia", title="#100001 Halden <35>",
                   amount=123_456, currency="USD", path="/studio/orders/ord_1", test=test)
        for template in get_args(SellerTemplate)
    ]  # fmt: skip
    return [*orders, *accounts, *sellers]


class Words(HTMLParser):
    """The words of a page and where it leads; fails on elements that are not closed."""

    VOID = frozenset({"meta", "br", "img", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: set[str] = set()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.links |= {value for name, value in attrs if name in {"href", "src"} and value}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data.split()


@pytest.mark.parametrize("mail", every_mail(), ids=lambda mail: mail.template)
def test_every_letter_says_the_same_in_both_forms(mail: Mail):
    letter = compose(mail, ORIGIN)
    page = Words(letter.html)
    assert page.open == []
    assert page.links == {ORIGIN + mail.path}, "nothing is loaded from anywhere, and there is one place to go"
    assert "script" not in page.elements
    assert letter.subject
    assert "\n" not in letter.subject
    said = " ".join(page.words)
    for paragraph in re.split(r"\n\n+", letter.text.split("\n-- \n")[0]):
        for line in paragraph.splitlines():
            words = line.removeprefix("> ").rstrip(":")
            label, _, value = words.partition(": ")
            assert words in said or f"{label} {value}" in said, (words, said)
    assert not re.search(r"\n{3,}|[ \t]+\n(?<!-- \n)", letter.text), "the text is laid out"
    assert "{{" not in letter.text + letter.html
    if isinstance(mail, OrderMail):
        assert NOTE in letter.text
        assert "DHL 00340434 &amp; &lt;Co&gt;" in letter.html
    if not isinstance(mail, AccountMail) and mail.template != "cancelled":
        assert "$1,234.56" in letter.text
    assert "no money moves" not in letter.text


@pytest.mark.parametrize("mail", every_mail(test=True), ids=lambda mail: mail.template)
def test_letters_about_test_payments_say_so_first(mail: Mail):
    letter = compose(mail, ORIGIN)
    if not isinstance(mail, AccountMail):
        assert letter.text.startswith("*** Payments here are tests: no money moves. ***")
        assert "Payments here are tests" in letter.html


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1_250, "USD", "$12.50"),
        (1_200, "USD", "$12.00"),
        (1_200, "JPY", "¥1,200"),
        (1_250, "KWD", "KWD\u00a01.250"),
        (5, "EUR", "€0.05"),
        (10**12, "USD", "$10,000,000,000.00"),
    ],
)
def test_amounts_are_written_with_their_decimals(amount: int, currency: str, text: str):
    assert written(amount, currency) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: b", "a Bcc: b"),
        ("  two   words ", "two words"),
        ("turned \u202eback", "turned back"),
        ("x" * 600, "x" * 499 + "…"),
        ("", ""),
    ],
)
def test_words_are_one_line(text: str, line: str):
    assert one_line(text) == line
