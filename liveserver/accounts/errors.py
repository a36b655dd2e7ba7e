"""Every way in which accounts say no, with its stable code. `detail.field` names the input that a form marks."""

from liveserver.kernel.errors import Rejected


def field(code: str, name: str, message: str) -> Rejected:
    """A refusal of one input."""
    return Rejected(code, message, detail={"field": name})


NAME_TAKEN = field("name_taken", "name", "Somebody has this name, or one that looks like it. Choose another.")
NAME_RESERVED = field("name_reserved", "name", "This name could be mistaken for us. Choose another.")
EMAIL_TAKEN = field("email_taken", "email", "There is an account with this e-mail address. Sign in instead.")
BAD_EMAIL = field("bad_email", "email", "This does not look like an e-mail address.")

BAD_CREDENTIALS = Rejected(
    "bad_credentials", "E-mail address or password is wrong.", detail={"field": "password"}
)
"""One answer for an unknown address and a wrong password: it does not tell who has an account."""
BUSY = Rejected("busy", "Too many people are signing in right now. Try again in a moment.", retryable=True)

BAD_TOKEN = Rejected("bad_token", "This token is not valid. Sign in again.")
TOKEN_EXPIRED = Rejected("token_expired", "This token has expired. Get a new one.")
NO_ACCOUNT = Rejected("no_account", "There is no such account.")
SESSION_ENDED = Rejected("session_ended", "You are signed out. Sign in again.")

LINK_EXPIRED = Rejected(
    "link_expired",
    "This link has been used or its time is over. Ask for a new one.",
    detail={"field": "token"},
)
"""One answer for a token that was used, has expired, or never was."""
ALREADY_VERIFIED = Rejected("already_verified", "Your e-mail address is confirmed already.")


def bad_name(message: str) -> Rejected:
    """A name that can't be shown."""
    return field("bad_name", "name", message)


def weak_password(message: str) -> Rejected:
    """A password that would be guessed."""
    return field("weak_password", "password", message)


def too_many_attempts(wait_ms: int) -> Rejected:
    """`detail.retry_after_ms` says when the next attempt will be heard."""
    return Rejected(
        "too_many_attempts",
        "Too many attempts. Wait a little, then try again.",
        retryable=True,
        detail={"retry_after_ms": wait_ms},
    )
