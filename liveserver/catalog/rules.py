"""The rules about products: what a draft must be like, and which words it is found by.

Pure: no I/O, no clock. Whether a category exists or a seller may is not known here.
"""

import re
import unicodedata

import msgspec
from msgspec import UNSET

from liveserver.catalog.errors import bad
from liveserver.catalog.model import Category, Product, ProductChanges, ProductDraft, VariantDraft
from liveserver.kernel.errors import Rejected
from liveserver.kernel.money import AMOUNT_MAX
from liveserver.kernel.text import clean_line, clean_text, is_picture

TITLE_LENGTH_MAX = 120
DESCRIPTION_LENGTH_MAX = 5_000
IMAGES_MAX = 12
"""Pictures of one product: a phone's swipe has no patience for more."""
VARIANTS_MAX = 100
"""Ten sizes in ten colours."""
SKU_LENGTH_MAX = 64
OPTION_LENGTH_MAX = 40
"""Longest name of a colour or size."""
STOCK_MAX = 1_000_000
SEARCH_LENGTH_MAX = 200
SEARCH_WORDS_MAX = 8
"""Words of a search that count; the rest is left out, since every word costs a look into the index."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_CATEGORY_ID = re.compile(r"[a-z0-9](-?[a-z0-9]){0,39}")
_WORD = re.compile(r"[^\W_]+")


def judge(draft: ProductDraft) -> ProductDraft | Rejected:
    """The draft with its texts cleaned, or the first thing wrong with it (`bad_title`, … with `detail.field`)."""
    title = clean_line(draft.title, TITLE_LENGTH_MAX, 1)
    description = clean_text(draft.description, DESCRIPTION_LENGTH_MAX)
    if title is None:
        return bad("title", f"A title has 1 to {TITLE_LENGTH_MAX} characters.")
    if description is None:
        return bad("description", f"A description has at most {DESCRIPTION_LENGTH_MAX} characters.")
    if not 0 <= draft.price <= AMOUNT_MAX:
        return bad("price", "A price is an amount of zero or more.")
    if _CURRENCY.fullmatch(draft.currency) is None:
        return bad("currency", "A currency is three capital letters, such as USD.")
    if len(draft.images) > IMAGES_MAX:
        return bad("images", f"A product has at most {IMAGES_MAX} pictures.")
    for i, image in enumerate(draft.images):
        if not is_picture(image):
            return bad(f"images.{i}", "A picture's address begins with https:// or is a path of this server.")
    variants = _judge_variants(draft.variants, draft.price)
    if isinstance(variants, Rejected):
        return variants
    return msgspec.structs.replace(draft, title=title, description=description, variants=variants)


def _judge_variants(drafts: tuple[VariantDraft, ...], price: int) -> tuple[VariantDraft, ...] | Rejected:
    if len(drafts) > VARIANTS_MAX:
        return bad("variants", f"A product has at most {VARIANTS_MAX} variants.")
    kept: dict[str, VariantDraft] = {}
    for i, draft in enumerate(drafts):
        sku = clean_line(draft.sku, SKU_LENGTH_MAX, 1)
        color, size = clean_line(draft.color, OPTION_LENGTH_MAX), clean_line(draft.size, OPTION_LENGTH_MAX)
        if sku is None:
            return bad(f"variants.{i}.sku", f"A stock keeping unit has 1 to {SKU_LENGTH_MAX} characters.")
        if sku in kept:
            return bad(f"variants.{i}.sku", "Two variants can't have the same stock keeping unit.")
        if color is None or size is None:
            where = f"variants.{i}.{'color' if color is None else 'size'}"
            return bad(where, f"Colour and size have at most {OPTION_LENGTH_MAX} characters.")
        if draft.stock is not None and not 0 <= draft.stock <= STOCK_MAX:
            return bad(f"variants.{i}.stock", f"A stock is a number from 0 to {STOCK_MAX}.")
        own = price if draft.price is None else draft.price
        if not 0 <= own <= AMOUNT_MAX:
            return bad(f"variants.{i}.price", "A price is an amount of zero or more.")
        kept[sku] = VariantDraft(sku, color, size, draft.stock, own)
    return tuple(kept.values())


def judge_category(category: Category) -> Category | Rejected:
    """The category with its name cleaned, or `bad_id`, `bad_name`."""
    name = clean_line(category.name, 60, 1)
    if _CATEGORY_ID.fullmatch(category.id) is None:
        return bad("id", "A category's id consists of small letters, digits and single hyphens.")
    return (
        bad("name", "A category's name has 1 to 60 characters.")
        if name is None
        else Category(category.id, name)
    )


def merged(product: Product, changes: ProductChanges) -> ProductDraft:
    """The draft that the product would be made of after the changes."""
    variants = tuple(VariantDraft(v.sku, v.color, v.size, v.stock, v.price) for v in product.variants)
    now = ProductDraft(
        product.title,
        product.price,
        product.currency,
        product.description,
        product.images,
        product.category,
        variants,
    )
    wanted = {name: getattr(changes, name) for name in ProductDraft.__struct_fields__}
    return msgspec.structs.replace(
        now, **{name: value for name, value in wanted.items() if value is not UNSET}
    )


def words(text: str) -> list[str]:
    """The words of a text as they are compared: without case, accents and punctuation.

    Said here and not by PostgreSQL, whose parser takes the 1 of "AE-1" for a negative number.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return _WORD.findall("".join(c for c in plain if unicodedata.category(c) != "Mn"))


def search_query(text: str) -> str:
    """The search as `to_tsquery` wants it: all words, the last one possibly unfinished. "" when there is no word in it."""
    wanted = words(text[:SEARCH_LENGTH_MAX])[:SEARCH_WORDS_MAX]
    # Words are letters and digits only, so nothing in them can be an operator; quotes are for the parser's own ideas.
    quoted = [f"'{word}'" for word in wanted]
    return " & ".join([*quoted[:-1], f"{quoted[-1]}:*"]) if quoted else ""
