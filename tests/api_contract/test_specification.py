"""The served specification holds: schemathesis asks a real server as each role, well-formed and not, always in the same order.

Every answer is of a described status, content type, shape and header; none is a 5xx but the described 503; wrong data and unknown methods
are refused; no operation ignores who asks. What operations mean is tested elsewhere.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server import JWT, Person, Server, person

SEED = 7
EXAMPLES_MAX = int(os.environ.get("CONTRACT_EXAMPLES", "3"))
"""Random requests of each operation, besides those made of its bounds: the run is to stay at about a minute."""
RUN_MAX_S = 240
LEFT_OUT = {
    "positive_data_acceptance": "whether an id exists, or a show has started, is no matter of shape",
    "missing_required_header": "no header is required: who asks is told by a cookie as well",
}
VIDEO = {
    "LIVESERVER_LIVEKIT_URL": "wss://video.example",
    "LIVESERVER_LIVEKIT_API_KEY": "APIstage",
    "LIVESERVER_LIVEKIT_API_SECRET": "a secret of tests, long enough for HS256",
}
RUNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("guest", "coverage,fuzzing", ("auth", "catalog", "shows", "video", "webhooks")),
    ("viewer", "coverage,fuzzing", ("me", "cart", "checkout", "orders")),
    ("host", "coverage,fuzzing", ("seller", "money")),
    ("admin", "coverage,fuzzing", ("operator",)),
    ("guest", "fuzzing", ("me", "cart", "checkout", "orders", "seller", "money", "operator")),
    ("viewer", "fuzzing", ("seller", "money", "operator")),
)
"""Who asks for which subjects, and how thoroughly: where a role has nothing to look for, little is said."""


async def seeded(server: Server, host: Person) -> str:
    """Something to find, and how schemathesis finds it."""
    show = await server.new_show(host)
    good = {"title": "Halden 35", "price": 9_900, "currency": "USD", "variants": [{"sku": "H", "stock": 5}]}
    product = await server.post("/seller/products", good, host.token)
    lot = await server.post(
        f"/seller/livestreams/{show}/lots", {"title": "Halden 35", "start": 100}, host.token
    )
    return f"""
# `order` is an id that a lot could have, so that other lots' methods are rightly advertised there.
[[operations]]
include-path-regex = "/lots/order$"
parameters = {{ "path.id" = "{show}" }}
checks.allow_header_conformance.enabled = false

[[operations]]
include-path-regex = "/livestreams/.id."
exclude-path-regex = "/lots/order$"
parameters = {{ "path.id" = "{show}", "path.lot_id" = "{lot["id"]}" }}

[[operations]]
include-path-regex = "/products/.id."
parameters = {{ "path.id" = "{product["id"]}" }}
"""


async def asked(server: Server, folder: Path, who: Person | None, phases: str, tags: tuple[str, ...]) -> str:
    """What schemathesis has to complain about; "" for nothing."""
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(folder / "schemathesis.toml")),
        *("run", f"{server.origin}/openapi.json"),
        *("--phases", phases, "--max-examples", str(EXAMPLES_MAX), "--seed", str(SEED), "--workers", "1"),
        *("--exclude-checks", ",".join(LEFT_OUT)),
        *("--continue-on-failure", "--no-color", "--generation-database", "none", "--warnings", "off"),
        *(word for tag in tags for word in ("--include-tag", tag)),
        *(("--header", f"Authorization: Bearer {who.token}") if who is not None else ()),
    ]
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(RUN_MAX_S):
        said, _ = await process.communicate()
    return "" if process.returncode == 0 else said.decode()


@pytest.mark.timeout(600)
async def test_a_server_keeps_what_its_specification_says(new_data_dir: Callable[[], Path], tmp_path: Path):
    people = {"guest": None, "viewer": person("Ana"), "host": person("Hanna", "host"), "admin": person("Ada", "admin")}  # fmt: skip
    host = people["host"]
    assert host is not None
    async with Server(new_data_dir(), {**JWT, **VIDEO, "LIVESERVER_UNLIMITED": "true"}) as server:
        (tmp_path / "schemathesis.toml").write_text(await seeded(server, host))
        for role, phases, tags in RUNS:
            complaints = await asked(server, tmp_path, people[role], phases, tags)
            assert complaints == "", f"as {role}:\n{complaints[-8_000:]}"
        assert "request_failed" not in server.said
