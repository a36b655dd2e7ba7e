"""Text as people type it, made into text as it is kept and compared. Runs at the edge, before the log, and only there:
Unicode's tables differ between Python versions (faults.md, row 22), so no rule of a room may look into text again.

It judges nothing; `moderation` does.
"""

import hashlib
import re
import unicodedata

MARKS_MAX = 4
"""Combining marks in a row that are kept: enough for Vietnamese, Thai and Hebrew, too few to smear over other lines."""

_DIGEST_BYTES = 6
"""A digest is compared with four others of the same person: 48 bits make a false repeat a matter of centuries."""

# Joiners shape emoji and Persian or Indic words; all other format characters are invisible or turn text around.
_JOINERS = frozenset("\u200c\u200d")
# Characters that print nothing although Unicode calls them letters or symbols.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_SPACES = re.compile(r"\s+")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")
_VISIBLE_NOT = frozenset({"Cf", "Mn", "Me", "Zs"})

# Letters of other scripts, and digits and signs, that are read as Latin ones. Only for comparing.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁԛԝһӏмткнвαεορτυικν", "aeopcyxijsdqwhlmtkhbaeoptuikv")


def normalise(text: str) -> str:
    """One line in Unicode's composed form (NFC), without control and invisible characters, spaces collapsed.

    "" when nothing visible is left.
    """
    if text.isascii() and text.isprintable():
        return _SPACES.sub(" ", text).strip()
    text = unicodedata.normalize("NFC", text)
    kept: list[str] = []
    flags = {at for flag in _FLAG.finditer(text) for at in range(flag.start() + 1, flag.end())}
    marks = 0
    for at, char in enumerate(text):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if char.isspace() or char in _BLANKS:
            kept.append(" ")
        elif category in ("Cc", "Cs", "Co"):
            # A control character between two words separated them.
            kept.append(" " if category == "Cc" else "")
        elif category == "Cf" and char not in _JOINERS and at not in flags:
            continue
        elif marks <= MARKS_MAX:
            kept.append(char)
    line = _SPACES.sub(" ", "".join(kept)).strip()
    return line if any(unicodedata.category(char) not in _VISIBLE_NOT for char in line) else ""


def skeleton(text: str) -> str:
    """What a text looks like at a glance: no case, accents, fonts, joiners or letters borrowed from other scripts.

    For comparing with words that went through it as well; never shown.
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_LOOKALIKES)
    return "".join(c for c in plain if not "\u0300" <= c <= "\u036f" and c not in _JOINERS)


def digest(text: str) -> str:
    """A short fingerprint of a normalised text, equal for texts that differ in case alone."""
    return hashlib.blake2b(text.casefold().encode(), digest_size=_DIGEST_BYTES).hexdigest()
