"""The Sales pipeline on the board, against the shop's real pages."""

import copy
import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.files.base import ContentFile
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser

from agency import attempts, direction_board, work, workflows
from agency.direction_board import Step
from agency.models import Event, Intent, Observation, Playbook, Promotion, Task
from earnings.refusals import Refusal
from storefront import releases
from storefront.catalog import importing, publishing
from storefront.models import CatalogImport, Product, Release
from tests.board import owner
from tests.factories import make_gig, make_product

pytestmark = pytest.mark.django_db

HEADER = "sku,title,option,summary,description,category,price,currency,stock,status,image,image_alt,tags\n"
ROWS = [
    "KIT,Launch kit,,All of it,<p>Much.</p>,Kits,29.00,USD,5,listed,/static/admin/img/icon-yes.svg,A tick,a;b",
    "KIT-T,Launch kit,Team,For many,<p>More.</p>,Kits,79.00,USD,,listed,/static/admin/img/icon-yes.svg,Ticks,a",
    'YEN,Poster,,"Hang it, now",<p>Paper.</p>,Prints,1800,JPY,,listed,/static/admin/img/icon-no.svg,A cross,b',
]
FILE = (HEADER + "\n".join(ROWS) + "\n").encode()


@pytest.fixture(autouse=True)
def shop(settings):
    """A shop of three listed products whose file says what the database says, and one service."""
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    make_gig("logo", name="Logo")
    return importing.import_catalog(FILE, "shop.csv", publish=True)


@pytest.fixture
def template(settings, tmp_path):
    """Serve one of the shop's own templates with a text replaced in it."""

    def change(name, old, new):
        source = (Path(configured.BASE_DIR) / "templates" / name).read_text()
        assert old in source
        target = tmp_path / "templates" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.replace(old, new))
        changed = copy.deepcopy(settings.TEMPLATES)
        changed[0]["DIRS"] = [tmp_path / "templates", *changed[0]["DIRS"]]
        settings.TEMPLATES = changed

    return change


def run(workflow, **params):
    opened = direction_board.open_run([Step(workflow, params)], title="test", user=owner())
    work.work_off()
    return opened.tasks.get()


def errors(task):
    return [(f["sku"], f["code"]) for f in task.result["findings"] if f["severity"] == "error"]


def content(task, name):
    return task.artifacts.get(name=name).stored.read().decode("utf-8-sig")


# --- inventory_audit --------------------------------------------------------------------------------------


def test_a_clean_shop_is_audited_without_a_finding(shop):
    task = run("inventory_audit")

    assert task.status == Task.Status.SUCCEEDED
    assert task.result["counts"] == {"error": 0, "warning": 0, "info": 0, "by_code": {}}
    assert task.result["findings"] == []
    assert task.result["pages_checked"] == 3 + 1 + 4
    assert task.result["file"] == {"name": "shop.csv", "sha256": shop.sha256, "format": "direction-board"}
    assert task.result["artifacts"] == ["inventory_audit.html", "inventory_audit.csv"]
    assert (task.progress_done, task.progress_total) == (8, 8)


def test_the_audit_measures_an_observation_that_its_result_refers_to():
    task = run("inventory_audit")

    observation = task.observations.get()
    assert observation.kind == "inventory"
    assert task.result["inventory_ref"] == observation.ref
    assert observation.recomputed_sha256 == observation.sha256
    assert [product["sku"] for product in observation.payload["products"]] == ["KIT", "KIT-T", "YEN"]
    assert task.result["totals"]["value"] == {
        "JPY": {"minor": 1800, "amount": "1800"},
        "USD": {"minor": 10800, "amount": "108.00"},
    }


def test_the_inventory_is_measured_before_anything_else_is_looked_at(template):
    template("storefront/product.html", "{% block main %}", "{% block main %}{% nonsense %}")

    task = run("inventory_audit")

    kinds = list(Event.objects.filter(run=task.run).order_by("number").values_list("kind", flat=True))
    assert kinds == ["run.opened", "task.started", "observation.measured", "task.succeeded", "run.succeeded"]
    assert task.observations.count() == 1


