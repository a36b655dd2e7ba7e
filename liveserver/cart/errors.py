"""Refusals of carts, as values."""

from collections.abc import Sequence

from liveserver.kernel.errors import Rejected


def bad(field: str, message: str) -> Rejected:
    """One input is not right; `detail.field` names it."""
    return Rejected(f"bad_{field}", message, detail={"field": field})


VARIANT_NOT_FOUND = Rejected("variant_not_found", "This is not on sale any more.")
ITEM_NOT_FOUND = Rejected("item_not_found", "This is not in your cart any more.")
CART_FULL = Rejected("cart_full", "A cart holds 100 different things. Order some of them first.")
OWN_GOODS = Rejected("own_goods", "These are your own goods: you can't buy them.")
TOO_MANY = Rejected("too_many", "A cart holds at most 100 of one thing.")
ADDRESS_NOT_FOUND = Rejected("address_not_found", "There is no such address of yours.")
ADDRESSES_FULL = Rejected("addresses_full", "You have 20 addresses. Remove one first.")
METHOD_NOT_FOUND = Rejected("method_not_found", "The seller does not ship this way there. Choose another.")
METHODS_FULL = Rejected("methods_full", "You have 50 ways to ship. Remove one first.")
COUPON_NOT_FOUND = Rejected("coupon_not_found", "There is no such coupon for what is in your cart.")
COUPON_GONE = Rejected("coupon_over", "This coupon is not valid now.")
COUPON_USED_UP = Rejected("coupon_used_up", "This coupon has been used as often as it can be.")
COUPON_FOR_OTHERS = Rejected("coupon_not_for_these", "This coupon is for other goods than these.")
COUPON_CURRENCY = Rejected("coupon_currency", "This coupon is for goods in another currency.")
COUPON_TAKEN = Rejected("coupon_there", "You have a coupon with this code already.", detail={"field": "code"})
COUPONS_FULL = Rejected("coupons_full", "You have 500 coupons, and no room for more.")


def other_currency(cart: str, goods: str) -> Rejected:
    """A cart is in one currency; `detail` names both."""
    return Rejected(
        "cart_currency",
        f"Your cart is in {cart}, this is in {goods}. Order what is in it first, or take it out.",
        detail={"cart": cart, "goods": goods},
    )


def not_shipped_there(country: str) -> Rejected:
    """The seller has ways to ship, but none to this country."""
    return Rejected(
        "not_shipped_there",
        "The seller does not ship to this country.",
        detail={"field": "country", "country": country},
    )


def only_for(goods: Sequence[str], more: bool) -> Rejected:
    """The coupon is for other goods; `detail.goods` names some of them, and `more` says whether there are others."""
    if not goods:
        return COUPON_FOR_OTHERS
    return Rejected(
        COUPON_FOR_OTHERS.code,
        f"This coupon is only for: {', '.join(goods)}{' and others' if more else ''}.",
        detail={"goods": list(goods)},
    )


def below_minimum(minimum: int, currency: str) -> Rejected:
    """`detail.minimum` is what the goods have to come to, in minor units."""
    return Rejected(
        "coupon_minimum",
        "This coupon is for larger orders.",
        detail={"minimum": minimum, "currency": currency},
    )
