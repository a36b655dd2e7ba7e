"""The two wire formats: a message in, typed in one step; a document out, framed once.

One schema, two encodings. What a message means is not known here (`routing`), nor who gets a frame (`lanes`).
"""

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import orjson

from liveserver.gateway.framing import BINARY, TEXT, framed
from liveserver.gateway.messages import ClockSync, Hello, Join, Leave, MessageId, React
from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import Route

JSON_SUBPROTOCOL: Final = "live.v1.json"
MSGPACK_SUBPROTOCOL: Final = "live.v1.msgpack"

OWN: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("hello", Hello),
    ("room:join", Join),
    ("room:leave", Leave),
    ("clock:sync", ClockSync),
    ("reaction:send", React),
)
"""The gateway's own messages."""


class Message(msgspec.Struct, frozen=True):
    """What every decoded message has, whatever its type. Its real class says which message it is."""

    payload: Any
    id: str = ""


class Inbound:
    """The closed union of messages this server understands, built from the routes."""

    def __init__(self, routes: Sequence[Route]) -> None:
        payloads = dict(OWN)
        for route in routes:
            assert route.type not in payloads, f"two routes for {route.type}"
            payloads[route.type] = route.payload
        self.types: dict[str, type[msgspec.Struct]] = payloads
        self.classes: dict[str, type[Message]] = {
            name: _envelope(name, payload) for name, payload in payloads.items()
        }
        self.union: Any = None
        for envelope in self.classes.values():
            self.union = envelope if self.union is None else self.union | envelope


def _envelope(name: str, payload: type[msgspec.Struct]) -> type[Message]:
    fields: list[Any] = [("payload", payload), ("id", MessageId, "")]
    try:
        fields[0] = ("payload", payload, payload())
    except TypeError:
        pass  # it has required fields, so the payload is required as well
    title = "".join(part.capitalize() for part in re.split(r"\W", name)) + "Message"
    return msgspec.defstruct(title, fields, tag_field="type", tag=name, frozen=True, bases=(msgspec.Struct,))  # pyright: ignore[reportReturnType]  # has Message's fields; a common base would have to have the tag


class _Loose(msgspec.Struct):
    id: Any = ""
    type: Any = None


class Codec:
    """One format: `decode` for messages in, `frame` for documents out, `embed` for parts encoded once and used often."""

    __slots__ = ("_known", "_loose", "decode", "first", "subprotocol", "text")

    def __init__(self, subprotocol: str, inbound: Inbound) -> None:
        self.subprotocol = subprotocol
        self.text = subprotocol == JSON_SUBPROTOCOL
        self.first = TEXT if self.text else BINARY
        """First byte of a whole frame of this format."""
        # The union is made at run time, so that the checker can't know its type.
        self.decode: Callable[[bytes], Message]
        """Gives the typed message. Raises ValueError or RecursionError, which `explain` turns into words."""
        self._loose: Callable[[bytes], _Loose]
        if self.text:
            self.decode = msgspec.json.Decoder(inbound.union).decode
            self._loose = msgspec.json.Decoder(_Loose).decode
        else:
            self.decode = msgspec.msgpack.Decoder(inbound.union).decode
            self._loose = msgspec.msgpack.Decoder(_Loose).decode
        self._known = tuple(inbound.types)

    def frame(self, document: Any) -> bytes:
        """A document as a whole frame."""
        if self.text:
            return framed(TEXT, orjson.dumps(document, default=msgspec.to_builtins))
        return framed(BINARY, msgspec.msgpack.encode(document))

    def embed(self, document: Any) -> Any:
        """Something that stands for `document` inside another one and is already encoded."""
        if self.text:
            return orjson.Fragment(orjson.dumps(document, default=msgspec.to_builtins))
        return msgspec.Raw(msgspec.msgpack.encode(document))

    def explain(self, data: bytes, error: Exception) -> tuple[str, Rejected]:
        """The id of a message that could not be decoded ("" if it can't be told), and what to mend in it."""
        try:
            loose = self._loose(data)
        except (ValueError, RecursionError):
            what = "JSON" if self.text else "MessagePack"
            return "", Rejected(
                "bad_message",
                f'Not a {what} object of the form {{"type", "id", "payload"}}.',
                detail={"field": "", "mend": f"Send one {what} object per message."},
            )
        name = loose.id if isinstance(loose.id, str) and len(loose.id) <= 64 else ""
        if not isinstance(loose.type, str) or loose.type not in self._known:
            return name, self._unknown(loose.type)
        if isinstance(error, RecursionError):
            return name, Rejected(
                "bad_message", "Nested too deep.", detail={"field": "", "mend": "Flatten it."}
            )
        told, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        told = told.replace("`", "")
        return name, Rejected(
            "bad_message",
            f"{field or 'message'}: {told}",
            detail={
                "type": loose.type,
                "field": field,
                "mend": f"See {loose.type} in the protocol's reference.",
            },
        )

    def _unknown(self, given: Any) -> Rejected:
        near = difflib.get_close_matches(given[:64], self._known, 1) if isinstance(given, str) else []
        hint = f"Did you mean {near[0]}?" if near else "Known types: " + ", ".join(self._known) + "."
        shown = f"{given[:64]!r} is" if isinstance(given, str) else "`type` is missing or"
        return Rejected(
            "unknown_type",
            f"{shown} not a message of this server. {hint}",
            detail={"field": "type", "mend": hint},
        )
