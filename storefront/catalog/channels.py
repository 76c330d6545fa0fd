"""Lists that sellers keep for marketplaces which export none themselves: Gumroad, Etsy, Fiverr.

None has an SKU; the slug of the title is the identity, so a renamed product is a new one.
"""

from storefront.catalog import cells
from storefront.catalog.entries import Entry
from storefront.catalog.formats import Column, Format, Prices, read_columns, read_price


def _gumroad(entry, values):
    entry.defaults["kind"] = cells.kind_from_words(values.get("product type", ""))
    entry.wants_listing = True


def _etsy(entry, values):
    entry.defaults["kind"] = cells.kind_from_words(values.get("materials", ""))
    entry.wants_listing = True


GUMROAD = Format(
    key="channel-gumroad",
    title="Gumroad list",
    requires=("Name", "Description", "Price", "Product Type"),
    identity=lambda values: cells.name_of(values["name"]),
    identity_column="Name",
    prices=Prices("Price", by_hand=True),
    columns=(
        Column("Name", "title", cells.line(255), required=True),
        Column("Description", "description", cells.html),
        Column("Tags", "tags", cells.tags),
        Column("Cover Image", "image", cells.image),
    ),
    complete=_gumroad,
)

ETSY = Format(
    key="channel-etsy",
    title="Etsy list",
    requires=("Title", "Description", "Price", "Tags", "Materials", "Image1"),
    # Etsy's own export has these columns, too, and variations that this list does not have.
    excludes=("CURRENCY_CODE", "QUANTITY"),
    identity=lambda values: cells.name_of(values["title"]),
    identity_column="Title",
    prices=Prices("Price", by_hand=True),
    columns=(
        Column("Title", "title", cells.line(255), required=True),
        Column("Description", "description", cells.html),
        Column("Tags", "tags", cells.tags),
        Column("Image1", "image", cells.image),
    ),
    complete=_etsy,
)

_TIERS = ("Basic", "Standard", "Premium")


class FiverrFormat(Format):
    """One gig a row, with its three packages side by side."""

    @property
    def price_columns(self):
        return [f"Price {tier}" for tier in _TIERS]

    def entry(self, row, values, mark):
        entry = Entry(row.number, self.identity(values), {}, wants_listing=True)
        if row.problem:
            entry.refuse("", row.problem)
            return entry
        read_columns(entry, self.columns, values)
        title = entry.fields.get("title", "")
        if len(title) > 80:
            entry.flag("Title", f"has {len(title)} characters, Fiverr allows 80")
        entry.fields["slug"] = entry.sku
        description = entry.fields.get("description", "")
        entry.defaults |= {"name": cells.shortened(title, 80), "summary": cells.excerpt(description)}
        entry.fields["packages"] = [self._package(entry, tier, values, mark) for tier in _TIERS]
        self._flag_equal_packages(entry)
        return entry

    def _package(self, entry, tier, values, mark):
        price = read_price(entry, f"Price {tier}", values, currency="", prices=self.prices, mark=mark)
        package = {"tier": tier.lower(), "name": tier}
        if price:
            package |= {"price_minor": price.minor, "currency": price.currency}
        try:
            package["delivery_days"] = cells.days(values.get(f"delivery {tier}".lower(), ""))
        except ValueError as error:
            entry.refuse(f"Delivery {tier}", str(error))
        return package

    def _flag_equal_packages(self, entry):
        """Two packages at one price leave a client no reason for the better one: most likely a slip."""
        prices = [package.get("price_minor") for package in entry.fields["packages"]]
        for lower, upper in ((0, 1), (1, 2)):
            if prices[lower] is not None and prices[lower] == prices[upper]:
                entry.flag(f"Price {_TIERS[upper]}", f"is the same as Price {_TIERS[lower]}")
            elif None not in (prices[lower], prices[upper]) and prices[lower] > prices[upper]:
                entry.flag(f"Price {_TIERS[upper]}", f"is below Price {_TIERS[lower]}")


FIVERR = FiverrFormat(
    key="channel-fiverr",
    title="Fiverr gig list",
    requires=("Title", "Description", "Price Basic", "Price Standard", "Price Premium"),
    identity=lambda values: cells.name_of(values["title"]),
    identity_column="Title",
    # Fiverr's sellers price in US dollars only.
    prices=Prices("Price Basic", fallback="USD"),
    columns=(
        Column("Title", "title", cells.line(200), required=True),
        Column("Description", "description", cells.prose),
        Column("Search Tags", "tags", cells.tags),
    ),
    target="gigs",
)
