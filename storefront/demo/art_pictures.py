"""What the art, the icons and the prints look like."""

from math import pi, sin

from storefront.demo.shapes import (
    CORAL,
    DEEP,
    FOAM,
    INK,
    LAMP,
    MIST,
    ROSE,
    SAND,
    SEA,
    TEAL,
    at,
    disc,
    fish,
    line,
    paper,
    rect,
    scene,
    shape,
    text_lines,
)


def misty_mountains():
    ridges = (
        "M-170 40L-96 -50L-58 -8L-10 -78L52 6L92 -34L170 44",
        "M-170 78C-120 40 -92 52 -58 74S30 30 70 62S130 70 170 58",
        "M-170 112C-110 84 -70 116 -20 98S90 86 170 106",
        "M-170 142C-90 124 -30 146 40 132S130 126 170 140",
        "M-170 168C-80 156 20 172 170 162",
    )
    drawn = "".join(line(ridge, SEA, 4 - n * 0.5) for n, ridge in enumerate(ridges))
    frame = rect(-206, -236, 412, 452, DEEP, 6) + rect(-192, -222, 384, 424, FOAM)
    shade = rect(-190, -214, 412, 452, DEEP, 6, opacity=0.2)
    return scene("paper", at(400, 276, shade, frame, disc(46, -110, 46, LAMP, opacity=0.85), drawn))


_ICONS = (
    "M-20 14V-6L0 -22L20 -6V14Z",
    "M-20 0A20 20 0 1 0 20 0A20 20 0 1 0 -20 0M0 -12V2L10 8",
    "M-22 -12H22V16H-22ZM-22 -10L0 6L22 -10",
    "M0 18C-30 -4 -18 -24 0 -10C18 -24 30 -4 0 18Z",
    "M-18 -20H8L18 -10V20H-18ZM-8 0H8M-8 10H8",
    "M-22 -16H-14L-6 10H14L20 -8H-10M-4 18V19M12 18V19",
    "M-4 -4m-16 0a16 16 0 1 0 32 0a16 16 0 1 0 -32 0M8 8L20 20",
    "M0 -22L6 -6H22L10 4L14 20L0 10L-14 20L-10 4L-22 -6H-6Z",
    "M-20 16C-24 0 -6 -2 -6 -12A10 10 0 0 1 14 -8C26 -6 24 14 12 16Z",
    "M-22 -14H-8L-2 -20H8L12 -14H22V16H-22ZM-8 2a8 8 0 1 0 16 0a8 8 0 1 0 -16 0",
    "M0 22C-22 -2 -14 -22 0 -22S22 -2 0 22ZM-5 -8a5 5 0 1 0 10 0a5 5 0 1 0 -10 0",
    "M-22 6C-10 -10 -2 14 8 0S22 -4 22 -4M-22 18C-10 2 -2 26 8 12S22 8 22 8",
)


def icon_pack_240():
    tiles = []
    for n, icon in enumerate(_ICONS):
        x, y = 400 + (n % 4 - 1.5) * 122, 286 + (n // 4 - 1) * 122
        fill, pen = ((FOAM, SEA), (SEA, LAMP), (CORAL, FOAM))[(n + n // 4) % 3]
        tiles.append(rect(x - 46, y - 40, 104, 104, DEEP, 22, opacity=0.16))
        tiles.append(rect(x - 52, y - 52, 104, 104, fill, 22) + at(x, y, line(icon, pen, 4), size=1.25))
    return scene("lamp", *tiles)


def _hill():
    hill = shape("M-88 150C-88 40 88 40 88 150Z", SEA) + shape("M-88 150C-60 90 0 96 30 150Z", TEAL)
    return disc(0, -50, 58, CORAL) + hill


def _arch():
    arch = shape("M-60 150V-20A60 60 0 0 1 60 -20V150Z", CORAL) + shape("M-28 150V-8A28 28 0 0 1 28 -8V150Z", FOAM)
    return arch + disc(0, -98, 22, LAMP)


def _tides():
    tides = []
    for n, color in enumerate((LAMP, ROSE, CORAL, TEAL)):
        x, y = -70 + n * 10, -70 + n * 44
        tides.append(line(f"M{x} {y}C-20 {y - 40} 20 {y + 40} {70 - n * 4} {y}", color, 22))
    return "".join(tides)


def _abstract(ground, form):
    shade = rect(-92, -146, 204, 320, DEEP, 4, opacity=0.2)
    return shade + rect(-102, -162, 204, 324, "#c98f4e", 4) + rect(-92, -152, 184, 304, ground) + form


def calm_abstract_prints():
    prints = (_abstract(FOAM, _hill()), _abstract(SAND, _arch()), _abstract(SEA, _tides()))
    return scene("paper", *(at(160 + n * 240, 270 + (n % 2) * 20, print_) for n, print_ in enumerate(prints)))


def lettering_brushes():
    strokes = (
        line("M90 200C180 120 220 290 310 200S440 130 500 190", CORAL, 34)
        + line("M90 320C190 250 240 400 330 320S460 260 520 310", LAMP, 20)
        + line("M90 420C180 370 260 470 350 420S470 380 540 412", FOAM, 9)
    )

    def brush(color, width):
        hair = shape(f"M{-width} 0C{-width * 1.3} -50 -8 -60 0 -110C8 -60 {width * 1.3} -50 {width} 0Z", color)
        return (
            hair
            + rect(-width, 0, width * 2, 54, MIST, 3)
            + shape(f"M{-width} 54H{width}L{width * 0.45} 270H{-width * 0.45}Z", SAND)
        )

    tools = (
        at(560, 236, brush(CORAL, 26), turn=-38)
        + at(590, 350, brush(LAMP, 18), turn=-52)
        + at(590, 440, brush(FOAM, 11), turn=-68)
    )
    return scene("night", strokes, tools)


def tide_chart_print():
    curves = []
    for n in range(11):
        y, swell = -150 + n * 30, 10 + 15 * abs(sin(n * pi / 7))
        waves = "".join(f"S{-110 + k * 80} {y + swell * (-1) ** k:.0f} {-80 + k * 80} {y}" for k in range(4))
        d = f"M-160 {y}{waves}"
        curves.append(line(d, CORAL, 7, opacity=0.75) + at(5, 4, line(d, SEA, 3.5)))
    signed = line("M70 206C84 190 90 216 102 202S124 212 140 198", INK, 3) + text_lines(
        -160, 200, [50], MIST, height=7
    )
    return scene(
        "paper",
        paper(400, 284, 400, 470, disc(90, -120, 60, LAMP, opacity=0.55), *curves, signed, fill="#fffaf0", r=3),
    )


def desk_calendar():
    stand = rect(-190, 150, 380, 46, "#b77d3f", 10) + rect(-190, 150, 380, 16, "#ddab6c", 8)
    card = rect(-150, -190, 316, 350, DEEP, 12, opacity=0.2) + rect(-160, -200, 320, 356, SEA, 12)
    month = rect(-160, -200, 320, 62, FOAM, 12) + text_lines(-50, -177, [100], SEA, height=16)
    dates = "".join(disc(-120 + (n % 7) * 40, 92 + n // 7 * 26, 5, MIST) for n in range(14)) + disc(
        0, 118, 10, CORAL
    )
    return scene("lamp", at(400, 300, card, month, at(-8, -14, fish(), size=0.58), dates, stand))


PICTURES = {
    maker.__name__.replace("_", "-"): maker
    for maker in (
        *(
            misty_mountains,
            icon_pack_240,
            calm_abstract_prints,
            lettering_brushes,
        ),
        *(
            tide_chart_print,
            desk_calendar,
        ),
    )
}
