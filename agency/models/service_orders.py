"""Services on offer, the work owed to clients, its deliveries and the stories that may be told of it."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone

from agency.models.transitions import Transitions
from earnings.models import Channel, Kind


class GigQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(is_listed=True)


class Gig(models.Model):
    """A service on offer.

    `requirements` is what a client's brief must say: a list of `{"name", "label", "required", "help"}`.
    `recipe` names the code that makes the deliverable (`agency.recipes`); empty = made by hand.
    """

    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=80, help_text="Short name, e.g. Logo design.")
    title = models.CharField(
        max_length=200, help_text="The promise, e.g. I will draw your logo. At most 80 characters."
    )
    summary = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True, help_text="Markdown.")
    category = models.CharField(max_length=80, blank=True)
    tags = models.JSONField(default=list, blank=True)
    image = models.CharField(max_length=300, blank=True, help_text="URL, or a path on this site.")
    image_alt = models.CharField(max_length=200, blank=True)
    requirements = models.JSONField(default=list, blank=True)
    recipe = models.CharField(max_length=40, blank=True)
    is_listed = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=100)
    updated_at = models.DateTimeField(auto_now=True)

    objects = GigQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return f"/services/{self.slug}/"


class Package(models.Model):
    """One of a gig's three tiers.

    `checklist` is what a delivery of it must hold: a list of `{"check", "value", "label"}`
    (`agency.fulfillment_engine.CHECKS`).
    """

    class Tier(models.TextChoices):
        BASIC = "basic"
        STANDARD = "standard"
        PREMIUM = "premium"

    gig = models.ForeignKey(Gig, on_delete=models.CASCADE, related_name="packages")
    tier = models.CharField(max_length=8, choices=Tier)
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=300, blank=True)
    price_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    delivery_days = models.PositiveIntegerField()
    revisions = models.PositiveIntegerField(default=1)
    features = models.JSONField(default=list, blank=True)
    checklist = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["gig", "price_minor"]
        constraints = [
            models.UniqueConstraint(fields=["gig", "tier"], name="package_tier_once_per_gig"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="package_currency_iso"),
            models.CheckConstraint(
                condition=Q(tier__in=["basic", "standard", "premium"]), name="package_tier_known"
            ),
        ]

    def __str__(self):
        return f"{self.gig} {self.tier}"


def new_token():
    return secrets.token_urlsafe(24)


class ServiceOrder(Transitions):
    """Work owed to a client.

    An order with an `external_id` was paid on its marketplace and is real; one without a payment is
    simulated. `fee_minor` is what the channel keeps, fixed when the order came in.
    """

    class Status(models.TextChoices):
        AWAITING_BRIEF = "awaiting_brief", "awaiting the client's brief"
        QUEUED = "queued"
        IN_PROGRESS = "in_progress", "in progress"
        READY = "ready", "ready for delivery"
        DELIVERED = "delivered"
        REVISION = "revision", "revision requested"
        ACCEPTED = "accepted"
        ON_HOLD = "on_hold", "on hold"
        CANCELED = "canceled"

    TRANSITIONS = {
        Status.AWAITING_BRIEF: {Status.QUEUED, Status.ON_HOLD, Status.CANCELED},
        Status.QUEUED: {Status.IN_PROGRESS, Status.AWAITING_BRIEF, Status.ON_HOLD, Status.CANCELED},
        Status.IN_PROGRESS: {
            Status.READY,
            Status.QUEUED,
            Status.AWAITING_BRIEF,
            Status.ON_HOLD,
            Status.CANCELED,
        },
        Status.READY: {Status.DELIVERED, Status.ACCEPTED, Status.REVISION, Status.ON_HOLD, Status.CANCELED},
        Status.DELIVERED: {Status.ACCEPTED, Status.REVISION, Status.CANCELED},
        Status.REVISION: {Status.IN_PROGRESS, Status.QUEUED, Status.ON_HOLD, Status.CANCELED},
        Status.ON_HOLD: {
            Status.AWAITING_BRIEF,
            Status.QUEUED,
            Status.READY,
            Status.REVISION,
            Status.CANCELED,
        },
    }

    gig = models.ForeignKey(Gig, on_delete=models.PROTECT, related_name="service_orders")
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="service_orders")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=80, blank=True, help_text="The marketplace's own order number.")
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=16, choices=Status, default=Status.AWAITING_BRIEF)
    problem = models.CharField(
        max_length=500, blank=True, help_text="Why a person has to look before the work can go on."
    )
    held_from = models.CharField(max_length=16, blank=True, help_text="The status that a hold interrupted.")
    amount_minor = models.PositiveBigIntegerField()
    fee_minor = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    earning_key = models.CharField(
        max_length=200, blank=True, help_text="What a shop booked its payment under; empty = it is booked here."
    )
    client = models.CharField(max_length=120, blank=True)
    email = models.EmailField("client's e-mail", blank=True, help_text="Empty = its marketplace writes to them.")
    brief = models.JSONField(default=dict, blank=True)
    showcase_consent = models.BooleanField(
        default=False, help_text="The client agreed that the finished work is shown in the portfolio."
    )
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    run = models.ForeignKey("Run", on_delete=models.PROTECT, null=True, blank=True, related_name="service_orders")
    # The package's terms as they were ordered; null = as it says now.
    agreed_days = models.PositiveIntegerField(null=True, blank=True, editable=False)
    agreed_revisions = models.PositiveIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "external_id"],
                condition=~Q(external_id=""),
                name="external_order_once_per_channel",
            ),
            # An attempt that starts again after a crash finds the order that the first one took.
            models.UniqueConstraint(
                fields=["run"], condition=Q(external_id=""), name="internal_order_once_per_run"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "awaiting_brief",
                        "queued",
                        "in_progress",
                        "ready",
                        "delivered",
                        "revision",
                        "accepted",
                        "on_hold",
                        "canceled",
                    ]
                ),
                name="service_order_status_known",
            ),
            models.CheckConstraint(
                condition=Q(fee_minor__lte=models.F("amount_minor")), name="service_order_fee_at_most_amount"
            ),
        ]

    def __str__(self):
        return f"{self.number} {self.gig}"

    @property
    def number(self):
        return f"SO-{self.pk:06d}"

    @property
    def delivery_days(self):
        """From the brief to the delivery, as the client ordered it."""
        return self.package.delivery_days if self.agreed_days is None else self.agreed_days

    @property
    def revisions(self):
        """How many rounds of changes the client ordered."""
        return self.package.revisions if self.agreed_revisions is None else self.agreed_revisions

    @property
    def portal_path(self):
        """The client's own page: whoever has this address is the client."""
        return f"/work/{self.token}/"

    def hand_over(self, at):
        """The client has the newest delivery from now on; one that we sent back ourselves stays with us."""
        newest = self.deliveries.order_by("-number").values_list("pk", flat=True)[:1]
        self.deliveries.filter(pk__in=list(newest), delivered_at=None).update(delivered_at=at)


