"""A client's catalog, checked row by row: a report to read, and the same findings as a table."""

from collections import defaultdict
from statistics import median_low

from agency.recipes import Made, Recipe, register
from earnings import money
from storefront import audit_report, catalog
from storefront.audit_report import Report
from storefront.findings import CODES, SEVERITIES, counts
from storefront.recipes import catalog_audit, client_catalog

MOST_ROWS = {"basic": 200, "standard": 2_000, "premium": 20_000}
WITH_REPAIR_ORDER = ("standard", "premium")


@register
class CatalogAuditReport(Recipe):
    key = "catalog_audit_report"
    title = "Catalog audit report"
    requirements = client_catalog.REQUIREMENTS

    def problems(self, brief):
        return client_catalog.problems(brief)

    def make(self, brief, *, tier, work, write):
        opened = client_catalog.open_catalog(brief, MOST_ROWS[tier])
        findings, covered = catalog_audit.findings(opened, work)
        entries = opened.reading.rows
        sections = [_prices(entries)]
        if tier in WITH_REPAIR_ORDER:
            sections.insert(0, _repair_order(findings))
        report = Report(
            name="catalog_report",
            title=f"Catalog check: {opened.name}",
            lead=_lead(opened),
            findings=findings,
            facts=_facts(opened, findings, covered),
            sections=[section for section in sections if section["rows"]],
        )
        facts = {
            "rows": len(opened.reading.sheet.rows),
            "rows_covered": covered,
            "products": len(entries),
            "refused": len(opened.reading.refused),
            "format": opened.reading.format,
            "findings": counts(findings),
        }
        return Made(audit_report.artifacts(report), facts)


def _lead(opened):
    sheet = opened.reading.sheet
    delimiter = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(sheet.delimiter, sheet.delimiter)
    known = catalog.FORMATS[opened.reading.format].title
    return (
        f"Read as {known}, in {sheet.encoding.upper()}, separated by {delimiter}. "
        "Every row was checked as a marketplace would read it; the row numbers are those of a spreadsheet."
    )


def _facts(opened, findings, covered):
    entries = opened.reading.rows
    faulty = {finding.sku for finding in findings if finding.severity in ("error", "warning") and finding.sku}
    names = {entry.sku or f"row {entry.row}" for entry in entries}
    ready = len(names - faulty)
    return [
        ("rows checked", f"{covered} of {len(opened.reading.sheet.rows)}"),
        ("products and variants", len(entries)),
        ("without a fault", f"{ready} of {len(names)}"),
    ]


def _repair_order(findings):
    """What to repair first: what stops a sale, then what concerns most products."""
    by_code = defaultdict(list)
    for finding in findings:
        by_code[finding.code].append(finding)
    order = sorted(
        by_code, key=lambda code: (SEVERITIES.index(CODES[code][0]), -len(by_code[code]), list(CODES).index(code))
    )
    rows = []
    for place, code in enumerate(order, start=1):
        own = by_code[code]
        names = list(dict.fromkeys(finding.sku for finding in own if finding.sku))
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        fixes = {finding.fix for finding in own}
        how = fixes.pop() if len(fixes) == 1 else "Each place is listed below with its own remedy."
        rows.append((place, CODES[code][1], len(own), shown or "the whole file", how))
    return {
        "heading": "Order of repair",
        "text": "Work from the top: what stops sales comes first, then what concerns most products.",
        "header": ("Step", "What", "Places", "Where", "How"),
        "rows": rows,
    }


def _prices(entries):
    """The span of prices by currency and category: a slip stands out here."""
    groups = defaultdict(list)
    for entry in entries:
        if not entry.problems and entry.fields.get("price_minor") is not None:
            groups[(entry.fields["currency"], entry.fields.get("category", ""))].append(
                entry.fields["price_minor"]
            )
    rows = []
    for (currency, category), prices in sorted(groups.items()):
        shown = [money.display(minor, currency) for minor in (min(prices), median_low(prices), max(prices))]
        rows.append((category or "–", len(prices), *shown))
    return {
        "heading": "Your prices",
        "text": "Lowest, middle and highest price of each category.",
        "header": ("Category", "Products", "Lowest", "Middle", "Highest"),
        "rows": rows,
    }
