"""What the shop holds: measured into an observation, held against the file it came from, and reviewed."""

from collections import Counter, defaultdict

from django.conf import settings

from agency.models import Gig
from earnings import money
from storefront.catalog.cells import identity
from storefront.findings import found
from storefront.models import Product

# The fields of a row that a page or a report needs; descriptions stay in the database.
MEASURED = [
    *("sku", "slug", "title", "option", "family", "category", "kind", "price_minor", "currency"),
    *("stock", "status", "image", "external_url", "tags"),
]
# field -> code, in the order in which a person would look at them.
COMPARED = {
    "price_minor": "price_differs",
    "currency": "currency_differs",
    "title": "title_differs",
    "option": "title_differs",
    "stock": "stock_differs",
    "compare_at_minor": "price_differs",
    "category": "text_differs",
    "image": "text_differs",
    "summary": "text_differs",
}
TITLE_SHOWN = 70  # characters of a title that search results show


def measure(file=None):
    """The payload of the observation "inventory": every product by SKU and every listed service by slug.

    `file` is the CatalogImport that the inventory is audited against. Two measurements of an unchanged shop are
    equal, whatever the database; prices are in minor units and as plain text.
    """
    products = [_product(row) for row in Product.objects.order_by().values(*MEASURED).iterator(2000)]
    products.sort(key=lambda product: product["sku"])
    gigs = Gig.objects.listed().order_by().prefetch_related("packages")
    services = sorted((_service(gig) for gig in gigs), key=lambda service: service["slug"])
    return {
        "schema": 1,
        "store": settings.STORE_NAME,
        "currency": settings.STORE_CURRENCY,
        "url": settings.PUBLIC_URL,
        "file": file_ref(file),
        "products": products,
        "services": services,
        "totals": _totals(products, services),
    }


def file_ref(file):
    """How observations name a catalog file; None when there is none."""
    return file and {"name": file.name, "sha256": file.sha256, "format": file.format}


def absolute(path):
    return f"{settings.PUBLIC_URL}{path}"


def amount(minor, currency):
    """ "29.00"; "" for a currency that does not exist, so that one bad row does not stop the audit."""
    try:
        return money.amount_text(minor, currency)
    except ValueError:
        return ""


def _product(row):
    path = Product.path_of(row.pop("slug"))
    return row | {"price": amount(row["price_minor"], row["currency"]), "url": absolute(path)}


def _service(gig):
    packages = [
        {
            "tier": package.tier,
            "price_minor": package.price_minor,
            "price": amount(package.price_minor, package.currency),
            "currency": package.currency,
            "delivery_days": package.delivery_days,
        }
        for package in gig.packages.all()
    ]
    packages.sort(key=lambda package: (package["price_minor"], package["tier"]))
    return {
        "slug": gig.slug,
        "name": gig.name,
        "category": gig.category,
        "url": absolute(gig.get_absolute_url()),
        "packages": packages,
    }


def _totals(products, services):
    listed = [product for product in products if product["status"] == Product.Status.LISTED]
    value = Counter()
    for product in listed:
        value[product["currency"]] += product["price_minor"]
    return {
        "products": len(products),
        "listed": len(listed),
        "out_of_stock": sum(product["stock"] == 0 for product in listed),
        "services": len(services),
        "value": {
            currency: {"minor": minor, "amount": amount(minor, currency)}
            for currency, minor in sorted(value.items())
        },
    }


class Comparison:
    """Findings of files against rows of Product, the newest file first: each SKU is held against the newest file
    that has it."""

    def __init__(self, products):
        self._products = list(products)
        # The import takes "kit-a " for KIT-A, so the audit does too; the exact spelling goes first.
        self._held = {identity(product.sku): product for product in self._products}
        self._held |= {product.sku: product for product in self._products}
        self._found, self._in_files = [], set()
        self.files = 0

    def add(self, entries, sheet):
        """The next file, entry by entry. One that breaks off on the way counts for nothing."""
        findings, here = [], set()
        for entry in entries:
            product = self._held.get(entry.sku) or self._held.get(identity(entry.sku))
            key = product.sku if product else identity(entry.sku)
            if key not in self._in_files:
                here.add(key)
                findings += _entry_findings(entry, product)
        # Some notes are made while a file is read.
        self._found += [*(found("file_note", "", note) for note in sheet.notes), *findings]
        self._in_files |= here
        self.files += 1

    def findings(self):
        """What was found, and what is in no file."""
        findings = self._found[:]
        for product in sorted(self._products, key=lambda product: product.sku):
            if product.sku not in self._in_files and product.status != Product.Status.ARCHIVED:
                fix = "Add it to the file, or archive it if it is no longer sold."
                message = f"{product} is not in the file."
                findings.append(found("missing_in_file", product.sku, message, fix=fix))
        return findings


