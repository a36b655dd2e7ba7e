"""Trading cards: creatures in foil, players, graded slabs, sealed packs, sets."""

from collections.abc import Callable

from storefront.pictures.canvas import Backdrop, Canvas, Die, blend, n, shade

INKS = (
    ("#f26b38", "#5b1a33"),
    ("#3f7fd1", "#10254f"),
    ("#8a5bd1", "#21123f"),
    ("#2f9e77", "#0d332e"),
    ("#e0b03c", "#54310f"),
    ("#d64f7a", "#3f1030"),
)
FOIL = ("#f7b6d2", "#f6e3a1", "#a9ecc9", "#a5d3f5", "#cfb4f3")

Art = Callable[[Canvas, Die, str, str], str]


def card(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """The form that the seed names (pack, team, foil, rookie), else a card, often in a slab."""
    light, dark = die.pick(INKS)
    if "pack" in words or "sealed" in words:
        _pack(canvas, die, light, dark)
        return
    sports = bool(words & {"rookie", "team", "player"}) or (not words & {"foil", "queen"} and die.chance(0.3))
    art = _player if sports else _creature
    if words & {"team", "set"}:
        for number, turn in enumerate((-20, -7, 7, 20)):
            pair = INKS[(INKS.index((light, dark)) + number) % len(INKS)]
            _placed(canvas, _face(canvas, die, art, *pair, foil=False), turn, 400 + (number - 1.5) * 92, 0.66)
        return
    slab = "foil" in words or "graded" in words or die.chance(0.35)
    _placed(
        canvas,
        _face(canvas, die, art, light, dark, foil=not sports),
        die.between(-9, 9),
        400,
        0.86 if slab else 1.0,
        slab=slab,
    )


def _placed(canvas: Canvas, face: str, turn: float, x: float, scale: float, *, slab: bool = False) -> None:
    canvas.shadow(x, 412 + 258 * scale, 170 * scale, 26 * scale, 0.42)
    case = ""
    if slab:
        clear = canvas.linear((0, "#ffffffbb"), (0.5, "#ffffff33"), (1, "#ffffff99"), angle=30)
        label = canvas.linear((0, "#fdfbf5"), (1, "#ded7c6"))
        case = (
            f'<rect x="-206" y="-340" width="412" height="640" rx="24" fill="#ffffff" fill-opacity=".22" stroke="{clear}" stroke-width="9"/>'
            f'<rect x="-178" y="-322" width="356" height="74" rx="9" fill="{label}"/><rect x="-160" y="-302" width="150" height="11" rx="5" fill="#333" opacity=".7"/>'
            '<rect x="-160" y="-280" width="96" height="9" rx="4" fill="#333" opacity=".4"/><rect x="110" y="-312" width="52" height="54" rx="8" fill="#b3262e"/>'
            '<path d="M136 -300v30" stroke="#fff" stroke-width="7"/>'
        )
    canvas.add(f'<g transform="translate({n(x)} 400) rotate({n(turn)}) scale({scale:.2f})">{case}{face}</g>')


def _face(canvas: Canvas, die: Die, art: Art, light: str, dark: str, *, foil: bool) -> str:
    border = (
        canvas.linear((0, "#fbf4df"), (1, "#d8c9a0"))
        if not foil
        else canvas.linear(*((k / 4, colour) for k, colour in enumerate(FOIL)), angle=die.between(20, 70))
    )
    sky = canvas.radial(
        (0, blend(light, "#ffffff", 0.55)), (0.5, light), (1, dark), at=(0.5, 0.42), reach=0.75
    )
    window = canvas.clip('<rect x="-142" y="-186" width="284" height="260" rx="10"/>')
    stars = "".join(
        f'<circle cx="{n(die.between(-130, 130))}" cy="{n(die.between(-180, 60))}" r="{n(die.between(1, 3.4))}" fill="#fff" opacity=".8"/>'
        for _ in range(16)
    )
    shine = canvas.linear(
        (0, "#ffffff00"),
        (0.42, "#ffffff00"),
        (0.5, "#ffffff88"),
        (0.58, "#ffffff00"),
        (1, "#ffffff00"),
        angle=32,
    )
    lines = "".join(
        f'<rect x="-128" y="{102 + k * 26}" width="{n(die.between(150, 256))}" height="9" rx="4" fill="{dark}" opacity=".38"/>'
        for k in range(4)
    )
    return (
        f'<rect x="-172" y="-240" width="344" height="480" rx="22" fill="{border}"/><rect x="-156" y="-224" width="312" height="448" rx="14" fill="{shade(dark, 0.86)}"/>'
        f'<rect x="-142" y="-214" width="{n(die.between(130, 190))}" height="16" rx="6" fill="{dark}"/><circle cx="128" cy="-206" r="13" fill="{light}"/>'
        f'<g clip-path="{window}"><rect x="-142" y="-186" width="284" height="260" fill="{sky}"/>{stars}{art(canvas, die, light, dark)}</g>'
        f'<rect x="-142" y="-186" width="284" height="260" rx="10" fill="none" stroke="{dark}" stroke-width="5"/>{lines}'
        f'<rect x="-172" y="-240" width="344" height="480" rx="22" fill="{shine}"/>'
    )


def _creature(canvas: Canvas, die: Die, light: str, dark: str) -> str:
    """A winged silhouette before its moon."""
    moon = canvas.radial((0, "#fffdf2"), (1, blend(light, "#ffffff", 0.6)))
    body = canvas.linear((0, shade(dark, 0.12)), (1, shade(dark, -0.5)))
    span, lift = die.between(104, 134), die.between(-120, -60)
    wing = "".join(
        f"M0 -6C{n(side * 30)} {n(lift - 30)} {n(side * span * 0.7)} {n(lift - 26)} {n(side * span)} {n(lift + 26)}"
        f"C{n(side * span * 0.8)} {n(lift + 40)} {n(side * span * 0.72)} {n(lift + 66)} {n(side * span * 0.74)} {n(lift + 86)}"
        f"C{n(side * span * 0.5)} {n(lift + 74)} {n(side * span * 0.4)} 10 {n(side * 12)} 40Z"
        for side in (-1, 1)
    )
    return (
        f'<circle cx="{n(die.between(-30, 30))}" cy="-70" r="{n(die.between(62, 84))}" fill="{moon}" opacity=".9"/>'
        f'<path d="{wing}" fill="{body}"/><path d="M-16 40C-26 0 -20 -40 0 -62C20 -40 26 0 16 40C30 60 10 92 0 104C-10 92 -30 60 -16 40Z" fill="{body}"/>'
        f'<path d="M-15 -48l-10 -30l20 16ZM15 -48l10 -30l-20 16Z" fill="{shade(dark, -0.4)}"/>'
        '<circle cx="-7" cy="-42" r="3.6" fill="#ffe27a"/><circle cx="7" cy="-42" r="3.6" fill="#ffe27a"/>'
        f'<path d="M-150 80C-90 40 -50 66 0 50C60 34 100 62 150 40V90H-150Z" fill="{shade(dark, -0.35)}"/>'
    )


def _player(canvas: Canvas, die: Die, light: str, dark: str) -> str:
    """Head and shoulders in a cap, before stadium lights."""
    shirt = canvas.linear((0, shade(light, 0.15)), (1, shade(light, -0.35)))
    skin = die.pick(("#8d5a3b", "#c58c65", "#e3b18c", "#5f3b28", "#d9a074"))
    lights = "".join(
        f'<circle cx="{x}" cy="{-150 + (x // 40 % 2) * 22}" r="9" fill="#fff" opacity=".75"/>'
        for x in range(-120, 140, 40)
    )
    return (
        f'{lights}<path d="M-118 80C-112 6 -60 -4 -28 -14V-40H28V-14C60 -4 112 6 118 80Z" fill="{shirt}"/>'
        f'<path d="M-24 -20C-10 4 10 4 24 -20V-46H-24Z" fill="{shade(skin, -0.18)}"/><ellipse cx="0" cy="-76" rx="46" ry="56" fill="{skin}"/>'
        f'<path d="M-50 -84C-54 -150 54 -150 50 -84C20 -98 -20 -98 -50 -84Z" fill="{dark}"/><path d="M-10 -92C30 -100 66 -94 82 -78C50 -84 20 -80 -8 -82Z" fill="{shade(dark, -0.3)}"/>'
        f'<circle cx="0" cy="-118" r="11" fill="{light}"/><path d="M-6 30h12v40h-12Z" fill="#fff" opacity=".7"/>'
    )


def _pack(canvas: Canvas, die: Die, light: str, dark: str) -> None:
    canvas.shadow(400, 660, 190, 30)
    foil = canvas.linear(
        (0, shade(dark, 0.05)),
        (0.16, light),
        (0.34, blend(light, "#ffffff", 0.5)),
        (0.55, light),
        (0.8, dark),
        (1, shade(light, -0.2)),
        angle=8,
    )
    crimp = canvas.linear((0, "#f2f2f2"), (0.5, "#a8a8ae"), (1, "#e6e6ea"))
    canvas.add(
        f'<g transform="rotate({n(die.between(-6, 6))} 400 420)"><rect x="256" y="176" width="288" height="478" rx="6" fill="{foil}"/>'
    )
    for y in (168, 628):
        canvas.add(f'<rect x="252" y="{y}" width="296" height="34" fill="{crimp}"/>')
        canvas.add(
            *(
                f'<path d="M{x} {y}v34" stroke="#77777d" stroke-width="2" opacity=".5"/>'
                for x in range(258, 548, 9)
            )
        )
    sun = canvas.radial((0, "#fffbe6"), (0.6, blend(light, "#ffffff", 0.45)), (1, light))
    canvas.add(
        f'<circle cx="400" cy="388" r="98" fill="{sun}"/>',
        f'<path d="M262 470c60-60 90 20 138-20s80-50 138 10v90H262Z" fill="{dark}"/><path d="M262 520c60-40 100 20 150-10s80-30 126 10v60H262Z" fill="{shade(dark, -0.4)}"/>',
        '<rect x="292" y="232" width="216" height="30" rx="8" fill="#fff" opacity=".92"/><rect x="330" y="272" width="140" height="14" rx="6" fill="#fff" opacity=".6"/>',
        '<path d="M292 202l40 0l-60 424h-16V560Z" fill="#fff" opacity=".16"/></g>',
    )
