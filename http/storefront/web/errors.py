"""Refusals as pages, in the style of the rest.

What a refusal means, and which status it has, is said in `storefront.problems`.
"""

from urllib.parse import quote

from aiohttp import web

from liveserver.kernel.errors import Rejected
from storefront.problems import status_of
from storefront.web.context import ErrorPage
from storefront.web.render import render, safe_path, see_other
from storefront.web.texts import LANGUAGE, catalogue, marked

TITLES: dict[int, str] = {
    400: marked("That did not work"),
    401: marked("Sign in first"),
    403: marked("Not for you, sorry"),
    404: marked("Nothing here"),
    405: marked("That did not work"),
    413: marked("Too large"),
    415: marked("That did not work"),
    422: marked("That did not work"),
    429: marked("One moment, please"),
    500: marked("Something broke"),
    503: marked("Back in a moment"),
}
MESSAGES: dict[int, str] = {
    404: marked("The page may have moved, the show may be gone, or the address has a typo."),
}


async def error_page(request: web.Request, rejected: Rejected) -> web.Response:
    """The page of a refusal. Who has to sign in first is sent there, and comes back afterwards."""
    status = status_of(rejected)
    if status == 401 and request.method in {"GET", "HEAD"}:
        return see_other(sign_in_path(request.path_qs))
    translated = catalogue(LANGUAGE).gettext
    page = ErrorPage(
        status=status,
        title=translated(TITLES.get(status, TITLES[400])),
        message=translated(MESSAGES.get(status, rejected.message)),
        retry=rejected.retryable,
    )
    return await render(request, "error.html", page, status=status)


def sign_in_path(here: str) -> str:
    """The address of the sign-in page that leads back to `here`."""
    return f"/sign-in?next={quote(safe_path(here), safe='')}"
