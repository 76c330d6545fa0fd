"""Recipes: what is drawn from a client's brief."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from agency import recipes
from agency.recipes import colors, thumbnail, typography
from earnings.refusals import Refusal

BRIEF = {
    "title": "Launch your shop in seven days",
    "subtitle": "A calm plan",
    "label": "New",
    "brand_color": "#1d4ed8",
}


class Watched:
    """The part of a task's work that a recipe sees: it notes the progress that was reported."""

    def __init__(self):
        self.reports = []

    def progress(self, done, total, message=""):
        self.reports.append((done, total))


def make(brief, tier="basic"):
    return recipes.get("thumbnail").make(brief, tier=tier, work=Watched(), write=None)


def opened(artifact):
    image = Image.open(BytesIO(artifact.content))
    image.load()
    return image


@pytest.mark.parametrize(
    ("tier", "kinds"),
    [
        ("basic", ["PNG"]),
        ("standard", ["PNG"] * 3),
        ("premium", ["PNG", "JPEG"] * 5),
    ],
)
def test_each_package_gets_its_variants_in_full_size(tier, kinds):
    made = make(BRIEF, tier)

    images = [opened(artifact) for artifact in made.artifacts]
    assert [image.format for image in images] == kinds
    assert {image.size for image in images} == {(1280, 720)}
    assert len({artifact.name for artifact in made.artifacts}) == len(kinds)
    assert len({artifact.content for artifact in made.artifacts}) == len(kinds)
    assert (made.facts["variants"], made.facts["files"]) == (kinds.count("PNG"), len(kinds))


def test_the_same_brief_gives_the_same_bytes():
    first, second = (make(BRIEF, "standard") for _ in range(2))

    assert [a.content for a in first.artifacts] == [a.content for a in second.artifacts]


def test_progress_is_reported_before_each_variant():
    work = Watched()

    recipes.get("thumbnail").make(BRIEF, tier="standard", work=work, write=None)

    assert work.reports == [(0, 3), (1, 3), (2, 3)]


def test_the_pictures_show_the_brands_colors():
    image = opened(make(BRIEF | {"brand_color": "#c2185b", "accent_color": "#00bcd4"}, "standard").artifacts[1])

    shown = {color for _, color in image.convert("RGB").getcolors(1280 * 720)}
    assert {(0xC2, 0x18, 0x5B), (0x00, 0xBC, 0xD4)} <= shown


@pytest.mark.parametrize("color", ["#ffd400", "#eeeeee", "#777777", "#000", "navy", "#00ff00", "#ffffff"])
def test_the_text_reads_on_every_brand_color(color):
    made = make(BRIEF | {"brand_color": color}, "premium")

    assert {name: ratio for name, ratio in made.facts["contrast"].items() if ratio < 4.5} == {}


def test_text_reads_on_what_is_really_behind_it():
    white = Image.new("RGBA", thumbnail.SIZE, "white")
    black = Image.new("RGBA", (640, 720), "black")
    white.paste(black, (0, 0))
    place = thumbnail.Place((84, 84, 1196, 636), (255, 0, 0))

    ratio = thumbnail._letter(white, thumbnail.Words("Half on black, half on white, all of it", "", ""), place)

    assert ratio >= 4.5


@pytest.mark.parametrize(
    "title",
    [
        "GO",
        "Şirketin için ölçülebilir büyüme: İğneyle kuyu kazmadan 🚀 ₺",
        "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung",
        "W" * 300,
        "many short words " * 17,
    ],
)
def test_any_title_stays_inside_its_place(title):
    words = thumbnail.Words(typography.drawable(title, typography.BOLD), "And a subtitle of some length", "Tag")
    place = thumbnail.Place((84, 84, 800, 636), (255, 255, 255))
    canvas = Image.new("RGBA", thumbnail.SIZE, "white")

    thumbnail._letter(canvas, words, place)

    left, top, right, bottom = Image.eval(canvas.convert("L"), lambda v: 255 - v).getbbox()
    assert left >= 84 - 4
    assert right <= 800 + 4
    assert top >= 84
    assert bottom <= 636 + 12


@pytest.mark.parametrize("title", ["W" * 160, "many short words " * 9, "Wide words WITH capitals " * 6])
def test_the_longest_title_that_is_accepted_is_not_cut(title):
    words = thumbnail.Words(title.strip(), "s" * 20 + " sub" * 30, "Label")
    for place in (
        thumbnail.Place((84, 84, 790, 636), (0, 0, 0)),
        thumbnail.Place((150, 134, 1050, 534), (0, 0, 0)),
    ):
        setting = thumbnail._set(words, place)

        assert "".join(setting.title.lines).replace(" ", "") == title.replace(" ", "")
        assert "".join(setting.subtitle.lines).replace(" ", "") == words.subtitle.replace(" ", "")


def test_a_client_who_names_no_color_gets_ours():
    image = opened(make({"title": "Plain"}, "standard").artifacts[1])

    assert image.convert("RGB").getpixel((5, 300)) == colors.read("navy", "/x")


def test_turkish_letters_are_drawn_and_emoji_left_out():
    assert typography.drawable("Çığır açan İş 🚀 ₺", typography.BOLD) == "Çığır açan İş ₺"
    assert typography.drawable("tab\tand\u200b zero", typography.BOLD) == "tab and zero"
    assert typography.drawable("🚀 漢字", typography.BOLD) == ""


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"brand_color": "blurple"}, "/brief/brand_color"),
        ({"brand_color": 7}, "/brief/brand_color"),
        ({"brand_color": "#12345"}, "/brief/brand_color"),
        ({"accent_color": "rgb(1,2,3)"}, "/brief/accent_color"),
        ({"title": "🚀"}, "/brief/title"),
        ({"title": "x" * 161}, "/brief/title"),
        ({"title": 7}, "/brief/title"),
        ({"subtitle": ["a"]}, "/brief/subtitle"),
    ],
)
def test_what_cannot_be_drawn_is_named(change, pointer):
    problems = recipes.get("thumbnail").problems(BRIEF | change)

    assert [problem["pointer"] for problem in problems] == [pointer]
    with pytest.raises(Refusal) as refused:
        make(BRIEF | change)
    assert refused.value.status == 422


def test_colors_are_read_as_people_write_them():
    assert colors.read("#0AF", "/x") == (0, 170, 255)
    assert colors.read("1d4ed8", "/x") == (29, 78, 216)
    assert colors.read(" Navy ", "/x") == (23, 37, 84)


def test_contrast_is_that_of_wcag():
    assert colors.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert round(colors.contrast((119, 119, 119), (255, 255, 255)), 2) == 4.48


def test_a_brief_carries_files_as_text_or_base64():
    assert recipes.brief_file({"csv": "a,b\n"}, "csv") == ("csv.txt", b"a,b\n")
    assert recipes.brief_file({"csv": {"name": "c.csv", "text": "ä"}}, "csv") == ("c.csv", "ä".encode())
    encoded = base64.b64encode(b"\xff\xfea").decode()
    assert recipes.brief_file({"csv": {"base64": encoded}}, "csv") == ("csv.txt", b"\xff\xfea")
    for value in (None, 7, {"name": "c.csv"}, {"base64": "not base64!"}):
        with pytest.raises(Refusal):
            recipes.brief_file({"csv": value}, "csv")


def test_a_recipe_that_nobody_wrote_is_none():
    assert recipes.get("") is None
    assert recipes.get("thumbnail") in recipes.every()
