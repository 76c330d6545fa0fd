"""What a service asks, holds and must deliver, as lines that people write."""

import csv
from pathlib import Path

import pytest

from agency import gig_texts

DEMO = Path(__file__).resolve().parent.parent / "storefront" / "demo" / "services.csv"
ASKED = ("name", "label", "required", "help")
CHECKED = ("check", "value", "label")


def test_what_the_demo_says_is_written_as_it_was_read():
    with DEMO.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            asked, held = gig_texts.requirements(row["requirements"]), gig_texts.known_checklist(row["checklist"])
            features = gig_texts.lines(row["features"])

            written = [
                gig_texts.written(asked, ASKED, gig_texts.requirements),
                gig_texts.written(held, CHECKED, gig_texts.known_checklist),
                gig_texts.written(features, None, gig_texts.lines),
            ]

            assert written == [row["requirements"], row["checklist"], row["features"]]


@pytest.mark.parametrize(
    "items, names, reader",
    [
        ([{"check": "file_type", "value": ["csv", "html"], "label": "Both"}], CHECKED, gig_texts.checklist),
        ([{"name": "a", "label": "This | that", "required": True, "help": ""}], ASKED, gig_texts.requirements),
        ([{"name": "Logo", "label": "Logo", "required": False, "help": "x"}], ASKED, gig_texts.requirements),
        (["a | b"], None, gig_texts.lines),
    ],
)
def test_what_lines_can_not_say_is_json(items, names, reader):
    written = gig_texts.written(items, names, reader)

    assert written.startswith("[")
    assert reader(written) == items


@pytest.mark.parametrize(
    "reader, text, words",
    [
        (gig_texts.requirements, "Your logo", "line 1 is not name"),
        (gig_texts.requirements, "logo|Your logo|perhaps", "neither yes nor no"),
        (gig_texts.checklist, "files_at_least|1", "line 1 is not check"),
        (gig_texts.known_checklist, "beauty|1|It is fine", "'beauty' is no check; there are file"),
        (gig_texts.lines, '["a", 1]', "not a list of texts"),
    ],
)
def test_a_wrong_line_is_refused_with_the_reason(reader, text, words):
    with pytest.raises(ValueError, match=words):
        reader(text)


def test_brackets_without_end_are_no_json():
    with pytest.raises(ValueError, match="is not valid JSON"):
        gig_texts.requirements("[" * 100_000)
