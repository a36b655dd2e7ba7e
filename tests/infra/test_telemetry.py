"""Log lines carry who and where, never a secret; numbers are read when scraped."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from liveserver.infra.telemetry import LINE_VALUE_CHARACTERS_MAX, Metrics, Number, name_node, set_up_logging

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logging("info", "json", stream=stream, process="worker-1")
    name_node("node_1")
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_line_says_when_where_and_who(log):
    with structlog.contextvars.bound_contextvars(request="req_1", show="show_1", user="user_1"):
        structlog.get_logger("liveserver.gateway").info("joined", viewers=3)
    (line,) = lines(log)
    assert line["event"] == "joined"
    assert (line["request"], line["show"], line["user"]) == ("req_1", "show_1", "user_1")
    assert (line["node"], line["level"], line["logger"], line["viewers"]) == (
        "node_1",
        "info",
        "liveserver.gateway",
        3,
    )
    assert str(line["timestamp"]).endswith("Z")


def test_libraries_lines_take_the_same_road(log):
    logging.getLogger("aiohttp.server").error("bad request from %s", "192.0.2.1")
    assert lines(log)[0]["event"] == "bad request from 192.0.2.1"


def test_less_important_lines_are_left_out(log):
    structlog.get_logger().debug("noise")
    logging.getLogger("websockets").info("connection open")
    assert lines(log) == []


@pytest.mark.parametrize(
    "said",
    [
        {"token": TOKEN},
        {"Authorization": "Basic abc"},
        {"jwt_secret": "hunter2hunter2"},
        {"headers": f"authorization: Bearer {TOKEN}"},
        {"url": "/ws?token=hunter2hunter2&x=1"},
        {"dsn": "postgresql://shop:hunter2hunter2@db/live"},
        {"error": f"cannot read {TOKEN}"},
    ],
)
def test_secrets_do_not_reach_the_log(log, said):
    structlog.get_logger().warning("refused", **said)
    text = log.getvalue()
    assert "hunter2hunter2" not in text
    assert TOKEN not in text
    assert "abc" not in text


def test_a_secret_in_a_traceback_is_left_out_as_well(log):
    try:
        raise ValueError(f"bad token {TOKEN}")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(log)
    assert "ValueError" in str(line["exception"])
    assert TOKEN not in log.getvalue()


def test_a_line_is_bounded(log):
    structlog.get_logger().info("x" * 100_000)
    assert len(log.getvalue()) < LINE_VALUE_CHARACTERS_MAX + 500


def test_numbers_are_read_at_the_scrape():
    metrics = Metrics()
    open_now = {"live.v1.json": 2.0}
    metrics.read(
        Number("liveserver_connections", "gauge", "Open connections.", ("protocol",)), lambda: open_now
    )
    metrics.read(Number("liveserver_bids_total", "counter", "Bids decided."), lambda: 7)
    open_now["live.v1.json"] = 3.0
    text = metrics.render().decode()
    assert 'liveserver_connections{protocol="live.v1.json"} 3.0' in text
    assert "liveserver_bids_total 7.0" in text
    assert [number.name for number in metrics.numbers()] == [
        "liveserver_connections",
        "liveserver_bids_total",
    ]


def test_a_number_has_one_source():
    metrics = Metrics()
    number = Number("liveserver_rooms", "gauge", "Rooms followed.")
    metrics.read(number, lambda: 1)
    with pytest.raises(AssertionError, match="two places"):
        metrics.read(number, lambda: 2)
