"""Promises about the pages' files that no browser is needed for: size, text only as text, words and icons that exist."""

import gzip
import re

from tests.pages.conftest import ROOT, STATIC

JS_BYTES_MAX = 60_000
"""All modules together, compressed: pages.md."""
TEMPLATES = ROOT / "http" / "storefront" / "templates"
SCRIPTS = {path.relative_to(STATIC).as_posix(): path.read_text() for path in sorted(STATIC.rglob("*.js"))}
PAGES = {path.name: path.read_text() for path in sorted(TEMPLATES.glob("*.html"))}
WORDS = SCRIPTS["js/ui/words.js"]


def test_all_scripts_together_stay_small():
    sizes = {name: len(gzip.compress(text.encode(), 9)) for name, text in SCRIPTS.items()}
    assert sum(sizes.values()) < JS_BYTES_MAX, sizes


def test_text_goes_into_pages_as_text_only():
    unsafe = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\(|new Function"
    )
    assert {name: unsafe.findall(text) for name, text in SCRIPTS.items() if unsafe.search(text)} == {}


def test_templates_hold_nothing_that_the_content_security_policy_refuses():
    inline = re.compile(r"<[^>]*\s(?:style|on[a-z]+)\s*=|javascript:|\|\s*safe\b", re.IGNORECASE)
    assert {name: inline.findall(text) for name, text in PAGES.items() if inline.search(text)} == {}


def test_every_text_of_the_scripts_is_in_the_catalogue_and_used():
    catalogue = set(re.findall(r"^  (\w+): \"", WORDS, re.MULTILINE))
    rest = "\n".join(text for name, text in SCRIPTS.items() if name != "js/ui/words.js")
    quoted = set(re.findall(r'"(\w+)"', rest))
    plural = {name for name in catalogue if name.endswith("One") and name.removesuffix("One") in catalogue}
    assert catalogue - quoted - plural == set(), "unused words"
    asked = set(re.findall(r'\b(?:t|count)\("(\w+)"', rest))
    assert asked - catalogue == set(), "words that are missing"


def test_every_icon_is_in_the_sprite_and_used():
    drawn = set(re.findall(r'<symbol id="i-([\w-]+)"', PAGES["_icons.html"]))
    asked = {
        name
        for text in PAGES.values()
        for call in re.findall(r"\bicon\(([^)]*)\)", text)
        for name in re.findall(r"'([\w-]+)'", call.split(",")[0])
    }
    asked |= {name for text in SCRIPTS.values() for name in re.findall(r'\bicon\("([\w-]+)"\)', text)}
    assert asked - drawn == set(), "icons that are missing"
    assert drawn - asked == set(), "icons that nobody draws"
