"""Table files as they come from shops and banks: encodings, delimiters, line ends, and what is not a table at all."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One record. `number` counts as a spreadsheet shows it; `problem` says what is wrong with its shape."""

    number: int
    cells: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Sheet:
    encoding: str
    delimiter: str
    header: list[str]
    rows: list[Row]
    notes: list[str] = field(default_factory=list)


def read_sheet(data: bytes, *, is_header=None) -> Sheet:
    """The table in a file, or `Refusal` (422, with `row` where one is to blame) naming why it can't be read.

    `is_header(cells) -> bool` finds the header below lines of notes; without it the first line with text is it.
    """
    raise NotImplementedError


def safe_cell(value) -> str:
    """Text for a cell of an export: what a spreadsheet would run as a formula is disarmed with an apostrophe."""
    raise NotImplementedError
