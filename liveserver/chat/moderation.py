"""Judges a chat message by its text and the show's settings alone, at the edge, before it goes into the log.

What depends on the room (mutes, bans, slow mode, repeats) is not known here; see `rules`.
"""

import re
from functools import lru_cache

import msgspec

from liveserver.chat.links import find_links
from liveserver.chat.text import digest, normalise, skeleton
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import STAFF, Role
from liveserver.shows.model import ChatSettings

TEXT_MAX = 500
"""Characters of a message, after normalising (protocol.md, Limits), unless the operator set another bound."""
WORDS_MAX = 500
"""Blocked words of a show that count; bounds the pattern they are compiled into."""
_WORD_MAX = 40
"""Characters of one blocked word or phrase that count."""
_PATTERNS_MAX = 256
"""Compiled lists of blocked words kept. The longest unused is compiled again when needed."""

EMPTY = Rejected("empty", "There is nothing to say in this message.")
LINKS_OFF = Rejected("links_off", "Links are not allowed in this chat.")
BLOCKED_WORD = Rejected("blocked_word", "This message contains a word that this show does not allow.")

# How one letter may be written instead. `skeleton` has already taken off accents and borrowed letters.
_LEET = {
    "a": "a4@", "b": "b8", "c": "c(", "e": "e3€", "g": "g9", "i": "i1!|", "l": "l1|", "o": "o0", "s": "s5$", "t": "t7+", "z": "z2",
}  # fmt: skip
# Vowel signs of Indic, Thai, Hebrew and Arabic are marks, not letters, to `re`: without them a word would end inside itself.
_MARKS = "\u0591-\u05c7\u0610-\u065f\u0900-\u0dff\u0e00-\u0eff"
# Apostrophes join: "he'll" does not contain "hell".
_JOINT = r"[^\w\s'’]{0,3}"
_GAP = r"[\W_]{1,3}"


class Passed(msgspec.Struct, frozen=True):
    """A message that may go into the log. `digest` tells repeats."""

    text: str
    digest: str


def moderate(text: str, settings: ChatSettings, role: Role, text_max: int = TEXT_MAX) -> Passed | Rejected:
    """The message as it goes into the log, or `empty`, `too_long`, `links_off`, `blocked_word`.

    Staff may post links. Blocked words hold for everybody.
    """
    line = normalise(text)
    if not line:
        return EMPTY
    if len(line) > text_max:
        return Rejected(
            "too_long",
            f"A message has at most {text_max} characters.",
            detail={"length": len(line), "length_max": text_max},
        )
    if not settings.links and role not in STAFF and find_links(line):
        return LINKS_OFF
    if settings.blocked_words and _pattern(settings.blocked_words).search(skeleton(line)):
        return BLOCKED_WORD
    return Passed(line, digest(line))


@lru_cache(maxsize=_PATTERNS_MAX)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Finds any of the words as a whole word, whatever its case, in simple leet, drawn out ("nooo") or spaced ("n o")."""
    looks = [skeleton(normalise(word))[:_WORD_MAX] for word in words[:WORDS_MAX]]
    alternatives = [_disguised(look) for look in dict.fromkeys(looks) if look]
    if not alternatives:
        return re.compile(r"(?!)")
    return re.compile(rf"(?<![\w{_MARKS}])(?:{'|'.join(alternatives)})(?![\w{_MARKS}])")


def _disguised(word: str) -> str:
    # Runs of one letter: "boot" is not "bot", but "booot" is drawn out and may be either.
    runs = [_run(found.group()) for found in re.finditer(r"(.)\1*", word)]
    spelled = _JOINT.join(runs)
    letters = [char for char in word if not char.isspace()]
    if len(letters) < 3 or not word.isalpha():
        return spelled
    # Every letter apart, or none: "dam it" is two words, "d a m n" is one.
    return f"{spelled}|{_GAP.join(_letter(char) for char in letters)}"


def _run(run: str) -> str:
    if run.isspace():
        return r"\s+"
    letter, times = _letter(run[0]), len(run)
    exactly = letter if times == 1 else f"{letter}{{{times}}}"
    return f"(?:{letter}{{{max(3, times + 1)},}}|{exactly})"


def _letter(char: str) -> str:
    return f"[{re.escape(_LEET[char])}]" if char in _LEET else re.escape(char)
