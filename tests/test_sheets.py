"""Table files are read as they come, or refused with what is wrong."""

import io
import json
import time

import pytest

from earnings.refusals import Refusal
from earnings.sheets import SheetFile, read_sheet, safe_cell

TEXT = "Name,Price\nIşık Seti,9\nÇizim,12\n"
CELLS = [{"Name": "Işık Seti", "Price": "9"}, {"Name": "Çizim", "Price": "12"}]


def cells(data):
    return [row.cells for row in read_sheet(data).rows]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode("utf-8"), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("cp1254"), "cp1254"),
    ],
)
def test_every_usual_encoding_gives_the_same_cells(data, encoding):
    sheet = read_sheet(data)

    assert sheet.encoding == encoding
    assert [row.cells for row in sheet.rows] == CELLS


def test_a_guessed_encoding_is_noted():
    turkish = read_sheet("Name,Price\nŞapka ğ,9\n".encode("cp1254"))
    western = read_sheet("Name,Price\nCafé Menü,9\n".encode("cp1252"))
    icelandic = read_sheet("Name,Price\nÞórður á ánni,9\n".encode("cp1252"))

    assert turkish.rows[0].cells["Name"] == "Şapka ğ"
    assert turkish.notes == [
        "The encoding is not stated; Turkish letters suggest cp1254. Check a name with accents."
    ]
    assert (western.encoding, western.rows[0].cells["Name"]) == ("cp1252", "Café Menü")
    assert (icelandic.encoding, icelandic.rows[0].cells["Name"]) == ("cp1252", "Þórður á ánni")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_delimiter_and_line_end_gives_the_same_cells(delimiter, end):
    sheet = read_sheet(TEXT.replace(",", delimiter).replace("\n", end).encode())

    assert sheet.delimiter == delimiter
    assert [row.cells for row in sheet.rows] == CELLS


def test_commas_inside_the_texts_of_a_semicolon_file_do_not_mislead():
    data = b"Name;Text;Price\nA;one, two, three;9,00\nB;four, five, six;12,00\n"

    assert cells(data)[1] == {"Name": "B", "Text": "four, five, six", "Price": "12,00"}


def test_excels_hint_names_the_delimiter_and_is_not_a_row():
    sheet = read_sheet(b"sep=;\r\nName;Price\r\nA;9\r\n")

    assert (sheet.header, sheet.rows[0].number) == (["Name", "Price"], 2)


def test_rows_are_numbered_as_a_spreadsheet_shows_them():
    sheet = read_sheet(b'\nName,Price\n"two\nlines",9\n\n , \nB,12\n')

    assert [(row.number, row.cells["Name"]) for row in sheet.rows] == [(3, "two\nlines"), (6, "B")]


def test_a_byte_order_mark_in_the_second_line_is_ignored():
    sheet = read_sheet("\n\t\ufeffName,Price\nA,9\n".encode())

    assert sheet.header == ["Name", "Price"]
    assert sheet.notes == ["A byte order mark in the middle of the file was ignored."]


def test_short_and_long_rows_are_problems_of_these_rows_only():
    sheet = read_sheet(b"A,B,C\n1,2,3\n1,2\n1,2,3,4\n1,2,3,,\n")

    assert [row.problem for row in sheet.rows] == [
        "",
        "has 2 cells, the header has 3",
        "has 4 cells, the header has 3",
        "",
    ]


def test_of_two_columns_with_one_name_the_first_counts():
    sheet = read_sheet(b"Name,Name,Price\nA,B,9\n")

    assert sheet.rows[0].cells == {"Name": "A", "Name (2)": "B", "Price": "9"}


