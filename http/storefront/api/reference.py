"""The API's description as people read it: subject by subject, each operation with what it takes and gives.

Made of the OpenAPI document alone, so that people and machines are told the same. It writes no page (`web.docs`).
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

Document = Mapping[str, Any]

_BOUNDS = (
    ("minimum", "at least {:,}"),
    ("maximum", "at most {:,}"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} items"),
)
DEPTH_MAX = 3
"""How deep a type is written out: a list of a thing of a thing."""


class Input(msgspec.Struct, frozen=True):
    """One thing an operation takes or gives."""

    name: str
    place: str
    """path, query, header, body or answer."""
    type: str
    required: bool
    about: str


class Outcome(msgspec.Struct, frozen=True):
    """One status it answers with."""

    status: str
    when: str


class Entry(msgspec.Struct, frozen=True):
    """One operation."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    roles: str
    takes: tuple[Input, ...]
    gives: tuple[Input, ...]
    outcomes: tuple[Outcome, ...]
    body: str
    """An example as JSON; ""."""
    answer: str
    """The same of its answer."""

    def says(self, words: str) -> bool:
        """Whether all of these words (lower case) stand somewhere in it."""
        text = f"{self.method} {self.path} {self.name} {self.summary} {self.description}".casefold()
        return all(word in text for word in words.split())


class Subject(msgspec.Struct, frozen=True):
    """Operations about one thing."""

    name: str
    about: str
    entries: tuple[Entry, ...]


def reference(document: Document, words: str = "") -> tuple[Subject, ...]:
    """All subjects with the entries that have these words; subjects without any are left out."""
    wanted = words.casefold().strip()
    by_tag: dict[str, list[Entry]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, op in methods.items():
            entry = _entry(document, method, path, op)
            if not wanted or entry.says(wanted):
                by_tag[op["tags"][0]].append(entry)
    return tuple(
        Subject(tag["name"], tag.get("description", ""), tuple(by_tag[tag["name"]]))
        for tag in document["tags"]
        if by_tag[tag["name"]]
    )


def _entry(document: Document, method: str, path: str, op: Document) -> Entry:
    takes = [
        Input(
            one["name"],
            one["in"],
            _type(document, one["schema"]),
            one["required"],
            _about(one["schema"], one),
        )
        for one in op["parameters"]
    ]
    body = _json(op.get("requestBody", {}))
    takes += _fields(document, body.get("schema", {}), "body")
    done = next(answer for status, answer in op["responses"].items() if status < "300")
    answer = _json(done)
    return Entry(
        name=op["operationId"],
        method=method.upper(),
        path=path,
        summary=op["summary"],
        description=op.get("description", ""),
        roles=_roles(op),
        takes=tuple(takes),
        gives=tuple(_fields(document, answer.get("schema", {}), "answer")),
        outcomes=tuple(
            Outcome(status, _resolved(document, told)["description"])
            for status, told in op["responses"].items()
        ),
        body=_example(body),
        answer=_example(answer),
    )


def _roles(op: Document) -> str:
    if op["tags"] == ["webhooks"]:
        return "signed"
    roles: list[str] | None = op.get("x-roles")
    if roles is None:
        return "everybody"
    return {1: "admins", 2: "hosts"}.get(len(roles), "signed in")


def _json(told: Document) -> Document:
    content: Document = told.get("content", {})
    return content.get("application/json", {})


def _example(content: Document) -> str:
    if "example" not in content:
        return ""
    return msgspec.json.format(msgspec.json.encode(content["example"]), indent=2).decode()


def _fields(document: Document, schema: Document, place: str) -> list[Input]:
    shape = _resolved(document, schema)
    required: list[str] = shape.get("required", [])
    return [
        Input(name, place, _type(document, field), name in required and place == "body", _about(field))
        for name, field in shape.get("properties", {}).items()
    ]


def _resolved(document: Document, schema: Document) -> Document:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Any = document
    for part in cast(str, reference).removeprefix("#/").split("/"):
        found = found[part]
    return found


def _type(document: Document, schema: Document, depth: int = 0) -> str:
    """As one would say it: `text`, `integer or null`, `list of {sku, color}`."""
    if "$ref" in schema:
        shape = _resolved(document, schema)
        names = list(shape.get("properties", {}))
        if not names or depth >= DEPTH_MAX:
            return _type(document, shape, depth + 1) if "enum" in shape else "object"
        return "{" + ", ".join(names) + "}"
    if "anyOf" in schema:
        return " or ".join(_type(document, one, depth) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(document, schema['items'], depth + 1)}" if "items" in schema else "list"
    return {"string": "text", "null": "null"}.get(kind, str(kind))


def _about(schema: Document, parameter: Document | None = None) -> str:
    shown = schema
    if "anyOf" in schema:
        shown = next((one for one in schema["anyOf"] if one.get("type") != "null"), schema)
    told: str = (parameter or {}).get("description", "") or shown.get("description", "")
    bounds = [words.format(shown[name]) for name, words in _BOUNDS if name in shown]
    if schema.get("default") not in (None, "", [], False):
        bounds.append(f"default {schema['default']}")
    text = "; ".join(bounds)
    return f"{told.removesuffix('.')}; {text}" if told and text else told.removesuffix(".") or text
