"""Mails reach a real mail server: once where all goes well, later where it is away, and never not at all."""

import logging
import os
import signal
import threading
import time
from datetime import datetime, timedelta
from smtplib import SMTPDataError

import pytest
from django.db import connections
from django.utils import timezone

from agency import jobs, mail_sender
from agency import mail as outbox
from agency.bell_threads import BellThread
from agency.mail_sender import Outcome
from agency.models import Mail
from tests.factories import make_mail
from tests.smtp_server import MailServer
from tests.test_mail import note  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db
AWAY = Outcome("ConnectionRefusedError: no", is_away=True)
NO_SUCH_USER = Outcome("550 no such user", is_final=True)


@pytest.fixture
def server(settings):
    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 1
    server.start()
    yield server
    server.stop()


def make_due():
    Mail.objects.filter(status="queued").update(due_at=timezone.now())


def states():
    return list(Mail.objects.order_by("id").values_list("status", "attempts"))


def errors(mail):
    mail.refresh_from_db()
    return [entry["error"] for entry in mail.tries]


def pause(mail):
    """Seconds from the last try to the next one."""
    mail.refresh_from_db()
    return round((mail.due_at - datetime.fromisoformat(mail.tries[-1]["at"])).total_seconds())


def try_now(mail, outcome):
    """One try of a queued mail that ends so."""
    make_due()
    claimed = mail_sender.claim()
    mail_sender.note(claimed, outcome)
    mail.refresh_from_db()
    return mail


def test_mails_are_sent_over_one_connection_as_they_were_written(server):
    first = make_mail("ada@example.com", context={"title": "Masa İzmir"})
    make_mail("bob@example.com", context={"title": "Desk"})

    mail_sender.send_due()

    assert [(to, message["Subject"]) for to, message in server.mails] == [
        ("ada@example.com", "About Masa İzmir"),
        ("bob@example.com", "About Desk"),
    ]
    message = server.mails[0][1]
    assert message["Message-ID"] == f"<{first.message_name}@127.0.0.1>"
    assert message["From"] == "Lanternfish Studio <hello@lanternfish.example>"
    assert "Masa İzmir is at" in message.get_body(("plain",)).get_content()
    assert "Masa İzmir is at" in message.get_body(("html",)).get_content()
    assert (server.connections, states()) == (1, [("sent", 1)] * 2)
    assert (errors(first), first.lease_until, first.sent_at is None) == ([""], None, False)


def test_a_server_that_is_away_costs_one_mail_one_try_and_gets_all_when_it_is_back(server):
    mails = [make_mail() for _ in range(3)]
    server.stop()

    mail_sender.send_due()
    while_away = states()
    server.start()
    make_due()
    mail_sender.send_due()

    assert while_away == [("queued", 1), ("queued", 0), ("queued", 0)]
    assert errors(mails[0]) == ["ConnectionRefusedError: [Errno 111] Connection refused", ""]
    assert (states(), len(server.mails)) == ([("sent", 2), ("sent", 1), ("sent", 1)], 3)


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_that_hangs_is_left_after_the_timeout(server, verb):
    mail, _ = make_mail(), make_mail()
    server.hangs_at = {verb}

    began = time.monotonic()
    mail_sender.send_due()
    took = time.monotonic() - began

    assert took < 3
    assert (states(), server.mails) == ([("queued", 1), ("queued", 0)], [])
    assert "timed out" in errors(mail)[0]


def test_a_server_that_ends_the_connection_before_it_took_the_mail_is_asked_again(server):
    mail = make_mail()
    server.after_data = "drop"

    mail_sender.send_due()
    server.after_data = "250 taken"
    make_due()
    mail_sender.send_due()

    assert errors(mail) == ["SMTPServerDisconnected: Connection unexpectedly closed", ""]
    assert len(server.mails) == 1


def test_one_address_that_is_refused_holds_up_no_other(server):
    bad, _ = make_mail("nobody@example.com"), make_mail("ada@example.com")
    server.refused = {"nobody@example.com": "550 no such user"}

    mail_sender.send_due()

    assert (states(), [to for to, _ in server.mails]) == ([("queued", 1), ("sent", 1)], ["ada@example.com"])
    assert errors(bad) == ["550 no such user"]


def test_an_address_that_is_not_there_is_given_up_after_three_tries(server, caplog):
    bad = make_mail("nobody@example.com")
    server.refused = {"nobody@example.com": "550 <nobody@example.com> no such user"}

    with caplog.at_level(logging.DEBUG):
        for _ in range(4):
            make_due()
            mail_sender.send_due()

    assert states() == [("failed", 3)]
    assert bad.error == "" and errors(bad) == ["550 <nobody@example.com> no such user"] * 3
    assert f"mail {bad.pk} is given up after 3 tries" in caplog.text
    assert "nobody" not in caplog.text


def test_a_server_can_not_say_what_no_database_keeps():
    assert mail_sender.fault(SMTPDataError(550, b"no\x00body")).error == "550 nobody"
    assert mail_sender.fault(ValueError("no\ud800body")).error == "ValueError: nobody"


def test_a_server_that_is_too_busy_or_wants_a_password_is_no_fault_of_the_mail(server):
    mail = make_mail()
    make_mail()
    server.answers = {"MAIL": "530 authentication required"}

    for _ in range(4):
        make_mail()
        Mail.objects.filter(pk=mail.pk).update(due_at=timezone.now() - timedelta(hours=1))
        mail_sender.send_due()
    server.answers, server.refused = {}, {"buyer@example.com": "421 too busy"}
    Mail.objects.filter(pk=mail.pk).update(due_at=timezone.now() - timedelta(hours=1))
    mail_sender.send_due()

    assert errors(mail) == ["530 authentication required"] * 4 + ["421 too busy"]
    assert states() == [("queued", 5), *[("queued", 0)] * 5]


