"""Mails: what waits, what was sent, what was given up and why, and the button that sends one again."""

from django.contrib import admin
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.utils.html import format_html, format_html_join

from agency import mail as outbox
from agency.admin.verbs import ReadOnlyAdmin, Verb, VerbAdmin
from agency.models import Mail
from earnings.list_filters import PeriodFilter


@admin.register(Mail)
class MailAdmin(VerbAdmin, ReadOnlyAdmin):
    """The outbox. A mail that its server does not take stays here, with the reason."""

    list_display = ["id", "to", "template", "status", "attempts", "last_error", "due_at", "created_at", "sent_at"]
    list_filter = ["status", "template", ("created_at", PeriodFilter)]
    search_fields = ["to", "key"]
    fields = [
        *("to", "subject", "text", "status", "attempts", "what_happened", "due_at"),
        *("created_at", "sent_at", "key"),
    ]
    readonly_fields = ["subject", "text", "what_happened"]
    verbs = (
        Verb(
            "send_again",
            "Send again",
            lambda mail, request: outbox.send_again(mail),
            "agency.change_mail",
            "It is sent now, whatever became of it before. Who has it already gets it twice.",
            fits=lambda mail: mail.status in Mail.TERMINAL,
        ),
        Verb(
            "send_now",
            "Send now",
            lambda mail, request: outbox.send_again(mail),
            "agency.change_mail",
            "The next try is made now instead of later.",
            fits=lambda mail: mail.status == Mail.Status.QUEUED,
        ),
    )

    @admin.display(description="last error")
    def last_error(self, mail):
        return mail.error

    @admin.display()
    def subject(self, mail):
        read = _read(mail)
        return read.subject if read else "-"

    @admin.display()
    def text(self, mail):
        read = _read(mail)
        return format_html('<div class="board-text">{}</div>', read.text if read else "Its template is broken.")

    @admin.display(description="tries")
    def what_happened(self, mail):
        rows = [
            (entry["at"][:19].replace("T", " "), entry["error"] or "taken by the server") for entry in mail.tries
        ]
        tries = format_html_join("", "<li>{} UTC: {}</li>", rows)
        return format_html('<ul class="board-list">{}</ul>', tries) if rows else "none yet"


def _read(mail):
    try:
        return outbox.letter(mail)
    except (TemplateDoesNotExist, TemplateSyntaxError):
        return None
