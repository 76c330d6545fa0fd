"""`manage.py import_catalog FILE`: bring a catalog file into the shop, or say row by row why not."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from earnings.refusals import Refusal
from storefront import catalog
from storefront.catalog import importing, reports

SHOWN = 50


class Command(BaseCommand):
    help = "Import a catalog file: all of it or nothing, unless you leave rows out. Exits with 1 if it is refused."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="only show what would happen")
        parser.add_argument(
            "--publish", action="store_true", help="list the rows that the file marks as published"
        )
        parser.add_argument(
            "--leave-out-refused", action="store_true", help="import the others where rows can't be"
        )
        parser.add_argument("--format", default="auto", choices=["auto", *catalog.FORMATS])

    def handle(self, *, file, dry_run, publish, leave_out_refused, format, **options):
        try:
            if file.stat().st_size > settings.CATALOG_UPLOAD_MAX_BYTES:
                raise CommandError(f"{file} is larger than {settings.CATALOG_UPLOAD_MAX_BYTES:,} bytes.")
            done = importing.import_catalog(
                file.read_bytes(),
                file.name,
                format=format,
                dry_run=dry_run,
                publish=publish,
                leave_out=leave_out_refused,
            )
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}.") from None
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        self._tell(done)
        if done.refused_count and done.status != done.Status.APPLIED:
            raise CommandError(f"Rows that can't be imported: {done.refused_count}. Nothing was changed.")

    def _tell(self, done):
        self.stdout.write(f"{done.name}: {catalog.FORMATS[done.format].title}, {done.encoding}.")
        lines = [line for line in reports.by_importance(done.report) if line["outcome"] != "unchanged"]
        for line in lines[:SHOWN]:
            for text in reports.as_text(line):
                self.stdout.write(f"  {text}")
        if len(lines) > SHOWN:
            self.stdout.write(f"  ... and {len(lines) - SHOWN} more; the admin has the whole report.")
        counts = [f"{getattr(done, f'{outcome}_count')} {outcome}" for outcome in reports.OUTCOMES]
        self.stdout.write(f"{done.get_status_display()}: {', '.join(counts)}.")
