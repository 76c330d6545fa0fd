"""Sums that are kept so that no page has to add up a million postings. Only `earnings.totals` writes them."""

from django.db import models
from django.db.models import Q

from earnings.models.ledger import JournalEntry, Kind

# A column of each row below. The chart of accounts is short and has been the same for centuries.
ACCOUNTS = (
    *("unearned", "pending", "available", "paid_out", "disputed"),
    *("deferred", "revenue", "refunds", "adjustments", "fees"),
)


class Sums(models.Model):
    """What was posted to each account, in minor units; all of them together are zero."""

    kind = models.CharField(max_length=10, choices=Kind)
    currency = models.CharField(max_length=3)
    unearned = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    available = models.BigIntegerField(default=0)
    paid_out = models.BigIntegerField(default=0)
    disputed = models.BigIntegerField(default=0)
    deferred = models.BigIntegerField(default=0)
    revenue = models.BigIntegerField(default=0)
    refunds = models.BigIntegerField(default=0)
    adjustments = models.BigIntegerField(default=0)
    fees = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class UncountedEntry(Sums):
    """An entry that no `RunningTotal` has yet, written with it; each reader adds these to the totals."""

    entry = models.OneToOneField(
        JournalEntry, on_delete=models.PROTECT, primary_key=True, related_name="uncounted"
    )
    local_date = models.DateField()
    channel = models.CharField(max_length=50)
    gig = models.CharField(max_length=120, blank=True)
    product = models.CharField(max_length=120, blank=True)

    def __str__(self):
        return f"entry {self.entry_id}"


class RunningTotal(Sums):
    """The sums of all entries, of a month or of a day, for everything or for one channel, gig or product."""

    class Grain(models.TextChoices):
        TOTAL = "total"
        MONTH = "month"
        DAY = "day"

    class Dimension(models.TextChoices):
        ALL = "all"
        CHANNEL = "channel"
        GIG = "gig"
        PRODUCT = "product"

    dimension = models.CharField(max_length=7, choices=Dimension)
    name = models.CharField(max_length=120, blank=True, help_text="The channel, gig or product; empty for all.")
    grain = models.CharField(max_length=5, choices=Grain)
    starts_on = models.DateField(help_text="The day, the month's first, or 0001-01-01 for all time.")
    entries = models.BigIntegerField(default=0, help_text="How many entries were added up.")

    class Meta:
        constraints = [
            # earnings.totals: every reader asks for a dimension and a grain from a day on.
            models.UniqueConstraint(
                fields=["dimension", "grain", "starts_on", "name", "kind", "currency"], name="running_total_once"
            ),
            models.CheckConstraint(condition=Q(grain__in=["total", "month", "day"]), name="running_total_grain"),
            models.CheckConstraint(
                condition=Q(dimension="all", name="")
                | Q(dimension="channel") & ~Q(name="")
                | Q(dimension__in=["gig", "product"], grain="total") & ~Q(name=""),
                name="running_total_dimension",
            ),
        ]

    def __str__(self):
        return f"{self.dimension} {self.name} {self.grain} {self.starts_on} {self.kind} {self.currency}"
