"""Where money is written down. Only `earnings.ledger` writes these rows."""

from django.db import models
from django.db.models import F, Q


class Kind(models.TextChoices):
    """Money that somebody paid, or money that was only played. No figure mixes the two unless asked."""

    REAL = "real"
    SIMULATED = "simulated"


class Channel(models.Model):
    """Where a sale happens, and the fee that this marketplace keeps of it.

    The fee of an amount is `fee_basis_points` of it (20 % = 2000), rounded half up, plus `fee_fixed_minor`.
    """

    key = models.SlugField(primary_key=True)
    name = models.CharField(max_length=80)
    fee_basis_points = models.PositiveIntegerField(default=0, help_text="100 = 1 %. Fiverr keeps 2000.")
    fee_fixed_minor = models.PositiveIntegerField(default=0, help_text="In minor units (cents) per sale.")
    clearing_days = models.PositiveIntegerField(
        default=0, help_text="How long money stays pending after it was earned."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(fee_basis_points__lte=10_000), name="channel_fee_at_most_whole_amount"
            )
        ]

    def __str__(self):
        return self.name


class Account(models.Model):
    """One account of the chart. The five `bucket` accounts hold our money on its way to the bank."""

    class Type(models.TextChoices):
        BUCKET = "bucket"  # asset: our net money, by how far it has come
        LIABILITY = "liability"  # work that was paid for and is still owed
        INCOME = "income"
        EXPENSE = "expense"

    code = models.SlugField(primary_key=True)
    name = models.CharField(max_length=80)
    type = models.CharField(max_length=12, choices=Type)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(type__in=["bucket", "liability", "income", "expense"]), name="account_type_known"
            )
        ]

    def __str__(self):
        return self.name


class Earning(models.Model):
    """One thing that we were paid for: a service order, a sale line, a statement row. Append-only.

    `gross_minor - fee_minor = net_minor`, in minor units of `currency`. What happens to the money afterwards
    are its journal entries. The plain references (`source`, `product_sku`, `gig`, ...) are text on purpose:
    this room knows no order and no task.
    """

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    title = models.CharField(max_length=200)
    gross_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="earnings")
    source = models.CharField(max_length=40, help_text="What kind of thing was paid for, e.g. service_order.")
    reference = models.CharField(max_length=80, blank=True, help_text="Its number, e.g. SO-000012.")
    external_id = models.CharField(
        max_length=120, blank=True, help_text="The channel's own id of the sale, by which its statements name it."
    )
    product_sku = models.CharField(max_length=120, blank=True)
    gig = models.CharField(max_length=120, blank=True)
    client = models.CharField(max_length=120, blank=True)
    run_id = models.BigIntegerField(null=True, blank=True)
    intent_id = models.BigIntegerField(null=True, blank=True)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(net_minor=F("gross_minor") - F("fee_minor")), name="earning_net_is_gross_less_fee"
            ),
            models.CheckConstraint(condition=Q(kind__in=["real", "simulated"]), name="earning_kind_known"),
            models.CheckConstraint(condition=Q(gross_minor__gt=0), name="earning_gross_positive"),
            models.CheckConstraint(condition=Q(fee_minor__gte=0), name="earning_fee_not_negative"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="earning_currency_iso"),
            models.UniqueConstraint(
                fields=["channel", "kind", "external_id"],
                condition=~Q(external_id=""),
                name="earning_external_id_once",
            ),
        ]

    def __str__(self):
        return self.title


class JournalEntry(models.Model):
    """One movement of money with postings that sum to zero in its currency. Append-only.

    Without an `earning` it is a matter of the channel alone: a listing fee, a payout, a refund of a sale that we
    do not know.
    """

    class Event(models.TextChoices):
        PAID = "paid"
        EARNED = "earned"
        CLEARED = "cleared"
        PAID_OUT = "paid_out"
        REFUNDED = "refunded"
        DISPUTED = "disputed"
        REVERSED = "reversed"
        # What a channel keeps, or gives back of it: of a sale when that was told later, else of the channel.
        COST = "cost"
        CREDITED = "credited"
        ADJUSTED = "adjusted"  # of a channel, without an earning

    key = models.CharField(max_length=200, unique=True)
    earning = models.ForeignKey(Earning, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="entries")
    event = models.CharField(max_length=10, choices=Event)
    kind = models.CharField(max_length=10, choices=Kind)
    currency = models.CharField(max_length=3)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    memo = models.CharField(max_length=200, blank=True)
    occurred_at = models.DateTimeField()
    # The day in STORE_TIMEZONE, stored when posting: cutting days in SQL would call Python for every row
    # on SQLite (9 s against 0.2 s for a million rows).
    local_date = models.DateField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "journal entries"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["real", "simulated"]), name="entry_kind_known"),
            models.CheckConstraint(
                condition=Q(
                    event__in=[
                        *("paid", "earned", "cleared", "paid_out", "refunded", "disputed", "reversed"),
                        *("cost", "credited", "adjusted"),
                    ]
                ),
                name="entry_event_known",
            ),
            models.CheckConstraint(
                condition=Q(earning__isnull=False, event__in=["paid", "earned", "cleared", "disputed"])
                | Q(earning__isnull=True, event="adjusted")
                | Q(event__in=["paid_out", "refunded", "reversed", "cost", "credited"]),
                name="entry_event_fits_earning",
            ),
        ]
        # earnings.history: the newest entries of a kind and currency, also where there are few.
        indexes = [models.Index(fields=["kind", "currency", "id"], name="entry_newest")]

    def __str__(self):
        return self.key

    @property
    def title(self):
        """What it is about: the sale's title, or what the channel calls it."""
        return self.earning.title if self.earning_id else self.memo or self.get_event_display()


class Posting(models.Model):
    """One side of a journal entry: debit is positive, credit negative, in minor units. Append-only.

    `kind`, `currency` and `local_date` are the entry's own, repeated here so that the dashboard reads one
    index and no join; `ledger_check` proves them equal.
    """

    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings")
    amount_minor = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    currency = models.CharField(max_length=3)
    local_date = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="posting_amount_not_zero"),
            models.UniqueConstraint(fields=["entry", "account"], name="posting_once_per_account"),
        ]
        indexes = [
            # earnings.dashboard: every figure is a sum over kind, currency, account and days.
            models.Index(
                fields=["kind", "currency", "account", "local_date", "amount_minor"], name="posting_dashboard"
            )
        ]

    def __str__(self):
        return f"{self.account_id} {self.amount_minor} {self.currency}"
