"""What an audit found, as files for people: a page that opens anywhere, and a table."""

from collections import Counter
from dataclasses import dataclass, field

from django.conf import settings
from django.template.loader import render_to_string

from agency.workflows import NewArtifact
from earnings.sheets import write_sheet
from storefront.findings import CODES, SEVERITIES, Finding, counts, in_order

HEADINGS = {"error": "Errors", "warning": "Warnings", "info": "Notes"}
MEANINGS = {
    "error": "A buyer sees something wrong, or money or a sale is lost.",
    "warning": "It works, and it sells worse than it could.",
    "info": "Good to know; nothing has to be done today.",
}
SHOWN = 2000  # findings of one severity on the page; the table always has all


@dataclass(frozen=True)
class Report:
    """`facts` are (label, value) pairs that stand on top; `name` is the file name without its ending."""

    name: str
    title: str
    lead: str
    findings: list[Finding]
    facts: list[tuple[str, object]] = field(default_factory=list)
    sections: list[dict] = field(default_factory=list)


def artifacts(report):
    """The report as HTML and CSV."""
    return [
        NewArtifact("audit_report", f"{report.name}.html", "text/html; charset=utf-8", as_html(report)),
        NewArtifact("audit_table", f"{report.name}.csv", "text/csv; charset=utf-8", as_csv(report.findings)),
    ]


def as_html(report):
    found = counts(report.findings)
    context = {
        "report": report,
        "store": settings.STORE_NAME,
        "counts": [(HEADINGS[severity], found[severity], severity) for severity in SEVERITIES],
        "verdict": verdict(found),
        "by_code": _by_code(report.findings),
        "groups": [_group(severity, report.findings) for severity in SEVERITIES if found[severity]],
    }
    return render_to_string("storefront/reports/audit.html", context).encode()


def as_csv(findings):
    header = ["severity", "sku", "code", "message", "expected", "seen", "fix"]
    rows = [[getattr(finding, name) for name in header] for finding in in_order(findings)]
    return write_sheet(header, rows)


def verdict(found):
    """One sentence: "2 errors and 1 warning to look at." """
    parts = [
        f"{found[severity]} {severity}{'' if found[severity] == 1 else 's'}"
        for severity in ("error", "warning")
        if found[severity]
    ]
    return f"{' and '.join(parts)} to look at." if parts else "Nothing is wrong."


def _by_code(findings):
    number = Counter(finding.code for finding in findings)
    rows = [(number[code], severity, meaning, code) for code, (severity, meaning) in CODES.items() if number[code]]
    return sorted(rows, key=lambda row: SEVERITIES.index(row[1]))


def _group(severity, findings):
    own = [finding for finding in in_order(findings) if finding.severity == severity]
    return {
        "severity": severity,
        "heading": HEADINGS[severity],
        "meaning": MEANINGS[severity],
        "findings": own[:SHOWN],
        "left_out": max(0, len(own) - SHOWN),
    }