def test_a_wrong_price_in_the_database_and_a_broken_template_are_both_found(template):
    Product.objects.filter(sku="KIT").update(price_minor=2)
    template("storefront/product.html", "{% block main %}", "{% block main %}{% nonsense %}")

    task = run("inventory_audit")

    assert task.status == Task.Status.SUCCEEDED
    assert errors(task) == [
        ("KIT", "price_differs"),
        ("KIT", "page_error"),
        ("KIT-T", "page_error"),
        ("YEN", "page_error"),
    ]
    price, page = task.result["findings"][:2]
    assert (price["expected"], price["seen"]) == ("29.00", "0.02")
    assert page["seen"].startswith("500 TemplateSyntaxError: Invalid block tag on line")


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        (
            "storefront/product.html",
            "|exact_price:product.currency }}</data>",
            "|add:1|exact_price:product.currency }}</data>",
            "page_price",
        ),
        ("storefront/product.html", '<p class="price-line">', '<p class="price-line">$1', "page_price"),
        (
            "storefront/product.html",
            'data-currency="{{ product.currency }}"',
            'data-currency="EUR"',
            "page_currency",
        ),
        ("storefront/product.html", ' alt="{{ product.image_alt }}"', "", "page_image_alt"),
        ("storefront/product.html", ">In stock{%", ">Sold out{%", "page_availability"),
        ("storefront/product.html", "<h1", "<h1>Sale</h1><h1", "page_heading"),
        ("storefront/product.html", "{% json_ld structured_data %}", "", "jsonld_missing"),
        ("base.html", 'rel="canonical" href="', 'rel="canonical" href="/en', "page_canonical"),
        ("base.html", 'rel="canonical"', 'rel="bookmark"', "page_canonical"),
    ],
)
def test_a_fault_in_a_real_template_is_found_on_every_product(template, name, old, new, code):
    template(name, old, new)

    task = run("inventory_audit")

    assert {sku for sku in ("KIT", "KIT-T", "YEN") if (code, sku) in seen(task)} == {"KIT", "KIT-T", "YEN"}


def seen(task):
    return {(finding["code"], finding["sku"]) for finding in task.result["findings"]}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("|exact_price:package.currency }}", "|add:1|exact_price:package.currency }}", "page_price"),
        ("<h1>{{ gig.title }}", "<h1>{{ gig.name }}", "page_heading"),
        ("{% json_ld structured_data %}", "", "jsonld_missing"),
        ("{% block main %}", "{% block main %}{% nonsense %}", "page_error"),
    ],
)
def test_a_fault_on_the_page_of_a_service_is_found(template, old, new, code):
    template("storefront/service.html", old, new)

    task = run("inventory_audit")

    assert errors(task) == [("service:logo", code)]


def test_a_missing_shop_page_is_found(template):
    template("storefront/catalog.html", "{% block main %}", "{% block main %}{{ page.x|nonsense }}")

    task = run("inventory_audit")

    assert errors(task) == [("", "page_error")]
    assert task.result["findings"][0]["message"] == "/catalog/ answers 500."


def test_sold_out_products_are_noticed_and_their_pages_say_so():
    Product.objects.filter(sku="KIT").update(stock=0)

    task = run("inventory_audit", file="shop.csv")

    assert task.result["counts"]["by_code"] == {"sold_out": 1, "stock_differs": 1}


def test_pages_can_be_left_out():
    task = run("inventory_audit", verify_pages=False)

    assert task.result["pages_checked"] == 0
    assert task.status == Task.Status.SUCCEEDED


def test_the_shop_is_compared_with_the_file_that_was_named():
    importing.import_catalog(FILE.replace(b"29.00", b"35.00"), "other.csv", dry_run=True)

    task = run("inventory_audit", file="other.csv", verify_pages=False)

    assert errors(task) == [("KIT", "price_differs")]
    assert task.result["findings"][0]["expected"] == "35.00"
    assert task.result["file"]["name"] == "other.csv"


