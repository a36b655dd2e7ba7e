"""Every way in which shows say no, with its stable code. `detail.field` names the input that a form marks."""

from typing import Any

from liveserver.kernel.errors import Rejected

SHOW_NOT_FOUND = Rejected("show_not_found", "There is no such show.", detail={"field": "show"})
"""Also said of other hosts' shows to who wants to change them."""
LOT_NOT_FOUND = Rejected("lot_not_found", "There is no such lot in this queue.", detail={"field": "lot"})
PRODUCT_NOT_FOUND = Rejected(
    "product_not_found", "The show's host has no such product.", detail={"field": "product"}
)
NO_SUCH_VARIANT = Rejected("no_such_variant", "The product has no such variant.", detail={"field": "variant"})
LOT_OPENING = Rejected(
    "lot_opening",
    "This lot was about to be opened: its variant is settled. Remove it and add another.",
)
NOT_A_HOST = Rejected("not_a_host", "Only hosts may plan shows.")
SIGN_IN = Rejected("sign_in_required", "Sign in to be reminded.")
SHOW_STARTED = Rejected("show_started", "This can't be changed any more: the show has started.")
SHOW_ENDED = Rejected("show_ended", "The show is over.")
LOT_OPENED = Rejected("lot_opened", "This lot has been opened already.", detail={"field": "lot"})
CURRENCY_IN_USE = Rejected(
    "currency_in_use",
    "The queue has amounts in the former currency. Remove its lots first.",
    detail={"field": "currency"},
)
CURRENCY_DIFFERS = Rejected(
    "currency_differs",
    "The product's price is in another currency than the show's.",
    detail={"field": "product"},
)
NO_ACCOUNT = Rejected("no_account", "There is no such person.", detail={"field": "user"})
HOST_IS_NO_MODERATOR = Rejected(
    "bad_user", "The host of a show need not moderate it.", detail={"field": "user"}
)

HOST_IS_NO_CO_HOST = Rejected("bad_user", "The host of a show is on stage already.", detail={"field": "user"})


def bad(field: str, message: str) -> Rejected:
    """A refusal of one input: `bad_title`, `bad_start`, …, with the field named as well."""
    return Rejected(f"bad_{field.split('.', maxsplit=1)[0]}", message, detail={"field": field})


def too_many(what: str, most: int) -> Rejected:
    """A bound reached: `too_many_co_hosts`, `too_many_lots`, `too_many_shows`, `too_many_moderators`, `too_many_reminders`."""
    return Rejected(f"too_many_{what}", f"There can't be more than {most} {what}.", detail={"max": most})


def queue_changed(lots: list[Any]) -> Rejected:
    """A reordering that names other lots than are queued; `detail.lots` are the queued ones in their order."""
    return Rejected(
        "queue_changed", "The queue has changed in the meantime.", detail={"lots": lots, "field": "lots"}
    )
