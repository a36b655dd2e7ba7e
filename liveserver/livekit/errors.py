"""Every way in which video says no, with its stable code."""

from liveserver.kernel.errors import Rejected

NOT_CONFIGURED = Rejected(
    "livekit_not_configured",
    "This server has no video: its operator has named no LiveKit server (LIVESERVER_LIVEKIT_URL, LIVESERVER_LIVEKIT_API_KEY, "
    "LIVESERVER_LIVEKIT_API_SECRET).",
)
SHOW_ENDED = Rejected("show_ended", "The show is over.")
SIGN_IN_FIRST = Rejected("sign_in_first", "Sign in to watch.")
BANNED = Rejected("banned", "You are barred from this show.")
NOT_SIGNED = Rejected(
    "bad_signature", "This message is not signed by the LiveKit server, was changed, or is out of date."
)
BAD_EVENT = Rejected("bad_event", "This message can't be read, or has no id.")
