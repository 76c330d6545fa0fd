"""The Sales workflows: measuring and auditing the shop, and building it."""

from django.db.models import Max
from rest_framework import serializers

from agency.models import Gig, Task
from agency.wording import count
from agency.workflows import Concurrency, Evidence, Outcome, PermanentError, Workflow, register
from earnings.refusals import Refusal
from storefront import audit_report, catalog, inventory, releases, verification
from storefront.audit_report import Report
from storefront.catalog import importing
from storefront.findings import counts, found, in_order
from storefront.models import CatalogImport, Product, Release

LOOKED_THROUGH = 10_000  # tasks among which the last audit is looked for
RESULT_FINDINGS = 200  # in the API's result; the report has all


def catalog_files():
    """Uploaded product catalogs, newest first."""
    formats = [key for key, known in catalog.FORMATS.items() if known.target == "products"]
    return CatalogImport.objects.filter(format__in=formats)


def catalog_file(name):
    """The newest product catalog called `name`, or the latest applied one for no name (None if there is none).

    Raises PermanentError that names the known ones.
    """
    if not name:
        return importing.latest()
    file = catalog_files().filter(name=name).first()
    if file is None:
        raise PermanentError(_unknown(name))
    return file


def files_in_use(name):
    """The files that an audit holds the shop against: the named one, or the latest applied one of each name, the
    newest first. A shop that was filled from three files is not held against the last of them only."""
    if name:
        return [catalog_file(name)]
    applied = catalog_files().filter(status=CatalogImport.Status.APPLIED).order_by("-applied_at", "-id")
    newest = {}
    for file in applied.defer("report"):
        newest.setdefault(file.name, file)
    return list(newest.values())


def _unknown(name):
    known = list(dict.fromkeys(catalog_files().values_list("name", flat=True)[:200]))
    return f"There is no uploaded product catalog {name!r}. Known: {', '.join(known[:20]) or 'none yet'}."


class FileParams(serializers.Serializer):
    file = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="Name of an uploaded product catalog."
    )

    def validate_file(self, name):
        if name and not catalog_files().filter(name=name).exists():
            raise serializers.ValidationError(_unknown(name))
        return name


class AuditParams(FileParams):
    verify_pages = serializers.BooleanField(default=True, help_text="Look at every live page as well.")


class BuildParams(FileParams):
    publish = serializers.ListField(
        child=serializers.CharField(max_length=120),
        required=False,
        help_text="SKUs of the approved products to list; without it, all of them.",
    )


@register
class InventoryAudit(Workflow):
    key = "inventory_audit"
    title = "Inventory audit"
    description = (
        "Measures every product and service, compares the catalog file with the shop, and verifies the live "
        "page of every listed product and service."
    )
    pipeline = "sales"
    measures = ("inventory",)
    Params = AuditParams
    timeout = 1800
    concurrency = Concurrency.QUEUE
    subject_rule = "The catalog: one audit at a time, the next one waits for its turn."

    def subject(self, params):
        return "catalog"

    def touches(self, params):
        file = params.get("file")
        return [
            "reads every product and service",
            f"reads the catalog file {file}" if file else "reads the catalog files that were applied",
            *(["opens every live page of the shop"] if params["verify_pages"] else []),
            "stores what it measured and a report; changes nothing in the shop",
        ]

    def measure(self, observation):
        return _measured_again(observation)

    def evidence(self):
        listed = Product.objects.listed()
        last, since = _last_success(self.key)
        source = "/admin/storefront/product/?status__exact=listed"
        if last is None:
            return [Evidence(f"{since}; listed products: {listed.count()}", 1.6, source)]
        found = []
        changed = listed.filter(updated_at__gt=last.finished_at).count()
        if changed:
            found.append(Evidence(f"Listed products that changed since the last audit: {changed}", 1.3, source))
        else:
            found.append(Evidence("Nothing changed since the last audit", 0.8, source))
        errors = (last.result or {}).get("counts", {}).get("error", 0)
        if errors:
            page = f"/admin/agency/task/{last.pk}/change/"
            found.append(Evidence(f"Errors that the last audit found: {errors}", 1.3, page))
        sold_out = listed.filter(stock=0).count()
        if sold_out:
            found.append(Evidence(f"Listed products that are sold out: {sold_out}", 1.1, f"{source}&stock=0"))
        return found

    def perform(self, work):
        files = files_in_use(work.params.get("file"))
        observation = work.observe("inventory", inventory.measure(files[0] if files else None))
        products = list(Product.objects.order_by("sku"))
        findings = _against_files(files, products) + inventory.review(products)
        pages = 0
        if work.params["verify_pages"]:
            gigs = Gig.objects.listed().prefetch_related("packages")
            verified = verification.verify(products, work.progress, verification.SHOP_PAGES, gigs)
            findings, pages = findings + verified.findings, verified.pages
        payload = observation.payload
        report = Report(
            name="inventory_audit",
            title="Inventory audit",
            lead=f"{payload['url']}, measured {_time(observation.measured_at)} as {observation.sha256[:12]}.",
            findings=findings,
            facts=[*_facts(payload, pages), ("catalog files", ", ".join(file.name for file in files) or "none")],
        )
        artifacts = audit_report.artifacts(report)
        result = _result(findings, observation, artifacts) | {"pages_checked": pages, "file": payload["file"]}
        result |= {"files": [file.name for file in files], "totals": payload["totals"]}
        totals, found_counts = payload["totals"], result["counts"]
        result["message"] = (
            f"{count(totals['products'], 'product')} and {count(totals['services'], 'service')} measured, "
            f"{count(pages, 'page')} looked at: {count(found_counts['error'], 'error')}, "
            f"{count(found_counts['warning'], 'warning')}."
        )
        return Outcome(result, artifacts)