def test_the_header_is_found_below_lines_of_notes():
    data = b'"All amounts in USD"\n"Another, longer note"\nDate,Total\n2026-09-01,4.00\n'

    sheet = read_sheet(data, is_header=lambda cells: "Total" in cells)

    assert (sheet.header, sheet.rows[0].number) == (["Date", "Total"], 4)


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf \r\n", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"Name,Price\n", "The file has a header and no rows."),
        (b"<!DOCTYPE html><html><form></form></html>", "This is not a table but a web page"),
        (b"<table><tr><td>Name,Price</td></tr></table>", "This is not a table but a web page"),
        (json.dumps([{"a": 1}]).encode(), "This is not a table but JSON."),
        (b'{"a": [1,', "This is not a table but JSON."),
        (b"[" * 100_000, "This is not a table but JSON."),
        (b"PK\x03\x04rest", "This is not a table but an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "This is not a table but an old Excel workbook"),
        (b"/home/someone/products.csv", "This is not a table: its lines have no columns."),
        (b"Name,Price\nA,9\nB\x00,1\n", "Row 3 holds a NUL byte"),
        ("Name,Price\nÇizim,9\nKağıt Işı".encode()[:-1], "The file is cut off in row 3"),
        (b'Name,Price\nA,9\nB,"12', "The file is cut off: a quoted cell that begins in row 3"),
        (b'Name,Price\nA,9\n"B"x,12\n', "Row 3 has a stray quotation mark"),
        (b"Name,Price\nA,\x81\n", "Row 2 holds bytes that are no text"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(data, detail):
    with pytest.raises(Refusal) as refused:
        read_sheet(data)

    assert refused.value.status == 422
    assert refused.value.detail.startswith(detail)
    assert refused.value.errors[0]["pointer"] == "/file"


@pytest.mark.parametrize(
    "cell",
    [
        *('=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "  =1", '"=1+1"', ";=1", "%0A=1"),
        *("＝1+1", "＋1", "-10% off", "@handle"),
    ],
)
def test_formulas_are_disarmed_for_spreadsheets(cell):
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["A-1", "-5.00", "+5", "12", "a=b", "Kit, new", "", "%0Ab"])
def test_harmless_cells_stay_as_they_are(cell):
    assert safe_cell(cell) == cell


def test_nothing_becomes_an_empty_cell():
    assert safe_cell(None) == ""


def test_a_small_file_of_millions_of_empty_cells_is_refused_early():
    with pytest.raises(Refusal, match="columns or"):
        read_sheet(b"a" + b"," * 2_000_000 + b"\n1,2\n")


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (
            "Name,Price\nCafé Öl,5\nMenü,".encode() + b"6\nCaf\xe9,5\n",
            "Row 4 holds bytes that are no text in utf-8.",
        ),
        (
            "Name,Price\nBook,4\nКнига,5\n".encode("cp1251"),
            "Row 3 holds letters of another alphabet, and the file does not say which: save it as UTF-8.",
        ),
        (
            "Name,Price\nΒιβλίο,5\n".encode("cp1253"),
            "Row 2 holds letters of another alphabet, and the file does not say which: save it as UTF-8.",
        ),
        (b"{\\rtf1\\ansi Name,Price\n}", "This is not a table but a text document: save it as CSV."),
    ],
)
def test_letters_that_would_break_are_refused_and_not_guessed(data, detail):
    with pytest.raises(Refusal) as refused:
        read_sheet(data)

    assert refused.value.detail == detail


@pytest.mark.parametrize("text", ["„CAFÉ“, Müller", "ışığı,yığışım", "ÄÖÜ,naïve"])
def test_rare_letters_side_by_side_are_still_a_western_or_turkish_text(text):
    encoding = "cp1254" if "ğ" in text else "cp1252"

    assert list(read_sheet(f"A,B\n{text}\n".encode(encoding)).rows[0].cells.values()) == text.split(",")


TITLES = ['15" screen', '"Best" mug', '"', '"Big" and "small"', 'The "new" one', 'Screen 15"']


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_quotation_marks_of_a_file_that_does_not_quote_are_text(delimiter):
    lines = [delimiter.join(row) for row in [("Name", "Price"), *((title, "9") for title in TITLES)]]

    sheet = read_sheet("\n".join(lines).encode())

    assert [row.cells for row in sheet.rows] == [{"Name": title, "Price": "9"} for title in TITLES]
    assert sheet.notes == ["Quotation marks of this file are a part of its texts."]


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_a_stray_quotation_mark_inside_a_quoted_text_is_text(delimiter):
    data = f'"Name"{delimiter}"Price"\n"A 15" screen"{delimiter}"9"\n"B ""two"""{delimiter}"8"\n'

    assert cells(data.encode()) == [{"Name": 'A 15" screen', "Price": "9"}, {"Name": 'B "two"', "Price": "8"}]


def test_marks_that_pair_over_several_lines_swallow_no_rows_of_a_tab_separated_file():
    data = b'Name\tSKU\tPrice\tNo\n"Best mug\tA\t5\t1\nCup\tB\t6\t2\nThe 9"\t"C"\t7\t3\n'

    assert [row.cells["Price"] for row in read_sheet(data).rows] == ["5", "6", "7"]


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_texts_in_proper_quotes_stay_what_they_were(delimiter):
    data = f'Name{delimiter}Text\n"A"{delimiter}"one\ntwo ""2"" {delimiter} three"\nB{delimiter}5" long\n'

    sheet = read_sheet(data.encode())

    assert [row.cells["Text"] for row in sheet.rows] == [f'one\ntwo "2" {delimiter} three', '5" long']
    assert sheet.notes == []


@pytest.mark.parametrize("end", ['B;"12', 'B;"a long text', 'B;"', '"B"x;"a;b"', '"B;12'])
def test_a_semicolon_file_whose_quotes_may_mean_two_things_is_refused(end):
    with pytest.raises(Refusal, match=r"cut off|stray quotation mark"):
        read_sheet(f"Name;Price\nA;9\n{end}".encode())


def test_a_header_that_comes_again_is_no_row():
    data = "Name,Price\nA,9\nName,Price\nB,12\nname,price\n"

    sheet = SheetFile(io.BytesIO(data.encode()))

    assert [(row.number, row.cells["Name"]) for row in sheet.rows] == [(2, "A"), (4, "B"), (5, "name")]
    assert sheet.notes == ["Row 3 repeats the header, as files do that were put together, and was left out."]


@pytest.mark.parametrize("cell", [" " * 10_000 + "x", "%0a;" * 10_000 + "x"])
def test_a_cell_of_blanks_is_looked_through_once(cell):
    began = time.thread_time()

    assert safe_cell(cell) == cell
    assert time.thread_time() - began < 1
