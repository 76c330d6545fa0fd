"""Tasks in the admin: what waits for a person, and what each attempt came to."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from agency import direction_board, fulfillment_engine
from agency.direction_board import Step
from agency.models import Attempt, Task
from agency.templatetags.board import with_pages
from agency.work import work_off
from tests.factories import make_gig, make_run, make_task

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def shown(client, name, *args):
    return " ".join(client.get(page(name, *args)).content.decode().split())


def person(username, *rights, groups=()):
    user = User.objects.create_user(username, password="a long pass phrase", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def asking(**fields):
    return make_task(**({"status": "needs_human", "waiting_on": "Look at it"} | fields))


def test_what_waits_for_a_person_is_a_queue(staff_client):
    gig = make_gig(recipe="thumbnail", requirements=[{"name": "title", "label": "Title", "required": True}])
    order = fulfillment_engine.take_order(gig.slug, "basic")
    direction_board.open_run([Step("fiverr_bot", {"service_order": order.pk})], title="Bot")
    work_off()
    task = Task.objects.get(status="needs_human")

    text, front = shown(staff_client, "agency_task_waiting"), shown(staff_client, "index")

    assert "1 task, the longest wait first" in text
    assert (
        f'<div class="board-asks">{escape(task.waiting_on)}</div>' in text
        and "Title is missing" in task.waiting_on
    )
    order_link = f'<a href="{page("agency_serviceorder_change", order.pk)}">{order.number}</a>'
    assert order_link in text and order_link in shown(staff_client, "agency_task_change", task.pk)
    assert f'<a href="{page("agency_run_change", task.run_id)}">{task.run}</a>' in text
    assert f'<a href="{page("agency_task_waiting")}">1 task</a>' in front
    listed = shown(staff_client, "agency_task_changelist")
    assert f'<a href="{page("agency_task_waiting")}">Waiting for a person</a>' in listed


def test_an_empty_queue_says_so(staff_client):
    make_task(status="queued")

    assert "Nothing waits for a person." in shown(staff_client, "agency_task_waiting")


def test_the_longest_wait_stands_first_with_since_and_until_when(staff_client):
    now = timezone.now()
    new = asking(asked_at=now - timedelta(minutes=5, seconds=5))
    old = asking(
        asked_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        expires_at=now + timedelta(hours=3, minutes=1),
        status="waiting",
        asked_of="agency.approve_task",
    )

    text = shown(staff_client, "agency_task_waiting")

    assert text.index(page("agency_task_change", old.pk)) < text.index(page("agency_task_change", new.pk))
    assert '<time datetime="2026-01-02T03:04:00+00:00">Jan. 2, 2026, 3:04 a.m.</time>' in text
    assert "5 minutes ago" in text.replace("\xa0", " ")
    assert "3 hours from now" in text.replace("\xa0", " ") and text.count("no end") == 1


def test_the_queue_says_who_may_decide(staff_client):
    person("in-a-group", groups=["Operators"])
    person("by-name", "approve_task")
    person("bystander", "view_task")
    asking()

    text = shown(staff_client, "agency_task_waiting")

    decides = text[text.index('data-label="Who decides"') : text.index('data-label="Since"')]
    assert "Can approve or reject what waits for a person" in decides
    assert "<li>group Operators</li>" in decides
    people = [name for name in ("by-name", "in-a-group", "owner", "bystander") if f"<li>{name}</li>" in decides]
    assert people == ["by-name", "in-a-group", "owner"]


def test_a_crowd_that_may_decide_is_counted(staff_client):
    for number in range(6):
        person(f"person-{number}", "approve_task")
    asking()

    text = shown(staff_client, "agency_task_waiting")

    assert text.count("<li>person-") == 4 and "<li>owner</li>" in text and "<li>and 2 more</li>" in text


def test_only_who_has_the_asked_right_gets_buttons_and_may_answer(client):
    task = asking(asked_of="earnings.view_earning")
    client.force_login(person("approver", "view_task", "approve_task"))
    queue = shown(client, "agency_task_waiting")
    approve = page("agency_task_verb", task.pk, "approve")

    refused = client.post(approve)
    task.refresh_from_db()
    assert (refused.status_code, task.status) == (403, "needs_human")
    assert approve not in queue and "for somebody else" in queue
    client.post(page("agency_task_changelist"), {"action": "approve", "_selected_action": [task.pk], "yes": "yes"})
    task.refresh_from_db()
    assert task.status == "needs_human"

    client.force_login(person("accountant", "view_task", "view_earning"))
    assert approve in shown(client, "agency_task_waiting")
    client.post(approve)
    task.refresh_from_db()
    assert task.status == "queued"


def test_who_answered_comes_back_to_the_queue(staff_client):
    task, other = asking(), asking()
    queue = page("agency_task_waiting")

    answered = staff_client.post(f"{page('agency_task_verb', task.pk, 'approve')}?next={queue}%3Fpage%3D1")
    astray = staff_client.post(f"{page('agency_task_verb', other.pk, 'approve')}?next=https://elsewhere.example/")

    assert answered["Location"] == f"{queue}?page=1"
    assert astray["Location"] == page("agency_task_change", other.pk)


def test_a_rejection_keeps_its_reason(staff_client):
    task = asking()
    address = page("agency_task_verb", task.pk, "reject")

    unsaid = staff_client.post(address, {"reason": ""})
    staff_client.post(address, {"reason": "Wrong client"})

    task.refresh_from_db()
    assert list(unsaid.context["form"].errors) == ["reason"]
    assert (task.status, task.error, task.asked_at) == ("failed", "Wrong client", None)


def test_a_long_queue_has_pages_and_asks_the_database_no_more(staff_client, django_assert_max_num_queries):
    for _ in range(26):
        asking()

    with django_assert_max_num_queries(12):
        first = shown(staff_client, "agency_task_waiting")
    second = " ".join(staff_client.get(page("agency_task_waiting") + "?page=2").content.decode().split())

    assert (first.count('class="board-asks"'), second.count('class="board-asks"')) == (25, 1)
    assert "Page 1 of 2" in first and '<a href="?page=2">Next</a>' in first
    assert '<a href="?page=1">Previous</a>' in second


def test_a_task_shows_what_it_was_given_and_what_came_of_it(staff_client):
    task = make_task(
        params={"name": "ölçüm <b>"}, draft={"half": 1}, result={"message": "done", "rows": [1, 2]}, error="No ink"
    )

    text = staff_client.get(page("agency_task_change", task.pk)).content.decode()

    assert "&quot;name&quot;: &quot;ölçüm &lt;b&gt;&quot;" in text
    assert "<h2>Draft</h2>" in text and "&quot;half&quot;: 1" in text
    assert "&quot;rows&quot;: [\n    1,\n    2\n  ]" in text and "No ink</p>" in text


def test_a_large_result_is_cut_and_says_so(staff_client):
    task = make_task(result={"text": "x" * 20_000})

    text = staff_client.get(page("agency_task_change", task.pk)).content.decode()

    assert "… and 16 more characters; the API has all of it" in text


def test_attempts_are_told_with_worker_time_error_and_traceback(staff_client):
    task = make_task(attempts=2, status="failed")
    began = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    for number, seconds in ((1, 0.34), (2, 125)):
        Attempt.objects.create(
            task=task,
            number=number,
            worker=f"host:{number}",
            started_at=began,
            finished_at=began + timedelta(seconds=seconds),
            outcome="failed",
            error=f"Error <{number}>",
            traceback="Traceback:\n  line 7" if number == 2 else "",
        )

    text = shown(staff_client, "agency_task_change", task.pk)

    assert text.index("host:2") < text.index("host:1")
    assert ">0.3 s</td>" in text and ">2 min 5 s</td>" in text
    assert "Error &lt;1&gt;" in text and text.count("<summary>Traceback</summary>") == 1
    assert "Traceback: line 7</pre>" in text and "goes on" not in text


def test_the_attempt_that_goes_on_is_shown_with_its_progress(staff_client):
    now = timezone.now()
    task = make_task(
        status="running",
        attempts=3,
        worker="host:7",
        claimed_at=now - timedelta(hours=1, minutes=2),
        lease_until=now + timedelta(seconds=20),
        progress_done=3,
        progress_total=10,
        progress_message="pages",
    )

    text = shown(staff_client, "agency_task_change", task.pk)

    assert '<th scope="row">3</th> <td data-label="Outcome"> goes on' in text
    assert '<progress max="10" value="3" aria-label="Progress"></progress> 3/10 pages' in text
    assert ">host:7</td>" in text and "1 h 2 min so far" in text and "lease until" in text


def test_a_task_without_a_try_says_so(staff_client):
    assert "None yet." in shown(staff_client, "agency_task_change", make_task(make_run()).pk)


def test_pages_of_the_admin_that_a_question_names_are_links_and_nothing_else_is():
    asked = with_pages("<b> List a service (/admin/agency/gig/) or (/admin/?x) or (https://a.example/).")

    assert asked == (
        '&lt;b&gt; List a service (<a href="/admin/agency/gig/">/admin/agency/gig/</a>) or (/admin/?x) or '
        "(https://a.example/)."
    )
