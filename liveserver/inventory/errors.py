"""Refusals about stock, as values."""

from liveserver.kernel.errors import Rejected


def out_of_stock(variant: str, left: int) -> Rejected:
    """Less is there than was asked for; `detail` says how much of which variant."""
    words = "This is sold out." if left == 0 else f"Only {left} of this are left."
    return Rejected("out_of_stock", words, detail={"variant": variant, "left": left})


NOT_HELD = Rejected("reservation_over", "What was held for you has gone back: it was not paid in time.")
STILL_ON_SHOW = Rejected("allotment_sold", "More of it was sold in the show than would stay there.")
