"""How one setting is declared, once: its default, a sentence, a unit, bounds; and how a value is read and shown.

It does not know where values come from (`load`) nor which settings there are (`settings`).
"""

import dataclasses
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urlsplit

Kind = Literal["text", "integer", "number", "switch", "list"]
Form = Literal["", "url", "origin", "proxy", "smtp", "mailbox"]
"""What a text has to look like beyond being a text; "" asks for nothing."""

TEXT_LENGTH_MAX = 4_096
"""Longest text a setting may hold: far above any URL or secret, far below what would be a mistaken file."""
LIST_LENGTH_MAX = 200
"""Most items a list setting may hold; origins and proxies are compared one by one."""

T = TypeVar("T")

_SWITCH = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
_MAILBOX = re.compile(r"[^<>@\"]*<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+")
_KINDS: Mapping[str, Kind] = {"str": "text", "int": "integer", "float": "number", "bool": "switch"}


class Problem(Exception):
    """Settings the server can't start with. Each line says what is wrong, where it stands, and what to write instead."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


@dataclasses.dataclass(frozen=True)
class Setting:
    """All that is known of one setting, for reading it, for `liveserver config` and for the documentation."""

    name: str
    kind: Kind
    default: Any
    doc: str
    section: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    form: Form
    secret: bool
    rate: bool
    """A rate limit, which `--unlimited` sets to 0 (no limit)."""

    @property
    def env(self) -> str:
        """Its name in the environment."""
        return f"LIVESERVER_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """Its name on the command line, for commands that offer it."""
        return "--" + self.name.replace("_", "-")

    def bounds(self) -> str:
        """What values are accepted, for people; "" if any."""
        if self.choices:
            return " | ".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return f"{self.low:g} or more" if self.low is not None else ""

    def read(self, raw: object) -> Any:
        """The typed value of what a flag, the environment (always text) or the file says. Raises ValueError."""
        value: Any = _READERS[self.kind](raw)
        if self.kind in ("integer", "number"):
            _check_bounds(value, self.low, self.high, self.unit)
        if self.choices and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")
        texts = cast(tuple[str, ...], value if self.kind == "list" else (value,))
        for text in texts:
            if self.form and text:
                _FORMS[self.form](text)
        return value

    def show(self, value: Any) -> str:
        """The value as it may be printed: secrets are never shown, nor are passwords inside addresses."""
        if self.secret:
            return "(set, not shown)" if value else ""
        if self.kind == "list":
            return ",".join(value)
        if self.kind == "switch":
            return "true" if value else "false"
        return without_password(str(value)) if self.form == "url" else str(value)


def without_password(url: str) -> str:
    """The address with its password, if any, replaced by `***`."""
    return re.sub(r"(://[^:/@]*:)[^@]*@", r"\1***@", re.sub(r"(?i)(password=)[^&]*", r"\1***", url))


def setting(
    default: T,
    doc: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    form: Form = "",
    secret: bool = False,
    rate: bool = False,
) -> T:
    """Declares a setting inside a section class; the annotation gives its kind."""
    about = {
        "doc": doc,
        "unit": unit,
        "low": low,
        "high": high,
        "choices": choices,
        "form": form,
        "secret": secret,
        "rate": rate,
    }
    return dataclasses.field(default=default, metadata=about)


def declared(settings: type[Any], sections: Sequence[type[Any]]) -> dict[str, Setting]:
    """Every setting of the dataclass `settings`, by name, in order of declaration; sections are its bases."""
    found: dict[str, Setting] = {}
    for section in sections:
        title = (section.__doc__ or section.__name__).split("\n")[0].split(":")[0].rstrip(".")
        for field in dataclasses.fields(section):
            named = getattr(field.type, "__name__", str(field.type))
            kind = _KINDS.get(named, "list")
            found[field.name] = Setting(field.name, kind, field.default, section=title, **field.metadata)
    assert set(found) == {field.name for field in dataclasses.fields(settings)}, (
        "every setting stands in a section"
    )
    return found


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError("must be a text")
    if len(raw) > TEXT_LENGTH_MAX:
        raise ValueError(f"has more than {TEXT_LENGTH_MAX} characters")
    return raw.strip()


def _integer(raw: object) -> int:
    if isinstance(raw, str) and re.fullmatch(r"[+-]?[0-9](_?[0-9]){0,17}", raw.strip()):
        return int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise ValueError("must be a whole number")


def _number(raw: object) -> float:
    if isinstance(raw, str) and re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,9})?", raw.strip()):
        return float(raw)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return float(raw)
    raise ValueError("must be a number such as 5 or 0.5")


def _switch(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().lower() in _SWITCH:
        return _SWITCH[raw.strip().lower()]
    raise ValueError("must be true or false")


def _list(raw: object) -> tuple[str, ...]:
    items = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(items, list | tuple):
        raise ValueError("must be a list (in the environment: separated by commas)")
    texts = tuple(_text(item) for item in cast(Sequence[object], items))
    if len(texts) > LIST_LENGTH_MAX:
        raise ValueError(f"has more than {LIST_LENGTH_MAX} items")
    return tuple(text for text in texts if text)


def _check_bounds(value: float, low: float | None, high: float | None, unit: str) -> None:
    unit = f" {unit}" if unit else ""
    if low is not None and value < low:
        raise ValueError(f"must be at least {low:g}{unit}")
    if high is not None and value > high:
        raise ValueError(f"must be at most {high:g}{unit}")


def _url(text: str) -> None:
    if "://" not in text:
        raise ValueError("must be an address with a scheme, such as https://shop.example")
    for host in urlsplit(text).netloc.rpartition("@")[2].split(","):  # several, for members of a cluster
        try:
            urlsplit(f"//{host}").port  # noqa: B018 - it is looked at only when asked for
        except ValueError:
            raise ValueError("must have a number from 0 to 65535 after a host's colon") from None


def _origin(text: str) -> None:
    parts = urlsplit(text)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.fragment
    ):
        raise ValueError(f"{text!r} is no origin: write scheme and host only, such as https://shop.example")


def _proxy(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an IP address nor a network such as 10.0.0.0/8") from None


def _smtp(text: str) -> None:
    _url(text)
    if urlsplit(text).scheme not in ("smtps", "smtp+starttls", "smtp") or not urlsplit(text).hostname:
        raise ValueError("must be smtps://…, smtp+starttls://… or smtp://…, with a host")


def _mailbox(text: str) -> None:
    if not text.isprintable() or not _MAILBOX.fullmatch(text):
        raise ValueError(f"{text!r} is no e-mail address: write shop@example.com or Shop <shop@example.com>")


_READERS: Mapping[Kind, Callable[[object], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "switch": _switch,
    "list": _list,
}
_FORMS = {"url": _url, "origin": _origin, "proxy": _proxy, "smtp": _smtp, "mailbox": _mailbox}
