"""What an audit can find, in one table, and the shape of a finding."""

from collections import Counter
from dataclasses import asdict, dataclass

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)

# code -> (severity, what it means). An error is what a buyer would see wrong, or what loses a sale or money.
CODES = {
    # File against database
    "file_unreadable": (ERROR, "The catalog file can't be read any more"),
    "file_row_refused": (ERROR, "The file has a row that can't be imported"),
    "file_row_flagged": (WARNING, "The file has a row that is probably a slip"),
    "file_note": (INFO, "The file had to be interpreted"),
    "missing_in_database": (ERROR, "The file sells something that the shop does not have"),
    "price_differs": (ERROR, "File and shop disagree on the price"),
    "currency_differs": (ERROR, "File and shop disagree on the currency"),
    "stock_differs": (WARNING, "File and shop disagree on the stock"),
    "title_differs": (WARNING, "File and shop disagree on the title"),
    "not_listed": (WARNING, "The file publishes what the shop does not list"),
    "text_differs": (INFO, "File and shop disagree on a text, an image or a category"),
    "missing_in_file": (INFO, "The shop has something that the file does not"),
    "no_file": (INFO, "There is no catalog file to compare with"),
    # The rows themselves
    "title_shared": (WARNING, "Several products have the same title"),
    "title_long": (INFO, "The title is cut off in search results"),
    "summary_missing": (WARNING, "There is no summary"),
    "description_missing": (WARNING, "There is no description"),
    "image_missing": (WARNING, "There is no image"),
    "image_remote": (INFO, "The image is kept on somebody else's server"),
    "alt_missing": (WARNING, "The image has no alternative text"),
    "currency_unknown": (ERROR, "The currency does not exist"),
    "price_zero": (WARNING, "It costs nothing and is not called free"),
    "compare_at_low": (WARNING, "The crossed-out price is not higher than the price"),
    "sold_out": (WARNING, "It is listed and sold out"),
    # A client's catalog
    "formula_cell": (ERROR, "A cell begins a formula that a spreadsheet would run"),
    "broken_letters": (ERROR, "Letters were broken by a wrong encoding"),
    "column_absent": (WARNING, "The file has no column for something that sells"),
    "hidden_characters": (WARNING, "A cell holds invisible characters"),
    "sku_missing": (WARNING, "There is no SKU"),
    "title_short": (WARNING, "The title is too short to be found"),
    "title_shouts": (WARNING, "The title is written in capitals"),
    "description_short": (WARNING, "The description is too short to convince"),
    "html_fault": (WARNING, "The HTML of the description is faulty"),
    "tags_missing": (INFO, "There are no tags"),
    "tags_many": (INFO, "There are more tags than marketplaces take"),
    "image_insecure": (WARNING, "The image is loaded over an insecure address"),
    "price_unusual": (WARNING, "The price is far from all others"),
    "currency_mixed": (WARNING, "The file mixes currencies"),
    # The live page
    "page_unreachable": (ERROR, "The application raised an error instead of answering"),
    "page_error": (ERROR, "The page answers with a server error"),
    "page_status": (ERROR, "The page does not answer 200"),
    "page_type": (ERROR, "The page is not HTML in UTF-8"),
    "page_title": (ERROR, "The browser title is wrong"),
    "page_heading": (ERROR, "The heading is wrong"),
    "page_price": (ERROR, "The price that buyers see is wrong"),
    "page_currency": (ERROR, "The currency on the page is wrong"),
    "page_availability": (ERROR, "The page tells a wrong availability"),
    "page_canonical": (ERROR, "The canonical link is wrong"),
    "page_noindex": (WARNING, "The page tells search engines to stay away"),
    "page_image": (ERROR, "The main image of the page is wrong"),
    "page_image_alt": (WARNING, "An image on the page has no alternative text"),
    "image_broken": (ERROR, "An image of this site does not load"),
    "jsonld_missing": (ERROR, "There is no structured data, or more than one"),
    "jsonld_invalid": (ERROR, "The structured data is not valid JSON"),
    "jsonld_differs": (ERROR, "The structured data contradicts the catalog"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: what was expected, what was seen, and what to do about it.

    `sku` is empty when it concerns the whole shop; a service is named by `service:<slug>`.
    """

    severity: str
    sku: str
    code: str
    message: str
    expected: str = ""
    seen: str = ""
    fix: str = ""

    def as_dict(self):
        return asdict(self)


def found(code, sku, message="", *, expected="", seen="", fix=""):
    """A finding with the severity that the table gives its code."""
    severity, meaning = CODES[code]
    return Finding(severity, sku, code, message or f"{meaning}.", _short(expected), _short(seen), fix)


def in_order(findings):
    """Errors first, then by SKU, in the order in which they were found."""
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.sku))


def counts(findings):
    """`{"error": n, "warning": n, "info": n, "by_code": {code: n}}`."""
    severities = Counter(finding.severity for finding in findings)
    by_code = Counter(finding.code for finding in findings)
    return {s: severities[s] for s in SEVERITIES} | {"by_code": dict(sorted(by_code.items()))}


def _short(value):
    text = "" if value is None else str(value)
    return text if len(text) <= 300 else f"{text[:299]}…"
