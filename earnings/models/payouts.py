"""Money on its way from a channel to our bank."""

from django.conf import settings
from django.db import models
from django.db.models import Min, OuterRef, Q, Subquery

from earnings.models.ledger import Channel, JournalEntry, Kind


class ClearingQuerySet(models.QuerySet):
    def expect(self, entries):
        """Wait for those of `entries` (numbers) that brought money in which its channel holds back for some time.

        What staff took back from `available` is not cleared again by itself.
        """
        Event = JournalEntry.Event
        earned = JournalEntry.objects.filter(earning=OuterRef("earning"), event=Event.EARNED).order_by()
        first = earned.values("earning").annotate(day=Min("local_date")).values("day")
        found = JournalEntry.objects.filter(pk__in=entries, earning__isnull=False)
        found = found.exclude(reverses__event=Event.CLEARED).annotate(earned_on=Subquery(first))
        self.bulk_create(
            [
                Clearing(entry=one, channel_id=one.channel_id, earned_on=one.earned_on or one.local_date)
                for one in found
            ],
            ignore_conflicts=True,
        )


class Clearing(models.Model):
    """An entry whose money waits for its channel's clearing time; the row is gone when that is over."""

    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, primary_key=True, related_name="clearing")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    earned_on = models.DateField()

    objects = ClearingQuerySet.as_manager()

    class Meta:
        # earnings.clearing: what of a channel was earned until a day.
        indexes = [models.Index(fields=["channel", "earned_on"], name="clearing_due")]

    def __str__(self):
        return f"{self.entry_id} since {self.earned_on}"


class Payout(models.Model):
    """What a channel sent to our bank at once; the entries that it paid out are named and sum up to its amount."""

    key = models.CharField(max_length=120, unique=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="payouts")
    kind = models.CharField(max_length=10, choices=Kind)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reference = models.CharField(max_length=120, blank=True, help_text="As the bank or the channel calls it.")
    request_sha256 = models.CharField(max_length=64, editable=False)
    occurred_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True, blank=True, help_text="When the money went back to the channel.")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payout_amount_positive"),
            models.CheckConstraint(condition=Q(kind__in=["real", "simulated"]), name="payout_kind_known"),
        ]

    def __str__(self):
        return f"Payout {self.pk}"


class PayoutPart(models.Model):
    """One entry that a payout paid out: an earning's, or the rest of what the channel owes or charged us."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="parts")
    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, related_name="payout_part")

    def __str__(self):
        return f"{self.payout_id}: {self.entry_id}"
