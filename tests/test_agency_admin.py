"""Where staff steer the agency."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse

from agency import direction_board, fulfillment_engine, quantum_state
from agency.direction_board import Step
from agency.models import (
    Artifact,
    ChimeraTask,
    Intent,
    Playbook,
    Promotion,
    Run,
    ServiceOrder,
    Task,
)
from agency.work import work_off
from tests.factories import make_channel, make_gig, make_product, make_run, make_service_order, make_task

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


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


def test_the_live_part_of_a_run_refreshes_until_it_ends(staff_client):
    run = quantum_state.collapse(quantum_state.superpose("Boost revenue"))

    during = staff_client.get(page("agency_run_live", run.pk)).content.decode()
    direction_board.cancel(run)
    after = staff_client.get(page("agency_run_live", run.pk)).content.decode()

    assert 'hx-trigger="every 1s"' in during
    assert "hx-trigger" not in after and "Canceled" in after


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


def test_staff_take_a_real_order_and_bad_amounts_are_named(staff_client):
    gig = make_gig(recipe="thumbnail")
    make_channel()
    values = {
        "package": gig.packages.get().pk,
        "brief": '{"title": "Ten desks"}',
        "channel": "fiverr",
        "order_id": "FO77",
        "amount": "one hundred",
        "currency": "USD",
    }

    refused = staff_client.post(page("agency_serviceorder_take"), values)
    assert refused.status_code == 200 and ServiceOrder.objects.count() == 0
    assert "errorlist" in refused.content.decode()
    staff_client.post(page("agency_serviceorder_take"), values | {"amount": "100.00"})

    order = ServiceOrder.objects.get()
    assert (order.kind, order.amount_minor, order.fee_minor, order.status) == ("real", 10000, 2000, "queued")


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


def test_what_waits_for_a_person_is_a_queue(staff_client):
    gig = make_gig(recipe="thumbnail", requirements=[{"name": "title", "label": "Title", "required": True}])
    order = fulfillment_engine.take_order(gig.slug, "basic")
    direction_board.open_run([Step("fiverr_bot", {"service_order": order.pk})], title="Bot")
    work_off()

    text = staff_client.get(page("agency_task_changelist") + "?status__exact=needs_human").content.decode()

    assert Task.objects.filter(status="needs_human").count() == 1
    assert "Title is missing" in text
