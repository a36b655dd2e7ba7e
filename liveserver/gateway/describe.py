"""The tables of docs/PROTOCOL.md, made of the code's own types and lists, and how they are put between the document's words.

`make protocol` writes them (scripts/write_protocol.py knows all features); a test proves the file current.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from liveserver.config.settings import SETTINGS
from liveserver.gateway.asyncapi import documented
from liveserver.gateway.closecodes import CODES, STANDARD
from liveserver.gateway.eventwords import EVENTS
from liveserver.gateway.limits import Limits
from liveserver.rooms.edge import EVERYBODY, Route

_SECTION = re.compile(r"(<!-- made: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rendered(text: str, sections: Mapping[str, str]) -> str:
    """The document with every `<!-- made: name --> … <!-- end -->` part made anew. Raises KeyError for an unknown name."""
    return _SECTION.sub(lambda found: f"{found[1]}{sections[found[2]]}{found[3]}", text)


def sections(routes: Sequence[Route]) -> dict[str, str]:
    """All tables that the gateway can make by itself."""
    return {
        "messages": _messages(routes),
        "events": _table(
            ("event", "to", "payload", "meaning"),
            ((f"`{each.type}`", each.to, each.payload, each.told) for each in EVENTS),
        ),
        "codes": _table(
            ("code", "name", "come back?", "resume?", "spread", "cause", "client's duty"),
            (
                (
                    str(each.code),
                    f"`{each.name}`",
                    "yes" if each.reconnect else "no",
                    "yes" if each.resume else "",
                    f"{each.spread_ms} ms" if each.spread_ms else "",
                    each.cause,
                    each.duty,
                )
                for each in CODES
            ),
        ),
        "standard": _table(
            ("code", "cause", "client's duty"), ((str(code), *told) for code, *told in STANDARD)
        ),
        "limits": _limits(),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["-"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _messages(routes: Sequence[Route]) -> str:
    by_type = {route.type: route for route in routes}
    rows: list[tuple[str, str, str, str, str]] = []
    for name, (payload, doc, cost) in documented(routes).items():
        route = by_type.get(name)
        who = _who(route.roles) if route is not None else "everybody"
        rows.append((f"`{name}`", _fields(payload), who, cost, " ".join(doc.split())))
    return _table(("type", "payload", "who", "rate", "meaning"), rows)


def _who(roles: frozenset[str]) -> str:
    if roles >= EVERYBODY:
        return "everybody"
    if roles >= EVERYBODY - {"guest"}:
        return "signed in"
    return "host, moderators" if "moderator" in roles else "host"


def _fields(payload: type[msgspec.Struct]) -> str:
    schema: Any = msgspec.json.schema(payload)
    described: dict[str, Any] = schema["$defs"][payload.__name__]
    required: list[str] = described.get("required", [])
    known: dict[str, Any] = described.get("properties", {})
    return ", ".join(name if name in required else f"{name}?" for name in known)


def _limits() -> str:
    rows: list[tuple[str, str, str]] = []
    defaults = Limits()
    for name in Limits.__struct_fields__:
        about = SETTINGS[name]
        rows.append(
            (f"`{name}`", f"{getattr(defaults, name):g}{f' {about.unit}' if about.unit else ''}", about.doc)
        )
    return _table(("limit", "default", "meaning"), rows)
