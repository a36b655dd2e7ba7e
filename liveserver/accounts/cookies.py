"""Where a browser keeps its session's token: the cookie's name, written by the pages and read by pages and gateway.

It sets no cookie and checks no token. A request that is believed because of a cookie must also show that it comes from one
of our own pages: by its Origin (the socket), or by Fetch Metadata and a token in the form (pages and API).
"""

from http.cookies import CookieError, SimpleCookie

COOKIE_HEADER_MAX = 8_192
"""Longest Cookie header looked at; browsers keep whole headers under about this."""


def session_cookie(*, secure: bool) -> str:
    """The session cookie's name. Over https it has the `__Host-` prefix, so that no sibling domain can plant one (RFC 6265bis, 4.1.3.2)."""
    return "__Host-liveserver" if secure else "liveserver"


def session_token(cookie_header: str, *, secure: bool) -> str:
    """The session's token in a Cookie header, or "" when there is none."""
    if not cookie_header or len(cookie_header) > COOKIE_HEADER_MAX:
        return ""
    try:
        morsel = SimpleCookie(cookie_header).get(session_cookie(secure=secure))
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value
