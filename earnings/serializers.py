"""The shapes in which the API shows money and the ledger."""

from rest_framework import serializers

from earnings import money
from earnings.dashboard import GROUPS, SERIES
from earnings.models import JournalEntry, Kind, Posting


class MoneySerializer(serializers.Serializer):
    amount = serializers.CharField(help_text="Decimal text with the currency's own number of decimals.")
    minor = serializers.IntegerField(help_text="The same in minor units, e.g. cents.")
    currency = serializers.CharField(help_text="ISO 4217.")


class BucketsSerializer(serializers.Serializer):
    unearned = MoneySerializer(help_text="Paid for work that is still owed.")
    pending = MoneySerializer(help_text="Earned, not cleared by the channel yet.")
    available = MoneySerializer(
        help_text="Cleared, can be paid out; below zero, what channels take of what they owe next."
    )
    paid_out = MoneySerializer(help_text="Arrived at our bank.")
    disputed = MoneySerializer(help_text="Earned and contested by the buyer.")


class FiguresSerializer(serializers.Serializer):
    daily = MoneySerializer(help_text="Earned in the store's calendar day.")
    weekly = MoneySerializer(help_text="Earned in the ISO week (from Monday).")
    monthly = MoneySerializer(help_text="Earned in the calendar month.")
    yearly = MoneySerializer(help_text="Earned in the calendar year.")
    total = MoneySerializer(help_text="All net money received and not given back: the sum of the buckets.")
    earned = MoneySerializer(help_text="`total` without `unearned`.")
    buckets = BucketsSerializer()


class SourcesSerializer(serializers.Serializer):
    channel = serializers.DictField(child=MoneySerializer(), help_text="Earned by channel; sums to `earned`.")
    gig = serializers.DictField(child=MoneySerializer())
    product = serializers.DictField(child=MoneySerializer(), help_text="By SKU.")


class MovementSerializer(serializers.Serializer):
    timestamp = serializers.DateTimeField()
    event = serializers.ChoiceField(JournalEntry.Event.choices)
    title = serializers.CharField()
    amount = MoneySerializer(help_text="Gross; negative where it was given back.")
    fee = MoneySerializer()
    net = MoneySerializer(help_text="What it changed of `earned`.")
    source = serializers.CharField()
    channel = serializers.CharField()
    reference = serializers.CharField()
    kind = serializers.ChoiceField(Kind.choices)
    key = serializers.CharField()


class MeasuresSerializer(serializers.Serializer):
    gross = MoneySerializer(help_text="What was earned before fees and refunds.")
    refunds = MoneySerializer(help_text="What was given back of it.")
    fees = MoneySerializer(help_text="What channels kept.")
    adjustments = MoneySerializer(help_text="What channels added or took for no reason that we know.")
    net = MoneySerializer(help_text="gross - refunds - fees + adjustments: what was earned.")


class GroupSerializer(MeasuresSerializer):
    key = serializers.CharField(help_text="A day, an ISO week, a month, or a name; empty for none.")
    entries = serializers.CharField(help_text="The address of the entries that it is made of.")


class PointSerializer(MeasuresSerializer):
    key = serializers.CharField(help_text="An hour with its offset, a day, an ISO week or a month.")


class SeriesSerializer(serializers.Serializer):
    by = serializers.ChoiceField(SERIES)
    points = PointSerializer(many=True)


class MadeOfSerializer(serializers.Serializer):
    """The address of the entries that each figure is made of."""

    daily = serializers.CharField()
    weekly = serializers.CharField()
    monthly = serializers.CharField()
    yearly = serializers.CharField()
    total = serializers.CharField()
    earned = serializers.CharField()
    unearned = serializers.CharField()
    pending = serializers.CharField()
    available = serializers.CharField()
    paid_out = serializers.CharField()
    disputed = serializers.CharField()


_RangeFields = {
    "from": serializers.DateField(allow_null=True),
    "to": serializers.DateField(),
    "group_by": serializers.ChoiceField(list(GROUPS), allow_null=True),
    "earned": MoneySerializer(),
    "groups": GroupSerializer(many=True),
}
# `from` is a word of Python.
RangeSerializer = type("RangeSerializer", (serializers.Serializer,), _RangeFields)


class PartsSerializer(serializers.Serializer):
    real = FiguresSerializer()
    simulated = FiguresSerializer()


class DashboardSerializer(FiguresSerializer):
    as_of = serializers.DateTimeField()
    sequence = serializers.IntegerField(
        help_text="How many entries the ledger has. It only grows; the same number is the same ledger."
    )
    timezone = serializers.CharField(help_text="Where days are cut.")
    currency = serializers.CharField()
    currencies = serializers.ListField(
        child=serializers.CharField(), help_text="Other currencies with money in them. They are never added."
    )
    kind = serializers.ChoiceField([*Kind.values, "all"])
    entries = MadeOfSerializer()
    sources = SourcesSerializer(help_text="The best first; of gigs and products the fifty best.")
    recent = MovementSerializer(many=True, help_text="The ten latest changes of `earned`.")
    range = RangeSerializer(help_text="What was earned from `from` to `to`, split by `group_by`.")
    series = SeriesSerializer(allow_null=True, help_text="Only with `series`: every step, also without income.")
    parts = PartsSerializer(required=False, help_text="Only with `kind=all`: what the sums are made of.")


class EarningsFileSerializer(serializers.Serializer):
    as_of = serializers.DateTimeField()
    sequence = serializers.IntegerField(help_text="As on the dashboard.")
    currency = serializers.CharField()
    kind = serializers.ChoiceField([*Kind.values, "all"])
    total_earnings = MoneySerializer(help_text="The sum of `net` over the complete history.")
    daily = MoneySerializer()
    history_complete = serializers.BooleanField(help_text="False if `limit` cut the history.")
    history = MovementSerializer(many=True)


class PostingSerializer(serializers.ModelSerializer):
    money = serializers.SerializerMethodField(help_text="Debit positive, credit negative.")

    class Meta:
        model = Posting
        fields = ["account", "money"]

    def get_money(self, posting) -> MoneySerializer:
        return money.as_json(posting.amount_minor, posting.currency)


class EntrySerializer(serializers.ModelSerializer):
    earning = serializers.CharField(
        source="earning.key", default=None, allow_null=True, help_text="Null for what belongs to no sale."
    )
    title = serializers.CharField()
    channel = serializers.CharField(source="channel_id")
    reference = serializers.CharField(source="earning.reference", default="")
    reverses = serializers.CharField(source="reverses.key", default=None, allow_null=True)
    postings = PostingSerializer(many=True)

    class Meta:
        model = JournalEntry
        fields = [
            "id",
            "key",
            "event",
            "kind",
            "currency",
            "earning",
            "title",
            "channel",
            "reference",
            "reverses",
            "memo",
            "occurred_at",
            "local_date",
            "postings",
        ]
