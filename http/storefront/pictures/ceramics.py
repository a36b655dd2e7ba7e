"""Pots: bowls, vases, jars, mugs, plates and jugs, each turned from a profile and dipped into a glaze."""

from storefront.pictures.canvas import Backdrop, Canvas, Die, blend, n, shade

GLAZES = (
    ("#9fbfa8", "#6f8f78"),
    ("#3a2a24", "#8a4a26"),
    ("#ece6d8", "#c9bfa9"),
    ("#3f6f86", "#1f3f52"),
    ("#b5634a", "#7a3526"),
    ("#d8c7a0", "#8f7346"),
    ("#46555c", "#232c31"),
)
NAMED = {"celadon": 0, "tenmoku": 1, "moon": 2, "raku": 4, "slip": 5, "speckle": 2}

Profile = tuple[tuple[float, float], ...]
"""Half widths at heights, from the rim down; 0 is the top."""

SHAPES: dict[str, Profile] = {
    "bowl": ((190, 0), (182, 60), (146, 140), (84, 196), (80, 214)),
    "vase": ((52, 0), (40, 40), (44, 120), (112, 220), (128, 310), (96, 404), (84, 420)),
    "jar": ((74, 0), (78, 22), (178, 110), (204, 210), (172, 310), (86, 372), (82, 388)),
    "mug": ((78, 0), (80, 60), (80, 150), (70, 176)),
    "jug": ((66, 0), (70, 60), (124, 170), (132, 260), (96, 350), (90, 362)),
}


