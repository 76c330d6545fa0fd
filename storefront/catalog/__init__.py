"""Reading catalogs as marketplaces export them: one small module for each format."""

import io
import re

from earnings.refusals import Refusal
from earnings.sheets import SheetFile, read_sheet
from earnings.statements import recognize
from storefront.catalog import (
    bigcommerce,
    bigcommerce_modern,
    channels,
    direction_board,
    direction_board_services,
    etsy,
    ikas,
    other_shops,
    shopier,
    shopify,
    woocommerce,
)
from storefront.catalog.entries import Entry, Opened, Reading

FORMATS = {
    known.key: known
    for known in (
        direction_board.FORMAT,
        direction_board_services.FORMAT,
        shopify.FORMAT,
        woocommerce.FORMAT,
        bigcommerce.FORMAT,
        bigcommerce_modern.FORMAT,
        etsy.FORMAT,
        ikas.FORMAT,
        shopier.EXPORT,
        shopier.CHANNEL,
        channels.GUMROAD,
        channels.ETSY,
        channels.FIVERR,
        other_shops.AMAZON,
        other_shops.SQUARE,
    )
}

__all__ = ["FORMATS", "Entry", "Opened", "Reading", "open_file", "read"]


def read(data: bytes, name="", format="auto") -> Reading:
    """The entries of a catalog file; `Refusal` (422) if it is no table or in no format that we know.

    Prices that can't be read for certain, duplicate SKUs and the like are problems of their entries, not errors.
    """
    sheet, chosen = _understood(lambda: read_sheet(data), io.BytesIO(data), format)
    return Reading(chosen.key, chosen.target, list(chosen.entries(sheet)), sheet)


def open_file(file, format="auto") -> Opened:
    """The same of a binary file of any size, whose entries are read one by one."""
    sheet, chosen = _understood(lambda: SheetFile(file), file, format)
    return Opened(chosen.key, chosen.target, lambda: chosen.entries(sheet), sheet)


def _understood(opened, file, format):
    """The sheet that `opened` gives and its format. A statement is told to be one, and where it belongs."""
    try:
        sheet = opened()
        header = [column.casefold() for column in sheet.header]
        return sheet, _detected(header, sheet) if format == "auto" else _named(format, header)
    except Refusal as refusal:
        statement = recognize(file)
        if not statement:
            raise
        raise Refusal.of_field("/file", f"This is no catalog but {statement}") from refusal


def _detected(header, sheet):
    matching = [known for known in FORMATS.values() if known.matches(header)]
    if matching:
        # The one that asks for the most columns knows the file best.
        return max(matching, key=lambda known: len(known.requires))
    nearest = sorted(FORMATS.values(), key=lambda known: len(known.missing(header)) / len(known.requires))[:3]
    hints = [f"{known.title} ({_lacks(known, header)})" for known in nearest]
    hint = "" if _names_columns(sheet.header) else " The first row has to name the columns."
    columns = ", ".join(sheet.header[:8]) + (", ..." if len(sheet.header) > 8 else "")
    raise Refusal.of_field(
        "/file",
        f"No format that we know has these columns: {columns}. Nearest: {'; '.join(hints)}.{hint}",
        nearest=[{"format": known.key, "missing": known.missing(header)} for known in nearest],
    )


def _names_columns(header):
    """Whether a first row could be a header: it has several cells, and none is a number."""
    return len(header) > 1 and not any(re.fullmatch(r"[-0-9.,]+", name) for name in header)


def _named(format, header):
    if format not in FORMATS:
        raise Refusal.of_field("/format", f"{format!r} is not one of auto, {', '.join(FORMATS)}.")
    chosen = FORMATS[format]
    if chosen.missing(header):
        raise Refusal.of_field(
            "/format", f"The file is not in the format {chosen.title}: {_lacks(chosen, header)}."
        )
    return chosen


def _lacks(known, header):
    missing = known.missing(header)
    if missing:
        return f"lacks {', '.join(missing)}"
    return f"does not have {', '.join(known.excludes)}"
