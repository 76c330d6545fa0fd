"""Releases: what a storefront build changes on the live shop, in one transaction, and how it is taken back."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import caches
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from earnings.refusals import Refusal
from storefront.catalog import importing, publishing
from storefront.models import Product, Release

# What a release may change and take back: everything that a catalog file or a build writes.
TRACKED = [
    field.attname
    for field in Product._meta.concrete_fields
    if field.name not in ("id", "created_at", "updated_at")
]


@dataclass(frozen=True)
class Build:
    """What a storefront build is asked to do.

    `task_id` makes it happen once. `catalog_import` is the file to import again first; `skus` the approved
    products to list, None = all of them. `hold` is called first in the transaction; it raises if the task was
    canceled meanwhile.
    """

    task_id: int
    catalog_import: object = None
    skus: tuple[str, ...] | None = None
    hold: Callable[[], None] = lambda: None


def publish(build):
    """Import the file again, list what a person approved, and record both as a `Release`.

    A second call for the same task returns its release and changes nothing. Drafts are never listed: asking for
    one by SKU is a Refusal (422) that names it. Raises Refusal (422) too when the file can't be imported any more.
    """
    existing = Release.objects.filter(task_id=build.task_id).first()
    if existing:
        return existing
    try:
        with transaction.atomic():
            release = _publish(build)
    except IntegrityError:
        # Another attempt of the same task committed first; what this one wrote is gone with its transaction.
        release = Release.objects.filter(task_id=build.task_id).first()
        if release is None:
            raise
    forget_pages()
    return release


def _publish(build):
    build.hold()
    _hold_products()
    if build.skus is not None:
        _refuse_unapproved(build.skus)
    held = _rows()
    again = _import_again(build.catalog_import) if build.catalog_import else None
    waiting = Product.objects.filter(status=Product.Status.APPROVED)
    if build.skus is not None:
        waiting = waiting.filter(sku__in=build.skus)
    publishing.list_now(waiting)
    before, after = _changes(held, _rows())
    listed = sorted(sku for sku, fields in after.items() if fields.get("status") == Product.Status.LISTED)
    # The unique task decides: of two attempts at the same time, the later one loses all that it wrote.
    return Release.objects.create(
        task_id=build.task_id, catalog_import=again, before=before, after=after, listed_skus=listed
    )


def _hold_products():
    """Nobody else writes products until the release is recorded: what somebody else changes is not part of it."""
    if connection.vendor == "postgresql":  # SQLite has one writer at a time
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Product._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")


def _import_again(file):
    """Bring the shop to what the file says. What the file marks as published stays a draft until a person approves
    it, whatever its first import was allowed to do."""
    with file.file.open("rb") as stored:
        again = importing.import_catalog(
            stored, file.name, format=file.format, publish=False, leave_out=file.leaves_out
        )
    if again.status == again.Status.REFUSED:
        # What was kept of it goes with the transaction that this ends.
        again.file.storage.delete(again.file.name)
        reasons = [error["detail"].removeprefix("Row ") for error in importing.errors_of(again.report, limit=5)]
        raise Refusal.of_field("/params/file", f"{file.name} can't be imported: row {'; row '.join(reasons)}.")
    return again


def _refuse_unapproved(skus):
    """A build lists what a person said yes to. What is listed already stays so."""
    status = dict(Product.objects.filter(sku__in=skus).values_list("sku", "status"))
    errors = []
    for index, sku in enumerate(skus):
        if sku not in status:
            errors.append((index, f"There is no product {sku!r}."))
        elif status[sku] not in (Product.Status.APPROVED, Product.Status.LISTED):
            errors.append((index, f"{sku!r} is {status[sku]}: a person has to approve it first."))
    if errors:
        raise Refusal(
            " ".join(detail for _, detail in errors),
            status=422,
            errors=[{"pointer": f"/params/publish/{index}", "detail": detail} for index, detail in errors],
        )


def _rows():
    return {row["sku"]: row for row in Product.objects.order_by().values(*TRACKED)}


def _changes(held, now):
    """(before, after): by SKU, only the fields that differ; None before = there was no such product."""
    before, after = {}, {}
    for sku, row in now.items():
        old = held.get(sku)
        if old is None:
            before[sku], after[sku] = None, row
        elif old != row:
            fields = [name for name in TRACKED if old[name] != row[name]]
            before[sku] = {name: old[name] for name in fields}
            after[sku] = {name: row[name] for name in fields}
    return before, after


def created_count(release):
    return sum(fields is None for fields in release.before.values())


def changed_count(release):
    return len(release.before) - created_count(release)


def rollback(release, by=None):
    """Take a release back: every field that still holds what it wrote gets its old value again.

    What somebody changed since is kept and reported. Products that the release created become drafts: they leave
    the shop, and what refers to them stays whole. Returns what `Release.rollback` says; a second call returns the
    same and changes nothing.
    """
    with transaction.atomic():
        now = timezone.now()
        won = Release.objects.filter(pk=release.pk, status=Release.Status.LIVE).update(
            status=Release.Status.ROLLED_BACK, rolled_back_at=now, rolled_back_by=by
        )
        if won:
            report = _restore(release)
            Release.objects.filter(pk=release.pk).update(rollback=report)
    release.refresh_from_db()
    if won:
        forget_pages()
    return release.rollback


def _restore(release):
    report = {"restored": [], "kept": []}
    # A family has one lead at a time: the row that is to lose the mark comes before the one that gets it back.
    for sku in sorted(release.before, key=lambda sku: (_becomes_lead(release.before[sku]), sku)):
        before, after = release.before[sku], release.after[sku]
        if before is None:
            before, after = {"status": Product.Status.DRAFT}, {"status": after["status"]}
        elif before.get("status") == Product.Status.APPROVED:
            # The yes was used up, and is taken back with the release: the next build must not list it again.
            before = before | {"status": Product.Status.DRAFT}
        kept = _restore_row(sku, before, after)
        report["kept"] += kept
        if len(kept) < len(before):
            report["restored"].append(sku)
    report["restored"].sort()
    families = Product.objects.filter(sku__in=report["restored"]).values_list("family", flat=True)
    publishing.choose_leads(set(families))
    return report


def _becomes_lead(before):
    return bool(before and before.get("is_lead"))


def _restore_row(sku, before, after):
    """Put back what still holds the release's value; returns what was kept, as `{"sku", "field", "now"}`."""
    kept = []
    for field, old in before.items():
        # The condition is in the UPDATE, so that an edit that comes in between is kept too.
        mine = Product.objects.filter(sku=sku, **_holds(field, after[field]))
        try:
            with transaction.atomic():
                restored = mine.update(**{field: old, "updated_at": timezone.now()})
        except IntegrityError:
            restored = 0  # another row has taken the slug or the place as lead meanwhile
        if not restored:
            current = Product.objects.filter(sku=sku).values_list(field, flat=True).first()
            kept.append({"sku": sku, "field": field, "now": current})
    return kept


def _holds(field, value):
    return {f"{field}__isnull": True} if value is None else {field: value}


def forget_pages():
    """Drop pages that a cache keeps, where the installation has a cache for pages. The default cache holds
    throttles and locks, which a release must not reset."""
    if "pages" in settings.CACHES:
        caches["pages"].clear()