@register
class StorefrontBuild(Workflow):
    key = "storefront_build"
    title = "Storefront build"
    description = (
        "Imports the named catalog again, lists what was approved, verifies its live pages and records a release "
        "that can be taken back."
    )
    pipeline = "sales"
    measures = ("inventory", "storefront_release")
    Params = BuildParams
    timeout = 1800
    # Queued and not refused: a build that waits for a person's yes for days must not keep the owner from building.
    concurrency = Concurrency.QUEUE
    subject_rule = "The storefront: one build at a time, the next one waits for its turn."
    approval_rule = "Before a build that no person asked for by name lists or changes something in the shop."

    def subject(self, params):
        return "storefront"

    def approval(self, params, run):
        """What would be listed, and what the named file would change: nothing of either needs no yes."""
        name = params.get("file")
        wants = [*_would_list(params.get("publish")), *(_would_change(catalog_file(name)) if name else ())]
        return f"It would {' and '.join(wants)}"[:199] + "." if wants else ""

    def touches(self, params):
        file, skus = params.get("file"), params.get("publish")
        what = "every approved product" if skus is None else ", ".join(skus) or "no product"
        return [
            *([f"imports {file} again: products in it are added and changed"] if file else []),
            f"lists {what} in the shop",
            "opens the live pages of what it listed and the main pages of the shop",
            "stores what it measured, a report, and a release that can be rolled back",
        ]

    def measure(self, observation):
        return _measured_again(observation)

    def evidence(self):
        waiting = Product.objects.filter(status=Product.Status.APPROVED).count()
        source = "/admin/storefront/product/?status__exact=approved"
        if waiting:
            return [Evidence(f"Approved products that wait to be listed: {waiting}", 1.6, source)]
        return [Evidence("No approved product waits to be listed", 0.5, source)]

    def perform(self, work):
        name, skus = work.params.get("file"), work.params.get("publish")
        file = catalog_file(name) if name else None
        build = releases.Build(work.task.pk, file, None if skus is None else tuple(skus), work.hold)
        try:
            release = releases.publish(build)
        except Refusal as refusal:
            raise PermanentError(refusal.detail) from refusal
        # Measured after the build, and before the pages are looked at: what is bound to it can start.
        payload = inventory.measure(release.catalog_import or importing.latest())
        observation = work.observe("inventory", payload)
        listed = list(Product.objects.filter(sku__in=release.listed_skus).order_by("sku"))
        verified = verification.verify(listed, work.progress, verification.SHOP_PAGES)
        findings = inventory.review(listed) + verified.findings
        release_observation = work.observe("storefront_release", _release_payload(release, verified))
        report = _release_report(release, listed, verified, findings)
        artifacts = audit_report.artifacts(report)
        result = _result(findings, observation, artifacts) | {
            "release_id": release.pk,
            "release_ref": release_observation.ref,
            "listed": [product.sku for product in listed],
            "created": releases.created_count(release),
            "changed": releases.changed_count(release),
            "pages_checked": verified.pages,
            "file": inventory.file_ref(release.catalog_import),
            "advice": _advice(findings, listed),
        }
        result["message"] = (
            f"Release {release.pk}: {len(listed)} listed, {result['created']} created, "
            f"{result['changed']} changed, {count(verified.pages, 'page')} looked at. {result['advice']}"
        ).strip()
        return Outcome(result, artifacts)


def _would_list(skus):
    """What a build would list now, in words; `skus` None = everything that was approved."""
    waiting = Product.objects.filter(status=Product.Status.APPROVED)
    if skus is not None:
        waiting = waiting.filter(sku__in=skus)
    names = list(waiting.order_by("sku").values_list("sku", flat=True))
    if names:
        more = ", ..." if len(names) > 3 else ""
        yield f"list {count(len(names), 'product')} in the shop ({', '.join(names[:3])}{more})"


