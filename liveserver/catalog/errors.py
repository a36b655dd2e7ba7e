"""Every way in which the catalog says no, with its stable code. `detail.field` names the input that a form marks."""

from liveserver.kernel.errors import Rejected

PRODUCT_NOT_FOUND = Rejected("product_not_found", "There is no such product.", detail={"field": "product"})
"""Also said of other sellers' products: whether they exist is not told to who may not change them."""
NOT_A_HOST = Rejected("not_a_host", "Only hosts may offer products.")
UNKNOWN_CATEGORY = Rejected("unknown_category", "There is no such category.", detail={"field": "category"})
TOO_MANY_PRODUCTS = Rejected("too_many_products", "You have as many products as one seller may have.")


def bad(field: str, message: str) -> Rejected:
    """A refusal of one input: `bad_title`, `bad_price`, …, with the field named as well."""
    return Rejected(f"bad_{field.split('.', maxsplit=1)[0]}", message, detail={"field": field})
