"""The pen that the shop's pictures are drawn with: flat shapes in ten colors, as SVG."""

SEA, DEEP, MID, TEAL = "#0b3348", "#072535", "#14536b", "#2b8a8f"
FOAM, SAND, MIST, INK = "#f8efdd", "#ecd6ad", "#b9cdd6", "#10293a"
LAMP, CORAL, ROSE = "#f6b756", "#e56f4c", "#f2a98b"


def _attributes(values):
    names = {name.rstrip("_").replace("_", "-"): value for name, value in values.items()}
    return "".join(f' {name}="{value}"' for name, value in names.items() if value is not None)


def rect(x, y, w, h, fill, r=0, **more):
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{fill}"{_attributes({"rx": r or None} | more)}/>'


def disc(x, y, r, fill, **more):
    return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{fill}"{_attributes(more)}/>'


def oval(x, y, rx, ry, fill, **more):
    return f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{fill}"{_attributes(more)}/>'


def shape(d, fill, **more):
    return f'<path d="{d}" fill="{fill}"{_attributes(more)}/>'


def line(d, color, width=6, **more):
    ends = {"stroke_linecap": "round", "stroke_linejoin": "round"}
    return shape(d, "none", stroke=color, stroke_width=width, **(ends | more))


def at(x, y, *items, turn=0, size=1):
    moves = f"translate({x} {y})" + (f" rotate({turn})" if turn else "") + (f" scale({size})" if size != 1 else "")
    return f'<g transform="{moves}">{"".join(items)}</g>'


def text_lines(x, y, widths, color=MIST, gap=26, height=9):
    return "".join(rect(x, y + n * gap, width, height, color, height / 2) for n, width in enumerate(widths))


def paper(x, y, w, h, *items, fill=FOAM, turn=0, r=14):
    """A sheet with its shadow; `items` are drawn on it, measured from its middle."""
    sheet = rect(-w / 2 + 10, -h / 2 + 14, w, h, DEEP, r, opacity=0.22) + rect(-w / 2, -h / 2, w, h, fill, r)
    return at(x, y, sheet, *items, turn=turn)


def tick(x, y, size=1, color=TEAL, width=9):
    return at(x, y, line("M-16 0L-5 12L17 -13", color, width), size=size)


def bubbles(color=FOAM):
    spots = ((70, 470, 9), (96, 430, 5), (726, 120, 8), (748, 86, 4), (700, 78, 5), (60, 120, 5))
    return "".join(disc(x, y, r, "none", stroke=color, stroke_width=3, opacity=0.45) for x, y, r in spots)


def lantern(x, y, r=22):
    """A light with its glow."""
    glow = disc(x, y, r * 3.4, LAMP, opacity=0.14) + disc(x, y, r * 2.1, LAMP, opacity=0.25)
    return glow + disc(x, y, r, LAMP) + disc(x - r * 0.3, y - r * 0.3, r * 0.32, FOAM, opacity=0.8)


GROUNDS = {
    # name -> the water, the disc of light, the two waves of the floor
    "night": (SEA, MID, "#0a2c3f", DEEP),
    "lagoon": ("#1d6f7a", "#2b8a8f", "#165a66", "#0f4753"),
    "paper": ("#f3e4c4", "#f8efdd", "#e6cf9f", "#d9bd84"),
    "dusk": ("#e9896a", "#f2a98b", "#d96f50", "#c65c3f"),
    "lamp": ("#f6c777", "#fadca6", "#eeb252", "#e29d35"),
}


def scene(ground, *items):
    """A picture of 800 by 600: water, light, floor, and the thing itself."""
    water, light, near, nearest = GROUNDS[ground]
    foam = SEA if ground in ("paper", "lamp") else FOAM
    back = (
        rect(0, 0, 800, 600, water),
        disc(400, 290, 250, light, opacity=0.75),
        shape("M0 500C130 462 250 520 400 496S680 460 800 498V600H0Z", near),
        shape("M0 548C160 520 300 566 460 544S700 530 800 550V600H0Z", nearest),
        bubbles(foam),
    )
    return sized(800, 600, *back, *items)


def sized(width, height, *items):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(items)}</svg>\n'
    )


def fish(color=CORAL, belly=ROSE, fin="#c9573a"):
    """A lanternfish that looks to the right, about 320 wide around its middle."""
    body = "M-150 0C-110 -96 40 -118 150 -14C158 -6 158 10 150 18C50 112 -100 96 -150 0Z"
    tail = "M-138 0C-176 -18 -206 -62 -226 -66C-218 -26 -218 26 -226 66C-206 62 -176 18 -138 0Z"
    dots = "".join(disc(-96 + n * 34, 46 + (n % 2) * 10, 7, LAMP) for n in range(6))
    stalk = line("M40 -78C70 -170 150 -176 186 -120", fin, 8)
    face = disc(84, -22, 25, FOAM) + disc(92, -22, 13, INK) + disc(97, -27, 4.5, FOAM)
    mouth = line("M152 22C128 30 104 30 88 22", INK, 6)
    fins = shape("M-40 -80C-20 -130 30 -130 60 -96Z", fin) + shape("M-30 30C-50 76 -6 84 26 60Z", fin)
    under = shape("M-146 8C-100 92 50 110 150 18C90 44 -60 52 -146 8Z", belly)
    return (
        shape(tail, fin) + stalk + fins + shape(body, color) + under + dots + face + mouth + lantern(190, -104, 20)
    )
