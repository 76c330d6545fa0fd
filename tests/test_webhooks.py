"""What other programs are told, and the endpoints that they are told at."""

import json
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.models import OrmQ

from agency import fulfillment_engine, webhooks
from agency.models import ServiceOrder, WebhookDelivery, WebhookEndpoint
from earnings.refusals import Refusal
from tests.factories import make_channel, make_endpoint, make_gig, make_run, make_service_order, make_task
from tests.factories import make_webhook as make_message
from tests.test_webhook_addresses import resolves_to

pytestmark = pytest.mark.django_db
URL = "https://receiver.example/hook"


@pytest.fixture
def on_the_internet(monkeypatch):
    resolves_to(monkeypatch, ["93.184.215.14"])


def told():
    return list(WebhookDelivery.objects.order_by("id").values_list("event_type", flat=True))


# --- What is told ---------------------------------------------------------------------------------------


def test_a_run_that_ended_is_told_with_its_id_status_title_and_address_and_nothing_else(settings):
    settings.PUBLIC_URL = "https://shop.example"
    run = make_run(title="Boost revenue")
    endpoint = make_endpoint()

    webhooks.announce_run(run.pk, "succeeded")

    message = WebhookDelivery.objects.get()
    body = json.loads(message.body)
    assert (message.endpoint, message.event_type, message.status) == (endpoint, "run.succeeded", "queued")
    assert body == {
        "type": "run.succeeded",
        "timestamp": message.created_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "id": run.pk,
            "url": f"https://shop.example/api/v1/runs/{run.pk}",
            "status": "succeeded",
            "title": "Boost revenue",
        },
    }


def test_a_task_that_waits_for_a_person_is_told():
    make_endpoint()
    task = make_task(status="needs_human", workflow="fiverr_bot")

    webhooks.announce_task(task, "needs_human")

    assert told() == ["task.needs_human"]
    data = json.loads(WebhookDelivery.objects.get().body)["data"]
    assert (data["id"], data["run"], data["workflow"]) == (task.pk, task.run_id, "fiverr_bot")


def test_where_nobody_listens_it_costs_one_query(django_assert_num_queries):
    run = make_run()
    make_endpoint(is_active=False)

    with django_assert_num_queries(1):
        webhooks.announce_run(run.pk, "succeeded")

    assert told() == []


def test_each_active_endpoint_gets_the_types_that_it_asked_for_under_one_id():
    every, some = make_endpoint(), make_endpoint(events=["run.failed", "run.partial"])
    make_endpoint(is_active=False)

    webhooks.announce("run.succeeded", {})
    webhooks.announce("run.failed", {})

    rows = WebhookDelivery.objects.order_by("id").values_list("endpoint", "event_type")
    assert list(rows) == [(every.pk, "run.succeeded"), (every.pk, "run.failed"), (some.pk, "run.failed")]
    ids = WebhookDelivery.objects.filter(event_type="run.failed").values_list("message_id", flat=True)
    assert len(set(ids)) == 1


def test_what_did_not_happen_is_not_told():
    make_endpoint()

    with pytest.raises(RuntimeError), transaction.atomic():
        webhooks.announce("run.succeeded", {})
        raise RuntimeError

    assert told() == []


def test_a_bell_rings_on_commit_once_for_many_messages(django_capture_on_commit_callbacks):
    make_endpoint()

    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(20):
            webhooks.announce("run.succeeded", {})

    assert (len(told()), OrmQ.objects.count()) == (20, 1)


