"""What importing rows of a file would do to the database, row by row, and doing it."""

from dataclasses import dataclass, field

from django.db import connection

from agency.models import Gig, Package
from storefront.catalog import cells, publishing, rows
from storefront.catalog.addresses import Addresses
from storefront.models import Product

PACKAGE_FIELDS = (
    "name",
    "description",
    "price_minor",
    "currency",
    "delivery_days",
    "revisions",
    "features",
    "checklist",
)


@dataclass
class Plan:
    """What some entries would do: `report` has a row for each (`CatalogImport.report`), `write` does it."""

    entries: list
    publish: bool
    addresses: object
    report: list = field(default_factory=list)
    created: list = field(default_factory=list)
    changed: list = field(default_factory=list)

    def note(self, entry, outcome, changes=None):
        line = {
            "row": entry.row,
            "sku": entry.sku,
            "outcome": outcome,
            "changes": changes or {},
            "problems": entry.problems,
        }
        if entry.flags:
            line["flags"] = entry.flags
        if outcome == "created":
            # Nobody has seen it yet, and a SKU alone does not say what it is.
            line |= {"title": entry.title, "price_minor": entry.price_minor}
        if "price_minor" in line or any(name.endswith("_minor") for name in line["changes"]):
            # Minor units alone do not say how much it is.
            line["currency"] = entry.currency
        self.report.append(line)

    def make(self):
        """Compare every entry with the row that has its identity. Locks those rows where the database can."""
        existing = self.existing()
        for entry in self.entries:
            if entry.problems:
                self.note(entry, "refused")
                continue
            row = existing.get(entry.sku) or existing.get(cells.identity(entry.sku))
            if row is None:
                self.create(entry)
                self.note(entry, "created")
            else:
                changes = self.change(row, entry)
                self.note(entry, "changed" if changes else "unchanged", changes)
        return self


class ProductPlan(Plan):
    def existing(self):
        """Products by SKU and by identity: "kit-a " in a file means the product "KIT-A"."""
        wanted = {cells.identity(entry.sku) for entry in self.entries if not entry.problems}
        found = {}
        for chunk in publishing.chunks(sorted(rows.find("sku_key", wanted))):
            for product in _locked(Product.objects.filter(sku_key__in=chunk).order_by("pk")):
                found.setdefault(product.sku_key, product)
                found[product.sku] = product
        return found

    def create(self, entry):
        product = rows.new(entry.defaults, entry.fields)
        if self.publish and entry.wants_listing:
            product["status"] = Product.Status.LISTED
        self.created.append(product)

    def change(self, product, entry):
        wanted = {name: value for name, value in entry.fields.items() if name != "sku"}
        if self.publish and entry.wants_listing:
            wanted["status"] = Product.Status.LISTED
        changes = _differences(product, wanted)
        if changes:
            self.changed.append((product, changes))
        return changes

    def write(self):
        new = self.created
        slugs = self.addresses.give((product["title"], product["option"], product["sku"]) for product in new)
        for product, slug in zip(new, slugs, strict=True):
            product["slug"] = slug
        families, names = publishing.choose_among(new), set()
        rows.insert(new)
        for product, changes in self.changed:
            names |= changes.keys()
            families |= {product.family, *changes.get("family", ())}
            if "family" in changes:
                product.is_lead = False
                names.add("is_lead")
            for name, (_, value) in changes.items():
                setattr(product, name, value)
        if names:
            # One upsert for hundreds of rows; bulk_update's CASE WHEN takes ten times as long. `updated_at` is
            # set by the field itself.
            Product.objects.bulk_create(
                [product for product, _ in self.changed],
                batch_size=1000,
                update_conflicts=True,
                unique_fields=["pk"],
                update_fields=sorted(names | {"updated_at"}),
            )
        publishing.choose_leads(families)


class GigPlan(Plan):
    def existing(self):
        slugs = [entry.sku for entry in self.entries]
        gigs = _locked(Gig.objects.filter(slug__in=slugs)).prefetch_related("packages")
        return {gig.slug: gig for gig in gigs}

    def create(self, entry):
        fields = {**entry.defaults, **entry.fields}
        packages = fields.pop("packages")
        gig = Gig(**fields, is_listed=self.publish and entry.wants_listing)
        self.created.append((gig, [Package(gig=gig, **package) for package in packages]))

    def change(self, gig, entry):
        wanted = {name: value for name, value in entry.fields.items() if name not in ("slug", "packages")}
        if self.publish and entry.wants_listing:
            wanted["is_listed"] = True
        changes = gig_changes = _differences(gig, wanted)
        packages = {package.tier: package for package in gig.packages.all()}
        packages_found = []
        for fields in entry.fields["packages"]:
            package = packages.get(fields["tier"])
            if package is None:
                packages_found.append((Package(gig=gig, **fields), None))
                changes = changes | {f"{fields['tier']}.price_minor": [None, fields["price_minor"]]}
                continue
            found = _differences(package, {name: fields[name] for name in PACKAGE_FIELDS if name in fields})
            packages_found.append((package, found))
            changes = changes | {f"{fields['tier']}.{name}": pair for name, pair in found.items()}
        if changes:
            self.changed.append((gig, gig_changes, packages_found))
        return changes

    def write(self):
        for gig, packages in self.created:
            gig.save()
            Package.objects.bulk_create(packages)
        for gig, changes, packages in self.changed:
            _save(gig, changes)
            for package, found in packages:
                if found is None:
                    package.save()
                else:
                    _save(package, found)


PLANS = {"products": ProductPlan, "gigs": GigPlan}


def make_plan(target, entries, publish, addresses=None):
    """What importing these entries would do now; nothing is written before `write()`.

    `addresses` is shared by the plans of one file.
    """
    return PLANS[target](entries, publish, addresses or Addresses()).make()


def _locked(query):
    # Only inside a transaction that will write: a dry run reads without locking.
    return query.select_for_update() if connection.in_atomic_block else query


def _differences(row, wanted):
    """{field: [stored, wanted]} where they differ."""
    return {name: [getattr(row, name), value] for name, value in wanted.items() if getattr(row, name) != value}


def _save(row, changes):
    for name, (_, value) in changes.items():
        setattr(row, name, value)
    if changes:
        stamp = ["updated_at"] if hasattr(row, "updated_at") else []
        row.save(update_fields=[*changes, *stamp])
