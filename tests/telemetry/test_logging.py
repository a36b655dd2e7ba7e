"""Every warning and error of the server is explained to operators, and lines say whose they are."""

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from liveserver.infra.telemetry import name_node, set_up_logging
from storefront.middleware import observed

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "docs" / "operating" / "logging.md"
OTHERS = {"client", "demo"}
"""Libraries and bots: their lines are not the server's."""
LEVELS = {"warning": "warning", "error": "error", "exception": "error", "critical": "critical"}


def events() -> dict[str, set[str]]:
    """Event names in the code, with their levels."""
    found: dict[str, set[str]] = {}
    for root in (ROOT / "liveserver", ROOT / "http" / "storefront"):
        for path in root.rglob("*.py"):
            if OTHERS & set(path.relative_to(root).parts):
                continue
            for call in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Attribute)
                    and call.func.attr in LEVELS
                    and ast.unparse(call.func.value) in {"log", "_log", "logger", "_logger", "self._log"}
                ):
                    name = call.args[0]
                    assert isinstance(name, ast.Constant), (
                        f"{path.name}:{call.lineno} computes its event's name"
                    )
                    found.setdefault(str(name.value), set()).add(LEVELS[call.func.attr])
    return found


def told() -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", BOOK.read_text(), re.MULTILINE))


def test_every_event_has_a_name_and_not_a_sentence():
    assert [name for name in events() if not re.fullmatch(r"[a-z]+(?:_[a-z]+)*", name)] == []


def test_every_warning_and_error_is_explained_in_logging_md():
    assert set(events()) - set(told()) == set(), "add them to docs/operating/logging.md"


def test_nothing_is_explained_that_is_not_said():
    assert set(told()) - set(events()) == set(), "take them out of docs/operating/logging.md"


def test_levels_are_as_explained():
    assert {name: levels for name, levels in events().items() if levels != {told()[name]}} == {}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logging("info", "json", stream=stream, process="worker-2")
    name_node("node_7")
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_library_styled_line_keeps_its_extra_words_and_loses_its_secrets(log: io.StringIO):
    logging.getLogger("liveserver.accounts").warning("notices_not_heard", extra={"error": "x", "token": "y"})
    (line,) = lines(log)
    assert (line["event"], line["error"], line["token"]) == ("notices_not_heard", "x", "***")
    assert (line["process"], line["node"]) == ("worker-2", "node_7")


async def test_a_requests_lines_are_its_own_and_not_the_next_ones(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    """Requests of one connection share a task and so its context."""

    async def handler(request: web.Request) -> web.Response:
        if "signed" in request.query:
            structlog.contextvars.bind_contextvars(user="user_1")  # what `visitor_of` does
        structlog.get_logger().warning("asked")
        return web.Response()

    class Nothing:
        def __getattr__(self, name: str) -> "Nothing":
            return self

        def __call__(self, *args: object, **more: object) -> "Nothing":
            return self

        def __bool__(self) -> bool:
            return False

    async def page(request: web.Request, _rejected: object) -> web.Response:
        return web.Response(status=500)

    monkeypatch.setattr("storefront.middleware.services_of", lambda _request: Nothing())
    app = web.Application(middlewares=[observed(page)])
    app.router.add_get("/shows/{id}", handler)
    app.router.add_get("/me", handler)
    show = "show_1k0rhz6exr7gpmy8pyq5ar"
    async with TestClient(TestServer(app)) as browser:
        for path in (f"/shows/{show}?signed=1", "/me", "/shows/made-up%20id"):
            await (await browser.get(path, headers={"X-Request-Id": "r1"})).read()
    first, second, third = [line for line in lines(log) if line["event"] == "asked"]
    assert (first["request"], first["show"], first["user"]) == ("r1", show, "user_1")
    assert second["request"] == "r1"
    assert not {"show", "user"} & set(second)
    assert "show" not in third, "an address may hold anything"
