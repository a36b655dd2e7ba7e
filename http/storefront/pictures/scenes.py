"""Covers of shows, and the wrapped present that stands for anything without a picture of its own."""

from storefront.pictures.canvas import Backdrop, Canvas, Die, blend, n, shade


def stage(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """A still life of arch, steps and spheres under a beam of light."""
    x = die.between(300, 500)
    arch = canvas.linear((0, shade(colours.wall, 0.16)), (1, shade(colours.wall, -0.12)))
    inner = canvas.linear((0, shade(colours.wall, -0.28)), (1, shade(colours.wall, -0.08)))
    canvas.add(
        f'<path d="M{n(x - 210)} 600V330a210 210 0 0 1 420 0v270Z" fill="{arch}"/>',
        f'<path d="M{n(x - 165)} 600V335a165 165 0 0 1 330 0v265Z" fill="{inner}"/>',
    )
    beam = canvas.linear((0, "#ffffff66"), (1, "#ffffff00"))
    lean = die.between(-90, 90)
    canvas.add(
        f'<path d="M{n(x - 30 + lean)} 0h60L{n(x + 190)} 640H{n(x - 190)}Z" fill="{beam}" opacity=".55"/>'
    )
    canvas.shadow(x, 690, 300, 40, 0.4)
    for step, (wide, y) in enumerate(((270, 640), (200, 594), (135, 548))):
        side = canvas.linear(
            (0, shade(colours.main, -0.34)),
            (0.35, colours.main),
            (0.7, shade(colours.main, -0.1)),
            (1, shade(colours.main, -0.4)),
            angle=0,
        )
        canvas.add(
            f'<path d="M{n(x - wide)} {y}v46a{wide} {wide // 9} 0 0 0 {2 * wide} 0v-46Z" fill="{side}"/>',
            f'<ellipse cx="{n(x)}" cy="{y}" rx="{wide}" ry="{wide / 9:.0f}" fill="{shade(colours.main, 0.3 - step * 0.05)}"/>',
        )
    _sphere(canvas, x, 446, 92, colours.second)
    _sphere(canvas, x - 205, 610, 40, blend(colours.glow, "#ffffff", 0.3))
    _sphere(canvas, x + 190, 620, 30, colours.second)


def _sphere(canvas: Canvas, x: float, y: float, radius: float, colour: str) -> None:
    canvas.shadow(x, y + radius * 0.98, radius * 0.85, radius * 0.16, 0.45)
    paint = canvas.radial(
        (0, shade(colour, 0.65)),
        (0.35, shade(colour, 0.12)),
        (0.8, shade(colour, -0.3)),
        (1, shade(colour, -0.5)),
        at=(0.34, 0.28),
        reach=0.8,
    )
    canvas.add(f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(radius)}" fill="{paint}"/>')


def gift(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """A wrapped box with a ribbon."""
    canvas.shadow(400, 632, 260, 34)
    front = canvas.linear((0, shade(colours.main, 0.12)), (1, shade(colours.main, -0.18)))
    side = canvas.linear((0, shade(colours.main, -0.2)), (1, shade(colours.main, -0.42)))
    lid = canvas.linear((0, shade(colours.main, 0.3)), (1, shade(colours.main, 0.02)))
    bow = canvas.radial(
        (0, shade(colours.second, 0.35)), (1, shade(colours.second, -0.25)), at=(0.35, 0.3), reach=0.8
    )
    ribbon = canvas.linear((0, shade(colours.second, 0.15)), (1, shade(colours.second, -0.25)))
    canvas.add(
        f'<path d="M215 330h300v300H215Z" fill="{front}"/><path d="m515 330 80-26v290l-80 36Z" fill="{side}"/>',
        f'<path d="M336 330h58v300h-58Z" fill="{ribbon}"/>',
        f'<path d="M200 282h330v62H200Z" fill="{lid}"/><path d="m530 282 82-30v58l-82 34Z" fill="{shade(colours.main, -0.3)}"/>',
        f'<path d="m200 282 84-30h328l-82 30Z" fill="{shade(colours.main, 0.42)}"/>',
        f'<path d="M334 282h62v62h-62Z" fill="{shade(colours.second, 0.05)}"/>',
        f'<path d="m334 282 80-30h58l-76 30Z" fill="{shade(colours.second, 0.3)}"/>',
        f'<path d="M398 262c-70-10-150-30-150-78 0-46 92-40 150 78Z" fill="{bow}"/>',
        f'<path d="M402 262c70-10 150-36 150-82 0-44-92-34-150 82Z" fill="{bow}"/>',
        f'<rect x="372" y="232" width="56" height="44" rx="18" fill="{shade(colours.second, -0.12)}"/>',
    )
