"""Writing to buyers and clients: mails are written down here and sent by `agency.mail_sender`.

A mail is written in the transaction of what it tells, so that neither can exist without the other, and under a
key, so that what is told twice is sent once. No mail server is asked before that commits: one that fails delays
nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from email.utils import formataddr
from functools import partial
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db import transaction
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils import timezone
from django_q.tasks import async_task

from agency.models import Mail
from agency.models.mail import new_message_name
from earnings.refusals import Refusal

KEPT = timedelta(days=180)
FORGOTTEN_AT_ONCE = 500
LONGEST_SUBJECT = 200
SPREAD = timedelta(seconds=0.5)  # between two of many
AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
Status = Mail.Status


# --- Writing ----------------------------------------------------------------------------------------------


@transaction.atomic
def write(key, to, template, context):
    """Write a mail down, to be sent once the present transaction commits; the one of this key if it is there.

    `template` names `templates/mail/<template>.txt`, whose first line is the subject; `context` is JSON.
    Refusal (422) for what is no address.
    """
    try:
        validate_email(to)
    except ValidationError:
        raise Refusal.of_field("/email", "This is not an e-mail address.") from None
    mail, is_new = Mail.objects.get_or_create(
        key=key, defaults={"to": to, "template": template, "context": context}
    )
    if is_new:
        transaction.on_commit(partial(_ring_unless_older_waits, mail.pk), robust=True)
    return mail


@transaction.atomic
def write_to_many(template, letters):
    """The same news for many: `letters` are (key, to, context). Returns how many are new; told twice is once.

    They come due one after the other, so that what somebody waits for does not stand behind all of them.
    """
    now = timezone.now()
    known = set()
    for start in range(0, len(letters), 500):  # a statement takes so many values and no more
        keys = [key for key, _, _ in letters[start : start + 500]]
        known |= set(Mail.objects.filter(key__in=keys).values_list("key", flat=True))
    new = [
        Mail(key=key, to=to, template=template, context=context, due_at=now + number * SPREAD)
        for number, (key, to, context) in enumerate(letter for letter in letters if letter[0] not in known)
    ]
    Mail.objects.bulk_create(new, batch_size=500, ignore_conflicts=True)
    transaction.on_commit(_ring, robust=True)
    return len(new)


@transaction.atomic
def send_again(mail):
    """Send it, now, and along the schedule if that fails; one that waits is sent now, one being sent stays so.

    One that was sent gets a new Message-ID: under the old one, a mailbox that had it would hide the second.
    """
    now = timezone.now()
    row = Mail.objects.filter(pk=mail.pk)
    fresh = {"status": Status.QUEUED, "due_at": now, "queued_at": now, "failed_tries": 0}
    if not (
        row.filter(status=Status.SENT).update(**fresh, message_name=new_message_name())
        or row.filter(status=Status.FAILED).update(**fresh)
    ):
        row.filter(status=Status.QUEUED).update(due_at=now)
    mail.refresh_from_db()
    transaction.on_commit(_ring, robust=True)
    return mail


def _ring_unless_older_waits(pk):
    """An older mail's own bell rang, and who answers it finds ours, too: thousands need no thousand bells."""
    if not Mail.objects.due(timezone.now()).filter(pk__lt=pk).exists():
        _ring()


def _ring():
    async_task("agency.jobs.send_mail")


def forget():
    """Delete what was sent or given up 180 days ago, some at a time: it holds addresses, and is no book."""
    old = Mail.objects.filter(created_at__lt=timezone.now() - KEPT, status__in=Mail.TERMINAL)
    oldest = old.order_by("created_at").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]
    Mail.objects.filter(pk__in=list(oldest)).delete()


# --- Reading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """A mail as its reader sees it."""

    subject: str
    text: str
    html: str


def letter(mail):
    """The mail's words, made of its template now."""
    context = {
        "store_name": settings.STORE_NAME,
        "store_email": settings.STORE_EMAIL,
        "public_url": settings.PUBLIC_URL,
        **mail.context,
    }
    # Text, not HTML: nothing is escaped here, and everything where the HTML is made of it.
    written = get_template(f"mail/{mail.template}.txt").template.render(Context(context, autoescape=False))
    head, _, text = written.partition("\n")
    # One line, whatever a product is called.
    subject = " ".join(head.removeprefix("Subject:").split())[:LONGEST_SUBJECT]
    text = text.strip() + "\n"
    return Letter(subject, text, render_to_string("mail/letter.html", {"subject": subject, "text": text}))


def message(mail):
    """The mail as Django's mail backend sends it."""
    read = letter(mail)
    host = urlsplit(settings.PUBLIC_URL).hostname
    built = EmailMultiAlternatives(
        read.subject,
        read.text,
        formataddr((settings.STORE_NAME, settings.DEFAULT_FROM_EMAIL)),
        [mail.to],
        headers={"Message-ID": f"<{mail.message_name}@{host}>", **AUTOMATIC},
    )
    built.attach_alternative(read.html, "text/html")
    return built
