"""Cameras: rangefinder, twin-lens, single-lens reflex, folding instant, pocket, and stereo."""

from storefront.pictures.canvas import Backdrop, Canvas, Die, n, shade

LEATHERS = ("#2a2523", "#3b2a22", "#1f2427", "#5a3626", "#223129")
METALS = ("#d9d6cf", "#cfc7b8", "#c9ced2", "#3a3b3f")


def camera(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """The form that the seed names (twin, slr, instant, half, stereo), else a rangefinder."""
    leather, metal = die.pick(LEATHERS), die.pick(METALS)
    if "twin" in words:
        _twin(canvas, leather, metal)
    elif "instant" in words:
        _instant(canvas, die, colours)
    else:
        wide = 420 if "half" in words else 560
        prism = bool(words & {"slr", "reflex"})
        _body(canvas, leather, metal, wide, prism)
        if "stereo" in words:
            for x in (258, 542):
                _lens(canvas, x, 470, 88, metal)
            _lens(canvas, 400, 440, 34, metal)
        else:
            _lens(canvas, 400 if prism or wide < 500 else 418, 474, 96 if wide < 500 else 126, metal)


def _sheen(canvas: Canvas, metal: str) -> str:
    return canvas.linear(
        (0, shade(metal, 0.55)),
        (0.3, metal),
        (0.62, shade(metal, -0.22)),
        (0.8, shade(metal, 0.1)),
        (1, shade(metal, -0.4)),
    )


def _hide(canvas: Canvas, leather: str) -> str:
    return canvas.linear((0, shade(leather, 0.18)), (0.5, leather), (1, shade(leather, -0.5)))


def _body(canvas: Canvas, leather: str, metal: str, wide: int, prism: bool) -> None:
    left, top = 400 - wide / 2, 322
    canvas.shadow(400, 640, wide * 0.6, 30)
    plate = _sheen(canvas, metal)
    canvas.add(
        f'<rect x="{n(left)}" y="{top}" width="{wide}" height="312" rx="34" fill="{_hide(canvas, leather)}"/>',
        f'<rect x="{n(left)}" y="586" width="{wide}" height="48" rx="22" fill="{plate}"/>',
        f'<path d="M{n(left)} 396v-42q0-34 34-34h{wide - 68}q34 0 34 34v42Z" fill="{plate}"/>',
    )
    # Leather has a grain: two faint rows of light are enough for the eye.
    for y in range(412, 584, 12):
        canvas.add(
            f'<path d="M{n(left + 8)} {y}h{wide - 16}" stroke="#fff" stroke-opacity=".035" stroke-width="5"/>'
        )
    for x, width in ((left + 44, 74), (left + wide - 124, 82)):
        canvas.add(
            f'<rect x="{n(x)}" y="280" width="{width}" height="46" rx="9" fill="{plate}"/>',
            f'<rect x="{n(x)}" y="284" width="{width}" height="8" rx="4" fill="#fff" opacity=".4"/>',
        )
        canvas.add(
            *(
                f'<path d="M{n(x + at)} 296v28" stroke="#000" stroke-opacity=".22" stroke-width="3"/>'
                for at in range(8, width, 9)
            )
        )
    if prism:
        canvas.add(
            f'<path d="M290 340l46-88q8-14 24-14h80q16 0 24 14l46 88Z" fill="{plate}"/>',
            '<rect x="352" y="262" width="96" height="9" rx="4" fill="#000" opacity=".35"/>',
        )
    else:
        glass = canvas.linear((0, "#9fb8c4"), (0.5, "#27333b"), (1, "#0d1216"), angle=35)
        for x, width, height in (
            (left + 54, 54, 34),
            (left + wide - 132, 84, 44),
            (left + wide / 2 - 12, 30, 26),
        ):
            canvas.add(
                f'<rect x="{n(x - 5)}" y="336" width="{width + 10}" height="{height + 10}" rx="7" fill="#15171a"/>',
                f'<rect x="{n(x)}" y="341" width="{width}" height="{height}" rx="4" fill="{glass}"/>',
            )
    canvas.add(
        f'<circle cx="{n(left + wide - 172)}" cy="314" r="17" fill="{plate}"/><circle cx="{n(left + wide - 172)}" cy="308" r="9" fill="#c8372d"/>'
    )


def _lens(canvas: Canvas, x: float, y: float, radius: float, metal: str) -> None:
    rim = canvas.linear(
        (0, shade(metal, 0.5)), (0.45, shade(metal, -0.1)), (1, shade(metal, -0.55)), angle=60
    )
    barrel = canvas.radial((0, "#3d4046"), (0.7, "#1c1e22"), (1, "#08090a"))
    glass = canvas.radial(
        (0, "#b9d6e8"),
        (0.16, "#5f86a6"),
        (0.45, "#2a3f63"),
        (0.75, "#251f45"),
        (1, "#0a0a14"),
        at=(0.38, 0.32),
        reach=0.75,
    )
    rings = ((1.0, rim), (0.88, "#17191c"), (0.82, rim), (0.76, barrel), (0.55, "#060708"), (0.5, glass))
    canvas.add(
        f'<circle cx="{n(x)}" cy="{n(y + radius * 0.08)}" r="{n(radius * 1.06)}" fill="#000" opacity=".35"/>'
    )
    canvas.add(
        *(
            f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(radius * share)}" fill="{paint}"/>'
            for share, paint in rings
        )
    )
    canvas.add(
        f'<ellipse cx="{n(x - radius * 0.18)}" cy="{n(y - radius * 0.2)}" rx="{n(radius * 0.17)}" ry="{n(radius * 0.1)}" fill="#fff" opacity=".75" transform="rotate(-35 {n(x - radius * 0.18)} {n(y - radius * 0.2)})"/>',
        f'<circle cx="{n(x + radius * 0.17)}" cy="{n(y + radius * 0.2)}" r="{n(radius * 0.06)}" fill="#f0a3c4" opacity=".55"/>',
        f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(radius * 0.66)}" fill="none" stroke="#e8e3d6" stroke-opacity=".5" stroke-width="{n(radius * 0.035)}" stroke-dasharray="{n(radius * 0.05)} {n(radius * 0.13)}"/>',
    )


