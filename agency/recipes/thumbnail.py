"""A 1280x720 thumbnail drawn from a title and brand colors.

The five designs differ in composition, not only in color. Their text always reads: its color is chosen by
contrast against what is really behind it, and a plate goes behind it where no color would do.
"""

import colorsys
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from agency.recipes import Made, Recipe, colors, register, typography
from agency.workflows import NewArtifact
from earnings.refusals import Refusal

WIDTH, HEIGHT = SIZE = (1280, 720)
SMOOTH = 2  # shapes are drawn larger and scaled down: Pillow's own edges are jagged
LONGEST = {"title": 160, "subtitle": 140, "label": 40}  # what fits without being cut
VARIANTS = {"basic": 1, "standard": 3, "premium": 5}
MARGIN = 84
HOUSE_COLOR = "navy"  # for a client who names none


@dataclass(frozen=True)
class Words:
    title: str
    subtitle: str
    label: str


@dataclass(frozen=True)
class Palette:
    """Two brand colors and what follows from them."""

    brand: tuple
    accent: tuple

    @property
    def deep(self):
        return colors.darkened(colors.mix(self.brand, (8, 9, 16), 0.55), 0.03)

    @property
    def paper(self):
        return colors.mix((250, 248, 244), self.brand, 0.05)


def _layer():
    return Image.new("RGBA", (WIDTH * SMOOTH, HEIGHT * SMOOTH), (0, 0, 0, 0))


def _compose(canvas, layer):
    canvas.alpha_composite(layer.resize(SIZE, Image.Resampling.LANCZOS))


def _scaled(*points):
    return [(x * SMOOTH, y * SMOOTH) for x, y in points]


def _disc(draw, x, y, radius, fill=None, outline=None, width=0):
    box = [(x - radius) * SMOOTH, (y - radius) * SMOOTH, (x + radius) * SMOOTH, (y + radius) * SMOOTH]
    draw.ellipse(box, fill=fill, outline=outline, width=width * SMOOTH)


def _gradient(start, end):
    """A diagonal gradient over the whole picture, with fine grain so that it does not band."""
    across, down = Image.linear_gradient("L").rotate(90).resize(SIZE), Image.linear_gradient("L").resize(SIZE)
    mask = Image.blend(across, down, 0.45)
    return Image.composite(Image.new("RGB", SIZE, end), Image.new("RGB", SIZE, start), mask).convert("RGBA")


