"""What the templates, kits and plans look like."""

from math import cos

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
    lantern,
    line,
    oval,
    paper,
    rect,
    scene,
    shape,
    text_lines,
    tick,
)


def weekly_planning_board():
    columns = []
    cards = ([MIST, ROSE], [TEAL, MIST, MIST], [LAMP, MIST], [MIST, CORAL, MIST], [TEAL, MIST])
    for n, colors in enumerate(cards):
        x = -250 + n * 102
        columns.append(rect(x, -118, 90, 268, "#efe2c6", 10) + rect(x + 12, -104, 46, 10, SEA, 5))
        columns += [rect(x + 9, -80 + k * 62, 72, 52, color, 8) for k, color in enumerate(colors)]
    head = rect(-250, -170, 190, 20, SEA, 10) + rect(170, -172, 78, 26, CORAL, 13)
    return scene("night", paper(400, 290, 560, 400, head, *columns), lantern(284, 266, 16))


def shop_launch_kit():
    stripes = "".join(
        shape(
            f"M{-190 + n * 76} -110H{-114 + n * 76}V-50A38 34 0 0 1 {-190 + n * 76} -50Z",
            CORAL if n % 2 == 0 else FOAM,
        )
        for n in range(5)
    )
    walls = rect(-180, -90, 360, 280, SAND) + rect(-196, 186, 392, 20, MID, 6)
    window = rect(-150, 0, 170, 120, LAMP, 6) + rect(-150, 0, 170, 120, "none", 6, stroke=SEA, stroke_width=8)
    goods = disc(-112, 90, 22, CORAL) + rect(-80, 62, 40, 54, TEAL, 6) + shape("M-26 116L-6 60L14 116Z", SEA)
    door = rect(60, 0, 90, 190, SEA, 6) + rect(74, 16, 62, 80, LAMP, 4) + disc(76, 122, 6, LAMP)
    sign = rect(-110, -170, 220, 48, SEA, 10) + text_lines(-70, -151, [140], LAMP, height=12)
    notes = text_lines(-32, -50, [70, 56, 66], gap=44) + "".join(tick(-52, -46 + n * 44, 0.6) for n in range(3))
    return scene(
        "night", at(350, 300, walls, window, goods, door, stripes, sign), paper(640, 250, 150, 190, notes, turn=6)
    )


def workbench_plan():
    bench = (
        rect(-230, -60, 460, 38, "#c98f4e", 4)
        + rect(-230, -60, 460, 12, "#ddab6c", 4)
        + rect(-200, -22, 36, 190, "#b77d3f")
        + rect(164, -22, 36, 190, "#b77d3f")
        + rect(-164, 84, 328, 26, "#c98f4e")
        + rect(-164, 0, 328, 20, "#a56d33")
    )
    saw = shape("M-150 -64L20 -104L28 -78L-146 -62Z", MIST) + shape("M18 -110C60 -120 78 -84 40 -74Z", CORAL)
    measure = line("M-230 206H230M-230 192V220M230 192V220", FOAM, 4) + line(
        "M268 -60V168M256 -60H280M256 168H280", FOAM, 4
    )
    grid = "".join(line(f"M{x} 0V600", "#ffffff", 1, opacity=0.12) for x in range(0, 801, 40))
    grid += "".join(line(f"M0 {y}H800", "#ffffff", 1, opacity=0.12) for y in range(0, 601, 40))
    vise = rect(-246, -40, 26, 64, MID, 4) + line("M-233 30V60", LAMP, 8)
    return scene("night", grid, at(390, 290, bench, saw, vise, measure))


