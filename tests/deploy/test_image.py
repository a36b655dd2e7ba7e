"""The image: built from what it needs and nothing else, with everything in it, for a user without rights."""

import json
import re
import subprocess
import sys
import zipfile

from liveserver.config.settings import SETTINGS
from tests.support.deployment import DOCKERFILE, NAME, ROOT


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    return [
        (line.split(" ", 1)[0], line.split(" ", 1)[1])
        for line in text.splitlines()
        if line and line[0] not in "# "
    ]


def test_stages_start_from_pinned_images():
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)


def test_it_runs_without_rights_and_gets_signals():
    last: dict[str, str] = dict(instructions())
    assert last["USER"] == "10001:10001"
    assert json.loads(last["ENTRYPOINT"]) == ["liveserver"], (
        "no shell in between, which would keep SIGTERM to itself"
    )
    assert json.loads(last["CMD"]) == ["serve"]
    assert last["STOPSIGNAL"] == "SIGTERM"


def test_settings_exist_and_no_secret_is_in_it():
    named = set(NAME.findall(DOCKERFILE.read_text()))
    assert named <= {about.env for about in SETTINGS.values()}
    set_here = {
        name for word, rest in instructions() if word in ("ENV", "ARG") for name in NAME.findall(rest)
    }
    assert not set_here & {about.env for about in SETTINGS.values() if about.secret}


def test_what_is_copied_is_let_through_and_nothing_else():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    let_through = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == let_through
    assert all((ROOT / source).exists() for source in copied)


def test_dependencies_are_those_of_the_lock():
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert "--require-hashes -r requirements/runtime.txt" in installs[0]
    assert all("--no-index" in rest and "--no-deps" in rest for rest in installs[1:])


def test_what_is_installed_has_every_file_of_the_packages(tmp_path):
    # As the Dockerfile does, minus the installing: a wheel from a copy of what it copies.
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path), str(ROOT)],
        check=True,
        timeout=100,
        capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    needed = {
        str(path.relative_to(base))
        for base, package in ((ROOT, "liveserver"), (ROOT / "http", "storefront"))
        for path in (base / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert needed - inside == set()
    assert any(name.endswith(".lua") for name in inside)
    assert any(name.endswith(".html") for name in inside)
