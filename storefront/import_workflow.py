"""The Sales workflow that reads great catalog files, so that nobody has to wait at a page for them."""

from rest_framework import serializers

from agency import direction_board
from agency.models import Task
from agency.steps import Step
from agency.workflows import Concurrency, NewArtifact, Outcome, PermanentError, Workflow, register
from earnings.refusals import Refusal
from storefront.catalog import importing, reports
from storefront.models import CatalogImport

KEY = "catalog_import"
GREAT = 1_000_000  # bytes of a file that a worker previews
MANY = 2000  # rows that a worker applies


class ImportParams(serializers.Serializer):
    catalog_import = serializers.IntegerField(
        required=False, min_value=1, help_text="The import's number; without it, the newest that waits."
    )
    apply = serializers.BooleanField(default=False, help_text="Do it, after it was previewed.")

    def validate_catalog_import(self, number):
        if not CatalogImport.objects.filter(pk=number).exists():
            raise serializers.ValidationError(f"There is no catalog import {number}.")
        return number


@register
class CatalogImportWork(Workflow):
    key = KEY
    title = "Catalog import"
    description = "Reads a catalog file of any size and says what it would do, or does it: all of it or nothing."
    pipeline = "sales"
    Params = ImportParams
    timeout = 3600
    concurrency = Concurrency.QUEUE
    subject_rule = "The catalog: one file at a time, the next one waits for its turn."
    approval_rule = "Before an import is applied for somebody who may not change, or publish, products."

    def subject(self, params):
        return "catalog file"

    def touches(self, params):
        what = "adds and changes the products of the file" if params["apply"] else "changes nothing in the shop"
        return ["reads the uploaded file", what, "stores a report row by row"]

    def approval(self, params, run):
        row = _meant(params)
        if row is None or not params["apply"] or (run.created_by and run.created_by.has_perms(rights(row))):
            return ""
        rows = row.created_count + row.changed_count
        return f"It would add or change {rows} products by {row.name}."[:200]

    def perform(self, work):
        row = _meant(work.params)
        if row is None:
            raise PermanentError("No catalog file waits to be read.")
        try:
            importing.preview(row, work.progress)
            if work.params["apply"]:
                importing.apply(row, work.progress, work.hold)
        except Refusal as refusal:
            importing.refuse(row, refusal.detail)
            raise PermanentError(refusal.detail) from refusal
        counts = {outcome: getattr(row, f"{outcome}_count") for outcome in reports.OUTCOMES}
        said = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        report = NewArtifact(
            "report", f"import-{row.pk}-report.csv", "text/csv; charset=utf-8", reports.as_csv(row.report)
        )
        result = {"catalog_import": row.pk, "status": row.status, **counts}
        return Outcome(result | {"message": f"{row.name}: {row.status}. {said}."}, [report])


def _meant(params):
    """The import that a task is about, or None."""
    if "catalog_import" in params:
        return CatalogImport.objects.get(pk=params["catalog_import"])
    return CatalogImport.objects.filter(status=CatalogImport.Status.WAITING).first()


def rights(row):
    """What applying an import asks of a person."""
    wanted = ["storefront.add_product", "storefront.change_product"]
    return [*wanted, "storefront.publish_product"] if row.publish else wanted


def hand_over(row, user, apply=False):
    """Let a worker preview an import, or apply it; the run is remembered with it.

    `Refusal` (409) while another run works on it.
    """
    if is_open(row):
        raise Refusal("A worker is at it already.")
    title = f"{'Apply' if apply else 'Read'} {row.name}"
    run = direction_board.open_run([Step(KEY, {"catalog_import": row.pk, "apply": apply})], title=title, user=user)
    CatalogImport.objects.filter(pk=row.pk).update(run_id=run.pk)
    row.run_id = run.pk
    return row


def task_of(row):
    """The newest task that works on the import, or worked; None if none ever did."""
    return Task.objects.filter(run_id=row.run_id, workflow=KEY).first() if row.run_id else None


def is_open(row):
    task = task_of(row)
    return task is not None and task.status not in Task.TERMINAL
