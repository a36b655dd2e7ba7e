"""Text that people hand in, made safe to keep and show: one Unicode form, no control or invisible formatting characters.

It escapes nothing: that is the work of whoever writes HTML. It knows no words: what may be said is moderation's.
"""

import re
import unicodedata

_JOINERS = "\u200c\u200d"
"""Formatting characters that Persian, Indic scripts and emoji cannot do without."""

# The characters of RFC 3986 without quotes and brackets; after https:// a host, after a single slash a path.
_PICTURE = re.compile(
    r"(?:https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/|$)|/(?![/\\]))[A-Za-z0-9._~:/?#@!$&*+,;=%-]*"
)


def clean_line(text: str, length_max: int, length_min: int = 0) -> str | None:
    """The text on one line in form NFC, runs of white space as one space; None if too short, too long or unfit."""
    if (
        len(text) > 4 * length_max + 64
    ):  # normalising is work: look at nothing that could not become short enough
        return None
    line = " ".join(unicodedata.normalize("NFC", text).split())
    return line if length_min <= len(line) <= length_max and _is_fit(line) else None


def clean_text(text: str, length_max: int, length_min: int = 0) -> str | None:
    """As `clean_line`, but line ends stay, with at most one empty line in a row."""
    if len(text) > 4 * length_max + 64:
        return None
    lines = [" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines()]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    cleaned = "\n".join(kept).strip("\n")
    fit = length_min <= len(cleaned) <= length_max and _is_fit(cleaned.replace("\n", " "))
    return cleaned if fit else None


def _is_fit(line: str) -> bool:
    # Category C: control, formatting (bidirectional overrides), surrogates, private use, unassigned.
    return all(unicodedata.category(c)[0] != "C" or c in _JOINERS for c in line)


PICTURE_LENGTH_MAX = 500


def is_picture(url: str) -> bool:
    """Whether it may stand as a picture's address: `https://…`, or a path of this server such as `/media/…`.

    Nothing is fetched. Other schemes (`javascript:`, `data:`) and other hosts by `//` are refused here, once for all pages.
    """
    return len(url) <= PICTURE_LENGTH_MAX and _PICTURE.fullmatch(url) is not None
