"""Sending mail: claimed under a lease, handed to Django's mail backend, and tried again with backoff.

A worker that is woken for it starts a thread and goes on with its tasks. A process that is killed meanwhile leaves
a lease that runs out; then the mail is sent again under its old Message-ID: twice at worst, never not at all.
"""

import logging
import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException

from django.core.mail import get_connection
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agency import mail as outbox
from agency.bell_threads import BellThread
from agency.models import Mail
from earnings import storable

log = logging.getLogger(__name__)
Status = Mail.Status

# Seconds: 30 to the second try, doubled for each further one up to an hour.
FIRST_PAUSE, LONGEST_PAUSE = 30, 3600
JITTER = 0.2  # a pause is up to so much longer
GIVEN_UP_AFTER = timedelta(days=3)
MOST_REFUSALS = 3  # of the mail itself: an address that is not there stays so, a server's mistake is mended
MOST_TRIES_SHOWN = 50
LOOKED_AT = 8  # candidates: others may be claiming, too
LEASE = timedelta(minutes=5)  # more than the steps of one send may take, EMAIL_TIMEOUT each
TOO_BUSY = 421


@dataclass(frozen=True)
class Outcome:
    """How a try ended. `is_final`: this mail is not wanted; `is_away`: the server takes no mail at all."""

    error: str = ""
    is_final: bool = False
    is_away: bool = False


SENT = Outcome()
LOST = Outcome("The process that sent it ended before it knew whether the server took it.")


# --- The thread -------------------------------------------------------------------------------------------


def start():
    """Send what is due, in a thread of this process."""
    _thread.start()


def start_if_due():
    """The sweeper's look: retries whose time has come, and what killed senders and lost bells left."""
    now = timezone.now()
    if Mail.objects.due(now).exists() or Mail.objects.lost(now).exists():
        start()


_thread = BellThread("mail", lambda: send_due())


# --- Sending ----------------------------------------------------------------------------------------------


def send_due():
    """Send until nothing is due, over one connection, or until the server is away.

    Then what waits is left for the next sweep: an outage costs one mail one try every few seconds, and not all of
    them their schedule.
    """
    with Post() as post:
        while mail := claim():
            outcome = post.send(mail)
            note(mail, outcome)
            if outcome.is_away:
                return


def claim():
    """Take the mail that waits longest under a lease, or None; its `attempts` is the fence."""
    now = timezone.now()
    for left in Mail.objects.lost(now)[:LOOKED_AT]:
        note(left, LOST)
    for mail in Mail.objects.due(now)[:LOOKED_AT]:
        row = Mail.objects.filter(pk=mail.pk, status=Status.QUEUED, attempts=mail.attempts)
        if row.update(status=Status.SENDING, attempts=F("attempts") + 1, lease_until=now + LEASE):
            mail.status, mail.attempts = Status.SENDING, mail.attempts + 1
            return mail
    return None


class Post:
    """The way to the mail server: one connection for many mails, a new one after each that failed."""

    def __init__(self):
        self._backend = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._hang_up()

    def send(self, mail):
        """Hand one mail to the server. No database here, and no words of the mail in any log."""
        try:
            message = outbox.message(mail)
            if self._backend is None:
                self._backend = get_connection()
                self._backend.open()
            self._backend.send_messages([message])
        except Exception as error:
            self._hang_up()
            log.warning("mail %s, try %s: %s", mail.pk, mail.attempts, type(error).__name__)
            return fault(error)
        return SENT

    def _hang_up(self):
        backend, self._backend = self._backend, None
        if backend:
            with suppress(OSError):
                backend.close()


def fault(error):
    """What an error of the mail backend means for this mail and for the next one."""
    if isinstance(error, SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return Outcome(_said(code, said), is_final=code >= 500, is_away=code == TOO_BUSY)
    if isinstance(error, SMTPResponseException):
        is_mine = isinstance(error, SMTPDataError)  # anything else is said to whoever sends
        is_final = is_mine and error.smtp_code >= 500
        return Outcome(_said(error.smtp_code, error.smtp_error), is_final=is_final, is_away=not is_mine)
    text = storable.kept(f"{type(error).__name__}: {error}")
    return Outcome(text[:500], is_away=isinstance(error, OSError))


def _said(code, said):
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return storable.kept(f"{code} {text}")[:500]


@transaction.atomic
def note(mail, outcome):
    """Write down how a try ended: sent, again later, or given up. Too late changes nothing."""
    now = timezone.now()
    tried = {"at": now.isoformat(), "error": outcome.error}
    fields = {"tries": [*mail.tries, tried][-MOST_TRIES_SHOWN:], "lease_until": None}
    failed_tries = mail.failed_tries + bool(outcome.error)
    if not outcome.error:
        fields |= {"status": Status.SENT, "sent_at": now}
    elif (outcome.is_final and failed_tries >= MOST_REFUSALS) or now - mail.queued_at > GIVEN_UP_AFTER:
        fields |= {"status": Status.FAILED, "failed_tries": failed_tries}
        log.error("mail %s is given up after %s tries; the admin shows why", mail.pk, failed_tries)
    else:
        pause = timedelta(seconds=_pause(failed_tries))
        fields |= {"status": Status.QUEUED, "failed_tries": failed_tries, "due_at": now + pause}
    Mail.objects.filter(pk=mail.pk, status=Status.SENDING, attempts=mail.attempts).update(**fields)


def _pause(failed_tries):
    doubled = min(FIRST_PAUSE * 2 ** min(failed_tries - 1, 20), LONGEST_PAUSE)
    return doubled * random.uniform(1, 1 + JITTER)  # noqa: S311  jitter, not a secret
