"""The OpenAPI 3.1 document, made of the registry and of the types that requests are decoded with: it can't be out of date.

It adds nothing by hand but what types can't say: who may call, and which problems there are.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from storefront.api.registry import ADMINS, EVERYBODY, HOSTS, PREFIX, Operation, Table
from storefront.problems import Problem

_REF = "#/components/schemas/{name}"


def openapi(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The document."""
    shapes = _shapes(operations)
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    schema_of = dict(zip(map(id, shapes), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for op in operations:
        paths.setdefault(PREFIX + op.path, {})[op.method.lower()] = _operation(op, schema_of, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "liveserver",
            "version": version,
            "description": "Live shows that sell: accounts, products, shows and their lots. What happens in a live show comes "
            "over the WebSocket (/asyncapi.json).",
            "license": {"name": "See the repository"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(op.tag for op in operations)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A session's token (/auth/login), or a JWT of the embedding app.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "liveserver",
                    "description": "The pages' session (over https its name is __Host-liveserver); changing requests also need "
                    "the header X-CSRF-Token.",
                },
            },
            "responses": {
                "Problem": {
                    "description": "A refusal, as RFC 9457 says.",
                    "content": {
                        "application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}
                    },
                }
            },
        },
    }


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
            "content": {"application/json": {"schema": schema_of[id(op.body)]}},
        }
    if op.who == EVERYBODY:
        described["security"] = [{}, {"bearer": []}, {"cookie": []}]
    else:
        described["security"] = [{"bearer": []}, {"cookie": []}]
        described["x-roles"] = sorted(op.who)
    return described


def _parameters(op: Operation, schema_of: dict[int, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    id_schema = {"type": "string", "maxLength": 40}
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
                "description": "Repeating a request with its key gives the first answer again, for a day.",
                "schema": {"type": "string", "maxLength": 255},
            }
        )
    return found


def _responses(op: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if op.answer is Table:
        done["content"] = {"text/csv": {"schema": {"type": "string"}}}
    elif op.answer is not None:
        done["content"] = {"application/json": {"schema": schema_of[id(op.answer)]}}
    refused = ["400", "429", "503"]
    refused += ["404"] if op.parameters else []
    refused += ["409", "413", "415", "422"] if op.body is not None else []
    refused += ["401", "403"] if op.who != EVERYBODY else []
    problem = {"$ref": "#/components/responses/Problem"}
    return {str(op.status): done, **dict.fromkeys(sorted(refused), problem)}


def roles_text(op: Operation) -> str:
    """Who may call, for the reference page."""
    if op.who == EVERYBODY:
        return "everybody"
    return {HOSTS: "hosts", ADMINS: "admins"}.get(op.who, "signed in")
