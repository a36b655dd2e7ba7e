"""docs/PROTOCOL.md and the AsyncAPI document say what the code does: every message, event, code and limit, and no other."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from liveserver.cli.features import FEATURES, routes
from liveserver.config.settings import SETTINGS, Settings
from liveserver.gateway import closecodes
from liveserver.gateway.asyncapi import asyncapi
from liveserver.gateway.codecs import OWN, Inbound
from liveserver.gateway.eventwords import EVENTS
from liveserver.gateway.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
ROUTES = routes(Settings())
TYPE = re.compile(r"^[a-z]+:[a-z]+$")


def test_the_written_protocol_is_current():
    done = subprocess.run([sys.executable, ROOT / "scripts/write_protocol.py", "--check"], cwd=ROOT)
    assert done.returncode == 0, "run `make protocol`"


def test_every_event_in_the_sources_is_described_and_no_other():
    found = set()
    for package in (
        "rooms/lifecycle.py",
        "auction",
        "chat",
        "spotlight",
        "presence",
        "gateway/fanout.py",
        "gateway/ordernews.py",
    ):
        path = ROOT / "liveserver" / package
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found |= events_in(ast.parse(file.read_text()))
    assert found == {words.type for words in EVENTS}


def events_in(tree: ast.AST) -> set[str]:
    """First arguments of calls that make or pass on an event."""
    makers = {"Event", "_event", "_privately", "_alone", "_say"}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            found |= {
                arg.value
                for arg in node.args[:2]
                if name in makers and isinstance(arg, ast.Constant) and TYPE.match(str(arg.value))
            }
    return found


def test_codes_keep_their_promise_about_coming_back():
    assert [code.code for code in closecodes.CODES] == sorted({code.code for code in closecodes.CODES})
    assert len({code.name for code in closecodes.CODES}) == len(closecodes.CODES)
    for code in closecodes.CODES:
        assert 4000 <= code.code <= 4999
        assert code.reconnect or not code.resume
        assert re.fullmatch(r"[a-z_]+( \d{1,6})?", code.reason())
        assert len(code.reason(300_000).encode()) <= closecodes.REASON_BYTES_MAX


def test_every_limit_is_a_setting_with_the_same_default():
    for name in Limits.__struct_fields__:
        assert getattr(Limits(), name) == SETTINGS[name].default, name
    assert Limits.of(Settings(bids_per_s=7)).bids_per_s == 7


def test_every_command_of_every_feature_has_its_kind_in_some_feature():
    kinds = {kind for feature in FEATURES for kind in feature.commands}
    assert {route.kind for route in ROUTES} <= kinds


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.type)
def test_every_number_and_text_a_client_may_send_is_bounded(route):
    assert unbounded(msgspec.json.schema(route.payload)) == []


def unbounded(schema, path="", lenient=("show",)) -> list[str]:
    """Paths of texts without a length or pattern and of numbers without a range."""
    found = []
    if isinstance(schema, dict):
        kind = schema.get("type")
        if kind == "string" and not schema.keys() & {"maxLength", "pattern", "enum", "const"}:
            found.append(path)
        if kind == "integer" and not ({"minimum", "maximum"} <= schema.keys() or "enum" in schema):
            found.append(path)
        if kind == "array" and "maxItems" not in schema:
            found.append(path)
        for key, inner in schema.items():
            if key != "default":
                found += unbounded(inner, f"{path}/{key}")
    elif isinstance(schema, list):
        for at, inner in enumerate(schema):
            found += unbounded(inner, f"{path}/{at}")
    return [each for each in found if not each.endswith("/properties/show")]


def test_the_asyncapi_document_holds_together():
    document = asyncapi(ROUTES, Limits(), "https://shop.example")
    assert document["servers"]["this"] == {"host": "shop.example", "protocol": "wss"}
    for reference in references(document):
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    messages = document["components"]["messages"]
    assert {message["name"] for message in messages.values()} == (
        {"ok", "error", "events", "alone"}
        | {words.type for words in EVENTS}
        | {name for name, _ in OWN}
        | {route.type for route in ROUTES}
    )
    assert messages["hello"]["payload"]["required"] == ["type"]
    assert messages["bid_place"]["payload"]["required"] == ["type", "payload"]
    assert messages["bid_place"]["x-rate"] == "bid"
    msgspec.json.encode(document)


def references(part) -> list[str]:
    if isinstance(part, dict):
        found = [part["$ref"]] if "$ref" in part else []
        return found + [each for inner in part.values() for each in references(inner)]
    return [each for inner in part for each in references(inner)] if isinstance(part, list) else []


def test_messages_of_the_union_are_told_apart_by_type_alone():
    inbound = Inbound(ROUTES)
    assert set(inbound.types) == {name for name, _ in OWN} | {route.type for route in ROUTES}
