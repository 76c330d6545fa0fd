"""Our own format for services: one row for each package; what belongs to the gig is said in its first row."""

from storefront.catalog import cells
from storefront.catalog.entries import Entry
from storefront.catalog.formats import (
    Column,
    Format,
    Prices,
    decimal_mark,
    named_cells,
    read_columns,
    read_prices,
    without_doubles,
)


def _tier(cell):
    value = cell.strip().lower()
    if value not in ("basic", "standard", "premium"):
        raise ValueError(f"{value!r} is not basic, standard or premium")
    return value


def _position(cell):
    return cells.whole(cell) if cell.strip() else 100


_OF_THE_GIG = (
    Column("name", "name", cells.line(80), required=True),
    Column("title", "title", cells.line(200), required=True),
    Column("summary", "summary", cells.line(300)),
    Column("description", "description", cells.prose),
    Column("category", "category", cells.line(80)),
    Column("tags", "tags", cells.tags),
    Column("image", "image", cells.image),
    Column("image_alt", "image_alt", cells.line(200)),
    Column("recipe", "recipe", cells.line(40)),
    Column("requirements", "requirements", cells.requirements),
    Column("position", "position", _position),
)
_OF_THE_PACKAGE = (
    Column("tier", "tier", _tier),
    Column("package", "name", cells.line(60)),
    Column("package_description", "description", cells.line(300)),
    Column("delivery_days", "delivery_days", cells.days),
    Column("revisions", "revisions", cells.whole),
    Column("features", "features", cells.lines),
    Column("checklist", "checklist", cells.checklist),
)


class ServicesFormat(Format):
    def entries(self, sheet):
        mark = decimal_mark(sheet, self.price_columns)
        gigs = {}
        for row, values in named_cells(sheet):
            key = cells.identity(values["gig"])
            gig = gigs.get(key) if key else None
            if gig is None:
                gig = _gig(row, values)
                # A row without a gig, or of a broken shape, stands for itself: it must not swallow another.
                gigs[key or f"row {row.number}"] = gig
            if row.problem:
                gig.refuse("", f"row {row.number} {row.problem}")
            else:
                self._add_package(gig, row, values, mark)
        return list(without_doubles(gigs.values(), self.identity_column))

    def _add_package(self, gig, row, values, mark):
        package = Entry(row.number, gig.sku, {})
        read_columns(package, _OF_THE_PACKAGE, values)
        read_prices(package, self.prices, values, mark)
        fields = package.fields
        fields["name"] = fields.get("name") or fields.get("tier", "").title()
        taken = [other["tier"] for other in gig.fields["packages"] if "tier" in other]
        if fields.get("tier") in taken:
            package.refuse("tier", f"{fields['tier']} is there twice")
        for problem in package.problems:
            where = f"row {row.number}: " if row.number != gig.row else ""
            gig.refuse(problem["column"], where + problem["detail"])
        if "price_minor" in fields:
            fields.pop("compare_at_minor", None)
        gig.fields["packages"].append(fields)


def _gig(row, values):
    slug = cells.name_of(values["gig"])
    gig = Entry(row.number, slug, {"slug": slug, "packages": []})
    if not slug:
        gig.refuse("gig", "is empty")
    if not row.problem:
        read_columns(gig, _OF_THE_GIG, values)
        try:
            gig.wants_listing = cells.yes(values.get("listed", ""))
        except ValueError as error:
            gig.refuse("listed", str(error))
    if gig.fields.get("image") and not gig.fields.get("image_alt"):
        gig.fields.pop("image_alt", None)
        gig.defaults["image_alt"] = gig.fields.get("title", "")
    return gig


FORMAT = ServicesFormat(
    key="direction-board-services",
    title="Direction Board services",
    requires=("gig", "name", "title", "tier", "price", "currency", "delivery_days"),
    columns=_OF_THE_GIG,
    identity=lambda values: values["gig"],
    identity_column="gig",
    prices=Prices("price", currency="currency"),
    target="gigs",
)
