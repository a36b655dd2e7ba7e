"""Reads a feature's state from a snapshot, and refuses one that holds more than this release knows.

Dumped again by this release, what it does not know would be lost for whoever does (faults.md, row 25). It looks at form only, never at
what a value means.
"""

from typing import Any, cast

import msgspec

from liveserver.rooms.model import Feature


class Strange(Exception):
    """A newer release's state has a part that is not known here."""


def decoded(feature: Feature, dumped: msgspec.Raw) -> Any:
    """The feature's state. Raises Strange, or msgspec's errors for what is damaged."""
    state = msgspec.msgpack.decode(dumped, type=feature.state)
    # What this release wrote itself is equal, and nothing else need be looked at.
    if msgspec.msgpack.encode(state) != bytes(dumped) and not _kept(msgspec.msgpack.decode(dumped), state):
        raise Strange(f"its state of {feature.name} holds what this release does not know")
    return state


def _kept(told: Any, value: Any) -> bool:
    """Whether all that was told has its place in what it was decoded to."""
    if isinstance(value, msgspec.Struct):
        fields, config = value.__struct_encode_fields__, value.__struct_config__
        known = dict(zip(fields, value.__struct_fields__, strict=True))
        if config.array_like:
            values = [getattr(value, name) for name in value.__struct_fields__]
            return _all_kept(told, values if config.tag is None else [config.tag, *values])
        return all(
            key == config.tag_field or (key in known and _kept(part, getattr(value, known[key])))
            for key, part in told.items()
        )
    if isinstance(value, dict):
        parts = cast(dict[Any, Any], value)
        return all(_kept(part, parts[key]) for key, part in told.items())
    return _all_kept(told, cast(list[Any], value)) if isinstance(value, list) else True


def _all_kept(told: list[Any], values: list[Any]) -> bool:
    return len(told) <= len(values) and all(map(_kept, told, values))
