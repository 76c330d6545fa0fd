"""Great catalog files are read by a worker, while people see how far it is."""

import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections

from agency import direction_board, work
from agency.models import Run, Task
from agency.steps import Step
from earnings.refusals import Refusal
from storefront import import_workflow
from storefront.catalog import importing, reports
from storefront.models import CatalogImport, Product
from tests.factories import make_product

pytestmark = pytest.mark.django_db
HEADER = "sku,title,price,currency,status\n"


def rows(count, price="5.00", start=0):
    return HEADER + "".join(f"SKU-{n},Thing {n},{price},USD,listed\n" for n in range(start, start + count))


def received(text, **options):
    return importing.receive(io.BytesIO(text.encode()), "great.csv", **options)


def counts(row):
    return row.created_count, row.changed_count, row.unchanged_count, row.refused_count


def test_a_worker_previews_and_then_applies(staff):
    row = import_workflow.hand_over(received(rows(2500), publish=True, user=staff), staff)
    assert (row.status, import_workflow.is_open(row), Product.objects.count()) == ("waiting", True, 0)

    work.work_off()
    row.refresh_from_db()
    assert (row.status, counts(row), Product.objects.count()) == ("previewed", (2500, 0, 0, 0), 0)
    task = import_workflow.task_of(row)
    assert (task.status, task.result["created"]) == ("succeeded", 2500)
    assert task.artifacts.get().name == f"import-{row.pk}-report.csv"

    import_workflow.hand_over(row, staff, apply=True)
    work.work_off()
    row.refresh_from_db()
    assert (row.status, Product.objects.listed().count()) == ("applied", 2500)
    assert importing.shown(row) == (2500, 2500)


def test_what_is_handed_over_twice_is_done_once(staff):
    row = import_workflow.hand_over(received(rows(3)), staff, apply=True)

    with pytest.raises(Refusal, match="at it already"):
        import_workflow.hand_over(row, staff, apply=True)
    work.work_off()
    import_workflow.hand_over(row, staff, apply=True)
    work.work_off()

    assert (Product.objects.count(), Run.objects.count()) == (3, 2)
    row.refresh_from_db()
    assert counts(row) == (3, 0, 0, 0)


def test_a_row_that_is_refused_keeps_the_whole_file_out(staff):
    row = received(rows(1500) + "BAD,Thing,ten,USD,\n")

    import_workflow.hand_over(row, staff, apply=True)
    work.work_off()

    row.refresh_from_db()
    assert (row.status, counts(row), Product.objects.count()) == ("refused", (1500, 0, 0, 1), 0)
    assert import_workflow.task_of(row).status == "succeeded"


def test_a_file_that_breaks_off_is_refused_with_the_reason(staff):
    row = received(rows(1500) + 'A,"a quote that never ends,5,USD,\n')

    import_workflow.hand_over(row, staff)
    work.work_off()

    row.refresh_from_db()
    assert row.status == "refused"
    assert "never ends" in row.report[0]["problems"][0]["detail"]
    assert import_workflow.task_of(row).status == "failed"


def test_who_may_not_change_products_is_asked_for(staff):
    operator = User.objects.create_user("operator")
    row = received(rows(2), user=operator)
    importing.preview(row)

    import_workflow.hand_over(row, operator, apply=True)
    work.work_off()
    task = import_workflow.task_of(row)
    assert (task.status, task.waiting_on, Product.objects.count()) == ("waiting", task.waiting_on, 0)
    assert "add or change 2 products by great.csv" in task.waiting_on


def test_a_number_of_no_import_is_refused():
    with pytest.raises(Refusal) as refused:
        direction_board.open_run([Step("catalog_import", {"catalog_import": 99})], title="x")

    assert refused.value.errors[0]["pointer"] == "/params/catalog_import"


def test_without_a_number_the_newest_waiting_file_is_meant():
    direction_board.open_run([Step("catalog_import")], title="none")
    work.work_off()
    assert "No catalog file waits" in Task.objects.get().error

    older, newer = received(rows(1)), received(rows(2))
    direction_board.open_run([Step("catalog_import")], title="newest")
    work.work_off()

    statuses = dict(CatalogImport.objects.values_list("pk", "status"))
    assert statuses == {older.pk: "waiting", newer.pk: "previewed"}


def test_a_report_keeps_the_telling_rows(monkeypatch):
    monkeypatch.setattr(reports.Report, "MOST", 5)
    lines = [
        {"row": n, "sku": f"S{n}", "outcome": outcome, "changes": {}, "problems": []}
        for n, outcome in enumerate(
            ["created"] * 8 + ["refused"] * 2 + ["changed"] * 2 + ["unchanged"] * 3, start=2
        )
    ]
    report = reports.Report(["A note."])

    report.add(lines)

    assert [line["outcome"] for line in report.lines] == ["note", "refused", "refused", "changed", "changed"]
    assert report.counts == {"note": 1, "created": 8, "refused": 2, "changed": 2, "unchanged": 3}


