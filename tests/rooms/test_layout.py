"""Snapshots' layout and its version belong together: who changes what rooms remember raises the version.

Otherwise an older release beside this one would load such a snapshot, drop what it does not know, and dump it without.
"""

import hashlib

import msgspec

from liveserver.cli.features import FEATURES
from liveserver.rooms.paces import Paces
from liveserver.rooms.room import SNAPSHOT_VERSION
from liveserver.rooms.verdicts import Verdicts

LAYOUTS = {2: "808c0ff5e2cab770", 3: "1833008ee745f44b"}
"""The fingerprint of each layout since it is kept."""


def fingerprint() -> str:
    parts = [*(feature.state for feature in FEATURES), Verdicts, Paces]
    _, components = msgspec.json.schema_components(parts, ref_template="{name}")
    shapes = {
        name: (sorted(shape.get("properties", {}).items()), shape.get("prefixItems"))
        for name, shape in components.items()
    }
    return hashlib.sha256(msgspec.json.encode(sorted(shapes.items()))).hexdigest()[:16]


def test_the_layout_of_snapshots_has_the_version_it_is_known_by():
    assert LAYOUTS.get(SNAPSHOT_VERSION) == fingerprint(), (
        "What rooms remember has changed: raise SNAPSHOT_VERSION in rooms/room.py and add its fingerprint here "
        f'({SNAPSHOT_VERSION + 1}: "{fingerprint()}").'
    )
