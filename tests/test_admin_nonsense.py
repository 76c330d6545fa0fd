"""What no person types into the admin is refused like what one does, and never a fault of ours."""

from urllib.parse import quote

import pytest
from axes.models import AccessAttempt
from django.urls import reverse

from agency.models import Breaker, PlaybookStep
from tests.factories import make_run, make_task

pytestmark = pytest.mark.django_db
HALF = '["\\ud800"]'
DEEP = "[" * 100_000
ADD_PLAYBOOK = reverse("admin:agency_playbook_add")


@pytest.mark.parametrize(
    "address",
    [
        "/admin/storefront/release/?status__in=%00%00",
        "/admin/storefront/product/?sku=%00",
        "/admin/agency/artifact/?%00=1",
        "/admin/earnings/posting/?local_date__year=999999999999999999999999999999",
    ],
)
def test_what_no_database_can_look_for_is_a_bad_request(staff_client, address):
    assert staff_client.get(address).status_code == 400


def test_a_chosen_row_with_a_null_character_is_a_bad_request(staff_client):
    chosen = {"action": "close", "_selected_action": "\0"}

    assert staff_client.post(reverse("admin:agency_breaker_changelist"), chosen).status_code == 400
    assert Breaker.objects.count() == 0


def test_who_is_not_logged_in_is_led_to_the_login_whatever_they_ask_for(client):
    answer = client.get("/admin/storefront/release/?status__in=%00")

    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_bytes_are_no_filter(staff_client):
    assert staff_client.get("/admin/agency/artifact/?content=abc").status_code == 400


@pytest.mark.parametrize("value", ["abc", "9" * 30, "-1", "٣", "0"])
@pytest.mark.parametrize("page", ["admin:storefront_licensekey_add", "admin:storefront_productfile_add"])
def test_a_product_that_is_no_number_is_refused_beside_its_field(staff_client, page, value):
    page = reverse(page)

    shown = staff_client.get(f"{page}?product={quote(value)}")
    sent = staff_client.post(page, {"product": value, "keys": "A"})

    assert (shown.status_code, sent.status_code) == (200, 200)
    assert "product" in sent.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("text", "said"), [(HALF, "Null and surrogate characters can&#x27;t be stored."), (DEEP, "nested too deeply")]
)
def test_parameters_of_a_playbook_that_can_not_be_stored_are_refused(staff_client, text, said):
    step = {"steps-TOTAL_FORMS": 1, "steps-INITIAL_FORMS": 0, "steps-0-workflow": "inventory_audit"}
    given = {"name": "Odd", "slug": "odd", **step, "steps-0-weight": 1, "steps-0-params": text}
    known = PlaybookStep.objects.count()

    answer = staff_client.post(ADD_PLAYBOOK, given)

    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert PlaybookStep.objects.count() == known


@pytest.mark.parametrize("text", [HALF, DEEP])
def test_parameters_of_a_run_that_can_not_be_stored_are_refused(staff_client, text):
    task = make_task()

    answer = staff_client.post(
        reverse("admin:agency_run_verb", args=[task.run_id, "replay"]), {f"params_{task.workflow}": text}
    )

    assert answer.status_code == 200
    assert answer.context["form"].errors


def test_the_way_back_is_an_address_and_no_name_of_one(staff_client):
    page = reverse("admin:agency_run_verb", args=[make_run().pk, "cancel"])

    assert staff_client.post(f"{page}?next=abc")["Location"] == "abc"
    assert staff_client.post(f"{page}?next=//evil.example/")["Location"].startswith("/admin/agency/run/")


def test_sign_ins_offer_no_action_that_fails(staff_client):
    page = reverse("admin:axes_accessattempt_changelist")
    AccessAttempt.objects.create(username="owner", ip_address="192.0.2.1", failures_since_start=10)

    offered = staff_client.get(page).content.decode()
    answer = staff_client.post(page, {"action": "cleanup_expired_attempts", "_selected_action": "1"})

    assert "delete_selected" in offered and "cleanup_expired" not in offered
    assert answer.status_code == 302
