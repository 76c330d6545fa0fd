"""Where staff steer the agency."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from knox.models import AuthToken
from rest_framework.test import APIClient

from agency import direction_board, fulfillment_engine, quantum_state, recipes
from agency.direction_board import Step
from agency.models import (
    Artifact,
    ChimeraTask,
    Intent,
    Playbook,
    Promotion,
    Run,
    ServiceOrder,
)
from agency.work import work_off
from tests.factories import make_channel, make_gig, make_product, make_run, make_service_order, make_task

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def take(package):
    return f"{page('agency_serviceorder_take')}?package={package.pk}"


def test_every_list_and_add_page_of_the_admin_opens(staff_client):
    make_gig()
    make_product()
    quantum_state.collapse(quantum_state.superpose("Maximize profit"))
    work_off()
    opened = 0
    for model in admin.site._registry:
        answer = staff_client.get(page(f"{model._meta.app_label}_{model._meta.model_name}_changelist"))
        assert answer.status_code == 200, model
        for row in model._default_manager.all()[:1]:
            name = f"{model._meta.app_label}_{model._meta.model_name}_change"
            assert staff_client.get(page(name, row.pk)).status_code == 200, model
            opened += 1
    assert opened > 10


def test_the_front_page_shows_the_board(staff_client):
    make_task(make_run(), status="needs_human")

    answer = staff_client.get("/admin/").content.decode()

    assert "Make a wish" in answer
    assert "1 task</a>" in answer
    assert "Today $0.00" in answer


def test_the_front_page_names_what_stands_still_until_somebody_acts(staff_client):
    for status in ("queued", "revision", "ready", "awaiting_brief", "in_progress"):
        make_service_order(status=status)

    answer = staff_client.get("/admin/").content.decode()

    orders = page("agency_serviceorder_changelist")
    assert f'<a href="{orders}?status__in=queued,revision">2 orders to be worked on</a>' in answer
    assert f'<a href="{orders}?status__in=ready">1 order ready to deliver</a>' in answer
    assert f'<a href="{orders}?status__in=awaiting_brief">1 order without its brief</a>' in answer
    assert "to publish or withdraw" not in answer and "to decide" not in answer
    listed = staff_client.get(f"{orders}?status__in=queued,revision").content.decode()
    assert "2 service orders" in listed


def test_who_may_not_see_the_board_gets_a_front_page_without_it(client):
    user = User.objects.create_user("helper", password="a long pass phrase", is_staff=True)
    client.force_login(user)

    answer = client.get("/admin/").content.decode()

    assert "Make a wish" not in answer and "Earnings</a>" not in answer


def test_a_wish_is_seen_in_superposition_and_collapsed(staff_client):
    answer = staff_client.post(page("agency_intent_add"), {"statement": "Boost revenue"})
    intent = Intent.objects.get()
    assert answer["Location"] == page("agency_intent_change", intent.pk)
    shown = staff_client.get(answer["Location"]).content.decode()
    assert shown.count('name="choose"') == intent.states.count()
    assert Run.objects.count() == 0

    chosen = {"choose": ["inventory_audit", "gig_optimization"]}
    first = staff_client.post(page("agency_intent_collapse", intent.pk), chosen)
    second = staff_client.post(page("agency_intent_collapse", intent.pk), chosen)

    assert first["Location"] == second["Location"] == page("agency_run_change", Run.objects.get().pk)


def test_an_unknown_wish_is_answered_and_what_was_written_is_kept(staff_client):
    answer = staff_client.post(page("agency_intent_add"), {"statement": "Bake a cake"})

    text = answer.content.decode()
    assert "No playbook knows this wish" in text
    assert 'value="Bake a cake"' in text
    assert Intent.objects.count() == 0


def test_a_choice_of_one_pipeline_is_refused_on_the_page(staff_client):
    intent = quantum_state.superpose("Boost revenue")

    answer = staff_client.post(
        page("agency_intent_collapse", intent.pk), {"choose": ["inventory_audit"]}, follow=True
    )

    assert "at least one Sales and one Ops" in answer.content.decode()
    assert Run.objects.count() == 0


def test_a_verb_asks_first_and_is_done_once_confirmed(staff_client):
    run = quantum_state.collapse(quantum_state.superpose("Boost revenue"))
    address = page("agency_run_verb", run.pk, "cancel")

    asked = staff_client.get(address)
    run.refresh_from_db()
    assert (asked.status_code, run.status) == (200, "queued")
    staff_client.post(address)

    run.refresh_from_db()
    assert run.status == "canceled"


def test_a_refused_verb_says_why_and_changes_nothing(staff_client):
    order = make_service_order(status="awaiting_brief")

    answer = staff_client.post(page("agency_serviceorder_verb", order.pk, "accept"), follow=True)

    order.refresh_from_db()
    assert "cannot be accepted" in answer.content.decode()
    assert order.status == "awaiting_brief"


def test_an_order_is_taken_in_two_steps(staff_client):
    gig = make_gig(recipe="thumbnail", name="Thumbnails")
    package = gig.packages.get()

    first = staff_client.get(page("agency_serviceorder_take")).content.decode()
    second = staff_client.get(take(package)).content.decode()

    assert f'<a href="?package={package.pk}">Basic (Basic), $100.00</a>' in first
    assert 'name="brief_title"' in second and "Title *" in second
    assert "work, its price included, is shown" in second
    assert staff_client.get(page("agency_serviceorder_take") + "?package=9999").status_code == 404
    assert ServiceOrder.objects.count() == 0


def test_staff_take_a_real_order_and_bad_amounts_are_named(staff_client):
    package = make_gig(recipe="thumbnail").packages.get()
    make_channel()
    values = {
        "brief_title": "Ten desks",
        "external_channel": "fiverr",
        "external_order_id": "FO77",
        "external_amount": "one hundred",
        "external_currency": "usd",
        "external_client": "Ada",
    }

    refused = staff_client.post(take(package), values)
    assert refused.status_code == 200 and ServiceOrder.objects.count() == 0
    assert list(refused.context["form"].errors) == ["external_amount"]
    staff_client.post(take(package), values | {"external_amount": "100.00"})

    order = ServiceOrder.objects.get()
    assert (order.kind, order.amount_minor, order.fee_minor, order.status) == ("real", 10000, 2000, "queued")
    assert (order.currency, order.client, order.brief) == ("USD", "Ada", {"title": "Ten desks"})


def test_half_of_a_marketplace_order_is_asked_for_in_sentences(staff_client):
    package = make_gig().packages.get()

    answer = staff_client.post(take(package), {"external_order_id": "FO78", "external_currency": "USD"})

    errors = answer.context["form"].errors
    assert errors["external_channel"] == ["Say which marketplace was paid."]
    assert errors["external_amount"] == ['Give the amount that was paid there, as text like "100.00".']
    assert ServiceOrder.objects.count() == 0


def test_a_simulated_order_needs_no_marketplace_and_may_wait_for_its_brief(staff_client):
    package = make_gig(recipe="thumbnail").packages.get()

    staff_client.post(take(package), {"external_currency": "USD", "brief_showcase_consent": "on"})

    order = ServiceOrder.objects.get()
    assert (order.kind, order.status, order.showcase_consent) == ("simulated", "awaiting_brief", True)


def test_a_value_that_the_recipe_can_not_use_is_named_at_its_field(staff_client):
    package = make_gig(recipe="thumbnail").packages.get()

    answer = staff_client.post(take(package), {"brief_title": "Ten desks", "brief_brand_color": "bluish"})

    assert list(answer.context["form"].errors) == ["brief_brand_color"]
    assert ServiceOrder.objects.count() == 0


def test_a_clients_file_keeps_its_bytes(staff_client):
    package = make_gig(recipe="catalog_audit_report").packages.get()
    turkish = "Handle;Title;Variant Price\nkalem;Kurşun kalem;10\n".encode("cp1254")

    staff_client.post(take(package), {"brief_catalog_csv": SimpleUploadedFile("katalog.csv", turkish)})

    order = ServiceOrder.objects.get()
    assert recipes.brief_file(order.brief, "catalog_csv") == ("katalog.csv", turkish)
    assert order.status == "queued"


def test_a_file_that_is_no_catalog_is_refused_at_its_field(staff_client):
    package = make_gig(recipe="catalog_audit_report").packages.get()

    answer = staff_client.post(take(package), {"brief_catalog_csv": SimpleUploadedFile("a.csv", b"%PDF-1.7")})

    assert "This is not a table but a PDF." in str(answer.context["form"].errors["brief_catalog_csv"])
    assert ServiceOrder.objects.count() == 0


def test_files_of_a_brief_have_a_limit(staff_client, settings):
    settings.CATALOG_UPLOAD_MAX_BYTES = 10
    package = make_gig(recipe="catalog_audit_report").packages.get()

    answer = staff_client.post(take(package), {"brief_catalog_csv": SimpleUploadedFile("a.csv", b"x" * 11)})

    assert "More than 10 bytes." in answer.content.decode()
    assert ServiceOrder.objects.count() == 0


def test_a_brief_is_completed_field_by_field(staff_client):
    gig = make_gig(recipe="thumbnail")
    order = fulfillment_engine.take_order(gig.slug, "basic", brief={"subtitle": "Under 200", "note": ["kept"]})
    address = page("agency_serviceorder_verb", order.pk, "brief")
    assert ">Under 200</textarea>" in staff_client.get(address).content.decode().replace("\n", "")

    said = {"brief_title": "Ten desks", "brief_subtitle": "Under 200", "brief_showcase_consent": "on"}
    staff_client.post(address, said)
    staff_client.post(address, said)

    order.refresh_from_db()
    assert order.brief == {
        "subtitle": "Under 200",
        "note": ["kept"],
        "title": "Ten desks",
        "showcase_consent": True,
    }
    assert (order.status, order.showcase_consent) == ("queued", True)
    shown = staff_client.get(page("agency_serviceorder_change", order.pk)).content.decode()
    assert '<dt>Title</dt><dd class="board-text">Ten desks</dd>' in shown


def test_several_files_made_by_hand_become_one_delivery(staff_client):
    order = make_service_order(status="queued")
    address = page("agency_serviceorder_verb", order.pk, "offer")
    files = [SimpleUploadedFile("logo.svg", b"<svg/>"), SimpleUploadedFile("logo.txt", b"words")]

    staff_client.post(address, {"files": files, "message": "Here it is"})

    order.refresh_from_db()
    delivery = order.deliveries.get()
    assert order.status == "ready"
    assert sorted(a.stored.read() for a in delivery.artifacts.all()) == [b"<svg/>", b"words"]
    shown = staff_client.get(page("agency_serviceorder_change", order.pk)).content.decode()
    assert f"Delivery 1 of {order.number}" in shown
    assert shown.count("logo.") == 2 and "Here it is" in shown


def test_a_file_of_a_type_with_an_endless_name_is_delivered_all_the_same(staff_client):
    order = make_service_order(status="queued")
    file = SimpleUploadedFile("deck.key", b"slides", content_type="application/" + "x" * 100)

    staff_client.post(page("agency_serviceorder_verb", order.pk, "offer"), {"files": [file]})

    assert order.artifacts.get().content_type == "application/" + "x" * 68


def test_files_made_by_hand_are_at_least_one_and_not_too_large(staff_client, settings):
    settings.CATALOG_UPLOAD_MAX_BYTES = 10
    order = make_service_order(status="queued")
    address = page("agency_serviceorder_verb", order.pk, "offer")
    twins = [SimpleUploadedFile("a.txt", b"one"), SimpleUploadedFile("a.txt", b"two")]
    large = [SimpleUploadedFile("a.txt", b"12345"), SimpleUploadedFile("b.txt", b"123456")]

    answers = [staff_client.post(address, {"files": files}) for files in ([], large, twins)]

    told = [answer.context["form"].errors["files"][0] for answer in answers]
    assert told == ["This field is required.", "More than 10 bytes.", "Two files have the same name."]
    order.refresh_from_db()
    assert (order.status, order.deliveries.count(), order.artifacts.count()) == ("queued", 0, 0)


def test_what_the_checklist_misses_is_said_at_the_files(staff_client):
    gig = make_gig()
    gig.packages.update(checklist=[{"check": "files_at_least", "value": 2, "label": "Two files"}])
    order = make_service_order(gig, status="queued")

    answer = staff_client.post(
        page("agency_serviceorder_verb", order.pk, "offer"), {"files": [SimpleUploadedFile("a.txt", b"one")]}
    )

    assert "Two files" in answer.context["form"].errors["files"][0]
    order.refresh_from_db()
    assert order.status == "queued"


def test_work_on_an_order_is_started_once_and_seen_on_its_page(staff_client):
    gig = make_gig(recipe="thumbnail")
    order = fulfillment_engine.take_order(gig.slug, "basic", brief={"title": "Ten desks"})
    by_hand = make_service_order(status="queued")
    address = page("agency_serviceorder_verb", order.pk, "work")

    first, second = staff_client.post(address), staff_client.post(address)
    run = Run.objects.get()
    assert first["Location"] == second["Location"] == page("agency_run_change", run.pk)
    work_off()

    order.refresh_from_db()
    assert order.status == "ready"
    shown = staff_client.get(page("agency_serviceorder_change", order.pk)).content.decode()
    assert f'<a href="{page("agency_run_change", run.pk)}">Run {run.pk}: Work on {order.number}</a>' in shown
    assert address not in shown  # no button
    other = staff_client.get(page("agency_serviceorder_change", by_hand.pk)).content.decode()
    assert "Do the work now" not in other
    told = staff_client.get(page("agency_run_change", run.pk)).content.decode()
    assert f'<a href="{page("agency_serviceorder_change", order.pk)}">{order.number}</a>' in told


def test_accepting_in_the_admin_books_and_tells(staff_client):
    order = make_service_order(status="ready")

    staff_client.post(
        page("agency_serviceorder_verb", order.pk, "accept"), {"consent": "true", "quote": "Splendid – çok iyi"}
    )

    order.refresh_from_db()
    assert (order.status, order.story.quote) == ("accepted", "Splendid – çok iyi")


def test_statuses_can_not_be_edited_by_hand(staff_client):
    order = make_service_order()
    task = make_task()

    for name, row in (("serviceorder", order), ("task", task), ("run", task.run)):
        staff_client.post(page(f"agency_{name}_change", row.pk), {"status": "succeeded"})
        before = row.status
        row.refresh_from_db()
        assert row.status == before


def test_a_verb_needs_its_right(client):
    user = User.objects.create_user("editor", password="a long pass phrase", is_staff=True)
    user.groups.add(Group.objects.get(name="Catalog editors"))
    client.force_login(user)
    run = make_run()

    answer = client.post(page("agency_run_verb", run.pk, "cancel"))

    run.refresh_from_db()
    assert (answer.status_code, run.status) == (403, "queued")


def test_a_promotion_is_published_to_the_storefront_and_withdrawn(staff_client, client):
    make_gig()
    make_product()
    direction_board.open_run([Step("service_promotion")], title="Promote")
    work_off()
    promotion = Promotion.objects.get()
    assert promotion.headline not in client.get("/").content.decode()

    told = staff_client.get(page("agency_promotion_change", promotion.pk)).content.decode()
    assert f'<a href="{escape(promotion.link)}">' in told
    assert "$100.00</td>" in told and "board/board.css" in told
    assert told.count("?download=1") == promotion.task.artifacts.count() > 0

    staff_client.post(page("agency_promotion_verb", promotion.pk, "publish"))
    shown = client.get("/").content.decode()
    staff_client.post(page("agency_promotion_verb", promotion.pk, "withdraw"))

    assert promotion.headline in shown
    assert promotion.headline not in client.get("/").content.decode()


def test_a_report_is_shown_in_a_sandbox(staff_client):
    make_product()
    direction_board.open_run([Step("inventory_audit")], title="Audit")
    work_off()
    report = Artifact.objects.get(name="inventory_audit.html")

    answer = staff_client.get(page("agency_artifact_open", report.pk))
    saved = staff_client.get(page("agency_artifact_open", report.pk) + "?download=1")

    assert answer["Content-Security-Policy"].startswith("sandbox;")
    assert answer["Content-Disposition"].startswith("inline")
    assert saved["Content-Disposition"].startswith("attachment")


def test_staff_edit_playbooks(staff_client):
    playbook = Playbook.objects.get(slug="health-check")
    form = staff_client.get(page("agency_playbook_change", playbook.pk)).context["adminform"].form
    steps = list(playbook.steps.all())
    values = {
        **form.initial,
        "phrases": "Bake a cake",
        "steps-TOTAL_FORMS": len(steps),
        "steps-INITIAL_FORMS": len(steps),
    }
    for number, step in enumerate(steps):
        values |= {
            f"steps-{number}-id": step.pk,
            f"steps-{number}-playbook": playbook.pk,
            f"steps-{number}-workflow": step.workflow,
            f"steps-{number}-weight": step.weight,
            f"steps-{number}-is_chosen": "on",
            f"steps-{number}-params": "{}",
        }

    answer = staff_client.post(page("agency_playbook_change", playbook.pk), values)

    assert answer.status_code == 302
    assert quantum_state.superpose("bake a cake").playbook == playbook


def test_a_bot_run_is_seen_in_the_chimera_log(staff_client):
    direction_board.open_run([Step("fiverr_bot")], title="Bot")
    work_off()

    text = staff_client.get(page("agency_chimeratask_changelist")).content.decode()

    assert ChimeraTask.objects.filter(agent="Fiverr Bot").count() == 1
    assert "Fiverr Bot" in text


def test_a_token_is_shown_once_opens_the_api_and_is_revoked(staff_client, staff):
    helper = User.objects.create_user("helper", password="a long pass phrase")

    made = staff_client.post(page("knox_authtoken_add"), {"user": helper.pk, "days": "30"})
    token = made.context["token"]
    row = AuthToken.objects.get()

    assert token in made.content.decode() and "never again" in made.content.decode()
    assert (row.user, row.expiry.date()) == (helper, (timezone.now() + timedelta(days=30)).date())
    listed = staff_client.get(page("knox_authtoken_changelist")).content.decode()
    assert row.token_key in listed and token not in listed
    history = staff_client.get("/admin/").content.decode()
    assert f"API token {row.token_key}…" in history
    api = APIClient(headers={"Authorization": f"Token {token}"})
    assert api.get("/api/v1/portfolio").status_code == 200
    staff_client.post(page("knox_authtoken_delete", row.pk), {"post": "yes"})
    assert api.get("/api/v1/portfolio").status_code == 401


def test_only_an_owner_makes_tokens_of_others(client, staff):
    user = User.objects.create_user("editor", password="a long pass phrase", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="knox"))
    client.force_login(user)

    refused = client.post(page("knox_authtoken_add"), {"user": staff.pk})
    made = client.post(page("knox_authtoken_add"), {"user": user.pk})

    assert list(refused.context["form"].errors) == ["user"]
    assert AuthToken.objects.get().user == user and made.context["made"].expiry is None


def test_the_machinery_stands_last_under_names_that_people_know(staff_client):
    names = [app["name"] for app in staff_client.get("/admin/").context["available_apps"]]

    assert names[-4:] == ["Background jobs", "API tokens", "Users and groups", "Sign-ins"]
    assert set(names[:-4]) == {"Agency", "Earnings", "Storefront"}


def test_schedules_that_would_never_run_can_not_be_added(staff_client):
    answer = staff_client.get("/admin/").content.decode()

    assert "/admin/agency/schedule/add/" in answer
    assert "/admin/django_q/schedule/" not in answer
    assert staff_client.get("/admin/django_q/schedule/add/").status_code == 404


@pytest.mark.parametrize("where", ["agency_intent_add", "agency_schedule_add"])
def test_an_empty_wish_field_says_what_can_be_wished(staff_client, where):
    answer = staff_client.get(page(where)).content.decode()

    assert "The board knows: “Boost revenue”, “Fulfill orders”" in answer


def test_every_page_of_the_admin_has_the_shops_icon(staff_client):
    assert 'href="/static/favicon.svg"' in staff_client.get("/admin/").content.decode()