def _would_change(file):
    """What importing the file again would change in the shop now, in words. A file that can't be imported changes
    nothing: the build itself says why."""
    try:
        changed, prices = importing.foresee(file)
    except (Refusal, OSError):
        return
    if changed:
        yield f"change {count(changed, 'product')} by {file.name} ({count(prices, 'price')})"


def _advice(findings, listed):
    """What staff should do next. The build itself is done; its release can be taken back with one click."""
    errors = counts(findings)["error"]
    if errors:
        return f"{count(errors, 'error')} on the live pages: correct them, or roll the release back."
    return "" if listed else "No approved product was waiting, so nothing new was listed."


def _against_files(files, products):
    if not files:
        return [found("no_file", "", fix="Upload a catalog under Catalog imports.")]
    comparison, findings = inventory.Comparison(products), []
    for file in files:
        try:
            with file.file.open("rb") as stored:
                opened = catalog.open_file(stored, file.format)
                comparison.add(opened.entries(), opened.sheet)
        except (Refusal, OSError) as error:
            message = f"{file.name} can't be read."
            findings.append(found("file_unreadable", "", message, seen=error, fix="Upload the file again."))
    return findings + (comparison.findings() if comparison.files else [])


def _facts(payload, pages):
    totals = payload["totals"]
    facts = [("products", totals["products"]), ("listed", totals["listed"]), ("sold out", totals["out_of_stock"])]
    facts += [("services", totals["services"]), ("pages looked at", pages)]
    facts += [(f"{currency} on the shelf", value["amount"]) for currency, value in totals["value"].items()]
    return facts


def _result(findings, observation, artifacts):
    return {
        "counts": counts(findings),
        "findings": [finding.as_dict() for finding in in_order(findings)[:RESULT_FINDINGS]],
        "inventory_ref": observation.ref,
        "artifacts": [artifact.name for artifact in artifacts],
    }


def _release_payload(release, verified):
    found = counts(verified.findings)
    return {
        "schema": 1,
        "release_id": release.pk,
        "url": inventory.absolute("/"),
        "file": inventory.file_ref(release.catalog_import),
        "listed": _listed(release),
        "created": releases.created_count(release),
        "changed": releases.changed_count(release),
        "verified": {"pages": verified.pages, "errors": found["error"], "warnings": found["warning"]},
    }


def _listed(release):
    products = Product.objects.listed().filter(sku__in=release.listed_skus)
    return [
        {
            "sku": product.sku,
            "title": str(product),
            "price_minor": product.price_minor,
            "price": inventory.amount(product.price_minor, product.currency),
            "currency": product.currency,
            "url": inventory.absolute(product.get_absolute_url()),
        }
        for product in sorted(products, key=lambda product: product.sku)
    ]


def _release_report(release, listed, verified, findings):
    rows = [
        (product.sku, str(product), inventory.amount(product.price_minor, product.currency), product.currency)
        for product in listed
    ]
    return Report(
        name="storefront_release",
        title=f"Storefront build: release {release.pk}",
        lead=f"{inventory.absolute('/')}, built {_time(release.created_at)}.",
        findings=findings,
        facts=[
            ("newly listed", len(listed)),
            ("created", releases.created_count(release)),
            ("changed", releases.changed_count(release)),
            ("pages looked at", verified.pages),
            ("catalog file", release.catalog_import.name if release.catalog_import else "none"),
        ],
        sections=[{"heading": "Newly listed", "header": ("SKU", "Title", "Price", "Currency"), "rows": rows}]
        if rows
        else [],
    )


def _time(at):
    return f"{at:%d %B %Y %H:%M} UTC"


def _measured_again(observation):
    """What the same measurement would give now, so that the board can show drift."""
    payload = observation.payload
    if observation.kind == "inventory":
        return inventory.measure() | {"file": payload["file"]}
    release = Release.objects.filter(pk=payload["release_id"]).first()
    return release and payload | {"listed": _listed(release)}


def _last_success(key):
    """The newest task of the workflow that succeeded, or None and why, in words.

    It looks through the newest tasks only: what weighs a wish must not get slower with a million of them behind.
    """
    newest = Task.objects.aggregate(pk=Max("pk"))["pk"] or 0
    done = Task.objects.filter(pk__gt=newest - LOOKED_THROUGH, workflow=key, status=Task.Status.SUCCEEDED)
    seen = f"Not audited within the last {LOOKED_THROUGH:,} tasks" if newest > LOOKED_THROUGH else "Never audited"
    return done.order_by("-pk").first(), seen
