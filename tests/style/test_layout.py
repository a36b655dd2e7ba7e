"""Guards of the checkout's shape that no linter knows: what may stand where, how long a file may be, what it may not name."""

import ast
import http
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES_MAX = 500
# Python's own package index and npm's, spelled so that this file does not name them itself.
REGISTRY_HOSTS = re.compile(r"pypi\.(?:org|python)|pythonhosted\.(?:org)|registry\.npmjs\.", re.IGNORECASE)
HOME_FOLDERS = re.compile(r"(?<![\w.])/(?:home|Users)/[a-z][\w-]*/|(?<![\w.])/ro[o]t/")


def tracked_files() -> list[Path]:
    # Untracked files count too, so that the check speaks before the commit; ignored ones do not.
    listed = subprocess.run(
        [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    assert names, "git lists no files: the checks below would check nothing"
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py"]


def test_http_holds_only_the_storefront():
    present = {p.name for p in (ROOT / "http").iterdir() if p.name != "__pycache__"}
    assert present == {"storefront", "README.md"}, "see docs/adr/0001-http-folder.md"
    assert not (ROOT / "tests" / "http").exists(), (
        "a tests/http would shadow Python's http in some import modes"
    )


def test_pythons_own_http_is_the_one_imported():
    assert not Path(http.__file__).is_relative_to(ROOT / "http")


def test_every_module_says_what_it_is_for():
    product = [
        p
        for p in python_files()
        if p.relative_to(ROOT).parts[0] in {"liveserver", "http", "loadtests", "benchmarks"}
    ]
    silent = [p.name for p in product if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


def test_files_stay_short_enough_to_tell_one_story():
    kinds = {".py", ".js", ".css", ".html", ".sql", ".sh"}
    generated = {ROOT / "liveserver/infra/schema.sql"}
    lengths = {
        str(p.relative_to(ROOT)): len(p.read_text().splitlines())
        for p in tracked_files()
        if p.suffix in kinds and p not in generated
    }
    assert {name: n for name, n in lengths.items() if n > LINES_MAX} == {}


def test_no_file_names_one_machine_or_a_registry():
    found: list[str] = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # pictures and fonts
        for pattern in (REGISTRY_HOSTS, HOME_FOLDERS, re.compile(re.escape(f"{ROOT}/"))):
            found += [f"{path.relative_to(ROOT)}: {m.group()}" for m in pattern.finditer(text)]
    assert found == []


def test_silenced_checks_name_the_rule_and_the_reason():
    bare = re.compile(r"#\s*(?:noqa(?!:)|type:\s*ignore(?!\[)|pyright:\s*ignore(?!\[))")
    unexplained = re.compile(
        r"#\s*(?:noqa:\s*[A-Z0-9, ]+|(?:type|pyright):\s*ignore\[[\w, -]+\])\s*$", re.MULTILINE
    )
    found = [
        f"{path.relative_to(ROOT)}: {m.group().strip()}"
        for path in python_files()
        if path != Path(__file__)
        for pattern in (bare, unexplained)
        for m in pattern.finditer(path.read_text())
    ]
    assert found == []
