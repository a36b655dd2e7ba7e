"""Writes the made parts of docs/PROTOCOL.md: messages, events, close codes, limits, error codes, from the code itself.

With `--check` it changes nothing and ends with 1 if the file is not current.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from liveserver.cli.features import routes
from liveserver.config.settings import Settings
from liveserver.gateway import describe

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs/PROTOCOL.md"
SPEAKERS = (
    "gateway",
    "rooms",
    "auction",
    "chat",
    "spotlight",
    "presence",
    "kernel/errors.py",
    "accounts/errors.py",
)
"""Where refusals that a socket may be told are written."""
UNHEARD = {"bad_credentials", "too_many_attempts", "no_account", "link_expired", "already_verified"}
"""Refusals in there that only HTTP tells."""


def refusals() -> dict[str, tuple[str, bool]]:
    """Every code with one of its messages, and whether trying again may help."""
    found: dict[str, tuple[str, bool]] = {}
    for speaker in SPEAKERS:
        path = ROOT / "liveserver" / speaker
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for code, message, retryable in _calls(ast.parse(file.read_text())):
                if code not in UNHEARD and (code not in found or not _says_something(found[code][0])):
                    found[code] = (message, retryable)
    return dict(sorted(found.items()))


def _calls(tree: ast.AST) -> Iterator[tuple[str, str, bool]]:
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejected"
        ):
            continue
        if len(node.args) < 2 or not isinstance(node.args[0], ast.Constant):
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        again = keywords.get("retryable")
        retryable = isinstance(again, ast.Constant) and again.value is True
        yield str(node.args[0].value), _words(node.args[1]), retryable


def _says_something(message: str) -> bool:
    return any(letter.isalpha() for letter in message)


def _words(message: ast.expr) -> str:
    """The message, with … for what is filled in."""
    if isinstance(message, ast.Constant):
        return str(message.value)
    if isinstance(message, ast.JoinedStr):
        return "".join(_words(part) if isinstance(part, ast.Constant) else "…" for part in message.values)
    return "…"


def current() -> str:
    """The document as it should be."""
    made = describe.sections(routes(Settings()))
    lines = ["| code | again? | message |\n", "| - | - | - |\n"]
    lines += [
        f"| `{code}` | {'yes' if again else ''} | {words} |\n" for code, (words, again) in refusals().items()
    ]
    made["errors"] = "".join(lines)
    return describe.rendered(DOCUMENT.read_text(encoding="utf-8"), made)


def main() -> int:
    """Writes, or checks."""
    if "--check" in sys.argv:
        return 0 if DOCUMENT.read_text(encoding="utf-8") == current() else 1
    DOCUMENT.write_text(current(), encoding="utf-8")
    print(f"wrote {DOCUMENT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
