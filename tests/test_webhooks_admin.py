"""Staff say which programs are told, see what became of each message, and send one again."""

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from agency.models import WebhookDelivery, WebhookEndpoint
from tests.factories import make_endpoint
from tests.factories import make_webhook as make_message
from tests.test_webhook_addresses import resolves_to

pytestmark = pytest.mark.django_db
URL = "https://receiver.example/hook"
REFUSED = [{"at": "2026-03-01T10:00:00+00:00", "status": 500, "ms": 35, "error": "The receiver said <no>."}]


@pytest.fixture(autouse=True)
def _on_the_internet(monkeypatch):
    resolves_to(monkeypatch, ["93.184.215.14"])


def page(name, *args, of="endpoint"):
    return reverse(f"admin:agency_webhook{of}_{name}", args=args)


def do(row, verb, of="endpoint"):
    return page("verb", row.pk, verb, of=of)


def text_of(answer):
    return " ".join(answer.content.decode().split())


def test_the_secret_is_shown_when_the_endpoint_is_added_and_when_it_is_changed_and_never_else(staff_client):
    added = staff_client.post(page("add"), {"url": URL, "description": "CRM", "events": ["run.failed"]})
    endpoint = WebhookEndpoint.objects.get()
    first = endpoint.secret
    asked = staff_client.get(do(endpoint, "new_secret"))
    rotated = staff_client.post(do(endpoint, "new_secret"))

    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description, endpoint.events) == (URL, "CRM", ["run.failed"])
    assert f'value="{first}"' in added.content.decode()
    assert first != endpoint.secret
    assert f'value="{endpoint.secret}"' in rotated.content.decode()
    for answer in (asked, staff_client.get(page("changelist")), staff_client.get(page("change", endpoint.pk))):
        assert "whsec_" not in answer.content.decode()


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://receiver.example/", "https"), (URL, "There is an endpoint with this address."), ("", "required")],
)
def test_what_is_refused_is_said_at_the_address(staff_client, url, words):
    make_endpoint(URL)

    answer = staff_client.post(page("add"), {"url": url})

    assert words in text_of(answer)
    assert WebhookEndpoint.objects.count() == 1


def test_an_endpoint_is_changed_paused_resumed_and_removed(staff_client):
    endpoint = make_endpoint(URL)

    shown = text_of(staff_client.get(do(endpoint, "change")))
    staff_client.post(do(endpoint, "change"), {"url": URL, "description": "Till", "events": ["order.paid"]})
    staff_client.post(do(endpoint, "pause"))
    endpoint.refresh_from_db()
    paused = (endpoint.description, endpoint.events, endpoint.is_active, endpoint.disabled_reason)
    staff_client.post(do(endpoint, "resume"))
    endpoint.refresh_from_db()
    resumed = (endpoint.is_active, endpoint.disabled_reason)
    removed = staff_client.post(do(endpoint, "remove"), follow=True)
    endpoint.refresh_from_db()

    assert f'value="{URL}"' in shown
    assert paused == ("Till", ["order.paid"], False, "Switched off by a person.")
    assert resumed == (True, "")
    assert (endpoint.secret, endpoint.is_active) == ("", False)
    assert (removed.redirect_chain[-1][0], "0 webhook endpoints" in text_of(removed)) == (page("changelist"), True)


def test_a_test_is_sent_once_for_each_push_and_not_while_it_is_paused(staff_client):
    endpoint = make_endpoint(URL)

    staff_client.post(do(endpoint, "test"))
    endpoint.is_active, endpoint.disabled_reason = False, "Switched off by a person."
    endpoint.save()
    refused = staff_client.post(do(endpoint, "test"), follow=True)

    assert list(WebhookDelivery.objects.values_list("event_type", flat=True)) == ["webhook.test"]
    assert "Enable it first." in text_of(refused)


def test_a_message_shows_what_was_answered_and_is_sent_again(staff_client):
    message = make_message(make_endpoint(URL), status="failed", attempts=1, failed_tries=1, tries=REFUSED)
    make_message(make_endpoint(), status="delivered", delivered_at=timezone.now())

    listed = text_of(
        staff_client.get(f"{page('changelist', of='delivery')}?endpoint__id__exact={message.endpoint_id}")
    )
    shown = text_of(staff_client.get(page("change", message.pk, of="delivery")))
    for _ in range(2):
        staff_client.post(do(message, "redeliver", of="delivery"))

    message.refresh_from_db()
    assert ("1 webhook delivery" in listed, "500 in 35 ms, The receiver said &lt;no&gt;." in listed) == (
        True,
        True,
    )
    assert "<li>2026-03-01 10:00:00 UTC: 500 in 35 ms, The receiver said &lt;no&gt;.</li>" in shown
    assert "&quot;type&quot;:&quot;run.succeeded&quot;" in shown
    assert (message.status, message.failed_tries) == ("queued", 0)


@pytest.mark.parametrize(("group", "status"), [("Operators", 200), ("Catalog editors", 403), ("Accountants", 403)])
def test_who_is_told_is_a_matter_of_operators(client, group, status):
    endpoint = make_endpoint(URL)
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)

    pages = [page("changelist"), page("add"), do(endpoint, "pause"), page("changelist", of="delivery")]

    assert [client.get(address).status_code for address in pages] == [status] * 4