def test_the_whole_life_of_a_service_order_is_told_without_the_client_and_the_brief():
    make_endpoint()
    make_channel()
    gig = make_gig("logo", requirements=[{"name": "title", "label": "Title", "required": True}])
    paid = {"channel": "fiverr", "order_id": "FO1", "amount": "100.00", "currency": "USD", "client": "Jane Doe"}

    take = partial(fulfillment_engine.take_order, "logo", "basic", external=paid)
    order = take()
    take()
    fulfillment_engine.set_requirements(order, {"title": "Secret plans"})
    fulfillment_engine.set_requirements(order, {"title": "More secret plans"})
    fulfillment_engine.hold(order)
    fulfillment_engine.hold(order)
    fulfillment_engine.resume(order)
    fulfillment_engine.start(order)
    fulfillment_engine.start(order)
    fulfillment_engine.offer(order, [], checks=[])
    fulfillment_engine.deliver(order)
    fulfillment_engine.request_revision(order, "Bigger")
    fulfillment_engine.start(order)
    fulfillment_engine.offer(order, [], checks=[])
    fulfillment_engine.accept(order)
    fulfillment_engine.accept(order)

    assert gig.slug == "logo"
    assert [event.removeprefix("service_order.") for event in told()] == [
        *("awaiting_brief", "queued", "on_hold", "queued", "in_progress", "ready", "delivered", "revision"),
        *("in_progress", "ready", "accepted"),
    ]
    bodies = " ".join(WebhookDelivery.objects.values_list("body", flat=True))
    assert "Jane" not in bodies
    assert "ecret" not in bodies
    assert json.loads(WebhookDelivery.objects.first().body)["data"] == {
        "id": order.pk,
        "url": f"http://127.0.0.1:8000/api/v1/service-orders/{order.pk}",
        "status": "accepted",
        "number": order.number,
    }


def test_a_canceled_order_and_one_that_needs_another_brief_are_told_once():
    make_endpoint()
    order = make_service_order(status="queued")

    fulfillment_engine.await_brief(order, "Which color?")
    fulfillment_engine.await_brief(order, "Which color?")
    fulfillment_engine.cancel(order)
    fulfillment_engine.cancel(order)

    assert told() == ["service_order.awaiting_brief", "service_order.canceled"]


def test_every_status_of_an_order_has_an_event_type():
    assert {f"service_order.{status}" for status in ServiceOrder.Status} <= set(webhooks.EVENT_TYPES)


# --- Endpoints --------------------------------------------------------------------------------------------


def test_an_endpoint_starts_active_with_a_secret_of_its_own(on_the_internet, staff):
    endpoint = webhooks.add_endpoint(URL, events=["run.failed", "run.failed"], description="CRM", user=staff)

    assert (endpoint.url, endpoint.events, endpoint.is_active) == (URL, ["run.failed"], True)
    assert endpoint.secret.startswith("whsec_")
    assert endpoint.created_by == staff


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
def test_a_private_address_is_refused_when_it_is_saved(monkeypatch, ip):
    resolves_to(monkeypatch, ["93.184.215.14"], [ip])
    endpoint = webhooks.add_endpoint(URL)

    for verb in (webhooks.add_endpoint, partial(webhooks.change_endpoint, endpoint)):
        with pytest.raises(Refusal) as refused:
            verb(url="https://inside.example/")
        assert refused.value.status == 422
        assert refused.value.errors == [
            {"pointer": "/url", "detail": "inside.example is not on the public internet."}
        ]

    assert list(WebhookEndpoint.objects.values_list("url", flat=True)) == [URL]


def test_an_event_that_is_none_of_ours_is_refused_by_name(on_the_internet):
    with pytest.raises(Refusal) as refused:
        webhooks.add_endpoint(URL, events=["run.failed", "run.flies"])

    assert refused.value.errors[0]["pointer"] == "/events"
    assert refused.value.errors[0]["detail"].startswith("There is no event run.flies. Known: run.succeeded, ")
    assert WebhookEndpoint.objects.count() == 0


def test_an_address_has_one_endpoint_until_that_is_removed(on_the_internet):
    first, other = webhooks.add_endpoint(URL), webhooks.add_endpoint(f"{URL}/other")

    for verb in (webhooks.add_endpoint, partial(webhooks.change_endpoint, other)):
        with pytest.raises(Refusal) as refused:
            verb(url=URL)
        assert (refused.value.status, refused.value.errors[0]["pointer"]) == (409, "/url")
    webhooks.remove(webhooks.remove(first))
    again = webhooks.add_endpoint(URL)

    first.refresh_from_db()
    assert (first.is_active, first.secret, first.old_secrets) == (False, "", [])
    assert list(WebhookEndpoint.objects.present()) == [other, again]


def test_a_removed_endpoint_stays_removed(on_the_internet):
    endpoint = webhooks.remove(make_endpoint())

    webhooks.enable(endpoint)
    webhooks.rotate_secret(endpoint)
    webhooks.change_endpoint(endpoint, description="back")

    assert (endpoint.is_active, endpoint.secret, endpoint.description) == (False, "", "")


def test_what_is_not_given_stays_as_it_is(on_the_internet):
    endpoint = make_endpoint(URL, events=["run.failed"], description="CRM")

    webhooks.change_endpoint(endpoint, events=[])

    assert (endpoint.url, endpoint.events, endpoint.description) == (URL, [], "CRM")


