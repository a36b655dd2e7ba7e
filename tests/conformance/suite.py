"""Autobahn's test cases, as they are installed, made to run on today's Python.

They were written for Python 2, where text literals are bytes. Here every byte is one character instead (Latin-1): the sources
are read that way, and so is what goes in and out of a case, so that literals, slices and comparisons mean what they meant.
Nothing of the package is copied or changed on disk, and nothing is left in `sys.modules`.
"""

import binascii
import builtins
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

WANTED = ("case[1-7]_*.py", "case10_*.py")
"""Everything but 9 (see `PERFORMANCE`), and 12 and 13: compression, which neither side negotiates."""
PERFORMANCE = "case9_[1-8]_*.py"
"""9.1 to 9.8. The package itself leaves out 9.9."""

_REPAIRS = (
    (re.compile(r"^(\s*)print\b.*$", re.MULTILINE), r"\1pass"),
    (re.compile(r"\(object, Case,\s*\)"), "(Case,)"),
    (re.compile(r"len\(self\.payload\) / "), "len(self.payload) // "),
)
"""What does not compile, or means something else: print statements, the order of bases, whole division."""


class States:
    """Stands for autobahn's WebSocketProtocol, of which cases use the constants."""

    STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = range(4)
    MESSAGE_TYPE_TEXT, MESSAGE_TYPE_BINARY = 1, 2
    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_GOING_AWAY = 1001
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007


class _Validator:
    """Stands for autobahn's UTF-8 validator: one question at a time."""

    def reset(self) -> None:
        pass

    def validate(self, text: str) -> tuple[bool, bool, int, int]:
        """Whether what came is right so far, and whether it could end here."""
        data = text.encode("latin-1")
        try:
            data.decode()
        except UnicodeDecodeError as error:
            cut_short = error.reason == "unexpected end of data"
            return cut_short, False, error.start, error.start
        return True, True, len(data), len(data)


def _module(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(names)
    return module


def _hex(text: str) -> str:
    return binascii.b2a_hex(text.encode("latin-1")).decode()


class _Loader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules = {
            "binascii": _module("binascii", b2a_hex=_hex),
            "autobahn.websocket.protocol": _module("protocol", WebSocketProtocol=States),
            "autobahn.websocket.utf8validator": _module("utf8validator", Utf8Validator=_Validator),
        }
        self._builtins = {**vars(builtins), "__import__": self._import, "xrange": range}

    def _import(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> ModuleType:
        # Cases import each other by bare names, and of others only what is stood in for here and the standard library.
        if name not in self._modules and (self._folder / f"{name}.py").is_file():
            self.load(name)
        known = self._modules.get(name)
        return known if known is not None else __import__(name, globals, locals, fromlist, level)

    def load(self, name: str) -> ModuleType:
        module = self._modules[name] = _module(name, __builtins__=self._builtins)
        source = (self._folder / f"{name}.py").read_text("latin-1")
        for pattern, mended in _REPAIRS:
            source = pattern.sub(mended, source)
        exec(compile(source, f"<autobahn {name}>", "exec"), vars(module))
        return module


def folder() -> Path | None:
    """Where the cases are: in the virtual environment `.venv-conformance`, or in this Python. None: nowhere."""
    for site in Path(__file__).parents[2].glob(".venv-conformance/lib/python*/site-packages"):
        if (site / "autobahntestsuite/case").is_dir():
            return site / "autobahntestsuite/case"
    found = importlib.util.find_spec("autobahntestsuite")
    return Path(found.origin).parent / "case" if found is not None and found.origin else None


def cases(patterns: tuple[str, ...], where: Path | None = None) -> Mapping[str, type[Any]]:
    """Case number ("6.4.1") to class, in order. Raises FileNotFoundError when the package is not installed."""
    where = where or folder()
    if where is None:
        raise FileNotFoundError("autobahntestsuite is not installed; `make conformance` brings it")
    loader = _Loader(where)
    base = loader.load("case").Case
    # They compare pickles, which also differ by whether equal strings are one object.
    base.compare = lambda self, one, other: one == other
    found: dict[tuple[int, ...], type[Any]] = {}
    for path in sorted(path for pattern in patterns for path in where.glob(pattern)):
        for value in _classes(loader.load(path.stem), base):
            number = tuple(int(part) for part in value.__name__.removeprefix("Case").split("_"))
            found[number] = value
    return {".".join(map(str, number)): found[number] for number in sorted(found)}


def _classes(module: ModuleType, base: type[Any]) -> list[type[Any]]:
    direct = [value for value in vars(module).values() if isinstance(value, type)]
    listed = [each for value in vars(module).values() if isinstance(value, list) for each in value]
    return [
        value for value in (*direct, *listed)
        if isinstance(value, type) and issubclass(value, base) and value is not base
    ]  # fmt: skip
