"""Form fields as drafts: what people type (amounts with decimals, local times, checkboxes) in the words of the domains.

It judges only whether a field can be read; what is allowed is said by the domains' own rules.
"""

import datetime as dt
from typing import TypeVar

import msgspec
from msgspec import UNSET

from liveserver.catalog.model import ProductDraft, VariantDraft
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId
from liveserver.kernel.money import decimals, parse_amount
from liveserver.shows.model import ChatSettings, LotChanges, LotDraft, QueuedLot, Show, ShowChanges, ShowDraft
from storefront.bodies import FormData
from storefront.problems import Refused, invalid

CURRENCIES: tuple[str, ...] = tuple("USD EUR GBP INR JPY CAD AUD CHF SEK BRL MXN SGD".split())
"""Offered in forms, the default first; the API takes any ISO code."""
OFFSET_MAX_MIN = 16 * 60
"""No place on earth is further from UTC."""

SHOW_FIELDS = ("title", "description", "currency", "scheduled", "tz_offset_min", "picture")
CHAT_FIELDS = ("links", "blocked_words", "slow_s")
LOT_FIELDS = ("title", "product", "start", "reserve", "preset", "exact")
PRODUCT_FIELDS = ("title", "description", "price", "currency", "category", "image", "stock")

D = TypeVar("D")


def amount(form: FormData, name: str, currency: str) -> int:
    """A decimal amount in minor units; a comma may stand for the point. Raises Refused, naming the field."""
    text = form.text(name).replace(" ", "").replace("\u00a0", "")
    if "," in text and "." not in text and len(text.rpartition(",")[2]) <= decimals(currency):
        text = text.replace(",", ".")
    try:
        # Decimal reads the digits of all scripts; a price means the same to all who see it.
        return parse_amount(text.replace(",", "") if text.isascii() else "", currency)
    except ValueError:
        raise Refused(invalid(name, f"Write an amount in {currency}, such as 12.50.")) from None


def whole(form: FormData, name: str, default: int) -> int:
    """A whole number of at most nine digits, or the default for an empty field."""
    text = form.text(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Refused(invalid(name, "Write a whole number."))
    return int(text)


def moment(form: FormData, name: str) -> int | None:
    """A <input type="datetime-local"> in ms; `tz_offset_min` is what JavaScript's getTimezoneOffset() says (UTC without)."""
    text = form.text(name)
    if not text:
        return None
    offset_text = form.text("tz_offset_min") or "0"
    try:
        offset_min = int(offset_text) if len(offset_text) <= 5 else OFFSET_MAX_MIN + 1
        local = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    except ValueError:
        raise Refused(invalid(name, "Write a date and a time.")) from None
    if abs(offset_min) > OFFSET_MAX_MIN:
        raise Refused(invalid(name, "The time zone can't be right."))
    try:
        return int((local + dt.timedelta(minutes=offset_min)).timestamp() * 1000)
    except OverflowError:
        raise Refused(invalid(name, "Write a date and a time.")) from None


def show_draft(form: FormData) -> ShowDraft:
    """A new show."""
    return ShowDraft(
        title=form.text("title"),
        currency=form.text("currency") or CURRENCIES[0],
        description=form.text("description"),
        scheduled_ts=moment(form, "scheduled"),
        picture=form.text("picture"),
    )


def show_changes(form: FormData, show: Show) -> ShowChanges:
    """An edited show. A form rounds times to minutes: an unchanged one must not look moved."""
    scheduled = moment(form, "scheduled")
    kept = show.scheduled_ts
    if scheduled is not None and kept is not None and scheduled // 60_000 == kept // 60_000:
        scheduled = kept
    words = tuple(word for line in form.raw("blocked_words").splitlines() if (word := line.strip()))
    return ShowChanges(
        title=form.text("title"),
        currency=form.text("currency") or UNSET,
        description=form.text("description"),
        scheduled_ts=scheduled if show.status == "scheduled" else UNSET,
        picture=form.text("picture"),
        chat=ChatSettings(form.checked("links"), words, whole(form, "slow_s", 0) * 1000),
        requires_card=form.checked("requires_card"),
    )


def lot_draft(form: FormData, show: Show) -> LotDraft:
    """A new lot for the queue."""
    # One field for both, so that it works without scripts: `product`, or `product/variant`.
    product, _, variant = form.text("product").partition("/")
    return LotDraft(
        title=form.text("title"),
        start=amount(form, "start", show.currency),
        product=ProductId(product) if product else None,
        variant=variant or None,
        reserve=amount(form, "reserve", show.currency) if form.text("reserve") else None,
        exact=form.checked("exact"),
        preset=form.text("preset") or "live",
    )


def lot_changes(form: FormData, show: Show, lot: QueuedLot) -> LotChanges:
    """An edited lot. A product that stays is left alone, so that one archived since does not block another price."""
    draft = lot_draft(form, show)
    fields = {
        name: getattr(draft, name) for name in ("title", "start", "reserve", "exact", "preset", "variant")
    }
    return LotChanges(**fields, product=UNSET if draft.product == lot.product else draft.product)


def product_draft(form: FormData) -> ProductDraft:
    """A new product, with one variant when a stock is given."""
    currency = form.text("currency") or CURRENCIES[0]
    stock = whole(form, "stock", -1)
    return ProductDraft(
        title=form.text("title"),
        price=amount(form, "price", currency),
        currency=currency,
        description=form.text("description"),
        images=(form.text("image"),) if form.text("image") else (),
        category=form.text("category"),
        variants=() if stock < 0 else (VariantDraft("standard", stock=stock),),
    )


def show_values(show: Show) -> dict[str, str]:
    """A show as its form shows it."""
    return {
        "title": show.title,
        "description": show.description,
        "currency": show.currency,
        "scheduled": _local(show.scheduled_ts),
        "picture": show.picture,
        "links": "1" if show.chat.links else "",
        "blocked_words": "\n".join(show.chat.blocked_words),
        "slow_s": str(show.chat.slow_ms // 1000) if show.chat.slow_ms else "",
    }


def lot_values(lot: QueuedLot, currency: str) -> dict[str, str]:
    """A queued lot as its form shows it."""
    return {
        "title": lot.title,
        "product": f"{lot.product}/{lot.variant}" if lot.variant else lot.product or "",
        "start": plain_amount(lot.start, currency),
        "reserve": plain_amount(lot.reserve, currency),
        "preset": lot.preset,
        "exact": "1" if lot.exact else "",
    }


def plain_amount(value: int | None, currency: str) -> str:
    """An amount as an input takes it: 12.50."""
    if value is None:
        return ""
    places = decimals(currency)
    return f"{value // 10**places}.{value % 10**places:0{places}d}" if places else str(value)


def _local(ts: int | None) -> str:
    """UTC for <input type="datetime-local">; the page's script turns it into the reader's own time."""
    return "" if ts is None else dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M")


def rejected_field(rejected: Rejected, names: dict[str, str]) -> Rejected:
    """The refusal with the form's name of the field (`scheduled_ts` is the field `scheduled`)."""
    field = str(rejected.detail.get("field", ""))
    renamed = names.get(field, field)
    return (
        msgspec.structs.replace(rejected, detail={**rejected.detail, "field": renamed}) if field else rejected
    )
