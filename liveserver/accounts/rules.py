"""The rules about people: which names, e-mail addresses and passwords are accepted, and when two names are the same.

Pure: no I/O, no clock, no database's idea of case. Keys are computed here once and stored, because Unicode tables differ
between Python versions and databases (faults.md, row 22).
"""

import re
import unicodedata
from itertools import pairwise

from liveserver.accounts.errors import BAD_EMAIL, NAME_RESERVED, bad_name, weak_password
from liveserver.kernel.errors import Rejected

NAME_LENGTH_MIN = 2
NAME_LENGTH_MAX = 30
NAME_INPUT_MAX = 200
"""Longest text that is looked at as a name at all; normalising costs time."""
MARKS_MAX = 2
"""Accents on one letter. More is a tower over the neighbouring lines of a chat."""
EMAIL_LENGTH_MAX = 254
"""RFC 5321, 4.5.3.1.3: a path has at most 256 octets, angle brackets included."""
PASSWORD_LENGTH_MAX = 256
"""NIST SP 800-63B, 5.1.1.2 asks for at least 64; the bound keeps hashing a known piece of work."""

_PUNCTUATION = frozenset(" ._-'’")
# Accepted categories would let these through, though nobody can see them: variation selectors, fillers, joiners.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")
"""Scripts with letters that look the same; a name keeps to one of them."""
_RESERVED = frozenset(
    "admin administrator anonymous deleted everyone guest host liveserver mod moderator official operator staff "
    "support system you".split()
)
_EMAIL = re.compile(
    r"[^\s@\x00-\x1f\x7f\"(),:;<>\[\]\\]{1,64}@(?:[^\s@.\x00-\x1f\x7f\"(),:;<>\[\]\\]{1,63}\.)+[^\W\d_][^\s@.\x00-\x1f\x7f]{1,62}"
)
_COMMON = frozenset(
    "1234567890 0123456789 12345678910 0987654321 1q2w3e4r5t 1qaz2wsx3edc password password1 password12 password123 "
    "passw0rd123 qwertyuiop qwerty1234 qwerty12345 asdfghjkl1 letmein123 iloveyou12 iloveyou123 welcome123 sunshine123 "
    "princess123 football123 baseball123 superman123 dragon12345 monkey12345 changeme123 administrator abcdefghij "
    "abcd123456 abc1234567 zaq12wsxcde trustno1trustno1 correcthorsebatterystaple liveserver liveserver123".split()
)
"""The sort of password that is tried first. What matters more is that tries are few (`throttle`)."""


def clean_name(text: str) -> str | Rejected:
    """The display name as it will be shown, or why it can't be one (`bad_name`, `name_reserved`).

    2 to 30 letters, digits and single separators, in one of the look-alike scripts, in Unicode form NFKC.
    """
    if len(text) > NAME_INPUT_MAX:
        return bad_name(f"A name has at most {NAME_LENGTH_MAX} characters.")
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not NAME_LENGTH_MIN <= len(name) <= NAME_LENGTH_MAX:
        return bad_name(f"A name has {NAME_LENGTH_MIN} to {NAME_LENGTH_MAX} characters.")
    if problem := _name_problem(name):
        return bad_name(problem)
    return NAME_RESERVED if name_key(name) in _RESERVED else name


def tame_name(text: str, fallback: str) -> str:
    """A presentable form of a name that somebody else vouches for: what we would refuse is left out.

    `fallback` when nothing is left. Names of the embedding app's people are not unique: their ids are.
    """
    plain = unicodedata.normalize("NFKC", text[:NAME_INPUT_MAX])
    kept = "".join(c for c in plain if unicodedata.category(c)[0] in "LMN" or c in _PUNCTUATION)
    name = clean_name(" ".join(kept.split())[:NAME_LENGTH_MAX])
    return fallback if isinstance(name, Rejected) else name


def _name_problem(name: str) -> str:
    marks = 0
    scripts: set[str] = set()
    for character in name:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind[0] == "M" else 0
        if _INVISIBLE.match(character) or (kind[0] not in "LMN" and character not in _PUNCTUATION):
            return "A name consists of letters, digits, spaces and . _ - '."
        if marks > MARKS_MAX:
            return "This name has too many accents on one letter."
        script = unicodedata.name(character, "").split(" ")[0] if kind[0] == "L" else ""
        if script in _SCRIPTS:
            scripts.add(script)
    if len(scripts) > 1:
        return "A name can't mix alphabets whose letters look the same."
    return "" if name_key(name) else "A name needs a letter or digit."


def name_key(name: str) -> str:
    """What is unique about a name: case, width and separators do not make another person of `Ana B`, `ana_b`, `ＡＮＡＢ`."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN" and not _INVISIBLE.match(c))


def clean_email(text: str) -> str | Rejected:
    """The e-mail address as given, trimmed, or `BAD_EMAIL`. Whether mail arrives there only a mail can show."""
    email = text[: EMAIL_LENGTH_MAX + 2].strip()
    if len(email) > EMAIL_LENGTH_MAX or not email.isprintable() or _EMAIL.fullmatch(email) is None:
        return BAD_EMAIL
    return email


def email_key(email: str) -> str:
    """What is unique about an address. RFC 5321 lets the part before the @ depend on case; no provider does."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def password_form(password: str) -> str:
    """The password as it is hashed: NFKC, so that two keyboards give the same (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def judge_password(password: str, length_min: int, name: str, email: str) -> Rejected | None:
    """Why a password can't be chosen (`weak_password`), or None. No character classes are asked for (NIST SP 800-63B)."""
    if len(password) > PASSWORD_LENGTH_MAX:
        return weak_password(f"A password has at most {PASSWORD_LENGTH_MAX} characters.")
    if len(password) < length_min:
        return weak_password(f"A password has at least {length_min} characters.")
    if any(unicodedata.category(c) == "Cs" for c in password):  # half a character: no keyboard, and no hash
        return weak_password("This password has characters that can't be typed again.")
    plain = password_form(password).casefold()
    if plain in _COMMON or len(set(plain)) < 4 or _is_a_run(plain):
        return weak_password("This is one of the first passwords that would be tried. Choose another.")
    own = {name.casefold(), email.casefold(), email.casefold().split("@")[0]}
    if any(len(word) >= 4 and plain.replace(word, "").strip("0123456789!?.-_ ") == "" for word in own):
        return weak_password("Name or e-mail address alone are no password. Choose another.")
    return None


def _is_a_run(text: str) -> bool:
    """Whether it counts through the alphabet or the digits, up or down."""
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return steps in ({1}, {-1})
