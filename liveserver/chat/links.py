"""Finds links in chat: addresses with a scheme, `www.`, and bare domains, also written to slip through.

It does not know whether links are allowed (`moderation`), and looks nothing up.
"""

import re
import unicodedata

# Endings that are rarely anything else after a dot: a bare `name.com` is a link.
_DOMAINS = (
    "com net org info biz gov edu mil dev app xyz shop store online site website link click live stream club vip icu "
    "top win bet casino porn xxx blog tech cloud page wiki news social chat game games money cash crypto nft eth "
    "io gg tv ly gl ru ua рф su cn jp kr tw hk uk de fr nl pl cz sk hu ro ch au nz br mx ar cl za ng ke eu us ca "
    "tk ml ga cf cc ws pw sh"
).split()
# Endings that are words, too ("thanks.me", "done.in"): a link only with a path, as in `t.me/name`.
_WORDS = (
    "me in to is it so no at be by am as do my us id la co im fm pro one fun life world today now art best cool "
    "es pt gr ie il ae sa qa my sg th vn ph pk bd lk st gd vc ag ms tc mu ne"
).split()

_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ENDS = r"(?![\w@-]|\.[^\W\d_])"
_LINK = re.compile(
    rf"""
    \b[a-z][a-z0-9+-]{{1,15}}://[^\s/][^\s]*                              # any scheme
    | (?<![\w.@-]) www\.{_LABEL}(?:\.{_LABEL})*[^\s]*                      # www.
    | (?<![\w.-]) (?:{_LABEL}\.){{1,5}}(?:{"|".join(_DOMAINS)}|xn--[a-z0-9-]+){_ENDS}(?:[/:?\#][^\s]*)?
    | (?<![\w.-]) (?:{_LABEL}\.){{1,5}}(?:{"|".join(_WORDS)})/[^\s]+
    """,
    re.IGNORECASE | re.VERBOSE,
)
# `name (dot) com`, `name[.]com`, `name dot com`, `name . com`
_BRACKETED = re.compile(r"\s{0,3}[(\[{<]\s?(?:dot|\.)\s?[)\]}>]\s{0,3}", re.IGNORECASE)
_SPELLED = re.compile(
    r"(?<=\w)\s{1,3}(?:dot|\.)\s{1,3}(?=(?:com|net|org|gg|io|tv|xyz|shop|store|ru)\b)", re.IGNORECASE
)
_SPACED = re.compile(r"(?<=\w)\s{1,3}\.(?=(?:com|net|org|gg|io|tv|xyz|shop|store|ru)\b)", re.IGNORECASE)
_DOTS = str.maketrans("。．｡․", "....")


def find_links(text: str) -> list[str]:
    """The links in a normalised text, as they look once disguises are taken off; [] when there are none."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_DOTS))
    lowered = text.lower()
    if "." not in text and "://" not in text and "dot" not in lowered:
        return []
    for disguise in (_BRACKETED, _SPELLED, _SPACED):
        text = disguise.sub(".", text)
    return [found.group().rstrip(".,;:!?)]}\"'") for found in _LINK.finditer(text)]
