"""Mails are written with what they tell, and hold the words of their template and nothing that a buyer can add."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.models import OrmQ

from agency import mail as outbox
from agency.models import Mail
from earnings.refusals import Refusal
from tests.factories import make_mail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def note(settings, tmp_path):
    """The file of a template `note`, beside the shop's own."""
    folder = tmp_path / "templates" / "mail"
    folder.mkdir(parents=True)
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [*settings.TEMPLATES[0]["DIRS"], folder.parent]}]
    file = folder / "note.txt"
    file.write_text(
        "Subject: About {{ title }}\n\n{{ title }} is at {{ public_url }}/x?a=1&b=2.\n\n{{ store_name }}"
    )
    return file


def test_what_is_told_twice_is_one_mail_to_one_address(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        first = outbox.write("order:1:paid", "ada@example.com", "note", {"title": "Desk"})
        again = outbox.write("order:1:paid", "eve@example.com", "note", {"title": "Chair"})

    assert first == again
    assert list(Mail.objects.values_list("key", "to", "template", "context", "status")) == [
        ("order:1:paid", "ada@example.com", "note", {"title": "Desk"}, "queued")
    ]
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_mail_exists_only_if_what_it_tells_was_committed():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.write("order:1:paid", "ada@example.com", "note", {"title": "Desk"})
        raise ZeroDivisionError

    assert (Mail.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_a_thousand_mails_need_no_thousand_bells(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(20):
            outbox.write(f"order:{number}:paid", "ada@example.com", "note", {"title": "Desk"})

    assert (Mail.objects.count(), OrmQ.objects.count()) == (20, 1)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com,eve@example.com",
        "Ada <ada@example.com>",
    ],
)
def test_what_is_no_single_address_is_refused_by_the_verb_and_by_the_database(address):
    with pytest.raises(Refusal) as refused:
        outbox.write("order:1:paid", address, "note", {"title": "Desk"})
    with pytest.raises((IntegrityError, ValueError)), transaction.atomic():
        make_mail(to=address)

    assert refused.value.errors == [{"pointer": "/email", "detail": "This is not an e-mail address."}]
    assert Mail.objects.count() == 0


def test_a_mail_has_a_subject_a_text_and_the_same_as_html():
    mail = make_mail(context={"title": "Desk <b>& chair"})

    read = outbox.letter(mail)

    assert read.subject == "About Desk <b>& chair"
    assert read.text == ("Desk <b>& chair is at http://127.0.0.1:8000/x?a=1&b=2.\n\nLanternfish Studio\n")
    assert "Desk &lt;b&gt;&amp; chair is at" in read.html
    assert 'href="http://127.0.0.1:8000/x?a=1&amp;b=2"' in read.html
    assert "<b>" not in read.html


def test_no_title_and_no_shop_name_adds_a_header(settings):
    settings.STORE_NAME = 'Ümit, "Co"'
    mail = make_mail(context={"title": "Desk\r\nBcc: eve@example.com\r\n\r\nBuy this"})

    sent = outbox.message(mail).message()

    assert sent["Subject"] == "About Desk"
    assert (sent["To"], sent["Bcc"], sent["Auto-Submitted"]) == ("buyer@example.com", None, "auto-generated")
    assert str(sent["From"]).endswith(" <hello@lanternfish.example>")
    assert sorted(sent.keys()) == sorted(
        [
            *("Content-Type", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted"),
            "X-Auto-Response-Suppress",
        ]
    )


def test_a_mail_keeps_its_message_id():
    mail = make_mail()

    ids = {outbox.message(Mail.objects.get(pk=mail.pk)).message()["Message-ID"] for _ in range(2)}

    assert ids == {f"<{mail.message_name}@127.0.0.1>"}


def test_staff_send_what_was_given_up_again_under_its_id_and_what_was_sent_under_a_new_one():
    long_ago = timezone.now() - timedelta(days=5)
    given_up = make_mail(status="failed", failed_tries=3, queued_at=long_ago, due_at=long_ago)
    sent = make_mail(status="sent", sent_at=long_ago)
    waiting = make_mail(failed_tries=2, due_at=timezone.now() + timedelta(hours=1))
    on_its_way = make_mail(status="sending", lease_until=timezone.now() + timedelta(minutes=1))
    names = [mail.message_name for mail in (given_up, sent, waiting, on_its_way)]

    for mail in (given_up, sent, waiting, on_its_way):
        outbox.send_again(mail)
        outbox.send_again(mail)

    now = timezone.now()
    assert [mail.status for mail in (given_up, sent, waiting, on_its_way)] == ["queued"] * 3 + ["sending"]
    assert [mail.due_at <= now for mail in (given_up, sent, waiting)] == [True] * 3
    assert (given_up.failed_tries, waiting.failed_tries, given_up.queued_at > long_ago) == (0, 2, True)
    changed = [
        mail.message_name != name for mail, name in zip((given_up, sent, waiting, on_its_way), names, strict=True)
    ]
    assert changed == [False, True, False, False]


def test_addresses_are_forgotten_after_half_a_year_but_not_what_waits():
    old = timezone.now() - timedelta(days=181)
    make_mail(status="sent", sent_at=old, created_at=old)
    make_mail(status="failed", created_at=old)
    waits = make_mail(created_at=old)
    young = make_mail(status="sent", sent_at=timezone.now())

    outbox.forget()

    assert set(Mail.objects.all()) == {waits, young}
