"""What the services, the home page and the shop's own mark look like."""

from storefront.demo.shapes import (
    CORAL,
    DEEP,
    FOAM,
    INK,
    LAMP,
    MID,
    MIST,
    ROSE,
    SAND,
    SEA,
    TEAL,
    at,
    disc,
    fish,
    lantern,
    line,
    oval,
    paper,
    rect,
    scene,
    shape,
    sized,
    text_lines,
)


def catalog_check():
    rows = "".join(
        rect(-220, -120 + n * 46, 440, 34, LAMP if n == 3 else "#efe2c6", 6)
        + text_lines(-204, -109 + n * 46, [80], SEA if n == 3 else MIST, height=11)
        + text_lines(-90, -109 + n * 46, [150 - (n % 3) * 30], MIST if n != 3 else CORAL, height=11)
        + text_lines(130, -109 + n * 46, [60], MIST, height=11)
        for n in range(6)
    )
    head = rect(-220, -166, 440, 32, SEA, 6)
    glass = disc(0, 0, 92, "#ffffff", opacity=0.25) + disc(0, 0, 92, "none", stroke=SEA, stroke_width=18)
    handle = line("M68 68L150 150", CORAL, 30)
    return scene("lagoon", paper(380, 280, 500, 400, head, rows), at(510, 292, handle, glass))


def listing_pack():
    colors = ((TEAL, -64), (LAMP, -32), (CORAL, 0), (ROSE, 32), (MID, 64))
    fan = []
    for color, turn in colors:
        sheet = rect(-60, -80, 120, 150, FOAM, 10) + rect(-60, -80, 120, 34, color, 10)
        sheet += text_lines(-42, -26, [80, 60, 76], MIST, 26, 9)
        fan.append(f'<g transform="translate(400 470) rotate({turn}) translate(0 -270)">{sheet}</g>')
        fan.append(f'<g transform="translate(400 470) rotate({turn})">{line("M0 -110V-172", LAMP, 6)}</g>')
    source = paper(
        400,
        450,
        220,
        150,
        text_lines(-84, -44, [168, 140, 160, 120], MIST, 28, 10),
        rect(-110, -75, 220, 14, SEA, 6),
    )
    return scene("night", *fan, source)


def video_thumbnail():
    play = disc(0, 0, 62, FOAM) + shape("M-18 -32L36 0L-18 32Z", CORAL)
    words = rect(-240, 40, 250, 40, FOAM, 8) + rect(-240, 92, 170, 40, LAMP, 8)
    light = disc(130, -30, 120, TEAL) + at(120, -20, fish(), size=0.72)
    frame = '<clipPath id="f"><rect x="-280" y="-160" width="560" height="320" rx="20"/></clipPath>'
    clip = f'{frame}<g clip-path="url(#f)">{rect(-280, -160, 560, 320, SEA)}{light}</g>'
    bar = rect(-280, 180, 560, 14, MIST, 7) + rect(-280, 180, 210, 14, CORAL, 7) + disc(-70, 187, 16, CORAL)
    shade = rect(-268, -144, 560, 320, DEEP, 20, opacity=0.2)
    return scene("dusk", at(400, 262, shade, clip, words, at(-190, -76, play, size=0.8), bar))


def logo_design():
    rays = "".join(
        line(f"M0 96L{x} {y}", FOAM, 7) for x, y in ((-92, -28), (-58, -76), (0, -98), (58, -76), (92, -28))
    )
    mark = (
        shape("M0 120C-150 60 -130 -110 0 -126C130 -110 150 60 0 120Z", CORAL)
        + rays
        + rect(-34, 104, 68, 28, CORAL, 12)
    )
    guides = "".join(
        disc(0, -4, r, "none", stroke=SEA, stroke_width=2, opacity=0.45, stroke_dasharray="7 7")
        for r in (70, 128, 160)
    )
    guides += line("M-190 -4H190M0 -190V180", SEA, 2, opacity=0.45, stroke_dasharray="7 7")
    smalls = "".join(
        rect(600, 110 + n * 130, 104, 104, ground, 24)
        + at(652, 164 + n * 130, shape("M0 120C-150 60 -130 -110 0 -126C130 -110 150 60 0 120Z", color), size=0.28)
        for n, (ground, color) in enumerate(((SEA, LAMP), (FOAM, INK), (CORAL, FOAM)))
    )
    return scene("paper", paper(330, 290, 420, 420, guides, mark, fill="#fffaf0"), smalls)


