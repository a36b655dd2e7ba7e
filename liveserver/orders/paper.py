"""Paper for documents: a PDF whose text is drawn with the cheapest fonts that have all its characters, and whose bytes follow
from what stands on it alone.

It knows no order. No font is shipped with the server: Latin text needs none (every PDF reader has Helvetica), other scripts take
the fonts that the system has (Debian: `fonts-dejavu-core`, and `fonts-droid-fallback` or `fonts-noto-cjk` for Chinese, Japanese and
Korean). What no font has is written without its accents, or as a question mark, and the paper says so.
"""

import datetime as dt
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

import msgspec
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos

CORE = "helvetica"
CORE_ENCODING = "windows-1252"
"""What the fonts that every reader has can show (PDF 32000-1, annex D: WinAnsiEncoding)."""
FOLDERS = tuple(map(Path, ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts")))
FONT_FILES_MAX = 20_000
"""Files looked at below the font folders: a designer's machine has a few thousand."""
FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("dejavu", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("droid", "DroidSansFallbackFull.ttf", ""),
    ("droid-aosp", "DroidSansFallback.ttf", ""),
    ("noto-cjk", "NotoSansCJK-Regular.ttc", ""),
    ("wqy", "wqy-microhei.ttc", ""),
)
"""Family, its file, its bold file; looked for in this order, the common scripts first."""
_PLAIN = str.maketrans({"Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i", "Ħ": "H", "ħ": "h", "ŋ": "n", "\u202f": " ", "→": "-"})  # fmt: skip
"""Letters that Unicode does not take apart."""

MARGIN_MM = 18
INK, SOFT, LINE, WARN = (22, 20, 29), (91, 87, 102), (228, 225, 216), (184, 17, 46)
Weight = Literal["", "B"]
Align = Literal["L", "R", "C"]


class Face(msgspec.Struct, frozen=True):
    """A font of this machine."""

    family: str
    file: str
    bold: str
    letters: frozenset[int]


@lru_cache(maxsize=1)
def faces() -> tuple[Face, ...]:
    """The fonts of this machine that we know, looked up once a process."""
    wanted = {name for _, *files in FAMILIES for name in files if name}
    found: dict[str, Path] = {}
    seen = 0
    for folder in FOLDERS:
        for path in folder.rglob("*.tt[fc]"):
            seen += 1
            if path.name in wanted:
                found.setdefault(path.name, path)
            if seen >= FONT_FILES_MAX:
                break
    return tuple(
        Face(family, str(found[file]), str(found.get(bold, "")), _letters_of(found[file]))
        for family, file, bold in FAMILIES
        if file in found
    )


def _letters_of(path: Path) -> frozenset[int]:
    with TTFont(path, fontNumber=0, lazy=True) as font:
        names = cast(dict[int, str] | None, font["cmap"].getBestCmap())  # fontTools has no types here
        return frozenset(names or ())


def _core_has(text: str) -> bool:
    try:
        text.encode(CORE_ENCODING)
    except UnicodeEncodeError:
        return False
    return True


class Paper(FPDF):
    """An A4 document that is written from top to bottom."""

    def __init__(self, title: str, foot: str, ts: int, texts: Iterable[str], stamp: str = "") -> None:
        """`texts`: all that will be written, so that fonts are chosen before; `stamp` lies across each page."""
        super().__init__(format="A4", unit="mm")
        self._foot, self._stamp = foot, stamp
        self.core_fonts_encoding = CORE_ENCODING
        self.replaced = False
        """Something was written with other characters than it has."""
        self._family, self._letters = CORE, frozenset[int]()
        self._choose({char for text in (title, foot, stamp, *texts) for char in text if char.isprintable()})
        self.set_title(self.drawable(title))
        self.set_producer("liveserver")
        self.set_lang("en")
        self.set_creation_date(dt.datetime.fromtimestamp(ts / 1000, dt.UTC))
        self.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, margin=24)
        self.alias_nb_pages()
        self.add_page()

    def _choose(self, chars: set[str]) -> None:
        missing = {ord(char) for char in chars if not _core_has(char)}
        if not missing:
            return
        families: list[str] = []
        for face in faces():
            if families and not missing & face.letters:
                continue
            self.add_font(face.family, "", face.file)
            self.add_font(face.family, "B", face.bold or face.file)
            families.append(face.family)
            self._letters |= face.letters
            missing -= face.letters
            if not missing:
                break
        if families:
            self._family = families[0]
            self.set_fallback_fonts(families[1:], exact_match=False)

    def drawable(self, text: str) -> str:
        """The text in characters that there are fonts for."""
        return "".join(
            char if self._draws(char) else self._instead(char) for char in text if char.isprintable()
        )

    def _draws(self, char: str) -> bool:
        return ord(char) in self._letters if self._letters else _core_has(char)

    def _instead(self, char: str) -> str:
        self.replaced = True
        plain = unicodedata.normalize("NFKD", char).translate(_PLAIN)
        kept = "".join(one for one in plain if not unicodedata.combining(one) and self._draws(one))
        return kept or "?"

    def header(self) -> None:
        """Called for each page: the stamp, below everything else."""
        if not self._stamp:
            return
        self.set_font(self._family, "B", 40)
        self.set_text_color(243, 205, 211)
        with self.rotation(40, x=self.w / 2, y=self.h / 2):
            text = self.drawable(self._stamp)
            self.text((self.w - self.get_string_width(text)) / 2, self.h / 2, text)
        self.set_xy(MARGIN_MM, MARGIN_MM)

    def footer(self) -> None:
        """Called for each page: whose document it is, and the page's number."""
        self.set_y(-16)
        if self._stamp:
            self.write_cell(self.epw * 0.75, self._stamp, 8, "B", colour=WARN)
        self.ln(4)
        self.write_cell(self.epw * 0.75, self._foot, 8, colour=SOFT)
        self.write_cell(0, f"Page {self.page_no()} of {{nb}}", 8, align="R", colour=SOFT)

    def write_cell(
        self,
        width: float,
        text: str,
        size: float = 10,
        weight: Weight = "",
        *,
        align: Align = "L",
        colour: tuple[int, int, int] = INK,
    ) -> None:
        """One line of text; what does not fit is cut, as in a table."""
        self.set_font(self._family, weight, size)
        self.set_text_color(*colour)
        shown = self.drawable(text)
        room = (width or self.w - self.r_margin - self.x) - 2 * self.c_margin
        while len(shown) > 1 and "{nb}" not in shown and self.get_string_width(shown) > room:
            shown = shown[:-2] + "."
        self.cell(width, size * 0.5, shown, align=align, new_x=XPos.RIGHT, new_y=YPos.TOP)

    def write_line(
        self, text: str, size: float = 10, weight: Weight = "", *, colour: tuple[int, int, int] = INK
    ) -> None:
        """A paragraph over the whole width, broken where it must be."""
        self.write_block(0, text, size, weight, colour=colour)

    def write_block(
        self,
        width: float,
        text: str,
        size: float = 10,
        weight: Weight = "",
        *,
        colour: tuple[int, int, int] = INK,
    ) -> None:
        """Text of that width, broken into lines; the next thing stands below."""
        self.set_font(self._family, weight, size)
        self.set_text_color(*colour)
        self.multi_cell(width, size * 0.5, self.drawable(text), align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)

    def rule(self, gap_mm: float = 2) -> None:
        """A thin line over the whole width."""
        self.ln(gap_mm)
        self.set_draw_color(*LINE)
        self.line(self.l_margin, self.y, self.w - self.r_margin, self.y)
        self.ln(gap_mm)

    def room_for(self, height_mm: float) -> None:
        """Begins a page unless there is so much room left."""
        if self.will_page_break(height_mm):
            self.add_page()

    def done(self) -> bytes:
        """The document's bytes."""
        if self.replaced:
            self.ln(3)
            self.write_line(
                "Some characters are written in other letters, for this server has no font for them.",
                8,
                colour=SOFT,
            )
        return bytes(self.output())