def test_without_a_name_every_product_is_held_against_the_newest_file_that_has_it():
    importing.import_catalog(f"{HEADER}NEW,A new thing,,x,y,Kits,5.00,USD,,draft,,,\n".encode(), "second.csv")
    Product.objects.filter(sku="KIT").update(price_minor=2)
    Product.objects.filter(sku="NEW").update(price_minor=2)

    task = run("inventory_audit", verify_pages=False)

    assert errors(task) == [("KIT", "price_differs"), ("NEW", "price_differs")]
    assert task.result["files"] == ["second.csv", "shop.csv"]
    assert task.result["counts"]["info"] == 0


def test_an_unknown_file_is_refused_by_name_before_anything_runs():
    with pytest.raises(Refusal) as refused:
        direction_board.open_run([Step("inventory_audit", {"file": "nope.csv"})], title="test")

    assert refused.value.errors == [
        {
            "pointer": "/params/file",
            "detail": "There is no uploaded product catalog 'nope.csv'. Known: shop.csv.",
        }
    ]
    assert not Task.objects.exists()


def test_a_file_whose_bytes_are_gone_is_a_finding():
    CatalogImport.objects.get().file.storage.delete(CatalogImport.objects.get().file.name)

    task = run("inventory_audit", verify_pages=False)

    assert task.status == Task.Status.SUCCEEDED
    assert errors(task) == [("", "file_unreadable")]


def test_of_a_file_that_breaks_off_nothing_counts_and_the_older_one_does():
    kit = Product.objects.get(sku="KIT")
    broken = (
        f'sku,title,price,currency\nKIT,Wrong,1,USD\nNEW,New,1,USD\nX,"no end,{kit.price_minor},USD\n'.encode()
    )
    file = CatalogImport(name="broken.csv", format="direction-board", status="applied", applied_at=timezone.now())
    file.file.save("broken.csv", ContentFile(broken))

    task = run("inventory_audit", verify_pages=False)

    assert errors(task) == [("", "file_unreadable")]
    assert task.result["files"] == ["broken.csv", "shop.csv"]
    assert "missing_in_file" not in task.result["counts"]["by_code"]


