"""What the pictures are drawn with: an SVG canvas with gradients, a die that always falls the same, and backdrops.

It draws no thing. All pictures are 800 × 800 with the thing in the middle three quarters, so that any crop shows it.
"""

import colorsys
import hashlib
from collections.abc import Sequence
from typing import TypeVar

import msgspec

SIZE = 800
FLOOR = 610
"""Where things stand."""

T = TypeVar("T")


class Die:
    """Choices that follow from a text alone: the same on every machine, Python and day."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._throws = 0

    def fraction(self) -> float:
        """A number from 0 to 1, exclusive."""
        self._throws += 1
        digest = hashlib.sha256(f"{self._text} {self._throws}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    def between(self, low: float, high: float) -> float:
        """A number between the two."""
        return low + (high - low) * self.fraction()

    def pick(self, things: Sequence[T]) -> T:
        """One of them."""
        return things[int(self.fraction() * len(things))]

    def chance(self, of: float) -> bool:
        """Whether something of that probability happens."""
        return self.fraction() < of


def n(value: float) -> str:
    """A number as short as SVG takes it."""
    return f"{value:.1f}".removesuffix(".0")


def rgb(colour: str) -> tuple[float, float, float]:
    """The three channels, 0 to 1, of #rrggbb."""
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def hexed(red: float, green: float, blue: float) -> str:
    """#rrggbb."""
    return "#" + "".join(f"{round(min(1.0, max(0.0, part)) * 255):02x}" for part in (red, green, blue))


def shade(colour: str, by: float) -> str:
    """The colour lighter (`by` up to 1) or darker (down to -1), in the same hue."""
    hue, light, full = colorsys.rgb_to_hls(*rgb(colour))
    light = light + (1 - light) * by if by > 0 else light * (1 + by)
    return hexed(*colorsys.hls_to_rgb(hue, light, full))


def blend(one: str, other: str, share: float) -> str:
    """Between the two: 0 is all of one, 1 all of the other."""
    return hexed(*(a + (b - a) * share for a, b in zip(rgb(one), rgb(other), strict=True)))


class Backdrop(msgspec.Struct, frozen=True):
    """The colours of a picture: wall, floor, and two for the thing on it."""

    wall: str
    glow: str
    floor: str
    main: str
    second: str


BACKDROPS: tuple[Backdrop, ...] = (
    Backdrop("#c8643c", "#f0a878", "#b3522f", "#f4e4cf", "#2b3a3f"),  # terracotta
    Backdrop("#7f9a82", "#c9d8bd", "#6d8971", "#f3ead8", "#c7593a"),  # sage
    Backdrop("#3d5a80", "#86a9cf", "#314a6b", "#f2b880", "#ee6c4d"),  # dusk
    Backdrop("#d9b99b", "#f6e6d2", "#c9a583", "#3f4e4f", "#a4553a"),  # sand
    Backdrop("#5b3f5e", "#a67ba0", "#4a324d", "#f0c8a0", "#d96c75"),  # plum
    Backdrop("#2f3e46", "#6f8a92", "#263239", "#e9c46a", "#e76f51"),  # slate
    Backdrop("#e8b44f", "#fbe3a4", "#d79f38", "#264653", "#b5432e"),  # butter
    Backdrop("#d8899a", "#f6c8cf", "#c67586", "#45374d", "#f7ede2"),  # blush
    Backdrop("#1f7a7a", "#6cc0b4", "#186464", "#fbe8c8", "#f28c5a"),  # lagoon
    Backdrop("#8b95c9", "#cfd5f2", "#7781b8", "#fdf3e1", "#d4574e"),  # periwinkle
)


class Canvas:
    """An SVG document in the making."""

    def __init__(self) -> None:
        self._defs: list[str] = []
        self._body: list[str] = []

    def add(self, *elements: str) -> None:
        """Adds elements on top of what is there."""
        self._body.extend(elements)

    def linear(self, *stops: tuple[float, str], angle: float = 90) -> str:
        """A paint that runs over the element: top to bottom (90), left to right (0)."""
        name = f"p{len(self._defs)}"
        self._defs.append(
            f'<linearGradient id="{name}" gradientTransform="rotate({n(angle)} .5 .5)">{_stops(stops)}</linearGradient>'
        )
        return f"url(#{name})"

    def radial(
        self, *stops: tuple[float, str], at: tuple[float, float] = (0.5, 0.5), reach: float = 0.5
    ) -> str:
        """A paint that runs outwards from a point of the element (fractions of its box)."""
        name = f"p{len(self._defs)}"
        self._defs.append(
            f'<radialGradient id="{name}" cx="{at[0]:.2f}" cy="{at[1]:.2f}" r="{reach:.2f}">{_stops(stops)}</radialGradient>'
        )
        return f"url(#{name})"

    def clip(self, shape: str) -> str:
        """A clip path of that shape; use as `clip-path="…"`."""
        name = f"p{len(self._defs)}"
        self._defs.append(f'<clipPath id="{name}">{shape}</clipPath>')
        return f"url(#{name})"

    def room(self, colours: Backdrop, die: Die) -> None:
        """Wall, floor, and the light on them: what a photographer's table looks like."""
        light_x = die.between(0.25, 0.7)
        wall = self.radial((0, colours.glow), (1, colours.wall), at=(light_x, 0.3), reach=0.75)
        floor = self.linear((0, shade(colours.floor, 0.1)), (1, shade(colours.floor, -0.22)))
        edge = self.linear((0, shade(colours.floor, -0.25)), (1, shade(colours.floor, -0.25) + "00"))
        self.add(
            f'<rect width="{SIZE}" height="{SIZE}" fill="{wall}"/>',
            f'<rect y="540" width="{SIZE}" height="260" fill="{floor}"/>',
            f'<rect y="540" width="{SIZE}" height="26" fill="{edge}" opacity=".35"/>',
        )

    def shadow(self, x: float, y: float, wide: float, high: float = 26, depth: float = 0.5) -> None:
        """A soft contact shadow on the floor."""
        paint = self.radial((0, "#000000"), (0.55, "#00000088"), (1, "#00000000"))
        self.add(
            f'<ellipse cx="{n(x)}" cy="{n(y)}" rx="{n(wide)}" ry="{n(high)}" fill="{paint}" opacity="{depth:.2f}"/>'
        )

    def svg(self, title: str) -> bytes:
        """The document."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}" role="img">'
            f"<title>{title}</title><defs>{''.join(self._defs)}</defs>{''.join(self._body)}</svg>"
        ).encode()


def _stops(stops: tuple[tuple[float, str], ...]) -> str:
    found: list[str] = []
    for offset, colour in stops:
        solid, faint = colour[:7], colour[7:]
        opacity = f' stop-opacity="{int(faint, 16) / 255:.2f}"' if faint else ""
        found.append(f'<stop offset="{offset:g}" stop-color="{solid}"{opacity}/>')
    return "".join(found)
