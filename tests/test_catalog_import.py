"""A catalog file is imported whole or not at all, and twice is once."""

import hashlib
import threading
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from agency.models import Gig
from earnings.refusals import Refusal
from storefront.catalog import editing, importing, publishing, reports, rows
from storefront.models import CatalogImport, Product
from tests.factories import make_product

FIXTURES = Path(__file__).parent / "fixtures" / "catalog"
HEADER = "sku,family,option,title,price,currency,status"

pytestmark = pytest.mark.django_db


def load(name, **options):
    return importing.import_catalog((FIXTURES / name).read_bytes(), name, **options)


def bring(*rows, header=HEADER, name="list.csv", **options):
    return importing.import_catalog("\n".join([header, *rows]).encode(), name, **options)


def counts(done):
    return done.created_count, done.changed_count, done.unchanged_count, done.refused_count


def test_new_rows_become_drafts():
    done = load("inventory.csv")

    assert (done.status, counts(done)) == ("applied", (3, 0, 0, 0))
    assert done.applied_at is not None
    planner = Product.objects.get(sku="LF-TIDE-P")
    assert (planner.slug, planner.family, planner.price_minor) == ("tide-planner-personal", "tide-planner", 1900)
    assert set(Product.objects.values_list("status", flat=True)) == {"draft"}


def test_with_publishing_the_rows_that_the_file_lists_are_listed():
    load("inventory.csv", publish=True)

    assert dict(Product.objects.values_list("sku", "status")) == {
        "LF-TIDE-P": "listed",
        "LF-TIDE-T": "listed",
        "LF-REEF": "draft",
    }


def test_one_variant_of_a_family_is_shown_in_the_catalog():
    load("inventory.csv", publish=True)

    leads = Product.objects.leads().order_by("sku")
    assert [product.sku for product in leads] == ["LF-REEF", "LF-TIDE-P"]


