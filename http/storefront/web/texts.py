"""Languages and regions of pages: texts from one catalogue, amounts and times as the reader's region writes them.

The catalogue holds English for now (the texts in templates and handlers are its keys); a translation is a compiled file
`locale/<language>/LC_MESSAGES/pages.mo`; `catalogue` collects the texts for translators.
"""

import datetime as dt
import gettext as gettext_module
import re
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.core import localedata
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_compact_decimal, format_currency, format_decimal

from liveserver.kernel.money import decimals

DOMAIN = "pages"
FOLDER = Path(__file__).resolve().parent.parent / "locale"
LANGUAGE = "en"
"""The one language there is so far."""
DEFAULT = "en_US"
_LETTER_BY_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)")
OFFERS_MAX = 10
"""Languages of Accept-Language that are looked at."""

Style = Literal["medium", "short", "long", "time", "date"]


@lru_cache(maxsize=32)
def catalogue(language: str) -> gettext_module.NullTranslations:
    """The texts of a language; English is what stands in the templates."""
    return gettext_module.translation(DOMAIN, FOLDER, languages=[language], fallback=True)


def marked(text: str) -> str:
    """Marks a text for extraction where it is written; it is translated where it is shown."""
    return text


@lru_cache(maxsize=1_000)
def locale_for(accept_language: str) -> str:
    """The locale of a page: the pages' language (English) with the region that the browser names first.

    A reader in Mumbai gets English with ₹1,23,456.00; texts of one language with the dates of another would jar.
    """
    for offer in accept_language.split(",")[:OFFERS_MAX]:
        tag = offer.partition(";")[0].strip()
        for part in tag.split("-")[1:]:
            wanted = f"en_{part.upper()}"
            if len(part) == 2 and part.isalpha() and part.isascii() and localedata.exists(wanted):
                return wanted
    return DEFAULT


@lru_cache(maxsize=64)
def locale_named(name: str) -> Locale:
    """Babel's object for a name that `locale_for` gave."""
    try:
        return Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT)


def money(amount: int | None, currency: str, locale: str) -> str:
    """An amount in minor units as people read it: 1250 of USD gives $12.50, and $12 instead of $12.00."""
    if amount is None:
        return ""
    places = decimals(currency)
    value = Decimal(amount).scaleb(-places)
    whole = value == value.to_integral_value()
    written = format_currency(
        value,
        currency,
        locale=locale_named(locale),
        currency_digits=not whole,
        format=_whole_format(locale) if whole else None,
    )
    # Babel does not put the space that CLDR asks for between letters and digits ("KWD 1.250", spacing rules of currencies).
    return _LETTER_BY_DIGIT.sub("\u00a0", written)


@lru_cache(maxsize=64)
def _whole_format(locale: str) -> str:
    """The region's currency pattern without decimals."""
    return locale_named(locale).currency_formats["standard"].pattern.replace(".00", "")


def moment(ts: int | None, locale: str, style: Style = "medium") -> str:
    """Server milliseconds as text in UTC; the page's script shows them in the reader's own time zone."""
    if ts is None:
        return ""
    at, where = when(ts), locale_named(locale)
    if style == "time":
        return format_time(at, "short", locale=where)
    if style == "date":
        return format_date(at, "long", locale=where)
    if style == "long":
        return f"{format_datetime(at, 'EEEE, d MMMM y, HH:mm', locale=where)} UTC"
    return format_datetime(at, style, locale=where)


def when(ts: int) -> dt.datetime:
    """Server milliseconds as a time in UTC."""
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC)


def isotime(ts: int | None) -> str:
    """For <time datetime>: 2026-11-21T00:28:00Z."""
    return "" if ts is None else when(ts).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(value: float, locale: str) -> str:
    """12,345."""
    return format_decimal(value, locale=locale_named(locale))


def compact(value: float, locale: str) -> str:
    """12K."""
    return format_compact_decimal(
        value, locale=locale_named(locale), fraction_digits=0 if value < 1000 else 1
    )
