"""A LiveKit server's messages for tests, signed with Python's JWT library and not with the one that verifies them."""

import base64
import hashlib
import itertools
import json
import time
from typing import Any

import jwt

URL = "wss://video.example"
KEY = "APIstage"
SECRET = "a secret of tests, long enough for HS256"

_numbers = itertools.count(1)


def message(event: str, show: str, *, person: str = "", track: str = "", **more: Any) -> dict[str, Any]:
    """A message as LiveKit words it (protobuf's JSON). `session` and `room` name connection and life of the room."""
    number = next(_numbers)
    told: dict[str, Any] = {
        "event": event,
        "id": more.pop("id", f"EV_{number}"),
        "createdAt": str(int(time.time())),
        "room": {"name": show, "sid": more.pop("room", "RM_1")},
    }
    if person:
        told["participant"] = {
            "sid": more.pop("session", f"PA_{person}"[:40]),
            "identity": person,
            "name": more.pop("name", "Somebody"),
        }
        if (publisher := more.pop("publisher", None)) is not None:
            told["participant"]["permission"] = {"canPublish": publisher}
    if track:
        told["track"] = {"sid": track, "source": more.pop("source", "CAMERA")}
    assert not more, more
    return told


def signed(body: bytes, **claims: Any) -> str:
    """The Authorization header of a message; `claims` replace LiveKit's own (None takes one away), `key` the secret."""
    now_s, secret = int(time.time()), claims.pop("secret", SECRET)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    said = {"iss": KEY, "nbf": now_s, "exp": now_s + 300, "sha256": digest, **claims}
    return jwt.encode({name: value for name, value in said.items() if value is not None}, secret, "HS256")


def as_sent(told: dict[str, Any]) -> bytes:
    """The body's bytes."""
    return json.dumps(told).encode()
