"""The board's pages in the admin, in a real browser: they follow what happens, whatever of it works."""

import re
import time
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from agency import streams
from agency.models import Attempt, Breaker, Event, Run, Task
from earnings.statements import booking
from tests.factories import make_endpoint, make_run, make_task, make_webhook
from tests.test_browser_pages import axe, browser_type_launch_args, scheme  # noqa: F401  fixtures
from tests.test_statements import load, make_format

# The other legs read this file without having the browser's tools.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def address(name, *args):
    return reverse(f"admin:{name}", args=args)


@pytest.fixture
def signed_in(live_server, client, staff, new_context):
    """Opens browser contexts in which the owner is signed in."""
    client.force_login(staff)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}

    def open_context(**options):
        context = new_context(base_url=live_server.url, **options)
        context.add_cookies([cookie])
        return context

    return open_context


def working_run():
    now = timezone.now()
    run = make_run(title="Seen", status="running", restart_of=make_run(status="failed"), origin="resumed")
    lease = {"claimed_at": now, "lease_until": now + timedelta(hours=1)}
    progress = {"progress_done": 3, "progress_total": 10, "progress_message": "pages"}
    make_task(
        run, workflow="inventory_audit", status="running", attempts=1, subject="catalog", **lease, **progress
    )
    asking = make_task(
        run,
        workflow="service_promotion",
        status="needs_human",
        attempts=2,
        waiting_on="Publish the promotion?",
        expires_at=now + timedelta(hours=70),
        result={"message": "drafted"},
    )
    Attempt.objects.create(
        task=asking,
        number=1,
        worker="w",
        started_at=now,
        outcome="failed",
        error="No ink",
        traceback="line 7\n" * 9,
    )
    make_task(run, workflow="gig_optimization")
    Breaker.objects.create(workflow="gig_optimization", failures=5, opened_at=now)
    happen(run, 40)
    return run


def happen(run, count=1):
    for _ in range(count):
        with transaction.atomic():
            Event.record(run.pk, "test.event", "something happened")
    return Run.objects.get(pk=run.pk).event_count


def end(run):
    with transaction.atomic():
        Task.objects.filter(run=run).update(status="succeeded", asked_at=None, finished_at=timezone.now())
        Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now())
        Event.record(run.pk, "run.succeeded", "The run ended: succeeded")


def numbers(page):
    return [int(item.get_attribute("value")) for item in page.locator("#events li").all()]


def follows(page, how):
    expect(page.locator("#live")).to_have_attribute("data-follows", how)


def test_a_runs_page_shows_what_happens_at_once_and_its_buttons_change_at_the_end(signed_in):
    run = working_run()
    page = signed_in().new_page()
    page.goto(address("agency_run_change", run.pk))
    follows(page, "stream")

    last = happen(run)
    expect(page.locator(f'#events li[value="{last}"]')).to_be_visible(timeout=1500)
    assert numbers(page) == list(range(last, 0, -1))
    end(run)
    expect(page.get_by_role("link", name="Cancel", exact=True)).to_have_count(0)

    follows(page, "no more")
    expect(page.locator("#live .board-status").first).to_have_text("Succeeded")
    expect(page.locator("#live-said")).to_have_text("Succeeded. The run ended: succeeded")
    assert numbers(page) == list(range(last + 1, 0, -1))
    assert streams.places.taken == 0


def test_nothing_is_missed_or_doubled_while_the_stream_breaks_again_and_again(signed_in, monkeypatch):
    monkeypatch.setattr(streams, "LONGEST", 0.2)
    run = make_run()
    page = signed_in().new_page()
    page.goto(address("agency_run_change", run.pk))

    for _ in range(60):
        happen(run)
        page.wait_for_timeout(60)
    end(run)

    follows(page, "no more")
    expect(page.locator("#events li")).to_have_count(61)
    assert numbers(page) == list(range(61, 0, -1))


def test_the_focus_stays_though_news_come_before_the_last_have_settled(signed_in):
    run = working_run()
    page = signed_in().new_page()
    page.goto(address("agency_run_change", run.pk))
    follows(page, "stream")
    page.evaluate("htmx.config.defaultSettleDelay = 2000")
    link = page.get_by_role("link", name="gig_optimization", exact=True)
    link.focus()

    for _ in range(2):
        last = happen(run)
        expect(page.locator(f'#events li[value="{last}"]')).to_have_count(1)

    expect(link).to_be_focused()


def test_what_a_person_opened_and_focused_stays_so(signed_in):
    run = working_run()
    page = signed_in().new_page()
    page.goto(address("agency_run_change", run.pk))
    follows(page, "stream")
    page.get_by_text("attempt 1: failed").click()
    link = page.get_by_role("link", name="gig_optimization", exact=True)
    link.focus()
    page.evaluate("document.getElementById('events').scrollTop = 50")

    last = happen(run)
    expect(page.locator(f'#events li[value="{last}"]')).to_have_count(1)

    expect(link).to_be_focused()
    expect(page.get_by_text("line 7")).to_be_visible()
    assert page.evaluate("document.getElementById('events').scrollTop") == 50
    cancel = page.get_by_role("link", name="Cancel", exact=True)
    cancel.focus()
    last = happen(run)
    expect(page.locator(f'#events li[value="{last}"]')).to_have_count(1)
    expect(cancel).to_be_focused()