def _entry_findings(entry, product):
    yield from (_flagged(entry, flag) for flag in entry.flags)
    if entry.problems:
        yield from (_refused(entry, problem) for problem in entry.problems)
    elif product is None:
        yield _not_in_database(entry)
    else:
        yield from _differences(entry, product)


def _refused(entry, problem):
    return found(
        "file_row_refused",
        entry.sku,
        f"Row {entry.row}, {problem.get('column') or 'whole row'}: {problem['detail']}",
        fix=f"Correct row {entry.row} of the file and import it again.",
    )


def _flagged(entry, flag):
    message = f"Row {entry.row}, {flag.get('column') or 'whole row'}: {flag['detail']}"
    return found("file_row_flagged", entry.sku, message, fix=f"Check row {entry.row} of the file.")


def _not_in_database(entry):
    return found(
        "missing_in_database",
        entry.sku,
        f"Row {entry.row} sells {entry.fields.get('title', entry.sku)!r}; the shop has no such SKU.",
        expected=entry.sku,
        fix="Import the file again.",
    )


def _differences(entry, product):
    for field, code in COMPARED.items():
        # A column that the file does not have says nothing.
        if field not in entry.fields or entry.fields[field] == getattr(product, field):
            continue
        wanted, held = _shown(entry.fields, field), _shown(_fields_of(product), field)
        name = "price before" if field == "compare_at_minor" else field.removesuffix("_minor")
        yield found(
            code,
            product.sku,
            f"{name.capitalize()} of {product} differs (row {entry.row}).",
            expected=wanted,
            seen=held,
            fix=f"Set the {name} to {wanted!r} in the shop, or write {held!r} into row {entry.row} of the file.",
        )
    if entry.wants_listing and product.status != Product.Status.LISTED:
        yield found(
            "not_listed",
            product.sku,
            f"Row {entry.row} publishes {product}; the shop keeps it as {product.get_status_display().lower()}.",
            expected="listed",
            seen=product.status,
            fix="Approve it, then run a storefront build.",
        )


def _fields_of(product):
    return {field: getattr(product, field) for field in COMPARED}


def _shown(fields, field):
    value = fields[field]
    if field.endswith("_minor") and value is not None:
        return amount(value, fields.get("currency") or settings.STORE_CURRENCY)
    if field == "stock" and value is None:
        return "unlimited"
    return "" if value is None else str(value)


def review(products):
    """Findings that a row shows by itself, for the listed ones of `products`."""
    listed = [product for product in products if product.status == Product.Status.LISTED]
    findings = [finding for product in listed for finding in _row_findings(product)]
    titles = defaultdict(list)
    for product in listed:
        titles[str(product).casefold()].append(product.sku)
    for skus in titles.values():
        for sku in skus[1:]:
            message = f"Its title is also that of {skus[0]}."
            fix = "Give each product a title of its own, or set the option that tells the variants apart."
            findings.append(found("title_shared", sku, message, fix=fix))
    return findings


def _row_findings(product):
    sku = product.sku
    if not product.summary.strip():
        yield found("summary_missing", sku, fix="Write one sentence that says who it is for.")
    if not product.description.strip():
        yield found("description_missing", sku, fix="Write what is in it and how it is delivered.")
    if len(str(product)) > TITLE_SHOWN:
        expected, seen = f"at most {TITLE_SHOWN} characters", f"{len(str(product))} characters"
        yield found("title_long", sku, expected=expected, seen=seen, fix="Shorten it; keep the noun first.")
    if not amount(0, product.currency):
        yield found("currency_unknown", sku, seen=product.currency, fix="Set an ISO 4217 code, e.g. USD.")
    if product.price_minor == 0 and not _is_called_free(product):
        yield found("price_zero", sku, seen="0", fix="Set the price, or tag it as free.")
    if product.compare_at_minor is not None and product.compare_at_minor <= product.price_minor:
        amounts = [amount(m, product.currency) for m in (product.price_minor, product.compare_at_minor)]
        expected = f"more than {amounts[0]}"
        yield found("compare_at_low", sku, expected=expected, seen=amounts[1], fix="Clear the price before.")
    if product.stock == 0:
        yield found("sold_out", sku, expected="some stock", seen="stock 0", fix="Restock it, or archive it.")
    yield from _image_findings(product)


def _image_findings(product):
    if not product.image:
        yield found(
            "image_missing",
            product.sku,
            expected="an image",
            seen="none",
            fix="Add an image of at least 1200 pixels.",
        )
        return
    if not product.image_alt.strip():
        yield found("alt_missing", product.sku, fix=f"Describe what {product.image} shows.")
    if product.image.startswith(("http:", "https:", "//")) and not product.image.startswith(settings.PUBLIC_URL):
        fix = "Copy it to this site, so that it can't disappear."
        yield found("image_remote", product.sku, seen=product.image, fix=fix)


def _is_called_free(product):
    words = " ".join([product.title, product.option, *map(str, product.tags)]).casefold().split()
    return "free" in words
