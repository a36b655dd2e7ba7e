"""The words in which a load reports: under which name an answer is counted, and what is a failure. It keeps no figures (locust does)."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from liveserver.kernel.errors import Rejected

LATEST_VALUES = frozenset({"viewer:count", "reaction:burst"})
"""Events that wait for their tick on purpose (`state_interval_ms`): their age says nothing about the server."""
EXPECTED = frozenset("bid_too_low already_leading lot_closed lot_unknown slow_mode duplicate_message".split())
"""Refusals that are right answers to people who were slower than others. They are counted under names of their own."""


class Broken(Exception):
    """The server did not do what it promises. The message is the failure's line in the statistics."""


class Report(msgspec.Struct, frozen=True):
    """Where figures go: `fire(kind, name, ms, bytes, failure)`. Kinds: connect, command, event, batch, check.

    `ms` is None for what happened without taking time.
    """

    fire: Callable[[str, str, float | None, int, Exception | None], None]


def answer_name(type_: str, verdict: Mapping[str, Any] | Rejected) -> tuple[str, Exception | None]:
    """Under which name an answer is counted, and whether it is a failure.

    >>> answer_name("bid:place", {"leading": True})
    ('bid:place', None)
    >>> answer_name("bid:place", Rejected("bid_too_low", "Someone was faster."))
    ('bid:place bid_too_low', None)
    >>> answer_name("bid:place", Rejected("unavailable", "The record is behind."))
    ('bid:place', Broken('unavailable: The record is behind.'))
    """
    if not isinstance(verdict, Rejected):
        return type_, None
    if verdict.code in EXPECTED:
        return f"{type_} {verdict.code}", None
    return type_, Broken(f"{verdict.code}: {verdict.message}")
