"""Messages reach their receivers: once where all goes well, again where not, and never twice at once."""

import threading
import time
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Response

from agency import jobs, webhook_calls, webhook_sender, webhooks
from agency.bell_threads import BellThread
from agency.models import WebhookDelivery, WebhookEndpoint
from agency.webhook_calls import Answer
from tests.factories import make_endpoint
from tests.factories import make_webhook as make_message

pytestmark = pytest.mark.django_db
OK, BAD = Answer(200), Answer(500, "500 Internal Server Error")


@pytest.fixture(autouse=True)
def _intranet(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True


@pytest.fixture(scope="module")
def make_httpserver():
    """A server that answers others while it keeps one waiting."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def hook(httpserver):
    """The address of a receiver that answers 200."""
    httpserver.expect_request("/hook").respond_with_data("")
    return httpserver.url_for("/hook")


def verified(request, secret):
    """The message, as a receiver with the standard's library reads it."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return Webhook(secret).verify(request.get_data(), {name: request.headers[name] for name in names})


def try_now(message, answer):
    """One try of a queued message that ends with this answer."""
    WebhookDelivery.objects.filter(pk=message.pk).update(due_at=timezone.now())
    (claimed,) = webhook_sender.claim(1)
    webhook_sender.note(claimed, answer)
    message.refresh_from_db()
    return message


def pause(message):
    """Seconds from the last try to the next one."""
    return (message.due_at - datetime.fromisoformat(message.tries[-1]["at"])).total_seconds()


def test_a_message_is_delivered_signed_and_its_try_is_shown(httpserver, hook):
    endpoint = make_endpoint(hook, failures=3)
    message = make_message(endpoint)

    webhook_sender.send_due()

    ((request, _),) = httpserver.log
    assert verified(request, endpoint.secret)["type"] == "run.succeeded"
    assert (request.headers["webhook-id"], request.content_type) == (message.message_id, "application/json")
    message.refresh_from_db()
    endpoint.refresh_from_db()
    assert (message.status, message.attempts, message.lease_until) == ("delivered", 1, None)
    assert [(entry["status"], entry["error"]) for entry in message.tries] == [(200, "")]
    assert endpoint.failures == 0


def test_during_a_rotation_the_receiver_may_still_have_the_old_secret(httpserver, hook):
    endpoint = make_endpoint(hook)
    old = endpoint.secret
    make_message(webhooks.rotate_secret(endpoint))

    webhook_sender.send_due()

    request = httpserver.log[0][0]
    for secret in (old, endpoint.secret):
        assert verified(request, secret)["data"] == {"id": 1}


def test_a_message_that_fails_is_tried_ten_times_along_the_schedule_and_then_given_up(monkeypatch):
    monkeypatch.setattr(webhook_sender, "JITTER", 0)
    message = make_message()
    pauses = []

    for _ in range(9):
        assert try_now(message, BAD).status == "queued"
        pauses.append(pause(message))
    try_now(message, BAD)

    assert pauses == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert (message.status, message.attempts, len(message.tries)) == ("failed", 10, 10)
    assert {(entry["status"], entry["error"]) for entry in message.tries} == {(500, "500 Internal Server Error")}
    assert WebhookEndpoint.objects.get().failures == 1


def test_pauses_have_jitter():
    pauses = {pause(try_now(make_message(), BAD)) for _ in range(5)}

    assert len(pauses) == 5
    assert min(pauses) >= 5
    assert max(pauses) <= 6


@pytest.mark.parametrize(("asked", "given"), [(3600, 3600), (1, 5), (10_000_000, 86400)])
def test_a_receiver_that_says_when_is_asked_then_but_not_earlier_and_within_a_day(monkeypatch, asked, given):
    monkeypatch.setattr(webhook_sender, "JITTER", 0)

    message = try_now(make_message(), Answer(429, "429 Too Many Requests", retry_after=asked))

    assert pause(message) == given


def test_a_redirect_counts_as_a_failure(httpserver):
    httpserver.expect_request("/hook").respond_with_response(
        Response(status=302, headers={"Location": httpserver.url_for("/else")})
    )
    message = make_message(make_endpoint(httpserver.url_for("/hook")))

    webhook_sender.send_due()

    message.refresh_from_db()
    assert (message.status, message.tries[0]["status"], len(httpserver.log)) == ("queued", 302, 1)


def test_who_is_gone_is_not_asked_again():
    endpoint = make_endpoint()

    message = try_now(make_message(endpoint), Answer(410, "410 Gone"))

    endpoint.refresh_from_db()
    assert (message.status, message.attempts) == ("failed", 1)
    assert (endpoint.is_active, endpoint.disabled_reason) == (
        False,
        "It answered 410 Gone: it wants no more messages.",
    )


def give_up(endpoint):
    try_now(make_message(endpoint, failed_tries=9), BAD)
    endpoint.refresh_from_db()


def test_an_endpoint_is_disabled_when_five_messages_in_a_row_were_given_up():
    endpoint = make_endpoint()

    for _ in range(4):
        give_up(endpoint)
    try_now(make_message(endpoint), OK)
    for _ in range(4):
        give_up(endpoint)
    before = (endpoint.is_active, endpoint.failures)
    give_up(endpoint)

    assert before == (True, 4)
    assert (endpoint.is_active, endpoint.disabled_reason) == (
        False,
        "5 messages in a row were given up. Last: 500 Internal Server Error",
    )


def test_what_waits_for_a_disabled_endpoint_is_given_up_without_a_call(httpserver, hook):
    endpoint = make_endpoint(hook)
    message = make_message(endpoint)
    webhooks.disable(endpoint)

    webhook_sender.send_due()

    message.refresh_from_db()
    endpoint.refresh_from_db()
    assert (message.status, message.tries[0]["error"]) == ("failed", "The endpoint is disabled.")
    assert (httpserver.log, endpoint.failures) == ([], 0)


def test_an_address_that_became_private_gets_nothing_and_staff_see_why(httpserver, hook, settings):
    message = make_message(make_endpoint(hook))
    settings.WEBHOOK_ALLOW_PRIVATE = False
    settings.DEBUG = True

    webhook_sender.send_due()

    message.refresh_from_db()
    assert (message.status, message.tries[0]["error"]) == ("queued", "localhost is not on the public internet.")
    assert httpserver.log == []


def test_messages_to_one_endpoint_are_claimed_one_at_a_time_oldest_first():
    endpoint, other = make_endpoint(), make_endpoint()
    first, second = make_message(endpoint), make_message(endpoint)
    third = make_message(other)
    make_message(other, due_at=timezone.now() + timedelta(seconds=5))

    claimed = webhook_sender.claim(8)
    again = webhook_sender.claim(8)

    assert (claimed, again) == ([first, third], [])
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookDelivery.objects.filter(pk=second.pk).update(status="sending", lease_until=timezone.now())


def test_what_a_killed_sender_left_is_sent_again_under_its_id(httpserver, hook):
    message = make_message(make_endpoint(hook))
    webhook_sender.claim(1)
    WebhookDelivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    webhook_sender.send_due()
    message.refresh_from_db()
    seen = (message.status, message.tries[0]["error"])
    WebhookDelivery.objects.update(due_at=timezone.now())
    webhook_sender.send_due()

    message.refresh_from_db()
    assert seen == ("queued", "The process that sent it ended before an answer came.")
    assert (message.status, message.attempts) == ("delivered", 2)
    assert [request.headers["webhook-id"] for request, _ in httpserver.log] == [message.message_id]


def test_a_sender_that_comes_too_late_changes_nothing():
    message = make_message()
    (late,) = webhook_sender.claim(1)
    WebhookDelivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    webhook_sender.claim(1)
    WebhookDelivery.objects.update(due_at=timezone.now())
    (newer,) = webhook_sender.claim(1)

    webhook_sender.note(late, Answer(410, "410 Gone"))

    message.refresh_from_db()
    assert (message.status, message.attempts, newer.attempts) == ("sending", 2, 2)
    assert WebhookEndpoint.objects.get().is_active


def test_a_fault_of_ours_costs_a_try_and_not_the_message():
    message = make_message()
    WebhookEndpoint.objects.update(old_secrets=[{"nonsense": 1}])

    webhook_sender.send_due()

    message.refresh_from_db()
    assert (message.status, message.tries[0]["error"]) == ("queued", "It could not be sent; the log says why.")


# --- Several at once ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_message_once(httpserver):
    httpserver.expect_request("/hook").respond_with_data("")
    for number in range(5):
        endpoint = make_endpoint(httpserver.url_for(f"/hook?{number}"))
        for _ in range(4):
            make_message(endpoint)

    def send():
        webhook_sender.send_due()
        connections.close_all()

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    ids = sorted(request.headers["webhook-id"] for request, _ in httpserver.log)
    assert ids == sorted(WebhookDelivery.objects.values_list("message_id", flat=True))
    assert set(WebhookDelivery.objects.values_list("status", "attempts")) == {("delivered", 1)}


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_hangs_holds_up_its_own_messages_only(httpserver, hook, monkeypatch):
    monkeypatch.setattr(webhook_calls, "TIMEOUT", 1.5)
    is_over = threading.Event()
    httpserver.expect_request("/slow").respond_with_handler(lambda request: is_over.wait(10) and Response(""))
    slow = make_endpoint(httpserver.url_for("/slow"))
    quick = make_endpoint(hook)
    for _ in range(3):
        make_message(slow)
        make_message(quick)

    webhook_sender.send_due(seconds=0.5)
    is_over.set()

    assert list(quick.deliveries.values_list("status", flat=True)) == ["delivered"] * 3
    assert list(slow.deliveries.order_by("id").values_list("status", "attempts")) == [
        *(("queued", 1), ("queued", 0), ("queued", 0))
    ]
    assert slow.deliveries.last().tries[0]["error"] == "No answer within 1.5 s."


@pytest.mark.django_db(transaction=True)
def test_a_bell_starts_a_thread_and_the_worker_goes_on(httpserver, monkeypatch):
    httpserver.expect_request("/slow").respond_with_handler(lambda request: time.sleep(0.5) or Response(""))
    message = make_message(make_endpoint(httpserver.url_for("/slow")))
    thread = BellThread("webhooks", webhook_sender.send_due)
    monkeypatch.setattr(webhook_sender, "_thread", thread)

    began = time.monotonic()
    jobs.send_webhooks()
    jobs.send_webhooks()
    took = time.monotonic() - began
    while thread.is_at_work:
        time.sleep(0.02)

    message.refresh_from_db()
    assert took < 0.3
    assert (message.status, message.attempts, len(httpserver.log)) == ("delivered", 1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_finds_retries_whose_time_has_come_and_what_killed_senders_left(hook, monkeypatch):
    endpoint = make_endpoint(hook)
    thread = BellThread("webhooks", webhook_sender.send_due)
    monkeypatch.setattr(webhook_sender, "_thread", thread)

    def sweep():
        webhook_sender.start_if_due()
        was_started = thread.is_at_work
        while thread.is_at_work:
            time.sleep(0.02)
        return was_started

    message = make_message(endpoint, due_at=timezone.now() + timedelta(hours=1))
    too_early = sweep()
    WebhookDelivery.objects.update(due_at=timezone.now())
    in_time = sweep()
    now = timezone.now()
    left = make_message(endpoint, status="sending", attempts=1, lease_until=now - timedelta(seconds=1))
    found = sweep()
    at_rest = sweep()

    message.refresh_from_db()
    left.refresh_from_db()
    assert (too_early, in_time, found, at_rest) == (False, True, True, False)
    assert (message.status, left.status) == ("delivered", "queued")