def test_a_fault_in_a_template_costs_tries_and_not_the_mail_nor_the_next_one(server):
    broken, _ = make_mail(template="gone"), make_mail()

    mail_sender.send_due()
    Mail.objects.filter(pk=broken.pk).update(template="note")  # as a release would that brings it
    make_due()
    mail_sender.send_due()

    assert errors(broken) == ["TemplateDoesNotExist: mail/gone.txt", ""]
    assert [message["Subject"] for _, message in server.mails] == ["About a desk"] * 2


def test_pauses_double_to_an_hour_and_a_mail_is_given_up_after_three_days(monkeypatch):
    monkeypatch.setattr(mail_sender, "JITTER", 0)
    mail = make_mail()
    pauses = []

    for _ in range(9):
        pauses.append(pause(try_now(mail, AWAY)))
    Mail.objects.update(queued_at=timezone.now() - timedelta(days=3))
    try_now(mail, AWAY)

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert (mail.status, mail.attempts, len(mail.tries)) == ("failed", 10, 10)


def test_pauses_have_jitter():
    mail, pauses = make_mail(), set()

    for _ in range(5):
        Mail.objects.update(failed_tries=0)
        try_now(mail, AWAY)
        pauses.add((mail.due_at - datetime.fromisoformat(mail.tries[-1]["at"])).total_seconds())

    assert len(pauses) == 5
    assert min(pauses) >= 30
    assert max(pauses) <= 36


def test_what_a_killed_sender_had_sent_is_sent_again_under_its_message_id(server):
    mail = make_mail()
    claimed = mail_sender.claim()
    with mail_sender.Post() as post:
        post.send(claimed)  # and is killed before it says so
    Mail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    mail_sender.send_due()
    make_due()
    mail_sender.send_due()

    assert errors(mail) == ["The process that sent it ended before it knew whether the server took it.", ""]
    assert [message["Message-ID"] for _, message in server.mails] == [f"<{mail.message_name}@127.0.0.1>"] * 2
    assert states() == [("sent", 2)]


def test_a_sender_that_comes_too_late_changes_nothing():
    mail = make_mail()
    late = mail_sender.claim()
    Mail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    mail_sender.claim()
    make_due()
    newer = mail_sender.claim()

    mail_sender.note(late, NO_SUCH_USER)

    mail.refresh_from_db()
    assert (mail.status, mail.attempts, newer.attempts) == ("sending", 2, 2)


# --- Several at once ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_three_senders_at_once_send_each_mail_once(server):
    for number in range(30):
        make_mail(f"buyer-{number}@example.com")

    def send():
        mail_sender.send_due()
        connections.close_all()

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert sorted(to for to, _ in server.mails) == sorted(f"buyer-{number}@example.com" for number in range(30))
    assert set(states()) == {("sent", 1)}


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_killed_when_the_server_has_the_mail_sends_it_twice_at_worst(server):
    mail = make_mail()
    connections.close_all()
    sender = os.fork()
    if not sender:
        mail_sender.send_due()
        os._exit(0)
    server.on_taken = lambda: os.kill(sender, signal.SIGKILL)

    _, status = os.waitpid(sender, 0)
    left = states()
    server.on_taken = lambda: None
    Mail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    mail_sender.send_due()
    make_due()
    mail_sender.send_due()

    assert (os.WTERMSIG(status), left) == (signal.SIGKILL, [("sending", 1)])
    assert states() == [("sent", 2)]
    assert [message["Message-ID"] for _, message in server.mails] == [f"<{mail.message_name}@127.0.0.1>"] * 2


@pytest.mark.django_db(transaction=True)
def test_a_hanging_server_holds_up_neither_the_worker_nor_who_writes_a_mail(server, monkeypatch):
    server.hangs_at = {"EHLO"}
    thread = BellThread("mail", mail_sender.send_due)
    monkeypatch.setattr(mail_sender, "_thread", thread)

    began = time.monotonic()
    outbox.write("order:1:paid", "ada@example.com", "note", {"title": "Desk"})
    jobs.send_mail()
    jobs.send_mail()
    outbox.write("order:2:paid", "ada@example.com", "note", {"title": "Desk"})
    took = time.monotonic() - began
    while thread.is_at_work:
        time.sleep(0.02)

    assert took < 0.5
    assert {status for status, _ in states()} == {"queued"}


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_finds_retries_whose_time_has_come_and_what_killed_senders_left(server, monkeypatch):
    thread = BellThread("mail", mail_sender.send_due)
    monkeypatch.setattr(mail_sender, "_thread", thread)

    def sweep():
        mail_sender.start_if_due()
        was_started = thread.is_at_work
        while thread.is_at_work:
            time.sleep(0.02)
        return was_started

    make_mail(due_at=timezone.now() + timedelta(hours=1))
    too_early = sweep()
    make_due()
    in_time = sweep()
    make_mail(status="sending", attempts=1, lease_until=timezone.now() - timedelta(seconds=1))
    found = sweep()
    at_rest = sweep()

    assert (too_early, in_time, found, at_rest) == (False, True, True, False)
    assert states() == [("sent", 1), ("queued", 1)]