def landing_page_copy():
    page = rect(-230, -200, 460, 44, SEA, 14) + "".join(
        disc(-204 + n * 24, -178, 7, c) for n, c in enumerate((CORAL, LAMP, TEAL))
    )
    words = (
        rect(-190, -120, 300, 34, INK, 8)
        + rect(-190, -76, 220, 34, INK, 8)
        + text_lines(-190, -18, [250, 270, 200], MIST, 28, 11)
    )
    button = rect(-190, 80, 150, 50, CORAL, 25) + rect(60, -20, 150, 150, SAND, 12) + lantern(135, 56, 22)
    pen = (
        shape("M0 0L-34 -70L-22 -250H22L34 -70Z", TEAL)
        + shape("M-34 -70L0 0L34 -70Z", LAMP)
        + line("M0 -8V-58", INK, 4)
    )
    return scene("lamp", paper(370, 284, 460, 400, page, words, button), at(470, 480, pen, turn=38))


def short_video_edit():
    phone = rect(-120, -220, 260, 450, DEEP, 36, opacity=0.2) + rect(-130, -230, 260, 450, INK, 36)
    screen = (
        rect(-114, -212, 228, 414, MID, 24)
        + disc(0, -60, 70, LAMP, opacity=0.9)
        + shape("M-114 60C-40 0 30 70 114 10V178A24 24 0 0 1 90 202H-90A24 24 0 0 1 -114 178Z", TEAL)
    )
    words = (
        rect(-84, 90, 168, 30, FOAM, 8)
        + rect(-60, 130, 120, 30, LAMP, 8)
        + shape("M-20 -92L36 -60L-20 -28Z", FOAM)
    )
    strip = "".join(
        rect(x, 250, 88, 66, color, 8) for x, color in ((40, CORAL), (136, ROSE), (576, CORAL), (672, SAND))
    )
    cut = line("M40 336H224M576 336H760", FOAM, 5) + line("M232 226V350M568 226V350", LAMP, 6)
    return scene("night", strip, cut, at(400, 290, phone, screen, words))


def podcast_edit():
    heights = (20, 54, 96, 40, 130, 70, 150, 36, 84)
    rough = "".join(
        line(f"M{60 + n * 27} {290 - h}V{290 + h * (0.6 + n % 3 / 4):.0f}", CORAL, 12)
        for n, h in enumerate(heights)
    )
    even = "".join(
        line(f"M{520 + n * 27} {290 - h}V{290 + h}", LAMP, 12)
        for n, h in enumerate((30, 54, 70, 60, 74, 58, 68, 50, 30))
    )
    mic = rect(-62, -170, 124, 220, FOAM, 62) + "".join(
        line(f"M-40 {y}H40", MIST, 7) for y in (-110, -80, -50, -20)
    )
    stand = line("M-96 -20C-96 110 96 110 96 -20M0 84V160M-64 164H64", SAND, 16)
    return scene("night", rough, even, at(400, 290, stand, mic))


def shop_setup():
    walls = rect(-150, -40, 300, 200, SAND) + rect(-116, 10, 110, 100, LAMP, 6) + rect(40, 10, 76, 150, SEA, 6)
    sill = rect(-166, 156, 332, 18, MID, 6) + line("M-116 60H-6M-61 10V110", SEA, 6)
    roof = "".join(
        shape(
            f"M{-160 + n * 64} 0H{-96 + n * 64}V34A32 28 0 0 1 {-160 + n * 64} 34Z", CORAL if n % 2 == 0 else FOAM
        )
        for n in range(5)
    )
    crane = line("M640 500V90M640 110H290M640 90L560 112M620 500H700", LAMP, 16) + line(
        "M390 118V150M390 150L270 184M390 150L510 184", FOAM, 5
    )
    hook = rect(600, 150, 80, 60, TEAL, 10) + disc(640, 180, 14, FOAM)
    return scene("lagoon", crane, hook, at(390, 330, walls, sill), at(390, 186, roof))


