"""Mails as letters: a subject, a text and the same in HTML, made of one template each (`templates/en/*.txt`).

It sends nothing. Words of people (names, titles, reasons) are put in as text: escaped in HTML, one line each, and bounded.
"""

import re
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
from babel.numbers import format_currency
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from liveserver.kernel.money import decimals
from liveserver.mail.model import AccountMail, Mail, OrderMail, SellerMail

LANGUAGE = "en"
LOCALE = "en_US"
"""Letters are English so far, as pages are; another language is another folder of templates."""
WORDS_CHARACTERS_MAX = 500
"""Of a name, a title or a reason in a letter."""
SUBJECT_CHARACTERS_MAX = 150
"""Longer ones are cut by everybody's list of mails anyway."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
"""What could end a header or a line, or turn the reading direction around."""
_LETTER_BY_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)")


class Letter(msgspec.Struct, frozen=True):
    """What is sent."""

    subject: str
    text: str
    html: str


def one_line(text: str, characters_max: int = WORDS_CHARACTERS_MAX) -> str:
    """Somebody's words in one line, without anything invisible that could do more than be read."""
    line = " ".join(_CONTROLS.sub(" ", text).split())
    return line if len(line) <= characters_max else line[: characters_max - 1].rstrip() + "…"


def written(amount: int, currency: str) -> str:
    """An amount in minor units, with all its decimals: $12.50, $12.00, ¥1,200."""
    value = Decimal(amount).scaleb(-decimals(currency))
    text = format_currency(value, currency, locale=LOCALE)
    return _LETTER_BY_DIGIT.sub("\u00a0", text)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("liveserver.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def compose(mail: Mail, origin: str) -> Letter:
    """The letter of a mail; `origin` is the public address that its paths are below."""
    safe = _safe(mail)
    link = origin + mail.path
    amount = "" if isinstance(mail, AccountMail) else written(mail.amount, mail.currency)
    about: dict[str, Any] = {"mail": safe, "amount": amount, "host": urlsplit(origin).netloc}
    words = _environment().get_template(f"{LANGUAGE}/{mail.template}.txt")
    context = words.new_context(about)
    for _ in words.root_render_func(context):
        pass  # templates that are extended add their blocks to the context while they are rendered

    def block(name: str) -> str:
        return "".join(context.blocks[name][0](context)).strip()

    subject = one_line(block("subject"), SUBJECT_CHARACTERS_MAX)
    parts: dict[str, Any] = {
        "subject": subject,
        "heading": one_line(block("heading")),
        "paragraphs": [
            " ".join(part.split()) for part in re.split(r"\n\s*\n", block("body")) if part.strip()
        ],
        "note": safe.note if isinstance(safe, OrderMail) else "",
        "facts": [
            (label, value)
            for label, _, value in (line.partition(": ") for line in block("facts").splitlines() if line)
        ],
        "button": block("button"),
        "below": block("below"),
        "test": block("test") if not isinstance(mail, AccountMail) and mail.test else "",
        "why": block("why"),
        "link": link,
    }
    return Letter(subject, _layout("letter.txt", parts), _layout("letter.html", parts))


def _layout(name: str, parts: dict[str, Any]) -> str:
    return _environment().get_template(name).render(parts)


def _safe(mail: Mail) -> OrderMail | AccountMail | SellerMail:
    """The mail with everybody's words in one line each."""
    words = {name: one_line(getattr(mail, name)) for name in ("name", "title", "note") if hasattr(mail, name)}
    return msgspec.structs.replace(mail, **words)
