"""Bringing a catalog file into the shop: all of it or nothing, and the same file twice changes nothing."""

import hashlib
from pathlib import PurePath

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from earnings.refusals import Refusal
from storefront import catalog
from storefront.catalog.plans import make_plan
from storefront.models import CatalogImport

Status = CatalogImport.Status


def import_catalog(data, name, *, format="auto", dry_run=False, publish=False, user=None) -> CatalogImport:
    """Read a file and upsert its rows; the returned import holds the report, row by row.

    With any refused row nothing is applied (status `refused`). A dry run applies nothing (`previewed`) and can be
    applied later. New rows are drafts; with `publish`, rows that the file marks as published become listed.
    `Refusal` (422) if the file as a whole can't be read: then nothing is kept of it.
    """
    reading = catalog.read(data, name, format)
    new = CatalogImport(
        name=PurePath(name.replace("\\", "/")).name[-200:] or "catalog.csv",
        sha256=hashlib.sha256(data).hexdigest(),
        format=reading.format,
        encoding=reading.sheet.encoding,
        delimiter=reading.sheet.delimiter,
        status=Status.PREVIEWED,
        publish=publish,
        created_by=user,
    )
    new.file.save(new.name, ContentFile(data), save=False)
    try:
        with transaction.atomic():
            if dry_run:
                _describe(new, make_plan(reading, publish))
            new.save()
            if not dry_run:
                _apply(new, reading)
    except BaseException:
        # The row is gone with its transaction; the file would stay behind.
        new.file.storage.delete(new.file.name)
        raise
    return new


def apply(catalog_import) -> CatalogImport:
    """Do what a preview showed, compared anew with the shop as it is now. Called twice, it is done once."""
    reading = catalog.read(catalog_import.read(), catalog_import.name, catalog_import.format)
    return _apply(catalog_import, reading)


def import_again(catalog_import) -> CatalogImport:
    """Bring the file of an earlier import into the shop once more; unchanged rows stay as they are.

    `Refusal` (422) with the rows to blame if it can't be imported as the shop is now; then nothing has moved.
    """
    reading = catalog.read(catalog_import.read(), catalog_import.name, catalog_import.format)
    with transaction.atomic():
        if catalog_import.status == Status.PREVIEWED:
            report = _apply(catalog_import, reading).report
        else:
            plan = make_plan(reading, catalog_import.publish)
            report = plan.report
            if not plan.count("refused"):
                plan.write()
        errors = errors_of(report)
        if errors:
            raise Refusal(f"{catalog_import.name} has rows that can't be imported.", status=422, errors=errors)
    return catalog_import


def errors_of(report, limit=100):
    """The refused rows of a report as `{"pointer": "/file/row/7/price", "detail"}`, the first `limit` of them."""
    return [
        {
            "pointer": f"/file/row/{line['row']}" + (f"/{problem['column']}" if problem["column"] else ""),
            "detail": " ".join(filter(None, (f"Row {line['row']}:", problem["column"], problem["detail"]))),
        }
        for line in report
        if line["outcome"] == "refused"
        for problem in line["problems"]
    ][:limit]


def latest(name=None):
    """The newest applied import of products, or of the file called `name`; None if there is none."""
    applied = CatalogImport.objects.filter(status=Status.APPLIED).order_by("-applied_at", "-id")
    if name is not None:
        return applied.filter(name=name).first()
    products = [key for key, known in catalog.FORMATS.items() if known.target == "products"]
    return applied.filter(format__in=products).first()


def _apply(catalog_import, reading):
    for last in (False, False, True):
        try:
            with transaction.atomic():
                _write_once(catalog_import, reading)
            break
        except IntegrityError:
            # Another import created one of our rows between our look and our write; look again.
            if last:
                raise Refusal("The catalog was changed at the same time. Please try again.") from None
    catalog_import.refresh_from_db()
    return catalog_import


def _write_once(catalog_import, reading):
    # Whoever moves the status first applies; a second caller finds nothing to do.
    waiting = CatalogImport.objects.filter(pk=catalog_import.pk, status=Status.PREVIEWED)
    if not waiting.update(status=Status.APPLIED, applied_at=timezone.now()):
        return
    plan = make_plan(reading, catalog_import.publish)
    _describe(catalog_import, plan)
    if catalog_import.refused_count:
        catalog_import.status, catalog_import.applied_at = Status.REFUSED, None
    else:
        plan.write()
        catalog_import.status, catalog_import.applied_at = Status.APPLIED, timezone.now()
    catalog_import.save()


def _describe(catalog_import, plan):
    for outcome in ("created", "changed", "unchanged", "refused"):
        setattr(catalog_import, f"{outcome}_count", plan.count(outcome))
    catalog_import.report = plan.report