def _glow(canvas, x, y, radius, color, opacity):
    glow = Image.new("L", (WIDTH // 4, HEIGHT // 4), 0)
    box = [(x - radius) / 4, (y - radius) / 4, (x + radius) / 4, (y + radius) / 4]
    ImageDraw.Draw(glow).ellipse(box, fill=round(255 * opacity))
    mask = glow.filter(ImageFilter.GaussianBlur(radius / 9)).resize(SIZE, Image.Resampling.BICUBIC)
    canvas.paste(Image.new("RGBA", SIZE, (*color, 255)), (0, 0), ImageChops.multiply(mask, canvas.getchannel("A")))


# --- Designs: each draws its background and answers where the words go --------------------------------------


@dataclass(frozen=True)
class Place:
    """Where words go: a box in pixels (left, top, right, bottom), and the color of the tag above them."""

    box: tuple[int, int, int, int]
    accent: tuple
    centered: bool = False


def orbit(canvas, palette):
    """Rings and a planet on a deep gradient."""
    canvas.paste(_gradient(palette.deep, colors.darkened(colors.mix(palette.brand, (8, 9, 16), 0.3), 0.10)))
    _glow(canvas, 1140, 250, 380, palette.accent, 0.4)
    layer = _layer()
    draw = ImageDraw.Draw(layer)
    for radius, opacity in ((470, 46), (370, 70), (270, 105)):
        _disc(draw, 1120, 330, radius, outline=(255, 255, 255, opacity), width=2)
    _disc(draw, 1120, 330, 168, fill=(*palette.accent, 255))
    _disc(draw, 1066, 276, 66, fill=(*colors.mix(palette.accent, (255, 255, 255), 0.22), 255))
    _disc(draw, 1120 - 262, 392, 20, fill=(255, 255, 255, 235))
    _disc(draw, 1120 + 60, 330 - 366, 12, fill=(255, 255, 255, 200))
    _disc(draw, 1120 - 160, 330 + 333, 28, fill=(*colors.mix(palette.accent, palette.brand, 0.5), 255))
    _compose(canvas, layer)
    return Place((MARGIN, MARGIN, 800, HEIGHT - MARGIN), palette.accent)


def paper(canvas, palette):
    """Cut paper: a light sheet with leaning bands of the brand's colors."""
    canvas.paste(Image.new("RGBA", SIZE, (*palette.paper, 255)))
    layer = _layer()
    draw = ImageDraw.Draw(layer)
    bands = (
        (930, palette.brand),
        (1035, colors.mix(palette.brand, palette.accent, 0.5)),
        (1120, palette.accent),
        (1210, colors.mix(palette.accent, (255, 255, 255), 0.35)),
    )
    for left, color in bands:
        for spread, opacity in ((10, 14), (5, 20)):
            shade = _scaled((left + 150 - spread, 0), (WIDTH, 0), (WIDTH, HEIGHT), (left - 110 - spread, HEIGHT))
            draw.polygon(shade, fill=(0, 0, 0, opacity))
        draw.polygon(
            _scaled((left + 150, 0), (WIDTH, 0), (WIDTH, HEIGHT), (left - 110, HEIGHT)), fill=(*color, 255)
        )
    draw.rectangle([*_scaled((0, 0))[0], *_scaled((18, HEIGHT))[0]], fill=(*palette.brand, 255))
    _compose(canvas, layer)
    return Place((MARGIN, MARGIN, 820, HEIGHT - MARGIN), palette.brand)


def poster(canvas, palette):
    """Words in the middle, quarter circles in the corners."""
    canvas.paste(_gradient(palette.brand, colors.mix(palette.brand, palette.deep, 0.55)))
    layer = _layer()
    draw = ImageDraw.Draw(layer)
    for radius, color in ((330, colors.mix(palette.brand, palette.accent, 0.45)), (215, palette.accent)):
        _disc(draw, 0, HEIGHT, radius, fill=(*color, 255))
        _disc(draw, WIDTH, 0, radius, fill=(*color, 255))
    for row in range(5):
        for column in range(7):
            _disc(draw, 64 + column * 26, 64 + row * 26, 4, fill=(255, 255, 255, 80))
            _disc(draw, WIDTH - 64 - column * 26, HEIGHT - 64 - row * 26, 4, fill=(255, 255, 255, 80))
    _compose(canvas, layer)
    return Place((250, 130, WIDTH - 250, HEIGHT - 130), palette.accent, centered=True)


def window(canvas, palette):
    """A card with soft shadow on a bright gradient, like a page of a well-kept book."""
    canvas.paste(_gradient(palette.accent, palette.brand))
    _glow(canvas, 180, 90, 380, (255, 255, 255), 0.35)
    shadow = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    ImageDraw.Draw(shadow).rounded_rectangle([96, 112, WIDTH - 96, HEIGHT - 76], 36, fill=(0, 0, 0, 120))
    canvas.alpha_composite(shadow.filter(ImageFilter.GaussianBlur(24)))
    layer = _layer()
    draw = ImageDraw.Draw(layer)
    (left, top), (right, bottom) = _scaled((90, 90), (WIDTH - 90, HEIGHT - 90))
    draw.rounded_rectangle([left, top, right, bottom], 36 * SMOOTH, fill=(*palette.paper, 255))
    for index, color in enumerate((palette.brand, palette.accent, colors.mix(palette.brand, palette.paper, 0.6))):
        _disc(draw, 1120 - 34 * (2 - index), 138, 11, fill=(*color, 255))
    (left, top), (right, bottom) = _scaled((150, 566), (1130, 572))
    rule = colors.mix(palette.brand, palette.paper, 0.72)
    draw.rounded_rectangle([left, top, right, bottom], 3 * SMOOTH, fill=(*rule, 255))
    _compose(canvas, layer)
    return Place((150, 134, 1050, 534), palette.brand)


def steps(canvas, palette):
    """Rising columns beside the words: for whatever is to grow."""
    dusk = colors.darkened(colors.mix(palette.brand, (10, 11, 18), 0.6), 0.05)
    canvas.paste(_gradient(colors.mix(dusk, (10, 11, 18), 0.6), dusk))
    _glow(canvas, 1120, 680, 340, palette.brand, 0.4)
    layer = _layer()
    draw = ImageDraw.Draw(layer)
    for x in range(0, WIDTH, 64):
        draw.line(_scaled((x, 0), (x, HEIGHT)), fill=(255, 255, 255, 9), width=SMOOTH)
    for index, height in enumerate((150, 250, 340, 470, 590)):
        left = 828 + index * 80
        color = colors.mix(palette.brand, palette.accent, index / 4)
        (x1, y1), (x2, y2) = _scaled((left, HEIGHT - height), (left + 58, HEIGHT + 40))
        draw.rounded_rectangle([x1, y1, x2, y2], 16 * SMOOTH, fill=(*color, 255))
    _compose(canvas, layer)
    return Place((MARGIN, MARGIN, 790, HEIGHT - MARGIN), palette.accent)


DESIGNS = (orbit, paper, poster, window, steps)


# --- Words ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """The words, sized for a place: where each begins, and the box that all of them cover."""

    title: typography.Block
    subtitle: typography.Block | None
    top: int
    title_top: int
    subtitle_top: int
    bottom: int


def _set(words, place):
    left, top, right, bottom = place.box
    width, height = right - left, bottom - top
    tag = 74 if words.label else 0
    subtitle, below = None, 0
    if words.subtitle:
        subtitle = typography.fit(
            words.subtitle,
            typography.MEDIUM,
            box=(width, 150),
            sizes=(36, 32, 28, 24),
            most_lines=3,
            leading=1.32,
        )
        below = subtitle.height + 40
    room = height - tag - below
    largest = 220 if len(words.title) <= 12 else 124
    title = typography.fit(
        words.title, typography.BOLD, box=(width, room), sizes=range(largest, 16, -4), most_lines=8
    )
    start = top + (room - title.height) // 2
    title_top = start + tag
    subtitle_top = title_top + title.height + 40
    return Setting(title, subtitle, start, title_top, subtitle_top, title_top + title.height + below)


def _letter(canvas, words, place):
    """Set label, title and subtitle into the place. Returns the lowest contrast of their text, as measured."""
    left, _, right, _ = place.box
    setting = _set(words, place)
    covered = (left, setting.title_top, right, setting.bottom)
    ink, ratio = colors.readable_on(_grounds(canvas, covered), place.accent)
    if ratio < colors.READABLE:
        ink, ratio = _plate(canvas, covered, ink, place.accent)
    pen = ImageDraw.Draw(canvas)
    if words.label:
        _tag(pen, words.label, place, setting.top)
    _lines(pen, setting.title, ink, place, setting.title_top)
    if setting.subtitle:
        _lines(pen, setting.subtitle, ink, place, setting.subtitle_top)
    return ratio


def _grounds(canvas, box):
    """The colors that are behind a box, in cells of 8x8 pixels."""
    region = canvas.convert("RGB").crop(box)
    cells = region.resize((max(1, region.width // 8), max(1, region.height // 8)), Image.Resampling.BOX)
    return {tuple(color) for _, color in cells.quantize(64).convert("RGB").getcolors(maxcolors=4096)}


def _plate(canvas, box, ink, tint):
    """Lay a soft plate behind the words until they read on it. Returns the ink and its contrast."""
    left, top, right, bottom = box
    shade = (8, 9, 16) if colors.luminance(ink) > 0.5 else (255, 255, 255)
    mask = Image.new("L", SIZE, 0)
    ImageDraw.Draw(mask).rounded_rectangle([left - 40, top - 30, right + 30, bottom + 30], 40, fill=80)
    mask = mask.filter(ImageFilter.GaussianBlur(10))
    ratio = 0
    while ratio < colors.READABLE:
        canvas.paste(Image.new("RGBA", SIZE, (*shade, 255)), (0, 0), mask)
        ink, ratio = colors.readable_on(_grounds(canvas, box), tint)
    return ink, ratio


def _lines(draw, block, color, place, y):
    left, _, right, _ = place.box
    for line in block.lines:
        x = left + (right - left - block.font.getlength(line)) / 2 if place.centered else left
        draw.text((x, y), line, font=block.font, fill=color)
        y += block.line_height


def _tag(draw, label, place, y):
    """A small pill above the title, in the accent color."""
    left, _, right, _ = place.box
    block = typography.fit(label, typography.BOLD, box=(right - left - 48, 34), sizes=(24, 22, 20), most_lines=1)
    width = block.width + 44
    x = left + (right - left - width) / 2 if place.centered else left
    draw.rounded_rectangle([x, y, x + width, y + 46], 23, fill=place.accent)
    ink, _ = colors.readable_on([place.accent], place.accent)
    draw.text((x + 22, y + 23), block.lines[0], font=block.font, fill=ink, anchor="lm")


def draw(words, palette, design):
    """One thumbnail as an RGB image, and the contrast ratio of its text."""
    canvas = Image.new("RGBA", SIZE, (0, 0, 0, 255))
    place = design(canvas, palette)
    ratio = _letter(canvas, words, place)
    return canvas.convert("RGB"), ratio


# --- The recipe ----------------------------------------------------------------------------------------------


def _read(brief):
    """The brief's words and colors. Refusal (422) naming the field that can't be used."""
    texts = {}
    for name, most in LONGEST.items():
        value = brief.get(name, "")
        problem = _text_problem(value, most)
        if problem:
            raise Refusal.of_field(f"/brief/{name}", problem)
        face = typography.MEDIUM if name == "subtitle" else typography.BOLD
        texts[name] = typography.drawable(value, face)
    if not texts["title"]:
        raise Refusal.of_field("/brief/title", "The title has no letter that can be drawn.")
    brand = colors.read(brief.get("brand_color") or HOUSE_COLOR, "/brief/brand_color")
    second = brief.get("accent_color")
    accent = colors.read(second, "/brief/accent_color") if second else companion(brand)
    return Words(**texts), Palette(brand, accent)


def _text_problem(value, most):
    if not isinstance(value, str):
        return "This is not text."
    return f"At most {most} characters; this has {len(value)}." if len(value) > most else ""


def companion(brand):
    """A second color for a brand that has one: a third of the way around the color wheel, light and clear."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(v / 255 for v in brand))
    if saturation < 0.12:
        return (242, 153, 74)
    hue = (hue + 0.36) % 1
    return tuple(round(v * 255) for v in colorsys.hls_to_rgb(hue, 0.62 if lightness < 0.6 else 0.4, 0.78))


@register
class Thumbnail(Recipe):
    key = "thumbnail"
    title = "Thumbnail, 1280x720"
    requirements = (
        {"name": "title", "label": "Title", "required": True, "help": "The words that should be read first."},
        {"name": "subtitle", "label": "Subtitle", "required": False, "help": "One sentence below the title."},
        {"name": "label", "label": "Label", "required": False, "help": "A word or two on a tag, e.g. New."},
        {"name": "brand_color", "label": "Brand color", "required": False, "help": "Like #1d4ed8."},
        {"name": "accent_color", "label": "Second color", "required": False, "help": "Like #f59e0b."},
    )

    def problems(self, brief):
        try:
            _read(brief)
        except Refusal as refusal:
            return refusal.errors
        return []

    def make(self, brief, *, tier, work, write):
        words, palette = _read(brief)
        count = VARIANTS[tier]
        artifacts, ratios = [], {}
        for number, design in enumerate(DESIGNS[:count], start=1):
            work.progress(number - 1, count, f"drawing {design.__name__}")
            image, ratio = draw(words, palette, design)
            name = f"thumbnail-{number}-{design.__name__}"
            ratios[name] = round(ratio, 2)
            artifacts.append(_file(image, name, "png"))
            if tier == "premium":
                artifacts.append(_file(image, name, "jpg"))
        facts = {"variants": count, "files": len(artifacts), "width": WIDTH, "height": HEIGHT, "contrast": ratios}
        return Made(artifacts, facts)


def _file(image, name, ending):
    buffer = BytesIO()
    if ending == "png":
        image.save(buffer, "PNG", optimize=True)
        return NewArtifact("deliverable", f"{name}.png", "image/png", buffer.getvalue())
    image.save(buffer, "JPEG", quality=92, optimize=True, progressive=True, subsampling=0)
    return NewArtifact("deliverable", f"{name}.jpg", "image/jpeg", buffer.getvalue())
