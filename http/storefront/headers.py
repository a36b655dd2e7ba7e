"""The security headers of every answer, and the pages' Content-Security-Policy.

A page names a nonce for its own elements; nothing inline runs without it, and nothing is loaded from elsewhere but pictures.
"""

from collections.abc import Sequence

from aiohttp import web

LOCKED_DOWN = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that are no pages: should a browser show one, it may do nothing."""

_PERMISSIONS = (
    "camera=(self), microphone=(self), geolocation=(), payment={payment}, usb=(), browsing-topics=()"
)
_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": _PERMISSIONS.format(payment="(self)"),
}
_STRIPE_FRAMES = "https://js.stripe.com https://*.js.stripe.com"
STRIPE_PERMISSIONS = _PERMISSIONS.format(payment='(self "https://js.stripe.com")')
"""Of the pages that take cards: Stripe's frames ask the browser what it could pay with, such as a wallet."""
HSTS = "max-age=31536000"
"""A year, for this name only: what the operator runs beside it is theirs to decide."""


def page_policy(nonce: str, origin: str, frame_ancestors: Sequence[str] = (), *, stripe: bool = False) -> str:
    """The policy of one page. `frame_ancestors` are the origins that may show it in a frame; none by default.

    `stripe`: the page takes cards with Stripe's own script, frames and calls (docs.stripe.com, "Security guide", CSP), and
    nothing else of theirs; for no other page.
    """
    host = origin.split("://", 1)[-1]
    ancestors = " ".join(("'self'", *frame_ancestors)) if frame_ancestors else "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            "base-uri 'none'",
            "object-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'" + (f" {_STRIPE_FRAMES}" if stripe else ""),
            "script-src-attr 'none'",
            f"style-src 'self' 'nonce-{nonce}'",
            "style-src-attr 'none'",
            "img-src 'self' data: https:",
            "font-src 'self'",
            "media-src 'self' blob:",
            "manifest-src 'self'",
            # Older browsers do not count the WebSocket of one's own origin as 'self'.
            f"connect-src 'self' ws://{host} wss://{host}" + (" https://api.stripe.com" if stripe else ""),
            *([f"frame-src {_STRIPE_FRAMES} https://hooks.stripe.com"] if stripe else []),
            "form-action 'self'",
            f"frame-ancestors {ancestors}",
        )
    )


def secure_answer(response: web.StreamResponse, *, https: bool) -> None:
    """Adds what an answer does not say by itself."""
    headers = response.headers
    for name, value in _EVERYWHERE.items():
        headers.setdefault(name, value)
    headers["Server"] = "liveserver"  # and not the versions of Python and aiohttp
    headers.setdefault("Content-Security-Policy", LOCKED_DOWN)
    # Only pages lead anywhere; an address that answers data or a token is nobody's business.
    bare = headers["Content-Security-Policy"] == LOCKED_DOWN
    headers.setdefault("Referrer-Policy", "no-referrer" if bare else "strict-origin-when-cross-origin")
    if "frame-ancestors 'none'" in headers["Content-Security-Policy"]:
        headers.setdefault("X-Frame-Options", "DENY")  # for browsers that don't know frame-ancestors
    if https:
        headers.setdefault("Strict-Transport-Security", HSTS)