@pytest.mark.parametrize("lost", ["window.fetch = undefined", "window.TextDecoderStream = undefined"])
def test_a_browser_that_can_not_stream_looks_every_second(signed_in, lost):
    run = working_run()
    page = signed_in().new_page()
    page.add_init_script(lost)
    page.goto(address("agency_run_change", run.pk))
    follows(page, "clock")

    last = happen(run)

    expect(page.locator(f'#events li[value="{last}"]')).to_have_count(1)
    end(run)
    expect(page.get_by_role("link", name="Cancel", exact=True)).to_have_count(0)


def test_a_page_without_a_place_looks_every_second(signed_in, staff):
    run = working_run()
    taken = [streams.respond(run, 0, f"user {number}") for number in range(streams.PLACES)]
    page = signed_in().new_page()
    page.goto(address("agency_run_change", run.pk))
    follows(page, "clock")

    last = happen(run)
    expect(page.locator(f'#events li[value="{last}"]')).to_have_count(1)
    end(run)
    expect(page.get_by_role("link", name="Cancel", exact=True)).to_have_count(0)

    for answer in taken:
        answer.close()


def test_progress_is_seen_though_it_is_no_event(signed_in):
    run = working_run()
    page = signed_in().new_page()
    page.goto(address("agency_run_change", run.pk))
    follows(page, "stream")

    Task.objects.filter(run=run, workflow="inventory_audit").update(progress_done=4)

    expect(page.get_by_text("4/10 pages")).to_be_visible()
    expect(page.locator("#live")).to_have_attribute("data-follows", "stream")


def test_a_closed_page_gives_its_place_back(signed_in):
    run = working_run()
    page = signed_in().new_page()
    page.goto(address("agency_run_change", run.pk))
    follows(page, "stream")
    assert streams.places.taken == 1

    page.goto(address("index"))
    happen(run, 2)

    until = time.monotonic() + 10
    while streams.places.taken and time.monotonic() < until:
        happen(run)
        page.wait_for_timeout(100)
    assert streams.places.taken == 0


def test_without_javascript_a_run_is_reloaded_by_hand(signed_in):
    run = working_run()
    page = signed_in(java_script_enabled=False).new_page()
    page.goto(address("agency_run_change", run.pk))
    last = happen(run)

    page.get_by_role("link", name="Reload").click()

    assert numbers(page)[0] == last


def test_the_queue_is_worked_down_by_keyboard(signed_in):
    run = working_run()
    task = run.tasks.get(workflow="service_promotion")
    page = signed_in().new_page()
    page.goto(address("agency_task_waiting"))

    page.get_by_role("link", name=f"Reject: {task}").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Reason").fill("Not now")
    page.get_by_role("button", name="Reject").focus()
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(re.escape(address("agency_task_waiting"))))
    expect(page.get_by_text("Nothing waits for a person.")).to_be_visible()
    task.refresh_from_db()
    assert (task.status, task.error) == ("failed", "Not now")


def pages_of(run):
    task = run.tasks.get(workflow="service_promotion")
    looked_at, booked = (
        booking.upload(load("etsy_statement"), "e.csv"),
        booking.upload(load("gumroad_payout"), "g.csv"),
    )
    booking.book(booked)
    tried = [{"at": "2026-03-01T10:00:00+00:00", "status": 500, "ms": 35, "error": "The receiver answered 500."}]
    told = make_webhook(make_endpoint(f"https://a.example/{'x' * 80}"), status="failed", attempts=1, tries=tried)
    layout = make_format(header=["Buchung", "Vorgang", "Text", "Betrag", "Gebühr", "Netto"])
    return {
        "front": address("index"),
        "service": address("agency_gig_add"),
        "catalog import": address("storefront_catalogimport_add"),
        "run": address("agency_run_change", run.pk),
        "task": address("agency_task_change", task.pk),
        "task that goes on": address("agency_task_change", run.tasks.get(workflow="inventory_audit").pk),
        "tasks": address("agency_task_changelist"),
        "queue": address("agency_task_waiting"),
        "reject": address("agency_task_verb", task.pk, "reject"),
        "cancel": address("agency_run_verb", run.pk, "cancel"),
        "statement, looked at": address("earnings_statementimport_change", looked_at.pk),
        "statement, booked": address("earnings_statementimport_change", booked.pk),
        "statement, upload": address("earnings_statementimport_add"),
        "statement, reverse": address("earnings_statementimport_verb", booked.pk, "reverse"),
        "webhook": address("agency_webhookendpoint_change", told.endpoint_id),
        "webhook, new": address("agency_webhookendpoint_add"),
        "webhook, message": address("agency_webhookdelivery_change", told.pk),
        "webhook, messages": address("agency_webhookdelivery_changelist"),
        "channel": address("earnings_channel_change", "fiverr"),
        "statement formats": address("earnings_statementformat_change", layout.pk),
        "statement formats, new": address("earnings_statementformat_add"),
    }


@pytest.mark.parametrize("width", [360, 1280])
def test_the_boards_pages_are_accessible_whole_and_silent(signed_in, scheme, axe, width):  # noqa: F811
    run = working_run()
    context = signed_in(color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 800})
    wrong = {}
    for name, where in pages_of(run).items():
        page, said = context.new_page(), []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.goto(where)
        page.wait_for_timeout(300)
        for details in page.locator("#content details").all():
            details.evaluate("details => details.open = true")
        heard = list(said)  # axe's own stylesheets break the policy, later
        results = axe.run(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if heard or results.violations_count or wide > width:
            wrong[name] = (heard, results.generate_report(), wide)
        page.close()

    assert wrong == {}