def hero():
    """The home page's picture: 800 by 640 on the page's own sea, so without a ground of its own."""
    beam = shape("M604 120L300 600H690Z", LAMP, opacity=0.1)
    chart = at(
        210,
        450,
        rect(-130, -90, 260, 190, DEEP, 10, opacity=0.3),
        rect(-138, -100, 260, 190, SAND, 10),
        line("M-110 40C-60 -10 -30 60 20 10S70 -40 100 -60", CORAL, 6, stroke_dasharray="3 14"),
        line("M-96 -62C-60 -80 -40 -50 -6 -66", TEAL, 5),
        line("M86 -76L110 -50M110 -76L86 -50", CORAL, 8),
        turn=-9,
    )
    book = at(
        600,
        470,
        rect(-84, -104, 190, 230, DEEP, 12, opacity=0.3),
        rect(-92, -112, 190, 230, CORAL, 12),
        rect(-92, -112, 30, 230, "#c9573a", 10),
        rect(-36, -70, 104, 60, FOAM, 8),
        text_lines(-20, -50, [70, 50], MIST, 20, 8),
        turn=11,
    )
    compass = at(
        404,
        548,
        disc(0, 6, 66, DEEP, opacity=0.3),
        disc(0, 0, 64, LAMP),
        disc(0, 0, 50, FOAM),
        shape("M0 -40L12 0L0 40L-12 0Z", CORAL),
        shape("M0 40L12 0H-12Z", SEA),
        disc(0, 0, 6, INK),
        turn=28,
    )
    swimmer = at(372, 224, fish(), size=1.22)
    rising = "".join(
        disc(x, y, r, "none", stroke=MIST, stroke_width=3, opacity=0.6)
        for x, y, r in ((690, 250, 14), (716, 206, 8), (96, 330, 9), (120, 296, 5), (706, 150, 5), (84, 120, 7))
    )
    weeds = "".join(
        line(f"M{x} 640C{x - 30} 580 {x + 30} 540 {x} {top}", TEAL, 14, opacity=0.7)
        for x, top in ((40, 470), (78, 520), (742, 460), (772, 520))
    )
    light = disc(604, 97, 94, LAMP, opacity=0.1)
    return sized(800, 640, light, beam, weeds, chart, book, compass, swimmer, rising)


def mark():
    """The shop's mark, also the icon in a browser's tab."""
    return sized(64, 64, rect(0, 0, 64, 64, SEA, 16), at(27, 39, fish(), size=0.135), disc(52.5, 25, 4.5, LAMP))


def no_picture():
    """Stands where a product has no picture: the sea with its light out."""
    faint = at(
        400,
        300,
        oval(0, 0, 150, 84, MIST, opacity=0.35),
        shape("M-140 0L-220 -60V60Z", MIST, opacity=0.35),
        disc(84, -18, 16, SEA, opacity=0.5),
    )
    return scene("paper", faint)


def share():
    """What a link to the shop shows elsewhere, 1200 by 630."""
    return sized(
        1200,
        630,
        rect(0, 0, 1200, 630, SEA),
        disc(700, 250, 420, MID, opacity=0.7),
        shape("M0 520C200 470 420 560 640 520S1020 470 1200 520V630H0Z", DEEP),
        at(600, 330, fish(), size=1.7),
    )


PICTURES = {
    maker.__name__.replace("_", "-"): maker
    for maker in (
        *(catalog_check, listing_pack, video_thumbnail, logo_design, landing_page_copy, short_video_edit),
        *(podcast_edit, shop_setup, hero),
    )
}
