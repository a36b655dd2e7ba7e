"""The AsyncAPI 3 document of the WebSocket, built from the code's own types, served at /asyncapi.json.

It describes messages and replies; the order in which they may be sent is told in docs/PROTOCOL.md.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from liveserver import __version__
from liveserver.gateway.codecs import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Inbound
from liveserver.gateway.eventwords import EVENTS
from liveserver.gateway.limits import Limits
from liveserver.gateway.messages import ErrorPayload
from liveserver.gateway.upgrade import PATH
from liveserver.rooms.edge import Route

_REF = "#/components/schemas/{name}"


def documented(routes: Sequence[Route]) -> dict[str, tuple[type[msgspec.Struct], str, str]]:
    """Every message a client may send: its payload type, one sentence, and what it counts against ("" for nothing)."""
    told: dict[str, tuple[type[msgspec.Struct], str, str]] = {}
    by_type = {route.type: route for route in routes}
    for name, payload in Inbound(routes).types.items():
        route = by_type.get(name)
        if route is not None:
            told[name] = (payload, route.doc, route.cost)
        else:
            told[name] = (
                payload,
                (payload.__doc__ or "").strip(),
                "reaction" if name == "reaction:send" else "",
            )
    return told


def asyncapi(routes: Sequence[Route], limits: Limits, server_url: str = "") -> dict[str, Any]:
    """The document. `server_url` is the server's own origin, such as https://shop.example."""
    inbound = documented(routes)
    payloads = [payload for payload, _, _ in inbound.values()]
    schemas, components = msgspec.json.schema_components([*payloads, ErrorPayload], ref_template=_REF)
    messages: dict[str, Any] = {}
    for (name, (_, doc, cost)), schema in zip(inbound.items(), schemas, strict=False):
        envelope = _envelope(name, schema, needed=_is_needed(inbound[name][0]))
        messages[_key(name)] = _message(name, doc, envelope, cost)
    outbound = _outbound(schemas[-1]) | _events()
    messages |= outbound
    channel = {
        "address": PATH,
        "title": "The live socket",
        "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    }
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "liveserver",
            "version": __version__,
            "description": f"Subprotocols {JSON_SUBPROTOCOL} (default) and {MSGPACK_SUBPROTOCOL}: same schema, two encodings. "
            f"Messages of a client are at most {limits.frame_bytes_max} bytes.",
        },
        "defaultContentType": "application/json",
        "channels": {"live": channel},
        "operations": _operations(list(inbound), list(outbound)),
        "components": {"messages": messages, "schemas": components},
    }
    if server_url:
        scheme, _, host = server_url.partition("://")
        document["servers"] = {"this": {"host": host, "protocol": "wss" if scheme == "https" else "ws"}}
    return document


def _key(name: str) -> str:
    return name.replace(":", "_")


def _envelope(name: str, payload: dict[str, Any], *, needed: bool) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "payload"] if needed else ["type"],
        "properties": {
            "type": {"const": name},
            "id": {"type": "string", "maxLength": 64},
            "payload": payload,
        },
    }


def _is_needed(payload: type[msgspec.Struct]) -> bool:
    """Whether some field must be given, so that the payload can't be left out."""
    return any(field.required for field in msgspec.structs.fields(payload))


def _message(name: str, doc: str, payload: dict[str, Any], cost: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "summary": " ".join(doc.split()), "payload": payload}
    if cost:
        told["x-rate"] = cost
    return told


def _operations(inbound: list[str], outbound: list[str]) -> dict[str, Any]:
    channel = {"$ref": "#/channels/live"}
    reply = {
        "channel": channel,
        "messages": [{"$ref": f"#/channels/live/messages/{key}"} for key in ("ok", "error")],
    }
    operations: dict[str, Any] = {
        f"do_{_key(name)}": {
            "action": "receive",
            "channel": channel,
            "messages": [{"$ref": f"#/channels/live/messages/{_key(name)}"}],
            "reply": reply,
        }
        for name in inbound
    }
    # Words that mean a message of the client and an event as well (`chat:slow`) are told apart by their keys.
    told = [key for key in outbound if key not in ("ok", "error")]
    operations["tell"] = {
        "action": "send",
        "channel": channel,
        "messages": [{"$ref": f"#/channels/live/messages/{key}"} for key in told],
    }
    return operations


def _events() -> dict[str, Any]:
    """Each event as it stands in a batch, or alone."""
    return {
        f"event_{_key(words.type)}": _message(
            words.type, f"{words.told} Payload: {words.payload}.", _event(words.type)
        )
        for words in EVENTS
    }


def _event(kind: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "ts", "payload"],
        "properties": {
            "type": {"const": kind},
            "show": {"type": "string"},
            "seq": {"type": "integer"},
            "ts": {"type": "integer"},
            "payload": {"type": "object"},
        },
    }


def _outbound(error: dict[str, Any]) -> dict[str, Any]:
    text, number, anything = {"type": "string"}, {"type": "integer"}, {"type": "object"}

    def document(kind: Any, **properties: Any) -> dict[str, Any]:
        fields = {"type": kind, **properties}
        return {"type": "object", "required": list(fields), "properties": fields}

    event = document(text, seq=number, ts=number, payload=anything)
    batch = {
        "show": text,
        "epoch": number,
        "from": number,
        "to": number,
        "events": {"type": "array", "items": event},
    }
    return {
        "ok": _message("ok", "A message was done.", document({"const": "ok"}, id=text, payload=anything)),
        "error": _message(
            "error", "A message came to nothing.", document({"const": "error"}, id=text, payload=error)
        ),
        "events": _message(
            "events",
            "Ordered events: afterwards the client has everything up to `to`.",
            document({"const": "events"}, **batch),
        ),
        "alone": _message(
            "alone",
            "A private event or a latest value: not ordered, not recoverable.",
            document(text, show=text, ts=number, payload=anything),
        ),
    }
