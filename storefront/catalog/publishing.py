"""Which products visitors see."""

from django.db import transaction
from django.utils import timezone

from storefront import search_index
from storefront.catalog import rows
from storefront.models import Product

Status = Product.Status
# Where a product may come from on its way to a status.
_SOURCES = {
    Status.APPROVED: [Status.DRAFT],
    Status.LISTED: [Status.DRAFT, Status.APPROVED],
    Status.DRAFT: [Status.APPROVED, Status.LISTED, Status.ARCHIVED],
    Status.ARCHIVED: [Status.DRAFT, Status.APPROVED, Status.LISTED],
}


def approve(products):
    """Say yes to drafts: the next storefront build lists them. Returns how many moved."""
    return _move(products, Status.APPROVED)


def list_now(products):
    """Show drafts and approved products in the shop at once. Returns how many moved."""
    return _move(products, Status.LISTED)


def unlist(products):
    """Take products out of the shop, back to draft: the next build must not list them again by itself."""
    return _move(products, Status.DRAFT)


def archive(products):
    """Put products away for good. Returns how many moved."""
    return _move(products, Status.ARCHIVED)


def change_status(product, to):
    """Move one product; False if its stored status does not allow it. Moving to where it is, is fine."""
    moved = _move(Product.objects.filter(pk=product.pk), to)
    product.refresh_from_db()
    return bool(moved) or product.status == to


def allowed(status):
    """The statuses that may follow."""
    return sorted(to for to, sources in _SOURCES.items() if status in sources)


def _move(products, to):
    with transaction.atomic():
        movable = list(
            Product.objects.filter(pk__in=products.values("pk"), status__in=_SOURCES[to]).values_list(
                "pk", "family"
            )
        )
        moved = 0
        for chunk in chunks([pk for pk, _ in movable]):
            changes = {"status": to, "updated_at": timezone.now()}
            moved += Product.objects.filter(pk__in=chunk, status__in=_SOURCES[to]).update(**changes)
        choose_leads({family for _, family in movable})
        search_index.many_changed(moved)
    return moved


def choose_among(new):
    """Make one of these new rows (`catalog.rows`) the lead of each family that has no product yet, by the rule of
    `choose_leads`; returns the other families, whose lead is to be chosen once the rows are written."""
    members = {}
    for row in new:
        members.setdefault(row["family"], []).append(row)
    present = rows.find("family", members)
    for family in members.keys() - present:
        min(members[family], key=lambda row: (row["status"] != Status.LISTED, row["position"]))["is_lead"] = True
    return present


def choose_leads(families):
    """Give every family one lead product: the first listed one, so that the catalog shows the family at all.

    A lead that is listed, or that has no listed sibling, keeps its place.
    """
    for chunk in chunks(sorted(families)):
        members = Product.objects.filter(family__in=chunk).order_by("position", "id")
        by_family = {}
        for pk, family, status, is_lead in members.values_list("pk", "family", "status", "is_lead"):
            by_family.setdefault(family, []).append((status != Status.LISTED, not is_lead, pk))
        # Listed before hidden, the present lead before others, then shop order (the sort is stable by rank).
        leads = {min(enumerate(found), key=lambda item: (item[1][:2], item[0]))[1] for found in by_family.values()}
        chosen = [pk for _, no_lead, pk in leads if no_lead]
        present = {pk for _, _, pk in leads}
        gone = [
            pk for found in by_family.values() for _, no_lead, pk in found if not no_lead and pk not in present
        ]
        # The old lead first: a family may never have two.
        for part in chunks(gone):
            Product.objects.filter(pk__in=part).update(is_lead=False)
        for part in chunks(chosen):
            Product.objects.filter(pk__in=part).update(is_lead=True)


def chunks(items, size=500):
    """Slices of a list: databases limit the number of values in one statement."""
    return [items[at : at + size] for at in range(0, len(items), size)]
