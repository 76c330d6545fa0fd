"""Bringing a catalog file into the shop: all of it or nothing, and the same file twice changes nothing. Only where
somebody says so are rows left out that can't be imported.

A file may have 100,000 rows. It is read from the disk row by row; what was understood waits in a file of its own
until every row is known to be good; then it is written by thousands, in one transaction. Whoever is killed on the
way leaves nothing behind.
"""

import hashlib
import pickle
import tempfile
from pathlib import PurePath

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile, File
from django.db import IntegrityError, transaction
from django.utils import timezone

from earnings.refusals import Refusal
from storefront import catalog, search_index
from storefront.catalog.addresses import Addresses
from storefront.catalog.plans import make_plan
from storefront.catalog.reports import OUTCOMES, Report
from storefront.models import CatalogImport

Status = CatalogImport.Status
AT_ONCE = 1000  # rows


def import_catalog(
    data, name, *, format="auto", dry_run=False, publish=False, leave_out=False, user=None
) -> CatalogImport:
    """Read a file and upsert its rows; the returned import holds the report, row by row.

    `data` is bytes or an open binary file. With any refused row nothing is applied (status `refused`), unless
    `leave_out` says that the others are to be, if there are any. A dry run applies nothing (`previewed`) and can
    be applied later. New rows are drafts; with `publish`, rows that the file marks as published become listed.
    `Refusal` (422) if the file as a whole can't be read: nothing is kept of it.
    """
    new = _kept(data, name, format, publish, user, leave_out)
    try:
        understood = _Understood(new)
        if dry_run or understood.is_refused:
            understood.compare()
        with transaction.atomic():
            new.status = Status.REFUSED if understood.is_refused and not dry_run else Status.PREVIEWED
            new.save()
            if not dry_run and not understood.is_refused:
                _apply(new, understood)
    except BaseException:
        # The row is gone with its transaction; the file would stay behind.
        new.file.storage.delete(new.file.name)
        raise
    return new


def receive(data, name, *, format="auto", publish=False, leave_out=False, user=None) -> CatalogImport:
    """Keep a file that is to be previewed by a worker (status `waiting`). `Refusal` (422) if its header, or a byte
    of it, can't be read."""
    new = _kept(data, name, format, publish, user, leave_out)
    new.status = Status.WAITING
    new.save()
    return new


def preview(catalog_import, progress=lambda done, total, message: None):
    """Say what applying a waiting file would do. Called twice, it is done once; killed, it is begun anew."""
    if catalog_import.status != Status.WAITING:
        return catalog_import
    _Understood(catalog_import, progress).compare()
    return _described(catalog_import, Status.WAITING, Status.PREVIEWED)


def refuse(catalog_import, reason):
    """A waiting file that turned out to be none: said in its report."""
    report = Report([reason])
    CatalogImport.objects.filter(pk=catalog_import.pk, status=Status.WAITING).update(
        status=Status.REFUSED, report=report.lines
    )


def leave_out(catalog_import):
    """Somebody saw the preview and wants the rows without those that can't be imported. Twice is once."""
    seen = CatalogImport.objects.filter(pk=catalog_import.pk, status=Status.PREVIEWED)
    seen.update(leaves_out=True)
    catalog_import.refresh_from_db()


def apply(catalog_import, progress=lambda done, total, message: None, hold=lambda: None) -> CatalogImport:
    """Do what a preview showed, compared anew with the shop as it is now. Called twice, it is done once.

    `hold` is called first in the transaction; it raises if nobody wants it any more.
    """
    if catalog_import.status != Status.PREVIEWED:
        return catalog_import
    understood = _Understood(catalog_import, progress)
    if understood.is_refused:
        understood.compare()
        return _described(catalog_import, Status.PREVIEWED, Status.REFUSED)
    return _apply(catalog_import, understood, hold)


def foresee(catalog_import):
    """(rows, prices) that importing the file once more would change, without publishing anything.

    `Refusal` if it can't be read; nothing would change by a file whose refused rows are not to be left out.
    """
    understood = _Understood(catalog_import)
    if understood.is_refused:
        return 0, 0
    changes = [
        line["changes"] for plan in understood.plans(publish=False) for line in plan.report if line["changes"]
    ]
    return len(changes), sum("price_minor" in fields for fields in changes)


def _kept(data, name, format, publish, user, leave_out):
    """A new import, not saved, whose file is kept and whose header was understood."""
    name = PurePath(name.replace("\\", "/")).name[-200:] or "catalog.csv"
    file = ContentFile(data) if isinstance(data, bytes) else File(data)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    opened = catalog.open_file(file, format)
    new = CatalogImport(
        name=name,
        sha256=digest.hexdigest(),
        format=opened.format,
        encoding=opened.sheet.encoding,
        delimiter=opened.sheet.delimiter,
        publish=publish,
        leaves_out=leave_out,
        created_by=user,
    )
    file.seek(0)
    new.file.save(name, file, save=False)
    return new


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


