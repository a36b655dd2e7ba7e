"""The arithmetic of carts: discounts over lines, postage, and what an address must be like. Pure; whole minor units only.

Every division is rounded once, half a unit upwards, and what is then shared is shared by largest remainder: lines add up to the whole.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import cast

from babel import Locale
from msgspec.structs import replace

from liveserver.cart.errors import (
    COUPON_CURRENCY,
    COUPON_FOR_OTHERS,
    COUPON_GONE,
    bad,
    below_minimum,
)
from liveserver.cart.model import Coupon, CouponDraft, Method, MethodDraft
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import is_id
from liveserver.kernel.text import clean_line
from liveserver.ledger.rules import share, shared
from liveserver.orders.model import Address, Line

BP = 10_000
FEE_MAX = 1_000_000_000
"""Highest postage for one item: as the table allows."""
AMOUNT_MAX = 10**12
COUNTRIES_MAX = 260
"""More than there are."""
GOODS_MAX, SHELVES_MAX = 100, 50
"""Products and categories that one coupon names."""
_CODE = re.compile(r"[A-Z0-9_-]{3,40}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PHONE = re.compile(r"[0-9+() ./-]{0,40}")
# CLDR names groups, test regions and the like among its territories.
_NO_COUNTRIES = frozenset("AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ".split())


@cache
def countries() -> dict[str, str]:
    """ISO 3166-1 alpha-2 codes with their English names, by name."""
    territories = cast("dict[str, str]", Locale("en").territories)
    names = {
        code: name
        for code, name in territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    }
    return dict(sorted(names.items(), key=lambda entry: entry[1]))


def discounted(coupon: Coupon, lines: Sequence[Line], currency: str, ts: int) -> tuple[Line, ...] | Rejected:
    """The lines with what the coupon takes off, never more than the goods it is for.

    Refusals: `coupon_over`, `coupon_currency`, `coupon_minimum`, `coupon_not_for_these`.
    """
    if not coupon.active or ts < coupon.from_ts or (coupon.until_ts is not None and ts >= coupon.until_ts):
        return COUPON_GONE
    if coupon.currency is not None and coupon.currency != currency:
        return COUPON_CURRENCY
    if sum(line.price * line.quantity for line in lines) < coupon.minimum:
        return below_minimum(coupon.minimum, currency)
    weights = [line.price * line.quantity if _is_for(coupon, line) else 0 for line in lines]
    if not any(_is_for(coupon, line) for line in lines):
        return COUPON_FOR_OTHERS
    goods = sum(weights)
    if coupon.percent_bp is not None:
        off = share(goods, coupon.percent_bp, BP)
    else:
        assert coupon.amount is not None, "a coupon takes off a percentage or an amount"
        off = min(coupon.amount, goods)
    # In one order of their own, so that the order of the cart does not decide who gets the odd cent.
    order = sorted(range(len(lines)), key=lambda i: lines[i].variant)
    parts = dict(zip(order, shared(off, [weights[i] for i in order]), strict=True))
    return tuple(replace(line, discount=parts[i]) for i, line in enumerate(lines))


def _is_for(coupon: Coupon, line: Line) -> bool:
    if not coupon.products and not coupon.categories:
        return True
    return line.product in coupon.products or line.category in coupon.categories


def serves(method: Method, country: str, currency: str) -> bool:
    """Whether goods in this currency go to the country this way."""
    return method.currency == currency and (not method.countries or country in method.countries)


def postage(method: Method, items: int, goods: int, *, bundled: bool = False) -> int:
    """What so many items cost to ship; `bundled`: they travel with an order that paid for a first item."""
    if items == 0 or (method.free_from is not None and goods >= method.free_from):
        return 0
    return method.further * items if bundled else method.first + method.further * (items - 1)


def judge_address(given: Address) -> Address | Rejected:
    """The address as it is kept. Refusals: `bad_…` with `detail.field`."""
    bounds = {"name": (120, 1), "line1": (200, 1), "line2": (200, 0), "city": (120, 1), "region": (120, 0)}
    kept: dict[str, str] = {}
    for field, (most, least) in {**bounds, "postal_code": (20, 0), "phone": (40, 0)}.items():
        value = clean_line(getattr(given, field), most, least)
        if value is None:
            empty = least and not getattr(given, field).strip()
            return bad(field, "Fill this in." if empty else f"Write at most {most} plain characters.")
        kept[field] = value
    country = given.country.strip().upper()
    if country not in countries():
        return bad("country", "Choose a country.")
    if not _PHONE.fullmatch(kept["phone"]):
        return bad("phone", "Write a phone number with digits, such as +41 31 123 45 67.")
    return Address(**kept, country=country)


def judge_method(draft: MethodDraft) -> MethodDraft | Rejected:
    """A way to ship as it is kept. Refusals: `bad_…` with `detail.field`."""
    name = clean_line(draft.name, 80, 1)
    if name is None:
        return bad("name", "Give it a name of at most 80 characters.")
    if not _CURRENCY.fullmatch(draft.currency):
        return bad("currency", "Choose a currency.")
    for field, fee in (("first", draft.first), ("further", draft.further)):
        if not 0 <= fee <= FEE_MAX:
            return bad(field, "Write an amount of zero or more.")
    if draft.free_from is not None and not 0 <= draft.free_from <= AMOUNT_MAX:
        return bad("free_from", "Write an amount of zero or more.")
    wanted = tuple(sorted({country.strip().upper() for country in draft.countries}))
    for country in wanted:
        if country not in countries():
            return bad("countries", f"There is no country {country[:20]!r}. Write codes such as US, CA, DE.")
    return replace(draft, name=name, countries=wanted)


def coupon_code(text: str) -> str:
    """A code as it is compared: without spaces, in capitals; "" for what can't be one."""
    code = "".join(text.split()).upper() if len(text) <= 80 else ""
    return code if _CODE.fullmatch(code) else ""


def judge_coupon(draft: CouponDraft) -> CouponDraft | Rejected:
    """A coupon as it is kept. Refusals: `bad_…` with `detail.field`."""
    code = coupon_code(draft.code)
    if not code:
        return bad("code", "A code has 3 to 40 letters A to Z, digits, - and _.")
    if (draft.percent_bp is None) == (draft.amount is None):
        return bad("percent_bp", "Say either a percentage or an amount.")
    if draft.percent_bp is not None and not 1 <= draft.percent_bp <= BP:
        return bad("percent_bp", "A percentage is more than 0 and at most 100.")
    if draft.amount is not None and not 1 <= draft.amount <= AMOUNT_MAX:
        return bad("amount", "Write an amount above zero.")
    if not 0 <= draft.minimum <= AMOUNT_MAX:
        return bad("minimum", "Write an amount of zero or more.")
    needs = draft.amount is not None or draft.minimum > 0
    if needs and not _CURRENCY.fullmatch(draft.currency or ""):
        return bad("currency", "Choose the currency of the amounts.")
    if draft.until_ts is not None and draft.until_ts <= draft.from_ts:
        return bad("until_ts", "It ends before it begins.")
    for field, value, most in (
        ("uses_max", draft.uses_max, 1_000_000),
        ("person_max", draft.person_max, 1_000),
    ):
        if value is not None and not 1 <= value <= most:
            return bad(field, f"Write a number from 1 to {most:,}, or nothing.")
    for field, values, most in (
        ("products", draft.products, GOODS_MAX),
        ("categories", draft.categories, SHELVES_MAX),
    ):
        if len(values) > most or not all(map(is_id, values)):
            return bad(field, f"Name at most {most}.")
    return replace(draft, code=code, currency=draft.currency if needs else None)
