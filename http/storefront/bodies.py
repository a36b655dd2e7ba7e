"""Request bodies and queries as typed values: read within a bound and a deadline, decoded in one step, refused by field.

It knows no operation; `api.registry` and the pages' handlers say which type they want.
"""

import asyncio
import re
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from liveserver.kernel.errors import Rejected
from storefront.problems import Refused, invalid

T = TypeVar("T")

BODY_DEADLINE_S = 15.0
"""Time for a body to arrive: at the largest size this asks for 70 KB/s."""
FORM_FIELDS_MAX = 600
"""Fields of one form: the order of a full queue (500 lots) is the longest."""
QUERY_FIELDS_MAX = 30

TOO_LARGE = Rejected("too_large", "This is larger than the server takes.")
TOO_SLOW = Rejected("bad_request", "The request's body did not arrive in time.", retryable=True)
NOT_JSON = Rejected("wrong_content_type", "Send JSON, with Content-Type: application/json.")
NOT_A_FORM = Rejected("wrong_content_type", "Send the form as application/x-www-form-urlencoded.")
GARBLED = Rejected("bad_request", "The request's body can't be read.")

_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_NAMED = re.compile(r"(?:required field|unknown field) `(?P<name>[^`]{1,60})`")


async def read_body(request: web.Request) -> bytes:
    """The body. Its bound (`body_bytes_max`, the application's `client_max_size`) holds after inflation as well."""
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        # What is still on its way is not read: the connection ends with this answer.
        raise Refused(TOO_LARGE, {"Connection": "close"}) from None
    except TimeoutError:
        raise Refused(TOO_SLOW, {"Connection": "close"}) from None
    except (web.RequestPayloadError, ValueError):
        raise Refused(GARBLED, {"Connection": "close"}) from None


async def read_json(request: web.Request, shape: type[T]) -> tuple[T, bytes]:
    """The JSON body as `shape`, and its bytes. Raises Refused with the field that is wrong."""
    if request.content_type != "application/json":
        raise Refused(NOT_JSON)
    raw = await read_body(request)
    try:
        return msgspec.json.decode(raw, type=shape), raw
    except msgspec.ValidationError as error:
        raise Refused(wrong_field(error)) from None
    except (msgspec.DecodeError, RecursionError):
        raise Refused(Rejected("bad_request", "The request's body is not valid JSON.")) from None


def read_query(request: web.Request, shape: type[T]) -> T:
    """The query's parameters as `shape`. Parameters it doesn't know are not looked at."""
    if len(request.query) > QUERY_FIELDS_MAX:
        raise Refused(invalid("query", f"At most {QUERY_FIELDS_MAX} parameters are read."))
    values: dict[str, Any] = {name: value for name, value in request.query.items() if "\0" not in value}
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(wrong_field(error)) from None


def wrong_field(error: msgspec.ValidationError) -> Rejected:
    """The refusal of a value that does not fit its type, with the input's name as a client wrote it."""
    text = str(error)
    found = _AT.search(text)
    path = found.group("path").lstrip(".") if found else ""
    message = text[: found.start()] if found else text
    named = _NAMED.search(message)
    if named:
        path = f"{path}.{named.group('name')}".lstrip(".")
    return invalid(path or "body", f"{message.replace('`', '')}.")


class FormData:
    """A submitted form: the fields by name, as text."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """A field's value, trimmed; "" when it is missing."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """A field's value as typed (passwords)."""
        return next((value for key, value in self._fields if key == name), "")

    def checked(self, name: str) -> bool:
        """Whether a checkbox is ticked."""
        return self.raw(name) not in {"", "0"}

    def several(self, name: str) -> list[str]:
        """All values of a repeated field."""
        return [value for key, value in self._fields if key == name]

    def values(self, *names: str) -> dict[str, str]:
        """These fields, to show the form again."""
        return {name: self.text(name) for name in names}


async def read_form(request: web.Request) -> FormData:
    """The submitted form. Raises Refused for other content types (no file is taken), bad text, or too many fields."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refused(NOT_A_FORM)
    raw = await read_body(request)
    try:
        fields = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=FORM_FIELDS_MAX,
        )
    except ValueError:
        raise Refused(GARBLED) from None
    # PostgreSQL keeps no NUL, and no text field of ours has a use for one.
    if any("\0" in key or "\0" in value for key, value in fields):
        raise Refused(GARBLED)
    return FormData(fields)