def idea_to_first_sale():
    path = shape(
        "M150 560C330 500 520 500 520 420S330 360 380 310S470 250 470 230H510C510 270 470 290 450 320"
        "S640 380 640 440S520 560 420 580Z",
        SAND,
    )
    door = rect(420, 90, 140, 150, LAMP, 8) + rect(420, 90, 140, 150, "none", 8, stroke=FOAM, stroke_width=10)
    leaf = shape("M420 90L350 116V262L420 240Z", CORAL) + disc(364, 184, 6, FOAM)
    lights = ((180, 520, 15), (330, 478, 14), (500, 418, 13), (430, 356, 11), (400, 300, 9), (520, 268, 8))
    posts = "".join(line(f"M{x} {y}V{y + r * 3.4}", DEEP, r / 3) for x, y, r in lights)
    return scene("lagoon", path, door, leaf, posts, *(lantern(x, y, r) for x, y, r in lights))


def pitch_deck_set():
    bars = "".join(
        rect(-110 + n * 54, 60 - h, 38, h, c, 5)
        for n, (h, c) in enumerate(((50, MIST), (84, TEAL), (120, LAMP), (160, CORAL)))
    )
    pie = disc(0, 10, 74, TEAL) + shape("M0 10V-64A74 74 0 0 1 70 34Z", LAMP) + disc(0, 10, 32, SEA)
    return scene(
        "dusk",
        paper(280, 220, 330, 200, pie, fill=SEA, turn=-8),
        paper(540, 230, 330, 200, text_lines(-120, -56, [160, 200, 130], ROSE, 34, 14), fill=FOAM, turn=7),
        paper(
            410, 350, 400, 240, bars, text_lines(-150, -92, [170], SEA, height=16), line("M-150 62H150", INK, 4)
        ),
    )


def client_onboarding_kit():
    items = "".join(
        rect(-110, -84 + n * 58, 34, 34, "none", 6, stroke=SEA, stroke_width=5)
        + tick(-93, -68 + n * 58, 0.9, CORAL)
        for n in range(3)
    )
    words = text_lines(-56, -74, [150, 120, 160], MIST, 58, 14)
    folder = rect(-230, -150, 170, 60, CORAL, 14) + rect(-230, -120, 460, 300, CORAL, 14)
    left = rect(-330, 62, 190, 74, SEA, 16) + shape(
        "M-150 62C-70 40 -20 60 30 86C50 98 36 128 6 122L-150 136Z", ROSE
    )
    right = rect(150, 62, 190, 74, TEAL, 16) + shape(
        "M160 62C90 44 30 62 -26 92C-34 108 -10 116 16 104L20 128L160 136Z", SAND
    )
    return scene(
        "lagoon", at(400, 270, folder), paper(400, 236, 330, 300, items, words), at(400, 350, left, right)
    )


def procedures_library():
    sheets = []
    for n, color in enumerate((TEAL, LAMP, CORAL, MID)):
        y = 400 - n * 34
        sheets.append(
            at(
                400 + (n % 2) * 14,
                y,
                rect(-190, -60, 380, 120, DEEP, 10, opacity=0.18),
                rect(-196, -70, 380, 120, SAND, 10),
                rect(150, -50, 66, 26, color, 6),
            )
        )
    body = text_lines(-130, -60, [120, 200, 170, 210, 140], MIST, 36, 13)
    top = paper(
        404,
        220,
        370,
        270,
        rect(-130, -106, 150, 20, SEA, 10),
        body,
        disc(120, 76, 44, TEAL),
        tick(120, 78, 1.4, FOAM, 8),
    )
    return scene("lamp", *sheets, top)


