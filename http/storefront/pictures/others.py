"""Watches, records and plants: what else one sees at auctions."""

import math

from storefront.pictures.canvas import Backdrop, Canvas, Die, blend, n, shade


def watch(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """A wristwatch lying flat: strap, case, dial, hands."""
    metal = die.pick(("#d3d6da", "#d9b36c", "#44474c"))
    dial = die.pick(("#12263f", "#f3efe4", "#10332b", "#1b1b1e", "#6e1f2a"))
    strap = die.pick(("#5b3421", "#20242a", "#3a4a35", "#7a2b2b"))
    ink = "#f7f2e6" if dial != "#f3efe4" else "#22252a"
    leather = canvas.linear(
        (0, shade(strap, -0.35)), (0.3, shade(strap, 0.2)), (0.7, strap), (1, shade(strap, -0.45)), angle=0
    )
    case = canvas.linear((0, shade(metal, 0.5)), (0.5, metal), (1, shade(metal, -0.45)), angle=50)
    face = canvas.radial((0, shade(dial, 0.25)), (1, shade(dial, -0.25)), at=(0.4, 0.35), reach=0.75)
    canvas.shadow(410, 420, 230, 210, 0.4)
    canvas.add(
        f'<path d="M318 30h164l-10 190H328ZM328 580h144l10 190H318Z" fill="{leather}"/>',
        *(
            f'<path d="M{x} {y}v150" stroke="{shade(strap, 0.45)}" stroke-width="3" stroke-dasharray="11 8" opacity=".7"/>'
            for x in (332, 468)
            for y in (40, 600)
        ),
        f'<path d="M300 210h200l30 60v260l-30 60H300l-30-60V270Z" fill="{case}"/>',
        f'<rect x="572" y="380" width="30" height="40" rx="8" fill="{case}"/><circle cx="400" cy="400" r="190" fill="{case}"/>',
        f'<circle cx="400" cy="400" r="166" fill="{shade(metal, -0.5)}"/><circle cx="400" cy="400" r="160" fill="{face}"/>',
    )
    for hour in range(60):
        angle, long = math.radians(hour * 6), hour % 5 == 0
        inner = 122 if long else 142
        canvas.add(
            f'<path d="M{n(400 + inner * math.sin(angle))} {n(400 - inner * math.cos(angle))}L{n(400 + 150 * math.sin(angle))} {n(400 - 150 * math.cos(angle))}" stroke="{ink}" stroke-width="{8 if long else 2}"/>'
        )
    hour, minute = die.between(300, 330), die.between(50, 70)
    for turn, length, wide in ((hour, 84, 12), (minute, 126, 9)):
        canvas.add(
            f'<path d="M400 424V{400 - length}" stroke="{ink}" stroke-width="{wide}" stroke-linecap="round" transform="rotate({n(turn)} 400 400)"/>'
        )
    canvas.add(
        f'<path d="M400 440V270" stroke="{colours.second}" stroke-width="3.5" transform="rotate({n(die.between(0, 360))} 400 400)"/><circle cx="400" cy="400" r="9" fill="{colours.second}"/>',
        '<path d="M290 300a150 150 0 0 1 150-58a210 210 0 0 0-170 150a150 150 0 0 1 20-92Z" fill="#fff" opacity=".16"/>',
    )


def record(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """A sleeve with the record half out of it."""
    canvas.shadow(410, 640, 300, 28)
    shellac = canvas.radial(
        (0, "#3a3a40"), (0.5, "#131316"), (0.75, "#26262b"), (1, "#0b0b0d"), at=(0.38, 0.3), reach=0.8
    )
    canvas.add(f'<circle cx="510" cy="410" r="212" fill="{shellac}"/>')
    canvas.add(
        *(
            f'<circle cx="510" cy="410" r="{r}" fill="none" stroke="#fff" stroke-opacity=".06" stroke-width="2"/>'
            for r in range(90, 208, 9)
        )
    )
    canvas.add(
        f'<circle cx="510" cy="410" r="66" fill="{colours.second}"/><circle cx="510" cy="410" r="8" fill="#e8e3d6"/>'
    )
    sleeve = canvas.linear((0, colours.main), (1, blend(colours.main, colours.wall, 0.35)), angle=30)
    clip = canvas.clip('<rect x="140" y="186" width="440" height="440" rx="4"/>')
    shapes = "".join(
        f'<circle cx="{n(die.between(150, 570))}" cy="{n(die.between(200, 610))}" r="{n(die.between(30, 150))}" fill="{die.pick((colours.second, colours.wall, colours.glow, shade(colours.second, -0.4)))}" opacity=".86"/>'
        for _ in range(6)
    )
    canvas.add(
        f'<g clip-path="{clip}"><rect x="140" y="186" width="440" height="440" fill="{sleeve}"/>{shapes}<path d="M140 186h18v440h-18Z" fill="#000" opacity=".16"/></g>'
    )


def plant(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """A pot full of broad leaves."""
    canvas.shadow(400, 656, 150, 24)
    greens = ("#2f6b4a", "#3f8a58", "#1f4f3a", "#5a9a5f")
    for turn in sorted((die.between(-68, 68) for _ in range(13)), key=abs, reverse=True):
        green, long = die.pick(greens), die.between(230, 370)
        paint = canvas.linear((0, shade(green, 0.25)), (0.5, green), (1, shade(green, -0.4)), angle=0)
        canvas.add(
            f'<g transform="translate(400 500) rotate({n(turn)})"><path d="M0 0C-74 {n(-long * 0.35)} -58 {n(-long * 0.8)} 0 {n(-long)}C58 {n(-long * 0.8)} 74 {n(-long * 0.35)} 0 0Z" fill="{paint}"/>'
            f'<path d="M0 0V{n(-long * 0.94)}" stroke="{shade(green, 0.45)}" stroke-width="3" opacity=".6"/></g>'
        )
    pot = canvas.linear(
        (0, shade(colours.second, -0.3)),
        (0.35, shade(colours.second, 0.22)),
        (1, shade(colours.second, -0.45)),
        angle=0,
    )
    canvas.add(
        f'<path d="M286 486h228l-30 170q-4 8-14 8H330q-10 0-14-8Z" fill="{pot}"/><rect x="276" y="468" width="248" height="44" rx="10" fill="{pot}"/><path d="M286 512h228v10H286Z" fill="#000" opacity=".2"/>'
    )
