"""Writing table files that other programs read."""

import csv
import io

from earnings.sheets import safe_cell


def write(header, rows, *, delimiter=",", for_people=True):
    """A table as bytes in UTF-8.

    `for_people`: with a byte order mark, so that Excel shows accents, and with formulas disarmed. Files that a
    marketplace imports get neither: both would end up in titles.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    for row in (header, *rows):
        writer.writerow([safe_cell(cell) for cell in row] if for_people else row)
    return text.getvalue().encode("utf-8-sig" if for_people else "utf-8")
