"""Reading statements as platforms export them: one small module for each platform's formats.

What a statement says is understood here without asking the ledger; `earnings.statements.booking` books it.
"""

from dataclasses import replace

from earnings.models import StatementFormat
from earnings.refusals import Refusal
from earnings.sheets import SheetFile, read_sheet
from earnings.statements import assumed, etsy, gumroad, mapping, others, paypal, refused, shopify, stripe, upwork
from earnings.statements.layouts import Choices

FORMATS = {
    known.key: known
    for known in (
        *(stripe.ITEMIZED, stripe.ACTIVITY, stripe.PAYMENTS, paypal.FULL, paypal.REDUCED),
        *(gumroad.PAYOUT, gumroad.SALES, etsy.STATEMENT, shopify.TRANSACTIONS, shopify.SUMMARY),
        *(upwork.TRANSACTIONS, upwork.CONTRACTS, assumed.FIVERR, assumed.SHOPIER, *others.LAYOUTS),
    )
}

__all__ = ["FORMATS", "known_formats", "layout", "read", "recognize"]


def known_formats():
    """Every layout by its key: ours, and those that people described."""
    saved = {row.key: mapping.layout_of(row) for row in StatementFormat.objects.select_related("channel")}
    return saved | FORMATS


def layout(key):
    """The layout called `key`, or None where nobody describes it any more."""
    return FORMATS.get(key) or known_formats().get(key)


def read(data, format="auto", choices=None):
    """The `Reading` of a statement; `Refusal` (422) if it is no table or in no format that we know."""
    known = known_formats()
    if format != "auto" and format not in known:
        raise Refusal.of_field("/format", f"{format!r} is not one of auto, {', '.join(known)}.")
    candidates = known if format == "auto" else {format: known[format]}
    sheet, above = _sheet(data, candidates)
    header = {column.casefold() for column in sheet.header}
    chosen = _detected(header, sheet, known) if format == "auto" else _named(known[format], header)
    return chosen.read(sheet, replace(choices or Choices(), above=above))


def recognize(file):
    """What an open binary file is and what to do with it, "" if we do not know it: for who expected a catalog."""

    def matching(cells):
        header = {" ".join(cell.split()).casefold() for cell in cells}
        known = (*FORMATS.values(), *refused.SALES)
        return [each for each in known if each.matches(header)]

    try:
        sheet = SheetFile(file, is_header=lambda cells: bool(matching(cells)))
    except Refusal:
        return ""
    found = max(matching(sheet.header), key=lambda each: len(each.requires))
    if isinstance(found, refused.Known):
        return f"{found.title}, which holds no products."
    return f"a statement of earnings ({found.title}): upload it under Statements."


def _sheet(data, candidates):
    """The table, from the first line that is some layout's header, and the lines of notes above it."""
    above = []

    def is_header(cells):
        header = {" ".join(cell.replace("\ufeff", "").split()).casefold() for cell in cells}
        header.discard("")
        known = any(each.matches(header) for each in candidates.values()) or refused.find(header) is not None
        if len(header) > 1 and known:
            return True
        above.append(" ".join(cells)[:500])
        del above[:-50]
        return False

    try:
        return read_sheet(data, is_header=is_header), tuple(above)
    except Refusal as refusal:
        if not refusal.detail.startswith(("The file has no header", "This is not a table: its lines")):
            raise
        # No header that we know: the first line is asked, so that the refusal can name its columns.
        return read_sheet(data), ()


def _detected(header, sheet, known):
    matching = [each for each in known.values() if each.matches(header)]
    if matching:
        # The one that asks for the most columns knows the file best; ours before one that was described here.
        return max(matching, key=lambda each: (each.key in FORMATS, len(each.requires)))
    other = refused.find(header)
    if other:
        raise Refusal.of_field("/file", f"This is {other.title}: {other.why}")
    nearest = sorted(known.values(), key=lambda each: len(each.missing(header)) / len(each.requires))[:3]
    hints = [f"{each.title} (lacks {', '.join(each.missing(header))})" for each in nearest]
    columns = ", ".join(sheet.header[:8]) + (", ..." if len(sheet.header) > 8 else "")
    raise Refusal.of_field(
        "/file",
        f"No format that we know has these columns: {columns}. Nearest: {'; '.join(hints)}. "
        "Describe its columns once as a statement format, then upload it again.",
        nearest=[{"format": each.key, "missing": each.missing(header)} for each in nearest],
    )


def _named(chosen, header):
    missing = chosen.missing(header)
    if missing:
        detail = f"The file is not in the format {chosen.title}: it lacks {', '.join(missing)}."
        raise Refusal.of_field("/format", detail)
    return chosen