def test_a_great_file_is_audited_row_by_row():
    rows = "".join(f"NEW-{n},New {n},1,USD,{'x' * 60_000}\n" for n in range(300))
    file = CatalogImport(name="great.csv", format="direction-board", status="applied", applied_at=timezone.now())
    file.file.save("great.csv", ContentFile(f"sku,title,price,currency,remarks\n{rows}".encode()))
    del rows

    tracemalloc.start()
    try:
        task = run("inventory_audit", file="great.csv", verify_pages=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert task.result["counts"]["by_code"]["missing_in_database"] == 300
    assert peak < file.file.size / 2


def test_an_empty_shop_without_a_file_can_be_audited():
    Product.objects.all().delete()
    CatalogImport.objects.all().delete()

    task = run("inventory_audit")

    assert task.status == Task.Status.SUCCEEDED
    assert task.result["counts"]["by_code"] == {"no_file": 1}


def test_the_report_shows_every_finding_without_scripts():
    Product.objects.filter(sku="KIT").update(price_minor=2, title="<script>alert(1)</script>", summary="")

    task = run("inventory_audit")

    page = LexborHTMLParser(content(task, "inventory_audit.html"))
    assert page.css("script, link, img, [style], [onclick]") == []
    assert page.css_first("h1").text() == "Inventory audit"
    cells = [node.text() for node in page.css("td")]
    assert {"29.00", "0.02", "<script>alert(1)</script>"} <= set(cells)
    assert page.css_first(".verdict").text() == "1 error and 2 warnings to look at."


def test_the_table_of_findings_can_not_run_a_formula():
    Product.objects.filter(sku="KIT").update(title="=HYPERLINK(1)")

    task = run("inventory_audit", verify_pages=False)

    artifact = task.artifacts.get(name="inventory_audit.csv")
    raw = artifact.stored.read()
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert raw.startswith(b"\xef\xbb\xbf")
    assert list(rows[0]) == ["severity", "sku", "code", "message", "expected", "seen", "fix"]
    assert [row["seen"] for row in rows if row["code"] == "title_differs"] == ["'=HYPERLINK(1)"]


# --- storefront_build -------------------------------------------------------------------------------------


def test_a_build_lists_the_approved_products_and_verifies_their_pages():
    publishing.unlist(Product.objects.all())
    publishing.approve(Product.objects.exclude(sku="YEN"))

    task = run("storefront_build")

    assert task.status == Task.Status.SUCCEEDED
    assert task.result["listed"] == ["KIT", "KIT-T"]
    assert task.result["counts"]["error"] == 0
    assert task.result["pages_checked"] == 2 + 4
    assert task.result["advice"] == ""
    release = task.observations.get(kind="storefront_release").payload
    assert release == {
        "schema": 1,
        "release_id": Release.objects.get().pk,
        "url": "http://127.0.0.1:8000/",
        "file": None,
        "listed": [
            {
                "sku": "KIT",
                "title": "Launch kit",
                "price_minor": 2900,
                "price": "29.00",
                "currency": "USD",
                "url": "http://127.0.0.1:8000/products/launch-kit/",
            },
            {
                "sku": "KIT-T",
                "title": "Launch kit (Team)",
                "price_minor": 7900,
                "price": "79.00",
                "currency": "USD",
                "url": "http://127.0.0.1:8000/products/launch-kit-team/",
            },
        ],
        "created": 0,
        "changed": 2,
        "verified": {"pages": 6, "errors": 0, "warnings": 0},
    }


def test_the_inventory_is_measured_after_the_build():
    publishing.unlist(Product.objects.all())
    publishing.approve(Product.objects.filter(sku="KIT"))

    task = run("storefront_build")

    inventory = task.observations.get(kind="inventory").payload
    assert inventory["totals"]["listed"] == 1
    assert inventory["file"]["name"] == "shop.csv"
    assert task.result["inventory_ref"] == task.observations.get(kind="inventory").ref


def test_a_build_of_a_named_file_imports_it_again():
    Product.objects.filter(sku="KIT").update(price_minor=2)

    task = run("storefront_build", file="shop.csv")

    assert Product.objects.get(sku="KIT").price_minor == 2900
    assert (task.result["changed"], task.result["listed"]) == (1, [])
    assert task.result["advice"] == "No approved product was waiting, so nothing new was listed."


def test_an_attempt_after_a_crash_keeps_the_release_of_the_first():
    publishing.unlist(Product.objects.all())
    publishing.approve(Product.objects.filter(sku="KIT"))
    opened = direction_board.open_run([Step("storefront_build")], title="test", user=owner())
    first = releases.publish(releases.Build(opened.tasks.get().pk))

    work.work_off()

    task = opened.tasks.get()
    assert task.result["release_id"] == first.pk
    assert task.result["listed"] == ["KIT"]
    assert Release.objects.count() == 1


def test_a_build_whose_pages_are_broken_says_so_and_can_be_rolled_back(template):
    publishing.unlist(Product.objects.all())
    publishing.approve(Product.objects.filter(sku="KIT"))
    template("storefront/product.html", "{% block main %}", "{% block main %}{% nonsense %}")

    task = run("storefront_build")

    assert task.status == Task.Status.SUCCEEDED
    assert task.result["advice"] == "1 error on the live pages: correct them, or roll the release back."
    assert task.observations.get(kind="storefront_release").payload["verified"]["errors"] == 1
    assert releases.rollback(Release.objects.get()) == {"restored": ["KIT"], "kept": []}
    assert Product.objects.get(sku="KIT").status == "draft"


def test_publishing_a_draft_fails_with_the_reason_and_lists_nothing():
    publishing.unlist(Product.objects.all())

    task = run("storefront_build", publish=["KIT"])

    assert task.status == Task.Status.FAILED
    assert task.error == "'KIT' is draft: a person has to approve it first."
    assert task.attempts == 1
    assert not Release.objects.exists()
    assert not Product.objects.listed().exists()


def wish():
    """A run of a build that a wish chose, worked off as far as it goes, and its Sales task."""
    intent = Intent.objects.create(statement="Launch", playbook=Playbook.objects.get(slug="launch-product"))
    steps = [Step("storefront_build"), Step("launch_announcement")]
    opened = direction_board.open_run(steps, title="Launch", intent=intent, user=owner())
    work.work_off()
    return opened.tasks.get(pipeline="sales")


def test_a_build_that_a_wish_chose_lists_nothing_before_a_person_said_yes():
    publishing.unlist(Product.objects.all())
    publishing.approve(Product.objects.exclude(sku="YEN"))

    task = wish()
    assert (task.status, task.waiting_on) == ("waiting", "It would list 2 products in the shop (KIT, KIT-T).")
    assert (Product.objects.listed().count(), Release.objects.count(), Observation.objects.count()) == (0, 0, 0)

    direction_board.approve(task, by=owner())
    work.work_off()

    task.refresh_from_db()
    assert (task.status, task.result["listed"]) == ("succeeded", ["KIT", "KIT-T"])
    assert Promotion.objects.get().status == "draft"


def test_a_build_that_would_change_nothing_asks_nobody():
    assert wish().status == "succeeded"


def test_a_no_to_a_build_leaves_the_shop_as_it_is_and_drops_the_announcement():
    publishing.unlist(Product.objects.filter(sku="KIT"))
    publishing.approve(Product.objects.filter(sku="KIT"))

    task = wish()
    direction_board.reject(task, by=owner(), reason="Not before Monday.")

    assert dict(task.run.tasks.values_list("workflow", "status")) == {
        "storefront_build": "failed",
        "launch_announcement": "skipped",
    }
    assert Product.objects.get(sku="KIT").status == "approved"
    assert not Release.objects.exists()


def test_what_a_build_asks_names_what_a_file_would_change_in_the_shop():
    build = workflows.get("storefront_build")
    assert build.approval({"file": "shop.csv"}, None) == ""

    Product.objects.filter(sku="KIT").update(price_minor=2)
    Product.objects.filter(sku="YEN").update(summary="Another")
    publishing.unlist(Product.objects.filter(sku="KIT-T"))
    publishing.approve(Product.objects.filter(sku="KIT-T"))

    asked = build.approval({"file": "shop.csv", "publish": ["KIT-T", "YEN"]}, None)
    said = "It would list 1 product in the shop (KIT-T) and change 2 products by shop.csv (1 price)."
    assert asked == said


# --- What speaks for running them ---------------------------------------------------------------------------


def texts(key):
    return [evidence.text for evidence in workflows.get(key).evidence()]


def test_evidence_follows_the_data():
    assert texts("inventory_audit") == ["Never audited; listed products: 3"]
    assert texts("storefront_build") == ["No approved product waits to be listed"]

    run("inventory_audit")
    assert texts("inventory_audit") == ["Nothing changed since the last audit"]

    publishing.archive(Product.objects.filter(sku="YEN"))
    importing.import_catalog(FILE.replace(b"29.00,USD,5", b"31.00,USD,0"), "shop.csv", publish=True)
    publishing.unlist(Product.objects.filter(sku="KIT-T"))
    publishing.approve(Product.objects.filter(sku="KIT-T"))
    assert "Approved products that wait to be listed: 1" in texts("storefront_build")
    assert "Listed products that are sold out: 1" in texts("inventory_audit")


def test_drift_is_shown_by_measuring_again():
    task = run("storefront_build")
    workflow = workflows.get("storefront_build")
    seen = {observation.kind: observation for observation in task.observations.all()}
    assert workflow.measure(seen["inventory"]) == seen["inventory"].payload
    assert workflow.measure(seen["storefront_release"]) == seen["storefront_release"].payload

    Product.objects.filter(sku="KIT").update(price_minor=1)

    assert workflow.measure(seen["inventory"]) != seen["inventory"].payload


def test_a_canceled_build_publishes_nothing():
    product = make_product(status=Product.Status.APPROVED)
    run = direction_board.open_run([Step("storefront_build")], title="Build")
    task = attempts.claim("w")

    direction_board.cancel(run)
    work.perform(task)

    product.refresh_from_db()
    assert (product.status, Release.objects.count()) == ("approved", 0)