def _twin(canvas: Canvas, leather: str, metal: str) -> None:
    canvas.shadow(400, 656, 220, 30)
    plate = _sheen(canvas, metal)
    canvas.add(
        f'<path d="M292 196h216l-22-64H314Z" fill="{shade(leather, -0.2)}"/><path d="M314 132h172v10H314Z" fill="{plate}"/>',
        f'<rect x="252" y="196" width="296" height="456" rx="26" fill="{_hide(canvas, leather)}"/>',
        f'<rect x="284" y="222" width="232" height="404" rx="30" fill="{plate}"/>',
        f'<rect x="298" y="236" width="204" height="376" rx="24" fill="{shade(leather, -0.35)}"/>',
        f'<rect x="536" y="372" width="46" height="88" rx="14" fill="{plate}"/><circle cx="232" cy="300" r="30" fill="{plate}"/>',
    )
    _lens(canvas, 400, 330, 80, metal)
    _lens(canvas, 400, 520, 80, metal)


def _instant(canvas: Canvas, die: Die, colours: Backdrop) -> None:
    canvas.shadow(400, 646, 260, 32)
    shell = canvas.linear((0, shade("#e9e2d3", 0.3)), (1, "#b9ae98"))
    tan = canvas.linear((0, "#a86f43"), (1, "#6f4427"))
    canvas.add(
        f'<path d="M190 636V470l70-190h280l70 190v166Z" fill="{shell}"/><path d="M190 500h420v92H190Z" fill="{tan}"/>',
        '<rect x="246" y="606" width="308" height="12" rx="6" fill="#2a2622"/>',
        '<path d="M262 286h276l22 60H240Z" fill="#2a2a2c"/>',
    )
    for number, colour in enumerate(("#d9493a", "#ee9b3a", "#f2cf4a", "#5aa66a", "#3f78b5")):
        canvas.add(f'<path d="M{382 + number * 8} 350v146" stroke="{colour}" stroke-width="8"/>')
    _lens(canvas, 400, 424, 74, "#3a3b3f")
    glass = canvas.linear((0, "#e6f0f4"), (1, "#6d8795"), angle=40)
    canvas.add(
        f'<rect x="276" y="300" width="66" height="36" rx="8" fill="{glass}"/><rect x="452" y="296" width="78" height="44" rx="8" fill="#0f1113"/>',
        f'<rect x="460" y="304" width="62" height="28" rx="5" fill="{glass}"/><circle cx="524" cy="440" r="20" fill="#c8372d"/>',
    )
    if die.chance(0.7):  # a picture on its way out
        sky = canvas.linear((0, colours.glow), (0.55, colours.second), (1, shade(colours.second, -0.4)))
        canvas.add(
            f'<path d="M264 616h272v104H264Z" fill="#f7f3ea"/><rect x="282" y="616" width="236" height="84" fill="{sky}"/>'
        )
