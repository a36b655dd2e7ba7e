"""The two wire formats from a client's side: a message to bytes and back, untyped. What a message means is `protocol`'s."""

from typing import Any, Literal, cast

import msgspec
import orjson

Format = Literal["json", "msgpack"]

SUBPROTOCOLS: dict[Format, str] = {"json": "live.v1.json", "msgpack": "live.v1.msgpack"}


class ServerBroken(Exception):
    """The server said something that this client can't understand. The connection is given up and made anew."""


class Codec:
    """One of the formats.

    >>> Codec("json").encode({"type": "hello", "id": "c1", "payload": {}})
    b'{"type":"hello","id":"c1","payload":{}}'
    """

    __slots__ = ("subprotocol", "text")

    def __init__(self, form: Format) -> None:
        self.subprotocol = SUBPROTOCOLS[form]
        self.text = form == "json"

    def encode(self, message: dict[str, Any]) -> bytes:
        return orjson.dumps(message) if self.text else msgspec.msgpack.encode(message)

    def decode(self, data: bytes) -> dict[str, Any]:
        """The message in a frame. Raises ServerBroken when it is none."""
        try:
            message: object = orjson.loads(data) if self.text else msgspec.msgpack.decode(data)
        except ValueError as error:
            raise ServerBroken(f"not a message: {error}") from error
        if not isinstance(message, dict):
            raise ServerBroken(f"a message must be an object, not {type(message).__name__}")
        return cast(dict[str, Any], message)