def content_calendar():
    days = []
    for n in range(28):
        x, y = -206 + (n % 7) * 60, -72 + (n // 7) * 60
        color = {2: LAMP, 4: CORAL, 8: TEAL, 12: LAMP, 17: CORAL, 19: TEAL, 24: LAMP}.get(n, "#efe2c6")
        days.append(rect(x, y, 50, 50, color, 8))
    head = rect(-240, -176, 480, 76, SEA, 14) + text_lines(-200, -146, [150], LAMP, height=18)
    rings = "".join(rect(x, -200, 16, 50, MIST, 8) for x in (-150, -8, 134))
    pencil = at(
        0, 0, rect(-12, -120, 24, 180, CORAL), rect(-12, -140, 24, 24, ROSE, 6), shape("M-12 60L0 96L12 60Z", SAND)
    )
    return scene("night", paper(390, 294, 480, 390, head, rings, *days), at(650, 380, pencil, turn=24))


def invoice_and_quote_sheet():
    rows = "".join(
        text_lines(-130, -50 + n * 44, [130 - n * 14], MIST, height=12)
        + text_lines(80, -50 + n * 44, [54], SAND, height=12)
        for n in range(4)
    )
    total = line("M-130 132H134", SEA, 4) + rect(46, 150, 88, 22, CORAL, 8) + rect(-130, -152, 120, 22, SEA, 8)
    stamp = at(70, -130, disc(0, 0, 44, "none", stroke=TEAL, stroke_width=7), tick(0, 2, 1.3), turn=-14)
    coins = "".join(
        oval(640, 470 - n * 24, 66, 24, "#e29d35") + oval(640, 462 - n * 24, 66, 24, LAMP) for n in range(4)
    )
    return scene("lagoon", paper(380, 282, 350, 420, rows, total, stamp, turn=-4), coins)


def product_launch_kit():
    box = shape("M250 400L400 350L550 400L400 456Z", SAND) + shape("M250 400L400 456V560L250 500Z", "#c98f4e")
    box += shape("M550 400L400 456V560L550 500Z", "#ddab6c")
    trail = line("M400 410C380 350 430 330 420 290", LAMP, 16, opacity=0.8) + line(
        "M396 420C340 370 380 330 404 300", ROSE, 8
    )
    body = shape("M0 -130C60 -80 60 20 34 80H-34C-60 20 -60 -80 0 -130Z", FOAM) + shape(
        "M0 -130C26 -108 42 -78 46 -50H-46C-42 -78 -26 -108 0 -130Z", CORAL
    )
    fins = shape("M-40 20L-84 90L-34 80ZM40 20L84 90L34 80Z", CORAL) + disc(0, 0, 24, SEA) + disc(0, 0, 14, MIST)
    flame = shape("M-24 84C-20 120 0 140 0 150C0 140 20 120 24 84Z", LAMP)
    return scene("night", box, trail, at(440, 190, flame, body, fins, turn=14))


def community_server_kit():
    fire = shape("M0 -96C50 -40 70 0 46 44H-46C-72 4 -30 -20 0 -96Z", CORAL) + shape(
        "M2 -40C30 -8 34 16 22 44H-22C-38 18 -8 0 2 -40Z", LAMP
    )
    logs = at(0, 60, rect(-90, -14, 180, 28, "#8a5a2c", 14), turn=10) + at(
        0, 60, rect(-90, -14, 180, 28, "#a56d33", 14), turn=-10
    )

    def bubble(x, y, w, color, mark, tail):
        ends = f"M{tail * w * 0.2} 50L{tail * w * 0.34} 92L{tail * w * 0.42} 46Z"
        return at(
            x,
            y,
            rect(-w / 2, -60, w, 112, color, 30),
            shape(ends, color),
            text_lines(-w / 2 + 32, -30, [w - 64, w - 110], mark, 34, 13),
        )

    said = bubble(200, 180, 240, FOAM, MIST, 1) + bubble(600, 170, 250, CORAL, ROSE, -1)
    said += bubble(404, 104, 170, TEAL, MIST, 1)
    return scene("night", said, disc(400, 390, 150, LAMP, opacity=0.16), at(400, 404, logs, fire))


def template_club():
    cards = []
    for n in range(9):
        color = (MID, TEAL, SAND)[n % 3] if n < 8 else FOAM
        marks = text_lines(-64, -60, [90, 120, 70], SEA if n == 8 else "#ffffff55", 30, 10) if n == 8 else ""
        star = lantern(0, 60, 20) if n == 8 else ""
        card = rect(-84, -130, 176, 250, DEEP, 16, opacity=0.16) + rect(-92, -136, 176, 250, color, 16) + marks
        cards.append(
            f'<g transform="translate(400 560) rotate({-52 + n * 13}) translate(0 -270)">{card}{star}</g>'
        )
    return scene("dusk", *cards)


def launch_checklist():
    rows = []
    for n in range(5):
        y = -110 + n * 62
        rows.append(rect(-130, y, 40, 40, "none", 8, stroke=SEA, stroke_width=6))
        rows.append(text_lines(-66, y + 13, [180 - (n % 3) * 34], MIST, height=14))
        rows += [tick(-108, y + 18, 1.2, CORAL)] if n < 4 else []
    clip = rect(-70, -216, 140, 46, SEA, 12) + disc(0, -204, 12, LAMP)
    pencil = at(
        0,
        0,
        rect(-13, -130, 26, 190, LAMP),
        rect(-13, -150, 26, 26, CORAL, 6),
        shape("M-13 60L0 100L13 60Z", SAND),
    )
    return scene("lagoon", paper(380, 290, 370, 410, clip, *rows), at(606, 372, pencil, turn=-28))


def haftalik_calisma_plani():
    rows = "".join(
        rect(-150, -110 + n * 48, 60, 34, (CORAL, LAMP, TEAL, ROSE, MID)[n], 8)
        + text_lines(-72, -98 + n * 48, [210 - (n % 3) * 46], MIST, height=11)
        for n in range(5)
    )
    head = rect(-150, -168, 180, 24, SEA, 8)
    glass = shape(
        "M-40 -70C-40 -30 -24 -20 -24 10C-24 40 -40 44 -36 70H36C40 44 24 40 24 10C24 -20 40 -30 40 -70Z",
        FOAM,
        opacity=0.55,
    )
    tea = shape(
        "M-37 -44C-34 -24 -22 -16 -22 12C-22 40 -36 44 -33 66H33C36 44 22 40 22 12C22 -16 34 -24 37 -44Z",
        "#b5401f",
    )
    saucer = (
        oval(0, 76, 84, 16, FOAM)
        + oval(0, 73, 52, 8, ROSE)
        + line("M-14 -92C-24 -110 -4 -118 -14 -136M14 -92C4 -110 24 -118 14 -136", FOAM, 5, opacity=0.7)
    )
    return scene("night", paper(350, 284, 390, 400, head, rows, turn=-3), at(640, 426, saucer, glass, tea))


def proposal_handbook():
    left = shape("M0 -130C-60 -176 -170 -176 -240 -150V150C-170 124 -60 124 0 170Z", FOAM)
    right = shape("M0 -130C60 -176 170 -176 240 -150V150C170 124 60 124 0 170Z", "#f1e3c5")
    words = text_lines(-200, -104, [150, 130, 156, 120, 146], MIST, 42, 12) + text_lines(
        50, -104, [140, 156, 110], SAND, 42, 12
    )
    cover = shape("M-256 -140V176C-170 150 -60 150 0 190C60 150 170 150 256 176V-140Z", CORAL)
    angle = [f"L{60 + 26 * cos(n) * (n % 2):.0f} {120 - n * 34}" for n in range(8)]
    quill = at(
        120,
        -40,
        shape(f"M0 150{''.join(angle)}L120 -150C150 -60 90 60 0 150Z", ROSE),
        line("M-20 180L96 -90", SEA, 5),
    )
    return scene("lagoon", at(400, 300, cover, left, right, words, quill))


PICTURES = {
    maker.__name__.replace("_", "-"): maker
    for maker in (
        *(
            weekly_planning_board,
            shop_launch_kit,
            workbench_plan,
            idea_to_first_sale,
        ),
        *(
            pitch_deck_set,
            client_onboarding_kit,
            procedures_library,
            content_calendar,
        ),
        *(
            invoice_and_quote_sheet,
            product_launch_kit,
            community_server_kit,
            template_club,
        ),
        *(
            launch_checklist,
            haftalik_calisma_plani,
            proposal_handbook,
        ),
    )
}