class Delivery(models.Model):
    """What was made for an order, and what its checklist said of it. A revision makes a new one."""

    MOST_WORDS = 20_000  # characters of what one revision asks for

    service_order = models.ForeignKey(ServiceOrder, on_delete=models.PROTECT, related_name="deliveries")
    number = models.PositiveIntegerField()
    message = models.TextField(blank=True)
    checks = models.JSONField(default=list, help_text="[{label, passed, seen}]")
    artifacts = models.ManyToManyField("Artifact", related_name="deliveries")
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    revision_request = models.TextField(blank=True)

    class Meta:
        ordering = ["service_order", "number"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["service_order", "number"], name="delivery_number_once_per_order")
        ]

    def __str__(self):
        return f"Delivery {self.number} of {self.service_order.number}"

    def ask_for(self, reason):
        """Add what should change to what was asked for; the same words once. False if that is too much."""
        asked = self.revision_request
        if f"\n\n{reason}\n\n" in f"\n\n{asked}\n\n":
            return True
        words = f"{asked}\n\n{reason}".strip()
        if len(words) > self.MOST_WORDS:
            return False
        self.revision_request = words
        self.save(update_fields=["revision_request"])
        return True


class SuccessStory(models.Model):
    """Accepted work that the client agreed to show. Without consent there is no row."""

    service_order = models.OneToOneField(ServiceOrder, on_delete=models.PROTECT, related_name="story")
    slug = models.SlugField(max_length=140, unique=True)
    title = models.CharField(max_length=120)
    summary = models.TextField()
    quote = models.CharField(max_length=300, blank=True)
    image = models.ForeignKey("Artifact", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    is_published = models.BooleanField(default=True)
    published_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-published_at", "-id"]
        verbose_name_plural = "success stories"

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return f"/portfolio/{self.slug}/"
