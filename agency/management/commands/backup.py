from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agency import backups
from earnings.refusals import Refusal


class Command(BaseCommand):
    help = "Copy the database, files and the secret key into a new folder, while everything runs."

    def add_arguments(self, parser):
        parser.add_argument("folder", help="a new folder, such as /backups/2026-11-26")

    def handle(self, *, folder, **options):
        try:
            database = backups.back_up(folder)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        except OSError as error:
            raise CommandError(f"{folder}: {error.strerror or error}") from None
        self.stdout.write(f"Backed up to {database.parent}, the database as {database.name}.")
        if not (settings.VAR_DIR / "secret_key").exists():
            self.stdout.write("SECRET_KEY comes from the environment and is not in it: keep it, too.")