@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_the_first_variant_that_is_listed_leads_a_new_family_however_the_file_is_cut(at_once, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE", at_once)
    bring("OLD-1,old,One,Old,1,USD,listed", publish=True)

    bring(
        "A-1,alpha,One,Alpha,10,USD,",
        "A-2,alpha,Two,Alpha,11,USD,listed",
        "A-3,alpha,Three,Alpha,12,USD,listed",
        "B-1,beta,One,Beta,5,USD,",
        "B-2,beta,Two,Beta,5,USD,",
        "OLD-2,old,Two,Old,2,USD,listed",
        publish=True,
    )

    assert list(Product.objects.leads().order_by("sku").values_list("sku", flat=True)) == ["A-2", "B-1", "OLD-1"]


def test_among_new_variants_the_first_in_shop_order_leads():
    header = "sku,family,title,price,currency,position"
    bring("A-1,alpha,Alpha one,1,USD,20", "A-2,alpha,Alpha two,1,USD,10", header=header)

    assert Product.objects.leads().get().sku == "A-2"


def test_what_is_written_by_hand_is_what_the_models_would_write():
    before = timezone.now()
    header = "sku,title,price,currency,tags,stock,kind"
    bring(' Kıt  É-1,"Ağaç ""50%""",10,USD,"50%, Ağaç",,course', header=header)
    by_hand = Product.objects.get()

    model = Product(sku="Kıt É-1", title='Ağaç "50%"', price_minor=1000, currency="USD", kind="course")
    model.tags, model.slug, model.family = ["50%", "Ağaç"], "agac-50", "kit-e-1-5f692325"
    names = [field.name for field in Product._meta.fields if field.name not in ("id", "created_at", "updated_at")]
    by_hand.delete()
    model.save()
    model.refresh_from_db()
    assert {name: getattr(by_hand, name) for name in names} == {name: getattr(model, name) for name in names}
    assert before <= by_hand.created_at == by_hand.updated_at <= timezone.now()


def test_the_same_file_again_changes_nothing():
    load("inventory.csv", publish=True)
    before = list(Product.objects.order_by("id").values())

    again = load("inventory.csv", publish=True)

    assert counts(again) == (0, 0, 3, 0)
    assert list(Product.objects.order_by("id").values()) == before


def test_the_file_is_kept_as_it_came(staff):
    data = (FIXTURES / "inventory.csv").read_bytes()

    done = importing.import_catalog(data, "C:\\lists\\inventory.csv", user=staff)

    assert (done.name, done.sha256) == ("inventory.csv", hashlib.sha256(data).hexdigest())
    assert (done.read(), done.created_by) == (data, staff)
    assert (done.format, done.encoding, done.delimiter) == ("direction-board", "utf-8", ",")


def test_a_changed_price_is_reported_with_old_and_new():
    bring("A-1,,,Alpha,10.00,USD,", "B-1,,,Beta,5.00,USD,")

    done = bring("A-1,,,Alpha,12.50,USD,", "B-1,,,Beta,5.00,USD,")

    assert counts(done) == (0, 1, 1, 0)
    assert done.report[0] == {
        "row": 2,
        "sku": "A-1",
        "outcome": "changed",
        "changes": {"price_minor": [1000, 1250]},
        "problems": [],
        "currency": "USD",
    }
    assert Product.objects.get(sku="A-1").price_minor == 1250
    assert reports.as_text(done.report[0]) == ["row 2: changed A-1", "    price: $10.00 -> $12.50"]


def test_what_would_be_created_is_told_by_title_and_price():
    done = bring("A-1,,,Alpha,10.00,USD,")

    assert done.report == [
        {
            "row": 2,
            "sku": "A-1",
            "outcome": "created",
            "changes": {},
            "problems": [],
            "title": "Alpha",
            "price_minor": 1000,
            "currency": "USD",
        }
    ]
    assert reports.as_text(done.report[0]) == ["row 2: created A-1, Alpha, $10.00"]


def test_a_report_of_an_older_version_is_still_read():
    line = {"row": 2, "sku": "A-1", "outcome": "created", "changes": {}, "problems": []}

    assert reports.as_text(line) == ["row 2: created A-1"]
    assert reports.as_csv([line]).decode("utf-8-sig").splitlines()[1] == "2,A-1,created,,,,"


def test_one_refused_row_keeps_the_whole_file_out():
    bring("A-1,,,Alpha,10.00,USD,")

    done = bring("A-1,,,Alpha,99.00,USD,", "B-1,,,Beta,ca. 5,USD,", "C-1,,,Gamma,5,USD,")

    assert (done.status, counts(done), done.applied_at) == ("refused", (1, 1, 0, 1), None)
    assert [line["row"] for line in done.report if line["outcome"] == "refused"] == [3]
    assert list(Product.objects.values_list("sku", "price_minor")) == [("A-1", 1000)]


def test_a_file_that_is_no_catalog_leaves_nothing_behind(settings):
    with pytest.raises(Refusal):
        importing.import_catalog(b"not a table", "x.csv")

    assert CatalogImport.objects.count() == 0
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.csv"))


def test_a_dry_run_changes_nothing_and_can_be_applied_once():
    preview = load("inventory.csv", dry_run=True, publish=True)
    assert (preview.status, counts(preview), Product.objects.count()) == ("previewed", (3, 0, 0, 0), 0)

    importing.apply(preview)
    applied_at = preview.applied_at
    editing.change(Product.objects.get(sku="LF-REEF"), {"title": "Edited since"})
    importing.apply(CatalogImport.objects.get())

    preview.refresh_from_db()
    assert (preview.status, preview.applied_at) == ("applied", applied_at)
    assert Product.objects.get(sku="LF-REEF").title == "Edited since"


def test_a_preview_is_compared_anew_when_it_is_applied():
    preview = bring("A-1,,,Alpha,10.00,USD,", dry_run=True)
    bring("A-1,,,Alpha,8.00,USD,")

    importing.apply(preview)

    assert counts(preview) == (0, 1, 0, 0)
    assert preview.report[0]["changes"] == {"price_minor": [800, 1000]}


def test_a_preview_with_refused_rows_is_refused_when_it_is_applied():
    preview = bring("A-1,,,Alpha,ten,USD,", dry_run=True)

    importing.apply(preview)

    assert (preview.status, Product.objects.count()) == ("refused", 0)


MIXED = "A-1,,,Alpha,ten,USD,", "A-2,,,Beta,5.00,USD,"


def test_rows_that_can_not_be_imported_are_left_out_where_somebody_says_so():
    left_out = bring(*MIXED, leave_out=True)
    again = bring(*MIXED, leave_out=True)
    nothing = bring(MIXED[0], leave_out=True)

    assert (left_out.status, counts(left_out)) == ("applied", (1, 0, 0, 1))
    assert counts(again) == (0, 0, 1, 1)
    assert [line["outcome"] for line in left_out.report] == ["refused", "created"]
    assert (nothing.status, counts(nothing)) == ("refused", (0, 0, 0, 1))
    assert list(Product.objects.values_list("sku", flat=True)) == ["A-2"]


def test_a_preview_is_asked_once_whether_to_leave_rows_out():
    preview = bring(*MIXED, dry_run=True)

    for _ in range(2):
        importing.leave_out(preview)
        importing.apply(preview)

    assert (preview.status, counts(preview)) == ("applied", (1, 0, 0, 1))
    refused = bring(*MIXED)
    importing.leave_out(refused)
    assert (refused.status, refused.leaves_out) == ("refused", False)


def test_an_sku_in_another_spelling_is_the_same_product():
    bring("Kit-A,,,Alpha,10.00,USD,")

    done = bring(" ＫＩＴ-a,,,Alpha,11.00,USD,")

    assert counts(done) == (0, 1, 0, 0)
    assert list(Product.objects.values_list("sku", "price_minor")) == [("Kit-A", 1100)]


def test_existing_rows_keep_their_status_unless_publishing_is_asked_for():
    bring("A-1,,,Alpha,10.00,USD,listed")

    bring("A-1,,,Alpha,11.00,USD,listed")
    assert Product.objects.get().status == "draft"

    done = bring("A-1,,,Alpha,11.00,USD,listed", publish=True)
    assert done.report[0]["changes"] == {"status": ["draft", "listed"]}
    assert Product.objects.get().status == "listed"


def test_an_address_is_unique_and_stays_when_the_title_changes():
    bring("A-1,,,Işık Seti,10.00,USD,", "B-1,,,Işık Seti,5.00,USD,")

    bring("A-1,,,Another Title,10.00,USD,", "B-1,,,Işık Seti,5.00,USD,")

    assert dict(Product.objects.values_list("sku", "slug")) == {"A-1": "isik-seti", "B-1": "isik-seti-2"}


def test_columns_that_the_file_lacks_are_left_alone():
    load("inventory.csv")

    done = bring("LF-REEF,29.00,USD,Reef Icon Set", header="sku,price,currency,title")

    assert counts(done) == (0, 0, 1, 0)
    assert Product.objects.get(sku="LF-REEF").stock == 12


def test_better_words_that_a_person_wrote_survive_the_next_import():
    load("shopier.csv")
    Product.objects.filter(sku="90000002").update(summary="Better words", kind="course")

    done = load("shopier.csv")

    assert counts(done) == (0, 0, 2, 0)


def test_a_product_may_move_to_a_family_that_has_a_lead():
    bring("A-1,alpha,One,Alpha,10,USD,listed", "A-2,alpha,Two,Alpha,11,USD,listed", "B-1,beta,,Beta,5,USD,listed")

    bring("A-1,beta,One,Alpha,10,USD,listed", publish=True)

    leads = dict(Product.objects.values_list("sku", "is_lead"))
    assert leads == {"A-1": True, "A-2": True, "B-1": False}


def test_gigs_are_imported_with_their_packages():
    done = load("services.csv", publish=True)

    gig = Gig.objects.get()
    assert (counts(done), gig.slug, gig.is_listed) == ((1, 0, 0, 0), "harbor-thumbnail", True)
    assert list(gig.packages.values_list("tier", "price_minor", "delivery_days")) == [
        ("basic", 2500, 2),
        ("standard", 6000, 3),
        ("premium", 18000, 7),
    ]
    assert counts(load("services.csv", publish=True)) == (0, 0, 1, 0)


def test_a_changed_package_is_reported_and_keeps_its_row():
    load("services.csv")
    package = Gig.objects.get().packages.get(tier="premium")
    data = (FIXTURES / "services.csv").read_text().replace("180.00", "200.00")

    done = importing.import_catalog(data.encode(), "services.csv")

    assert done.report[0]["changes"] == {"premium.price_minor": [18000, 20000]}
    package.refresh_from_db()
    assert package.price_minor == 20000


def test_the_latest_import_of_products_is_found():
    assert importing.latest() is None
    first = load("inventory.csv")
    load("services.csv")
    bring("A-1,,,Alpha,ten,USD,", name="bad.csv")
    load("shopier.csv", dry_run=True)

    assert importing.latest() == first
    assert importing.latest("services.csv").format == "direction-board-services"
    assert importing.latest("bad.csv") is None


def test_a_note_about_a_guessed_encoding_is_in_the_report():
    data = "sku;title;price;currency\nA;Şapka ğ;5;TRY\n".encode("cp1254")

    done = importing.import_catalog(data, "a.csv")

    assert (done.encoding, done.report[0]["outcome"], counts(done)) == ("cp1254", "note", (1, 0, 0, 0))
    assert Product.objects.get().title == "Şapka ğ"


def test_the_report_as_csv_is_safe_to_open():
    done = bring('=1+1,,,"=HYPERLINK(1)",10.00,USD,', "B,,,Beta,no,USD,")

    lines = reports.as_csv(done.report).decode("utf-8-sig").splitlines()

    assert lines == [
        "row,sku,outcome,column,old,new,remark",
        "2,'=1+1,created,title,,'=HYPERLINK(1),",
        "2,'=1+1,created,price,,$10.00,",
        "3,B,refused,price,,,'no' is not a number",
    ]


def test_the_number_of_queries_does_not_grow_with_the_rows(django_assert_max_num_queries):
    bring(*(f"OLD-{n},,,Old {n},1,USD," for n in range(300)))
    rows = [f"OLD-{n},,,Old {n},2,USD," for n in range(300)] + [f"N-{n},,,New {n},1,USD," for n in range(900)]

    with django_assert_max_num_queries(60):
        done = bring(*rows)

    assert counts(done) == (900, 300, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_create_every_row_once():
    data = (FIXTURES / "inventory.csv").read_bytes()
    start, outcomes = threading.Barrier(2), []

    def work():
        try:
            start.wait()
            outcomes.append(counts(importing.import_catalog(data, "inventory.csv")))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [(0, 0, 3, 0), (3, 0, 0, 0)]
    assert Product.objects.count() == 3


# --- Publishing -------------------------------------------------------------------------------------------


def test_statuses_move_only_along_the_way_to_the_shop():
    draft, listed = make_product(status="draft"), make_product(status="listed")
    archived = make_product(status="archived")
    everything = Product.objects.all()

    assert publishing.approve(everything) == 1
    assert publishing.approve(everything) == 0
    assert [Product.objects.get(pk=p.pk).status for p in (draft, listed, archived)] == [
        "approved",
        "listed",
        "archived",
    ]
    assert publishing.list_now(everything) == 1
    assert publishing.unlist(everything.filter(status="listed")) == 2
    assert publishing.archive(everything) == 2
    assert not publishing.change_status(draft, "listed")
    assert publishing.change_status(draft, "archived")


def test_a_family_is_shown_by_a_listed_variant():
    bring("A-1,alpha,One,Alpha,10,USD,", "A-2,alpha,Two,Alpha,11,USD,")

    publishing.list_now(Product.objects.filter(sku="A-2"))
    assert Product.objects.listed().leads().get().sku == "A-2"

    publishing.list_now(Product.objects.filter(sku="A-1"))
    assert Product.objects.listed().leads().get().sku == "A-2"

    publishing.unlist(Product.objects.filter(sku="A-2"))
    assert Product.objects.listed().leads().get().sku == "A-1"


# --- The command ------------------------------------------------------------------------------------------


def run(*arguments):
    out = StringIO()
    call_command("import_catalog", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_tells_what_it_did():
    assert run(FIXTURES / "shopier.csv") == (
        "shopier.csv: Shopier product export, utf-8.\n"
        "  row 2: created 90000001, Harbor Sounds, 149,00 TL\n"
        "  row 3: created 90000002, Harbor Talk, 1.249,50 TL\n"
        "Applied: 2 created, 0 changed, 0 unchanged, 0 refused.\n"
    )
    assert (
        run(FIXTURES / "shopier.csv").splitlines()[-1] == "Applied: 0 created, 0 changed, 2 unchanged, 0 refused."
    )


def test_the_commands_dry_run_changes_nothing():
    assert run(FIXTURES / "inventory.csv", "--dry-run", "--publish").splitlines()[-1] == (
        "Previewed: 3 created, 0 changed, 0 unchanged, 0 refused."
    )
    assert Product.objects.count() == 0


def test_the_command_fails_where_rows_are_refused(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text(f"{HEADER}\nA-1,,,Alpha,ten,USD,\n")
    out = StringIO()

    with pytest.raises(CommandError, match="Rows that can't be imported: 1") as failed:
        call_command("import_catalog", bad, stdout=out)

    assert failed.value.returncode == 1
    assert "row 2: refused A-1\n      price 'ten' is not a number" in out.getvalue()
    assert Product.objects.count() == 0

    bad.write_text("\n".join([HEADER, *MIXED]))
    with pytest.raises(CommandError):
        call_command("import_catalog", bad, "--dry-run", "--leave-out-refused", stdout=out)
    call_command("import_catalog", bad, "--leave-out-refused", stdout=out)
    assert out.getvalue().endswith("Applied: 1 created, 0 changed, 0 unchanged, 1 refused.\n")


@pytest.mark.parametrize(
    ("content", "detail"),
    [(b"", "The file is empty"), (b"a,b\n1,2\n", "No format that we know"), (None, "can't be read")],
)
def test_the_command_fails_on_a_file_that_is_no_catalog(tmp_path, content, detail):
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CommandError, match=detail):
        run(path)


def test_a_format_that_names_a_field_that_products_lack_is_told():
    with pytest.raises(TypeError, match="a product has no titel"):
        rows.new({"sku": "KIT", "titel": "Kit"})


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's planner")
@pytest.mark.django_db(transaction=True)
def test_the_planner_knows_the_products_as_soon_as_they_are_there():
    """Until it did, a search took 15 seconds after a great import, and each catalog page 50 ms instead of 15."""

    def asked(query):
        with connection.cursor() as cursor:
            cursor.execute(query)
            return str(cursor.fetchone()[0])

    statuses = (
        "SELECT most_common_vals FROM pg_stats WHERE tablename = 'storefront_product' AND attname = 'status'"
    )
    bring(*[f"P-{number},,,Product {number},5.00,USD," for number in range(300)])
    drafted = asked(statuses)
    publishing.list_now(Product.objects.all())

    assert "draft" in drafted
    assert "listed" in asked(statuses)
    assert int(asked("SELECT relallvisible FROM pg_class WHERE relname = 'storefront_product'")) > 0
    assert asked("SHOW jit") == "off"


def test_families_that_people_write_in_any_script_are_told_apart():
    cup, again, plate = (
        editing.add(Product(sku=sku, title=sku, family=family, kind="physical", price_minor=500, currency="USD"))
        for sku, family in (("C-1", "杯子"), ("C-2", "杯子"), ("P-1", "盘子"))
    )

    editing.change(cup, {"family": cup.family})  # as a form says it that changed another field

    assert cup.family == again.family != plate.family


@pytest.mark.parametrize("skus", [("A.1", "A1"), ("mug a", "mug-a"), ("İ", "I"), ("é-1", "e-1"), ("c#", "c")])
def test_products_whose_skus_have_one_slug_are_both_shown_in_the_catalog(skus):
    bring(*(f"{sku},,,A lamp,5,USD,listed" for sku in skus), publish=True)

    assert sorted(product.sku for product in Product.objects.leads()) == sorted(skus)
