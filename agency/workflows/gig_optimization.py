"""A review of every listed gig, with concrete edits that staff accept one by one."""

from collections import Counter
from functools import partial

from django.utils.html import escape
from rest_framework import serializers

from agency import gig_review, promotion_texts, proposals
from agency.models import Gig, Proposal
from agency.wording import count
from agency.workflows import Concurrency, Evidence, NewArtifact, Outcome, Workflow, register

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gig review</title>
</head>
<body>
<main>
<h1>Gig review</h1>
<p>{summary}</p>
<table>
<thead><tr><th scope="col">Gig</th><th scope="col">Package</th><th scope="col">Found</th>
<th scope="col">Why</th><th scope="col">Now</th><th scope="col">Proposed</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p>Inventory measured at {measured_at}, sha256 {sha256}.</p>
</main>
</body>
</html>
"""


class Params(serializers.Serializer):
    gigs = serializers.ListField(
        child=serializers.SlugField(max_length=120),
        required=False,
        help_text="Slugs of the gigs to review; without it every listed one.",
    )

    def validate_gigs(self, slugs):
        known = set(Gig.objects.filter(slug__in=slugs).values_list("slug", flat=True))
        missing = [slug for slug in slugs if slug not in known]
        if missing:
            raise serializers.ValidationError(f"No gig is called {', '.join(missing)}.")
        return slugs


@register
class GigOptimization(Workflow):
    key = "gig_optimization"
    title = "Gig optimization"
    description = "Reviews titles, tags, packages, prices and missing parts of gigs and proposes edits."
    pipeline = "ops"
    binds = ("inventory",)
    Params = Params
    concurrency = Concurrency.QUEUE
    subject_rule = "The gigs: one review at a time, so that an edit is proposed once."

    def subject(self, params):
        return "gigs"

    def evidence(self):
        gigs = list(Gig.objects.listed())
        if not gigs:
            return [Evidence("no gig is listed: there is nothing to review", 0.2, "/admin/agency/gig/")]
        waiting = Proposal.objects.filter(status=Proposal.Status.OPEN).count()
        lacking = sum(bool(gig_review.texts(gig)) for gig in gigs)
        found = []
        if lacking:
            text = f"{lacking} of {len(gigs)} listed gigs lack something"
            found.append(Evidence(text, 1 + lacking / len(gigs), "/admin/agency/gig/?is_listed__exact=1"))
        if waiting:
            link = "/admin/agency/proposal/?status__exact=open"
            found.append(Evidence(f"Proposals that wait for a decision: {waiting}", 0.7, link))
        return found

    def touches(self, params):
        which = ", ".join(params.get("gigs") or []) or "every listed gig"
        return [
            f"reads {which}, and the measured inventory",
            "stores proposed edits, and ends open ones that they correct; a gig changes when a person accepts one",
            "stores its review as HTML and CSV",
        ]

    def prepare(self, work):
        """Which gigs are reviewed."""
        slugs = work.params.get("gigs")
        gigs = Gig.objects.filter(slug__in=slugs) if slugs else Gig.objects.listed()
        return {"gigs": list(gigs.order_by("position", "id").values_list("pk", flat=True))}

    def perform(self, work):
        observation = work.observation("inventory")
        gigs = Gig.objects.filter(pk__in=work.draft["gigs"]).prefetch_related("packages")
        gigs = list(gigs.order_by("position", "id"))
        found = []
        for number, gig in enumerate(gigs):
            work.progress(number, len(gigs), f"reviewing {gig.name}")
            found += review(gig, observation.payload)
        rows = [as_row(finding) for finding in found]
        proposed = [finding for finding in found if finding["new"] is not None]
        result = {
            "inventory_ref": observation.ref,
            "gigs": len(gigs),
            "counts": dict(sorted(Counter(row["code"] for row in rows).items())),
            "proposals": len(proposed),
            "findings": rows,
            "message": f"{count(len(gigs), 'gig')} reviewed: {count(len(rows), 'finding')}, "
            f"{count(len(proposed), 'proposal')}." + ("" if rows else " Nothing to improve."),
        }
        effects = [partial(proposals.propose, finding=finding) for finding in proposed]
        return Outcome(result, _reports(result, observation), effects)


def review(gig, inventory):
    """Everything that is found about one gig, held against the measured inventory."""
    rows = list(gig.packages.all())
    found = gig_review.texts(gig)
    step = gig_review.steps(inventory)
    for finding in gig_review.packages(gig, rows):
        is_price = finding["field"] == "price_minor"
        found.append(gig_review.with_step(finding, rows, step) if is_price else finding)
    flagged = {finding["package"] for finding in found if finding["field"] == "price_minor"}
    return found + [f for f in gig_review.prices(gig, rows, inventory) if f["package"] not in flagged]


def as_row(finding):
    """A finding as JSON for the API and the report."""
    package = finding["package"]
    return {
        "gig": finding["gig"].slug,
        "package": package.tier if package else None,
        "code": finding["code"],
        "field": finding["field"],
        "reason": finding["reason"],
        "old": finding["old"],
        "new": finding["new"],
    }


def _reports(result, observation):
    rows = result["findings"]
    summary = result["message"]
    shown = "\n".join(
        "<tr>" + "".join(f"<td>{escape(_text(row[name]))}</td>" for name in COLUMNS) + "</tr>" for row in rows
    )
    page = PAGE.format(
        summary=summary,
        rows=shown or '<tr><td colspan="6">Nothing found.</td></tr>',
        measured_at=observation.ref["measured_at"],
        sha256=observation.sha256,
    )
    table = [{name: _text(row[name]) for name in COLUMNS} for row in rows] or [dict.fromkeys(COLUMNS, "")]
    return [
        NewArtifact("gig_review", "gig_review.html", "text/html; charset=utf-8", page.encode()),
        promotion_texts.csv_file("gig_review.csv", "gig_review", table),
    ]


COLUMNS = ("gig", "package", "code", "reason", "old", "new")


def _text(value):
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(part.get("name", part)) if isinstance(part, dict) else str(part) for part in value)
    return str(value)
