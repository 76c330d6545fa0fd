"""Statements that people uploaded, what their rows mean and what became of them, and layouts of their own."""

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.db.models import F, Q

from earnings.models.ledger import Channel
from earnings.models.payouts import Payout


def private_storage():
    return storages["default"]


class Meaning(models.TextChoices):
    """What a row of a statement tells. The first seven move the ledger, the others are only shown."""

    SALE = "sale"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    COST = "cost", "cost, or its credit"
    TAX = "tax", "buyer's tax"
    ADJUSTMENT = "adjustment"
    PAYOUT = "payout", "payout to us"
    CONVERSION = "conversion", "currency conversion"
    HOLD = "hold", "held or released"
    OWN = "own", "own money moved"
    SPENT = "spent", "spent by us"
    NOTHING = "nothing", "no movement"
    UNKNOWN = "unknown"


BOOKED_MEANINGS = ("sale", "refund", "chargeback", "cost", "tax", "adjustment", "payout")


class StatementFormat(models.Model):
    """A layout that a person described: which column says what.

    `columns` maps the parts of a row (`earnings.statements.mapping.PARTS`) to column names, `words` the file's
    words for a row's type to a `Meaning`.
    """

    class FeeSign(models.TextChoices):
        MINUS = "minus", "printed above zero: net = amount - fee"
        PLUS = "plus", "printed below zero: net = amount + fee"

    class DateOrder(models.TextChoices):
        AUTO = "", "as the file itself shows"
        MDY = "mdy", "month first"
        DMY = "dmy", "day first"

    class DecimalMark(models.TextChoices):
        AUTO = "", "as the file itself shows"
        POINT = ".", "1,234.56"
        COMMA = ",", "1.234,56"

    key = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    header = models.JSONField(default=list, help_text="The columns of the file that it was described with.")
    columns = models.JSONField(default=dict)
    words = models.JSONField(default=dict, blank=True)
    positive = models.CharField(max_length=12, choices=Meaning, default=Meaning.SALE)
    negative = models.CharField(max_length=12, choices=Meaning, default=Meaning.UNKNOWN)
    fee_sign = models.CharField(max_length=5, choices=FeeSign, default=FeeSign.MINUS)
    date_order = models.CharField(max_length=3, choices=DateOrder, blank=True, default=DateOrder.AUTO)
    decimal_mark = models.CharField(max_length=1, choices=DecimalMark, blank=True, default=DecimalMark.AUTO)
    currency = models.CharField(max_length=3, blank=True, help_text="Where no column says it, e.g. USD.")
    time_zone = models.CharField(max_length=40, blank=True, help_text="Of times without one, e.g. Europe/Berlin.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class StatementImport(models.Model):
    """One statement, kept as it came. Booking it takes many transactions where it is long; each row moves once."""

    class Status(models.TextChoices):
        PREVIEWED = "previewed"
        BOOKING = "booking"
        BOOKED = "booked"
        REVERSED = "reversed"

    TRANSITIONS = {
        Status.PREVIEWED: {Status.BOOKING},
        Status.BOOKING: {Status.BOOKED},
        Status.BOOKED: {Status.REVERSED},
    }

    name = models.CharField(max_length=200, help_text="File name as uploaded.")
    file = models.FileField(upload_to="statements/%Y/%m/", storage=private_storage, max_length=255)
    sha256 = models.CharField(max_length=64, db_index=True)
    format = models.CharField(max_length=50)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="statements")
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=4, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PREVIEWED)
    warnings = models.JSONField(default=list, help_text="What a person should know before it is booked.")
    own_totals = models.JSONField(
        default=dict, help_text="By currency, what the file itself says that its rows sum to, in minor units."
    )
    request_key = models.CharField(  # noqa: DJ001 - many imports have none, and a unique one must be null then
        max_length=64, null=True, unique=True, editable=False, help_text="Who asked with which Idempotency-Key."
    )
    request_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    booked_at = models.DateTimeField(null=True, blank=True)
    reversed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["previewed", "booking", "booked", "reversed"]),
                name="statement_status_known",
            )
        ]
        indexes = [
            # earnings.statements.booking.carry_on: what a process that died left half booked.
            models.Index(fields=["id"], condition=Q(status="booking"), name="statement_half_booked")
        ]

    def __str__(self):
        return self.name

    @property
    def number(self):
        return f"ST-{self.pk:06d}"

    @property
    def allowed(self):
        return sorted(str(status) for status in self.TRANSITIONS.get(self.status, ()))

    def read(self):
        """The file's bytes, as they came."""
        with self.file.open("rb") as stored:
            return stored.read()


class StatementRow(models.Model):
    """What one row of a statement says, and what became of it. Amounts in minor units, as our balance saw them.

    `gross_minor - fee_minor = net_minor`. `claim` is the row's identity while it is booked: the platform's own id,
    or what the row says and the how-manieth of its like it is. No two rows that are booked have the same.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting", "will be booked"
        BOOKED = "booked"
        MATCHED = "matched", "matches what is booked"
        DIFFERS = "differs", "differs from what is booked"
        KNOWN = "known", "booked before"
        LEFT = "left", "not booked"
        REFUSED = "refused", "can't be read"
        REVERSED = "reversed"

    statement = models.ForeignKey(StatementImport, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(help_text="As a spreadsheet counts.")
    type = models.CharField(max_length=80, blank=True, help_text="The file's own word.")
    meaning = models.CharField(max_length=12, choices=Meaning)
    outcome = models.CharField(max_length=8, choices=Outcome)
    occurred_at = models.DateTimeField(null=True)
    title = models.CharField(max_length=200, blank=True)
    sale = models.CharField(max_length=120, blank=True, help_text="The platform's id of the sale it is about.")
    payout = models.CharField(max_length=80, blank=True, help_text="The payout that it was part of.")
    currency = models.CharField(max_length=3, blank=True)
    gross_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField(default=0)
    is_printed = models.BooleanField(default=True, help_text="Part of what the file sums up.")
    is_pending = models.BooleanField(default=False, help_text="Ours, but not available yet.")
    identity = models.CharField(max_length=200, blank=True)
    claim = models.CharField(max_length=250, null=True, unique=True, editable=False)  # noqa: DJ001 - the same
    remarks = models.JSONField(default=list)
    by_hand = models.ForeignKey(
        Payout,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="rows",
        help_text="The payout that a person wrote down, and that this row tells of, too.",
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(net_minor=F("gross_minor") - F("fee_minor")),
                name="statement_row_net_is_gross_less_fee",
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=[
                        *("waiting", "booked", "matched", "differs", "known", "left", "refused", "reversed"),
                    ]
                ),
                name="statement_row_outcome_known",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="booked") | Q(claim__isnull=False), name="statement_row_booked_is_claimed"
            ),
        ]
        indexes = [
            # earnings.statements.booking: the next rows of an import; the report by outcome.
            models.Index(fields=["statement", "outcome", "id"], name="statement_row_outcome"),
            # earnings.statements.by_hand: very few rows have one.
            models.Index(fields=["by_hand"], condition=Q(by_hand__isnull=False), name="statement_row_by_hand"),
        ]

    def __str__(self):
        return f"row {self.number}"

    @property
    def key(self):
        """How the ledger's entries of this row begin."""
        return f"statement:{self.statement_id}:{self.pk}"
