"""Collects the texts of pages into one catalogue for translators: `python -m storefront.web.catalogue > pages.pot`.

It translates nothing; `texts` finds a finished translation as `locale/<language>/LC_MESSAGES/pages.mo`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from storefront.web.texts import DOMAIN

ROOT = Path(__file__).resolve().parent.parent
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None}


def collected() -> Catalog:
    """All texts of templates and handlers, each with the files it stands in."""
    catalogue = Catalog(project="liveserver", domain=DOMAIN, charset="utf-8")
    for file, line, message, comments, context in _found():
        catalogue.add(message, locations=[(file, line)], auto_comments=comments, context=context)
    return catalogue


def _found() -> Iterator[tuple[str, int, str | tuple[str, ...], list[str], str | None]]:
    yield from extract_from_dir(
        ROOT, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=("translators:",)
    )


if __name__ == "__main__":
    write_po(sys.stdout.buffer, collected(), sort_by_file=True, width=110)