# --- Pages and the API ------------------------------------------------------------------------------------


def test_staff_see_how_far_it_is_and_what_came_of_it(staff_client, monkeypatch):
    monkeypatch.setattr(import_workflow, "GREAT", 100)
    monkeypatch.setattr(import_workflow, "MANY", 2)
    upload = SimpleUploadedFile("great.csv", rows(5).encode())

    answer = staff_client.post(
        "/admin/storefront/catalogimport/add/", {"file": upload, "format": "auto"}, follow=True
    )
    row = CatalogImport.objects.get()
    assert "A worker is at it" in answer.text and 'http-equiv="refresh"' in answer.text
    Task.objects.update(progress_done=1000, progress_total=5000, progress_message="Reading the rows")
    page = answer.redirect_chain[-1][0]
    assert "1,000 of 5,000 rows" in staff_client.get(page).text

    work.work_off()
    preview = staff_client.get(page).text
    assert "A worker is at it" not in preview and "5 created" in preview

    staff_client.post(f"/admin/storefront/catalogimport/{row.pk}/do/apply/")
    importing.show(row, 2, 5)
    assert "Writing: 2 of 5 rows" in staff_client.get(page).text
    work.work_off()
    assert "Applied:" in staff_client.get(page).text and Product.objects.count() == 5


def test_a_worker_that_gave_up_can_be_asked_again(staff_client, staff):
    row = import_workflow.hand_over(received(rows(3)), staff)
    page = f"/admin/storefront/catalogimport/{row.pk}/change/"
    Task.objects.update(status="failed", error="ZeroDivisionError: division by zero")
    assert "The worker gave up" in staff_client.get(page).text

    staff_client.post(f"/admin/storefront/catalogimport/{row.pk}/do/read/")
    work.work_off()

    row.refresh_from_db()
    assert row.status == "previewed"


def test_programs_hand_a_file_over(api):
    upload = SimpleUploadedFile("great.csv", rows(3).encode())

    answer = api.post("/api/v1/products/import", {"file": upload, "background": True}, format="multipart")

    assert (answer.status_code, answer.data["status"]) == (202, "waiting")
    assert answer["Location"] == f"/api/v1/runs/{answer.data['run_id']}"
    work.work_off()
    (task,) = api.get(answer["Location"]).data["tasks"]
    assert (task["status"], task["result"]["created"], Product.objects.count()) == ("succeeded", 3, 3)


# --- Killed on the way ------------------------------------------------------------------------------------

KILLED = """
import os, django
django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = {name!r}
from storefront.catalog import importing
from storefront.models import CatalogImport
show = importing.show
def told(row, done, total):
    show(row, done, total)
    print(done, flush=True)
importing.show = told
importing.apply(CatalogImport.objects.get(pk={pk}))
"""


@pytest.mark.django_db(transaction=True)
def test_who_is_killed_while_writing_leaves_nothing_and_the_next_one_does_all(settings):
    make_product("SKU-1", title="Old")
    row = importing.preview(received(rows(6000), publish=True))
    code = KILLED.format(name=str(connection.settings_dict["NAME"]), pk=row.pk)
    env = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    media = f"from django.conf import settings; settings.MEDIA_ROOT = {str(settings.MEDIA_ROOT)!r}"
    child = subprocess.Popen(
        [sys.executable, "-c", f"{media}\n{code}"], stdout=subprocess.PIPE, text=True, env=os.environ | env
    )
    while int(child.stdout.readline() or 6000) < 2000:
        pass
    child.send_signal(signal.SIGKILL)
    child.wait()

    row.refresh_from_db()
    assert (row.status, list(Product.objects.values_list("title", flat=True))) == ("previewed", ["Old"])
    importing.apply(row)
    assert (row.status, counts(row), Product.objects.listed().count()) == ("applied", (5999, 1, 0, 0), 6000)


@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_file_is_seen_before_all_of_it():
    row = importing.preview(received(rows(6000), publish=True))
    seen, ends = set(), threading.Event()

    def look():
        while not ends.is_set():
            seen.add(Product.objects.listed().count())
            time.sleep(0.002)
        connections.close_all()

    reader = threading.Thread(target=look)
    reader.start()
    importing.apply(row)
    ends.set()
    reader.join()

    assert seen <= {0, 6000} and 0 in seen


def test_two_workers_who_apply_one_import_do_it_once(staff):
    row = importing.preview(received(rows(10)))
    stale = CatalogImport.objects.get(pk=row.pk)

    importing.apply(row)
    importing.apply(stale)

    assert Product.objects.count() == 10
