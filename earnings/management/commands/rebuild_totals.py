from django.core.management.base import BaseCommand

from earnings import totals
from earnings.models import JournalEntry


class Command(BaseCommand):
    help = "Count the running totals of the ledger anew from its postings, where `ledger_check` finds one wrong."

    def handle(self, *args, **options):
        totals.rebuild()
        self.stdout.write(f"The totals were counted anew; entries: {JournalEntry.objects.count()}.")
