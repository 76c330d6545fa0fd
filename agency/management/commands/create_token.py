"""`manage.py create_token`: a way into the API for a program."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError
from knox.models import get_token_model


class Command(BaseCommand):
    help = "Print a new API token of a user, alone on one line. It is stored hashed and never shown again."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--days", type=int, help="How long it is valid; without it, until it is revoked.")

    def handle(self, *, username, days, **options):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {username!r}.")
        if days is not None and days < 1:
            raise CommandError("--days must be at least 1.")
        _, token = get_token_model().objects.create(user=user, expiry=timedelta(days=days) if days else None)
        self.stdout.write(token)
