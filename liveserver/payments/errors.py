"""Refusals about payments, as values."""

from liveserver.kernel.errors import Rejected

BAD_EVENT = Rejected("bad_event", "This is no event of the payment provider's.")
NOT_SIGNED = Rejected("bad_signature", "The event is not signed by the payment provider, or too old.")
SETUP_NOT_FOUND = Rejected("setup_not_found", "There is no such card being saved, or it is not yours.")
SETUP_WAITS = Rejected("setup_unfinished", "The card is not saved yet.", retryable=True)
