"""Sneakers from the side: low, high, runner, court, with air under the heel."""

from storefront.pictures.canvas import Backdrop, Canvas, Die, blend, shade

WHITES = ("#f5f1e8", "#ece7dc", "#fbf7ef")
PAIRS = (
    ("#d9532c", "#2b2d36"), ("#557a54", "#e6d9b8"), ("#2c4f86", "#f0c14b"), ("#ece4d4", "#c9b79a"), ("#1f6f78", "#f27f54"),
    ("#5a4a86", "#9fd8cf"), ("#b23a48", "#f1e3d3"), ("#30343f", "#e4572e"),
)  # fmt: skip
NAMED = {
    "ember": 0,
    "moss": 1,
    "trail": 1,
    "chalk": 3,
    "court": 3,
    "racer": 4,
    "nightbus": 5,
    "max": 5,
    "high": 6,
    "low": 0,
}


def sneaker(canvas: Canvas, die: Die, colours: Backdrop, words: frozenset[str]) -> None:
    """The form and colours that the seed's words name, else what the die says."""
    named = sorted(words & NAMED.keys())
    main, accent = PAIRS[NAMED[named[0]]] if named else die.pick(PAIRS)
    white = die.pick(WHITES)
    high = "high" in words or (not named and die.chance(0.25))
    runner = bool(words & {"trail", "racer", "max"}) or (not named and die.chance(0.4))
    canvas.shadow(400, 640, 330, 30)
    _sole(
        canvas,
        white if not words & {"trail"} else accent,
        accent,
        runner,
        lugs="trail" in words,
        air="max" in words,
    )
    _upper(canvas, main, accent, white, high=high, runner=runner)


def _sole(canvas: Canvas, white: str, accent: str, runner: bool, *, lugs: bool, air: bool) -> None:
    foam = canvas.linear((0, shade(white, 0.3)), (0.5, white), (1, shade(white, -0.28)))
    if runner:
        canvas.add(
            f'<path d="M118 560c-12 34-8 66 22 74 60 12 480 14 540-6 24-10 22-34 8-52-40-14-110-8-190-16-130-14-300-26-380 0Z" fill="{foam}"/>',
            f'<path d="M126 600c140 22 420 26 562 2" fill="none" stroke="{accent}" stroke-width="9" opacity=".85"/>',
        )
    else:
        canvas.add(
            f'<path d="M122 560h562c20 12 26 50 6 70-10 8-548 8-560 0-16-12-16-54-8-70Z" fill="{foam}"/>',
            f'<path d="M124 590h570" stroke="{accent}" stroke-width="7" opacity=".8"/>',
        )
    rubber = shade(accent, -0.45)
    canvas.add(f'<path d="M128 626c120 14 430 16 560-2l-6 16c-90 12-450 12-544 2Z" fill="{rubber}"/>')
    if lugs:
        canvas.add(*(f'<path d="M{x} 632h22l-5 18h-14Z" fill="{rubber}"/>' for x in range(142, 670, 38)))
    if air:
        window = canvas.linear((0, "#ffffffcc"), (1, "#7fd6e8aa"))
        canvas.add(
            f'<rect x="146" y="584" width="170" height="36" rx="18" fill="{shade(accent, -0.2)}"/><rect x="154" y="590" width="154" height="24" rx="12" fill="{window}"/>'
        )


def _upper(canvas: Canvas, main: str, accent: str, white: str, *, high: bool, runner: bool) -> None:
    cloth = canvas.linear((0, shade(main, 0.25)), (0.55, main), (1, shade(main, -0.3)))
    collar_y, heel_y = (190, 200) if high else (318, 330)
    outline = (
        f"M136 566C120 500 118 420 {132 if high else 126} {heel_y}C140 {heel_y - 22} 170 {heel_y - 22} 186 {heel_y - 4}"
        f"C220 {collar_y + 34} 262 {collar_y + 34} 306 {collar_y}C330 {collar_y - 6} 350 {collar_y + 8} 366 {collar_y + 34}"
        "C410 400 470 446 548 466C630 486 690 512 692 566Z"
    )
    inside = canvas.linear((0, shade(main, -0.55)), (1, shade(main, -0.35)))
    canvas.add(
        f'<path d="M150 {heel_y + 6}C190 {collar_y - 26} 280 {collar_y - 26} 340 {collar_y + 10}L250 {collar_y + 84}Z" fill="{inside}"/>'
    )
    canvas.add(f'<path d="{outline}" fill="{cloth}"/>')
    clip = canvas.clip(f'<path d="{outline}"/>')
    toe = canvas.linear((0, shade(white, 0.2)), (1, shade(white, -0.2)))
    tab = canvas.linear((0, shade(accent, 0.2)), (1, shade(accent, -0.25)))
    parts: list[str] = []
    if runner:
        mesh = blend(main, "#ffffff", 0.25)
        parts += [
            f'<path d="M380 360L{560 + k} {480 + k // 3}" stroke="{mesh}" stroke-width="4" opacity=".35"/>'
            for k in range(0, 120, 14)
        ]
        parts.append(f'<path d="M200 566C260 480 380 470 470 566Z" fill="{tab}" opacity=".9"/>')
        parts.append(f'<path d="M560 566c10-50 60-70 150-50v60Z" fill="{tab}"/>')
    else:
        parts.append(f'<path d="M540 566c0-60 40-96 170-80v90Z" fill="{toe}"/>')
        parts.append(
            f'<path d="M250 500C330 520 400 470 420 400L470 430C440 510 350 560 250 556Z" fill="{tab}"/>'
        )
    parts.append(f'<path d="M110 566V{heel_y - 30}h66c-6 80-6 170 24 270Z" fill="{tab}"/>')
    parts.append('<path d="M100 540h620v40H100Z" fill="#000" opacity=".14"/>')
    canvas.add(f'<g clip-path="{clip}">{"".join(parts)}</g>')
    _laces(canvas, white, main, collar_y)
    canvas.add(
        f'<path d="{outline}" fill="none" stroke="{shade(main, -0.5)}" stroke-opacity=".35" stroke-width="3"/>'
    )


def _laces(canvas: Canvas, white: str, main: str, collar_y: int) -> None:
    start = (352, collar_y + 30)
    end = (548, 462)
    tongue = canvas.linear((0, shade(main, 0.35)), (1, shade(main, 0.02)))
    canvas.add(
        f'<path d="M{start[0] - 26} {start[1] - 30}C{start[0] + 10} {start[1] - 60} {start[0] + 34} {start[1] - 30} {start[0] + 30} {start[1]}C430 400 480 436 {end[0]} {end[1]}L{end[0] - 60} {end[1] + 2}C430 446 380 410 {start[0] - 26} {start[1] - 30}Z" fill="{tongue}"/>'
    )
    rows = 8 if collar_y < 250 else 6
    for row in range(rows):
        share = (row + 0.6) / rows
        # Along the throat, which is steep at the ankle and flat at the toe.
        x = start[0] + (end[0] - start[0]) * share**1.25
        y = start[1] + (end[1] - start[1]) * share**0.72
        canvas.add(
            f'<path d="M{x - 34:.0f} {y + 22:.0f}Q{x - 8:.0f} {y - 8:.0f} {x + 22:.0f} {y - 6:.0f}" fill="none" stroke="{white}" stroke-width="12" stroke-linecap="round"/>',
            f'<circle cx="{x - 36:.0f}" cy="{y + 24:.0f}" r="6" fill="{shade(main, -0.5)}"/>',
        )
