import json
from dataclasses import asdict

from django.core.management.base import BaseCommand

from earnings import audit, nightly


class Command(BaseCommand):
    help = "Prove every rule of the ledger; print each violation and exit 1 if there is one."

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args, **options):
        found, counts = audit.violations(), audit.counts()
        nightly.note(found)
        if options["json"]:
            answer = {"sound": not found, "counts": counts, "violations": [asdict(one) for one in found]}
            self.stdout.write(json.dumps(answer))
        elif not found:
            looked_at = ", ".join(f"{number} {name}" for name, number in counts.items())
            self.stdout.write(f"The ledger is sound: {looked_at}.")
        for violation in [] if options["json"] else found:
            self.stdout.write(str(violation))
        if found:
            raise SystemExit(1)
