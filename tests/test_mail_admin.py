"""Staff see what became of each mail, and send one again."""

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from agency.models import Mail
from tests.factories import make_mail
from tests.test_mail import note  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db
TRIED = [{"at": "2026-03-01T10:00:00+00:00", "error": "550 no such user"}]


def page(name, *args):
    return reverse(f"admin:agency_mail_{name}", args=args)


def shown(client, address):
    return " ".join(client.get(address).content.decode().split())


def test_a_mail_that_was_given_up_is_on_the_front_page_and_says_why(staff_client):
    mail = make_mail(status="failed", attempts=1, tries=TRIED, context={"title": "<b>Desk</b>"})
    make_mail(status="sent", sent_at=timezone.now())

    front = shown(staff_client, reverse("admin:index"))
    listed = shown(staff_client, f"{page('changelist')}?status__exact=failed")
    text = shown(staff_client, page("change", mail.pk))

    assert f'<a href="{page("changelist")}?status__exact=failed">1 mail given up</a>' in front
    assert ("1 mail" in listed, "550 no such user" in listed) == (True, True)
    assert "<li>2026-03-01 10:00:00 UTC: 550 no such user</li>" in text
    assert "&lt;b&gt;Desk&lt;/b&gt; is at http://127.0.0.1:8000/x?a=1&amp;b=2." in text
    assert "buyer@example.com" in text


def test_it_is_sent_again_from_its_page_and_from_the_list(staff_client):
    first, second = (make_mail(status="failed", attempts=1, tries=TRIED) for _ in range(2))

    asked = staff_client.get(page("verb", first.pk, "send_again"))
    before = set(Mail.objects.values_list("status", flat=True))
    staff_client.post(page("verb", first.pk, "send_again"))
    staff_client.post(page("changelist"), {"action": "send_again", "_selected_action": [second.pk], "yes": "yes"})

    assert (asked.status_code, before) == (200, {"failed"})
    assert set(Mail.objects.values_list("status", flat=True)) == {"queued"}
    assert 'href="/admin/agency/mail/1/do/send_now/"'.replace("1", str(first.pk)) in shown(
        staff_client, page("change", first.pk)
    )


def test_a_mail_whose_template_is_gone_is_shown_all_the_same(staff_client):
    mail = make_mail(template="gone")

    assert "Its template is broken." in shown(staff_client, page("change", mail.pk))


def test_who_only_looks_at_the_catalog_sees_no_mail(client):
    editor = User.objects.create_user("editor", password="a long pass phrase", is_staff=True)
    editor.groups.set(Group.objects.filter(name="Catalog editors"))
    client.force_login(editor)
    mail = make_mail(status="failed")

    assert client.get(page("changelist")).status_code == 403
    assert client.post(page("verb", mail.pk, "send_again")).status_code == 403
    assert "given up" not in shown(client, reverse("admin:index"))
    mail.refresh_from_db()
    assert mail.status == "failed"
