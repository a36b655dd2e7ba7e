"""Whether a request that changes something was really sent by one of our own pages.

Two independent proofs: the browser's own word about where the request comes from (Fetch Metadata, or Origin in older ones),
and a token that only our pages hold. Requests with a bearer token need neither: a browser never adds that by itself.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping

from liveserver.kernel.errors import Rejected

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_LENGTH_MAX = 512

CROSS_SITE = Rejected("cross_site", "This request came from another site and was not carried out.")
BAD_CSRF = Rejected(
    "bad_csrf", "This form is no longer valid. Load the page again and repeat what you did.", retryable=True
)


def cross_site(headers: Mapping[str, str], own_origins: frozenset[str]) -> bool:
    """Whether the browser says that another site (or a sibling domain) sent the request.

    Browsers send Sec-Fetch-Site only over https and to loopback, so Origin is looked at as well; a request with neither is
    not a browser's form or fetch, and only the token counts.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site not in {"same-origin", "none"}:
        return True
    origin = headers.get("Origin")
    return origin is not None and origin not in own_origins


def new_token() -> str:
    """A token for somebody who has no session yet."""
    return secrets.token_urlsafe(32)


def masked(token: str) -> str:
    """The token in another dress for each page, so that a compressed page does not betray it byte by byte (BREACH)."""
    plain = token.encode()
    mask = secrets.token_bytes(len(plain))
    covered = bytes(a ^ b for a, b in zip(plain, mask, strict=True))
    return "m." + base64.urlsafe_b64encode(mask + covered).decode().rstrip("=")


def same(token: str, given: str) -> bool:
    """Whether `given` is the token, masked or plain. Takes equally long wherever they differ."""
    if not token or not given or len(given) > TOKEN_LENGTH_MAX:
        return False
    plain = token.encode()
    if not given.startswith("m."):
        return hmac.compare_digest(plain, given.encode())
    body = given[2:]
    try:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return False
    half = len(raw) // 2
    uncovered = bytes(a ^ b for a, b in zip(raw[:half], raw[half:], strict=False))
    return len(raw) == 2 * len(plain) and hmac.compare_digest(plain, uncovered)