def ceramic(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """The form and glaze that the seed's words name, else what the die says."""
    named = sorted(words & NAMED.keys())
    glaze = GLAZES[NAMED[named[0]]] if named else die.pick(GLAZES)
    speckled = "speckle" in words or die.chance(0.3)
    if "mugs" in words or "mug" in words:
        places = (
            ((262, 610, 0.96), (538, 610, 0.96), (330, 660, 1.1), (490, 668, 1.1))
            if "mugs" in words
            else ((390, 640, 2.0),)
        )
        for number, (x, floor, scale) in enumerate(places):
            pair = glaze if number % 2 == 0 else (blend(glaze[0], colours.glow, 0.35), glaze[1])
            _handle(canvas, pair, x, floor, scale)
            _pot(canvas, die, SHAPES["mug"], pair, x, floor, scale * 1.1, speckled=True)
        return
    if "plate" in words:
        _plate(canvas, die, glaze)
        return
    shape = next((word for word in sorted(words) if word in SHAPES), "") or die.pick(
        ("bowl", "vase", "jar", "jug")
    )
    scale = {"bowl": 1.3, "vase": 1.08, "jar": 1.1, "jug": 1.12}.get(shape, 1.0)
    if shape == "jug":
        _ear(canvas, glaze)
    _pot(canvas, die, SHAPES[shape], glaze, 400, 640, scale, speckled=speckled)


def _outline(profile: Profile, x: float, floor: float, scale: float) -> str:
    """A smooth closed path: down the right side, up the left."""
    height = profile[-1][1] * scale
    right = [(x + half * scale, floor - height + y * scale) for half, y in profile]
    left = [(2 * x - px, py) for px, py in reversed(right)]
    return f"M{_spline(right)}L{_spline(left)}Z"


def _spline(points: list[tuple[float, float]]) -> str:
    path = f"{n(points[0][0])} {n(points[0][1])}"
    for at in range(len(points) - 1):
        before, start, end = points[max(at - 1, 0)], points[at], points[at + 1]
        after = points[min(at + 2, len(points) - 1)]
        # Catmull-Rom tangents: the curve goes through every point of the profile.
        one = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
        two = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
        path += f"C{n(one[0])} {n(one[1])} {n(two[0])} {n(two[1])} {n(end[0])} {n(end[1])}"
    return path


def _pot(
    canvas: Canvas,
    die: Die,
    profile: Profile,
    glaze: tuple[str, str],
    x: float,
    floor: float,
    scale: float,
    *,
    speckled: bool,
) -> None:
    top, second = glaze
    height, rim = profile[-1][1] * scale, profile[0][0] * scale
    widest = max(half for half, _ in profile) * scale
    canvas.shadow(x, floor - 4, widest * 1.08, 14 + widest * 0.09, 0.5)
    outline = _outline(profile, x, floor, scale)
    clip = canvas.clip(f'<path d="{outline}"/>')
    body = canvas.linear(
        (0, shade(top, -0.3)),
        (0.2, shade(top, 0.14)),
        (0.36, shade(top, 0.32)),
        (0.62, top),
        (1, shade(top, -0.48)),
        angle=0,
    )
    dip = canvas.linear(
        (0, shade(second, -0.3)), (0.34, shade(second, 0.2)), (1, shade(second, -0.5)), angle=0
    )
    line = floor - height * die.between(0.28, 0.5)
    wave = "".join(f"q{n(widest / 8)} {n(die.between(4, 34))} {n(widest / 4)} 0" for _ in range(9))
    parts = [
        f'<path d="{outline}" fill="{dip}"/>',
        f'<path d="M{n(x - widest - 8)} {n(floor - height - 60)}V{n(line)}{wave}V{n(floor - height - 60)}Z" fill="{body}"/>',
    ]
    if speckled:
        parts += [
            f'<circle cx="{n(x + die.between(-widest, widest))}" cy="{n(floor - die.between(0, height))}" r="{n(die.between(1.2, 3.4))}" fill="#4a3a2c" opacity=".5"/>'
            for _ in range(70)
        ]
    gleam = x - widest * 0.42
    parts.append(
        f'<ellipse cx="{n(gleam)}" cy="{n(floor - height * 0.62)}" rx="{n(widest * 0.07)}" ry="{n(height * 0.2)}" fill="#fff" opacity=".4" transform="rotate(6 {n(gleam)} {n(floor - height * 0.62)})"/>'
    )
    canvas.add(f'<g clip-path="{clip}">{"".join(parts)}</g>')
    lip = canvas.linear((0, shade(top, -0.62)), (1, shade(top, -0.2)))
    canvas.add(
        f'<ellipse cx="{n(x)}" cy="{n(floor - height)}" rx="{n(rim)}" ry="{n(rim * 0.17)}" fill="{shade(top, 0.28)}"/>',
        f'<ellipse cx="{n(x)}" cy="{n(floor - height + 2)}" rx="{n(rim * 0.92)}" ry="{n(rim * 0.13)}" fill="{lip}"/>',
    )


def _handle(canvas: Canvas, glaze: tuple[str, str], x: float, floor: float, scale: float) -> None:
    paint = canvas.linear((0, shade(glaze[0], 0.1)), (1, shade(glaze[0], -0.45)), angle=0)
    y = floor - 140 * scale
    canvas.add(
        f'<path d="M{n(x + 66 * scale)} {n(y)}c{n(70 * scale)} {n(-26 * scale)} {n(78 * scale)} {n(104 * scale)} {n(-2 * scale)} {n(92 * scale)}" '
        f'fill="none" stroke="{paint}" stroke-width="{n(17 * scale)}" stroke-linecap="round"/>'
    )


def _ear(canvas: Canvas, glaze: tuple[str, str]) -> None:
    """A jug's handle, from under the rim to the belly."""
    paint = canvas.linear((0, shade(glaze[0], 0.15)), (1, shade(glaze[0], -0.45)), angle=0)
    canvas.add(
        f'<path d="M456 290c96-34 150 60 70 160" fill="none" stroke="{paint}" stroke-width="34" stroke-linecap="round"/>'
    )


def _plate(canvas: Canvas, die: Die, glaze: tuple[str, str]) -> None:
    """Seen from above at an angle, standing on its foot."""
    canvas.shadow(400, 640, 250, 30)
    rim = canvas.radial(
        (0, shade(glaze[0], 0.2)), (0.7, glaze[0]), (1, shade(glaze[0], -0.4)), at=(0.4, 0.35), reach=0.7
    )
    well = canvas.radial(
        (0, blend(glaze[1], "#e8a56a", 0.55)),
        (0.6, glaze[1]),
        (1, shade(glaze[1], -0.4)),
        at=(0.55, 0.6),
        reach=0.65,
    )
    canvas.add(
        f'<circle cx="400" cy="404" r="246" fill="{shade(glaze[0], -0.5)}"/><circle cx="396" cy="398" r="243" fill="{rim}"/>',
        f'<circle cx="400" cy="404" r="176" fill="{well}"/>',
    )
    for _ in range(9):  # raku cracks where smoke got in
        x, y = die.between(270, 530), die.between(280, 530)
        canvas.add(
            f'<path d="M{n(x)} {n(y)}l{n(die.between(-40, 40))} {n(die.between(-40, 40))}l{n(die.between(-30, 30))} {n(die.between(-30, 30))}" fill="none" stroke="#1b1210" stroke-opacity=".45" stroke-width="2.4"/>'
        )
    canvas.add(
        '<ellipse cx="318" cy="286" rx="96" ry="34" fill="#fff" opacity=".2" transform="rotate(-38 318 286)"/>'
    )