def test_enabling_begins_with_a_clean_record():
    endpoint = make_endpoint(failures=4)

    webhooks.disable(endpoint, "It was gone.")
    webhooks.disable(endpoint, "Another reason.")
    disabled = (endpoint.is_active, endpoint.disabled_reason)
    webhooks.enable(endpoint)

    assert disabled == (False, "It was gone.")
    assert (endpoint.is_active, endpoint.disabled_reason, endpoint.failures) == (True, "", 0)


def test_old_secrets_sign_for_24_hours_after_their_rotation():
    endpoint = make_endpoint()
    first = endpoint.secret

    second = webhooks.rotate_secret(endpoint).secret
    third = webhooks.rotate_secret(endpoint).secret

    now = timezone.now()
    assert len({first, second, third}) == 3
    assert webhooks.secrets_of(endpoint, now) == [third, second, first]
    assert webhooks.secrets_of(endpoint, now + timedelta(hours=24)) == [third]


def test_two_rotations_at_once_are_one():
    endpoint = make_endpoint()
    stale = WebhookEndpoint.objects.get()

    new = webhooks.rotate_secret(endpoint).secret

    assert webhooks.rotate_secret(stale).secret == new
    assert len(stale.old_secrets) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": ""},
        {"secret": "plain"},
        {"disabled_reason": "but active"},
        {"removed_at": timezone.now()},
    ],
)
def test_the_database_refuses_endpoints_that_contradict_themselves(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_endpoint(**wrong)


# --- Messages ---------------------------------------------------------------------------------------------


def test_a_test_message_goes_to_its_endpoint_alone_whatever_that_listens_to(django_capture_on_commit_callbacks):
    endpoint = make_endpoint(events=["run.failed"])
    make_endpoint()

    with django_capture_on_commit_callbacks(execute=True):
        message = webhooks.send_test(endpoint)

    assert (told(), message.endpoint) == (["webhook.test"], endpoint)
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize("status", ["delivered", "failed"])
def test_a_message_is_sent_again_under_its_old_id_and_along_the_schedule(status):
    delivered_at = timezone.now() if status == "delivered" else None
    message = make_message(status=status, failed_tries=10, attempts=10, delivered_at=delivered_at)
    was = message.message_id

    webhooks.redeliver(message)
    webhooks.redeliver(message)

    assert (message.status, message.message_id, message.failed_tries, message.attempts) == ("queued", was, 0, 10)
    assert message.due_at <= timezone.now()


def test_a_message_that_waits_for_its_next_try_is_sent_now():
    message = make_message(due_at=timezone.now() + timedelta(hours=5), failed_tries=5)

    webhooks.redeliver(message)

    assert message.due_at <= timezone.now()
    assert message.failed_tries == 5


def test_a_message_that_is_being_sent_is_not_sent_beside_that():
    until = timezone.now() + timedelta(seconds=60)
    message = make_message(status="sending", attempts=1, lease_until=until)

    webhooks.redeliver(message)

    assert (message.status, message.attempts, message.lease_until) == ("sending", 1, until)


def test_nothing_is_sent_to_a_disabled_endpoint_by_hand():
    endpoint = make_endpoint(is_active=False, disabled_reason="It answered 410 Gone.")
    message = make_message(endpoint, status="failed")

    for verb in (partial(webhooks.redeliver, message), partial(webhooks.send_test, endpoint)):
        with pytest.raises(Refusal) as refused:
            verb()
        assert (refused.value.status, refused.value.detail) == (
            409,
            f"{endpoint.url} is disabled: It answered 410 Gone. Enable it first.",
        )

    message.refresh_from_db()
    assert (message.status, len(told())) == ("failed", 1)


def test_messages_are_forgotten_after_30_days_some_at_a_time(monkeypatch):
    monkeypatch.setattr(webhooks, "FORGOTTEN_AT_ONCE", 2)
    now = timezone.now()
    for days in (29, 31, 32, 33):
        make_message(created_at=now - timedelta(days=days))

    webhooks.forget()
    left = WebhookDelivery.objects.count()
    webhooks.forget()
    webhooks.forget()

    assert left == 2
    assert [(now - message.created_at).days for message in WebhookDelivery.objects.all()] == [29]
