"""Every test of the gateway also shows that nothing unexpected was logged."""

import logging

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "expects_errors: this test provokes an error that must be logged")


@pytest.fixture(autouse=True)
def nothing_unexpected_is_logged(request, caplog):
    """No traceback and no error from any logger, unless the test says `expects_errors`."""
    caplog.set_level(logging.INFO)
    yield
    records = [r for when in ("setup", "call") for r in caplog.get_records(when)]
    bad = [r.getMessage() for r in records if r.levelno >= logging.ERROR or r.exc_info]
    if request.node.get_closest_marker("expects_errors"):
        assert bad, "this test announces an error that did not come"
    else:
        assert bad == []