# --- Reading ------------------------------------------------------------------------------------------------


class _Understood:
    """The entries of an import's file, each read once and kept on the disk."""

    def __init__(self, catalog_import, progress=lambda done, total, message: None):
        self.catalog_import, self._progress = catalog_import, progress
        self._spool = tempfile.TemporaryFile(dir=settings.VAR_DIR)  # noqa: SIM115  it lives as long as this does
        self.count = self.refused = 0
        with catalog_import.file.open("rb") as file:
            opened = catalog.open_file(file, catalog_import.format)
            self.target, part = opened.target, []
            for entry in opened.entries():
                self.count += 1
                self.refused += bool(entry.problems)
                part.append(entry)
                if len(part) == AT_ONCE:
                    part = self._put_away(part)
                    progress(self.count, opened.sheet.total, "Reading the rows")
            self._put_away(part)
            self.notes = opened.sheet.notes  # some are found on the way

    @property
    def is_refused(self):
        """Whether nothing may be written: of refused rows one is enough, or all where they are left out."""
        return self.refused > 0 and not (self.catalog_import.leaves_out and self.refused < self.count)

    def _put_away(self, part):
        pickle.dump(part, self._spool, pickle.HIGHEST_PROTOCOL)
        return []

    def parts(self):
        """The entries, AT_ONCE at a time."""
        self._spool.seek(0)
        for _ in range(self.count // AT_ONCE + 1):
            yield pickle.load(self._spool)  # noqa: S301  written above, seen by nobody else

    def plans(self, publish):
        """What each part would do now; the plans of a file know of each other's new addresses."""
        addresses = Addresses()
        for part in self.parts():
            yield make_plan(self.target, part, publish, addresses)

    def compare(self):
        """Describe the import by what it would do."""
        report = Report(self.notes)
        for number, plan in enumerate(self.plans(self.catalog_import.publish), start=1):
            report.add(plan.report)
            self._progress(min(number * AT_ONCE, self.count), self.count, "Comparing with the shop")
        _describe(self.catalog_import, report)

    def write(self):
        """The same, and do it; inside a transaction."""
        report = Report(self.notes)
        for number, plan in enumerate(self.plans(self.catalog_import.publish), start=1):
            plan.write()
            report.add(plan.report)
            show(self.catalog_import, min(number * AT_ONCE, self.count), self.count)
        search_index.many_changed(report.counts["created"] + report.counts["changed"])
        _describe(self.catalog_import, report)


def show(catalog_import, done, total):
    """Tell people how far the writing is. In the cache: the database shows nothing of it before the commit."""
    cache.set(f"catalog-import-{catalog_import.pk}", (done, total), 600)


def shown(catalog_import):
    """(done, total) of the rows that are being written, or None."""
    return cache.get(f"catalog-import-{catalog_import.pk}")


# --- Writing ------------------------------------------------------------------------------------------------

_COUNTS = [f"{outcome}_count" for outcome in OUTCOMES]


def _apply(catalog_import, understood, hold=lambda: None):
    for last in (False, False, True):
        try:
            with transaction.atomic():
                hold()
                _write_once(catalog_import, understood)
            break
        except IntegrityError:
            # Another import created one of our rows between our look and our write; look again.
            if last:
                raise Refusal("The catalog was changed at the same time. Please try again.") from None
    catalog_import.refresh_from_db()
    return catalog_import


def _write_once(catalog_import, understood):
    # Whoever moves the status first applies; a second caller finds nothing to do.
    waiting = CatalogImport.objects.filter(pk=catalog_import.pk, status=Status.PREVIEWED)
    if not waiting.update(status=Status.APPLIED, applied_at=timezone.now()):
        return
    understood.write()
    catalog_import.status, catalog_import.applied_at = Status.APPLIED, timezone.now()
    catalog_import.save()


def _described(catalog_import, source, to):
    """Store what was compared, unless somebody moved the import meanwhile."""
    described = {name: getattr(catalog_import, name) for name in (*_COUNTS, "report")}
    CatalogImport.objects.filter(pk=catalog_import.pk, status=source).update(status=to, **described)
    catalog_import.refresh_from_db()
    return catalog_import


def _describe(catalog_import, report):
    for outcome in OUTCOMES:
        setattr(catalog_import, f"{outcome}_count", report.counts[outcome])
    catalog_import.report = report.lines
