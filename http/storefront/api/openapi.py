"""The OpenAPI 3.1 document, made of the registry and of the types that requests are decoded with: it can't be out of date.

It adds nothing by hand but what types can't say (`words`, `examples`). Which refusals an operation may give follows from what it takes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from storefront.api.examples import ANSWERS, BODIES
from storefront.api.registry import EVERYBODY, PREFIX, Operation, Table
from storefront.api.words import MESSAGES, PROBLEM_EXAMPLE, REFUSALS, SCHEMES, TAGS, Message
from storefront.idempotency import KEY_LENGTH_MAX
from storefront.problems import Problem

_REF = "#/components/schemas/{name}"
_ORDER = {tag: number for number, tag in enumerate(TAGS)}
_HEADERS: dict[str, Any] = {
    "RequestId": {
        "description": "Names this request in the server's log; the one sent, if it was a sane one.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "Authenticate": {"description": "What to sign in with.", "schema": {"type": "string"}},
    "Replayed": {
        "description": "`true`: the first answer again; nothing was done this time.",
        "schema": {"type": "string"},
    },
}


def openapi(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The document."""
    shapes = _shapes(operations)
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    schema_of = dict(zip(map(id, shapes), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for op in in_order(operations):
        paths.setdefault(PREFIX + op.path, {})[op.method.lower()] = _operation(op, schema_of, components)
    for message in MESSAGES:
        paths[PREFIX + message.path] = {"post": _message(message)}
    used = [*dict.fromkeys(op.tag for op in in_order(operations)), "webhooks"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "liveserver",
            "version": version,
            "description": "Live shows that sell: accounts, products, shows and their lots, orders, money. What happens in a live show "
            "comes over the WebSocket (/asyncapi.json). Amounts are minor units of their currency, times Unix ms. Lists are pages: "
            "`next` is the `cursor` of the page after, null on the last one. Refusals are RFC 9457 problem documents with a stable `code`.",
            "license": {"name": "See the repository"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, **({"description": TAGS[tag]} if tag in TAGS else {})} for tag in used],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": SCHEMES,
            "responses": {refusal.name: _refusal(status) for status, refusal in REFUSALS.items()},
            "headers": _HEADERS,
        },
    }


def in_order(operations: Iterable[Operation]) -> list[Operation]:
    """Subject by subject, as `words.TAGS` has them; within one as they were registered."""
    return sorted(operations, key=lambda op: _ORDER.get(op.tag, len(_ORDER)))


def refusals_of(op: Operation) -> list[int]:
    """The problem statuses that this operation may answer with."""
    # A token can be no good everywhere, an address too quick, an engine away.
    found = {401, 429, 503, *op.problems}
    changes = op.method != "GET"
    if changes:
        found |= {403, 409}
    if op.who != EVERYBODY:
        found |= {403}
    if op.parameters:
        found |= {404}
    if op.body is not None:
        found |= {400, 404, 413, 415, 422}
    if op.query is not None:
        found |= {400, 422}
    if op.keyed:
        found |= {422}
    return sorted(found)


def _shapes(operations: Sequence[Operation]) -> list[Any]:
    shapes: list[Any] = [Problem]
    for op in operations:
        shapes += [
            shape for shape in (op.body, op.query, op.answer) if shape is not None and shape is not Table
        ]
    return shapes


def _operation(op: Operation, schema_of: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": op.name,
        "tags": [op.tag],
        "summary": op.summary,
        "parameters": _parameters(op, schema_of, components),
        "responses": _responses(op, schema_of),
    }
    if op.description:
        described["description"] = op.description
    if op.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": _content(schema_of[id(op.body)], BODIES.get(op.name))},
        }
    if op.who == EVERYBODY:
        described["security"] = [{}, {"bearer": []}, {"cookie": []}]
    else:
        described["security"] = [{"bearer": []}, {"cookie": []}]
        described["x-roles"] = sorted(op.who)
    return described


def _content(schema: Any, example: Any) -> dict[str, Any]:
    return {"schema": schema} if example is None else {"schema": schema, "example": example}


def _parameters(op: Operation, schema_of: dict[int, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    id_schema = {"type": "string", "minLength": 1, "maxLength": 40}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": id_schema} for name in op.parameters
    ]
    if op.query is not None:
        reference: str = schema_of[id(op.query)]["$ref"]
        shape = components[reference.rpartition("/")[2]]
        found += [
            {"name": name, "in": "query", "required": name in shape.get("required", ()), "schema": schema}
            for name, schema in shape["properties"].items()
        ]
    if op.keyed:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Repeating a request with its key gives the first answer again, for a day; another request with it is "
                "refused (422 `idempotency_key_reused`). Make a new one for each thing that is to be done once.",
                "schema": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": KEY_LENGTH_MAX,
                    "pattern": "^[ -~]+$",
                },
            }
        )
    return found


def _responses(op: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done.", "headers": _headers("RequestId")}
    if op.keyed:
        done["headers"] |= _headers("Replayed")
    if op.answer is Table:
        done["content"] = {"text/csv": {"schema": {"type": "string"}}}
    elif op.answer is not None:
        done["content"] = {"application/json": _content(schema_of[id(op.answer)], ANSWERS.get(op.name))}
    return {str(op.status): done, **_refused(refusals_of(op))}


def _refused(statuses: Iterable[int]) -> dict[str, Any]:
    return {
        str(status): {"$ref": f"#/components/responses/{REFUSALS[status].name}"}
        for status in sorted(statuses)
    }


def _refusal(status: int) -> dict[str, Any]:
    headers = _headers("RequestId")
    if status in (429, 503):
        headers |= _headers("RetryAfter")
    if status == 401:
        headers |= _headers("Authenticate")
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(name="Problem")}}
    if status == PROBLEM_EXAMPLE["status"]:
        content["example"] = PROBLEM_EXAMPLE
    return {
        "description": REFUSALS[status].when,
        "headers": headers,
        "content": {"application/problem+json": content},
    }


def _headers(*names: str) -> dict[str, Any]:
    sent = {
        "RequestId": "X-Request-Id",
        "RetryAfter": "Retry-After",
        "Authenticate": "WWW-Authenticate",
        "Replayed": "Idempotency-Replayed",
    }
    return {sent[name]: {"$ref": f"#/components/headers/{name}"} for name in names}


def _message(message: Message) -> dict[str, Any]:
    return {
        "operationId": message.name,
        "tags": ["webhooks"],
        "summary": message.summary,
        "description": message.description,
        "parameters": [],
        "requestBody": {"required": True, "content": {message.media: {"schema": {"type": "object"}}}},
        "security": [{message.scheme: []}],
        "responses": {
            "204": {"description": "Taken, now or before.", "headers": _headers("RequestId")},
            **_refused((400, 413, 422, 429, 503)),
        },
    }
