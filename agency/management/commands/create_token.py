"""`manage.py create_token`: a way into the API for a program."""

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from agency.tokens import make_token
from earnings.refusals import Refusal


class Command(BaseCommand):
    help = "Print a new API token of a user, alone on one line. It is stored hashed and never shown again."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--days", type=int, help="How long it is valid; without it, until it is revoked.")
        parser.add_argument("--read-only", action="store_true", help="It may only read what its user may read.")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            metavar="RIGHT",
            help="Only this right of its user, such as agency.view_run; may be given several times.",
        )

    def handle(self, *, username, days, read_only, scope, **options):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {username!r}.")
        if days is not None and days < 1:
            raise CommandError("--days must be at least 1.")
        try:
            _, token = make_token(user, days=days, is_read_only=read_only, rights=scope)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        self.stdout.write(token)
