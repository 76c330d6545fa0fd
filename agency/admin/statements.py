"""Statements of platforms, and layouts of them that people describe.

The pages stand here because they use the admin's verbs; the rules are those of `earnings.statements`.
"""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import slugify

from agency.admin.verbs import Verb, VerbAdmin, blame, status_in
from earnings import money, statements
from earnings.models import Meaning, StatementFormat, StatementImport, StatementRow
from earnings.refusals import Refusal
from earnings.sheets import read_sheet
from earnings.statements import booking, dates, mapping, reports
from earnings.statements.layouts import Choices

PER_PAGE = 100
LOOK_AGAIN = 3  # seconds, while a long one is being booked
Status = StatementImport.Status
IN_FAVOR = "earnings.change_statementimport"


class FileForm(forms.Form):
    """A file as a platform exports it."""

    file = forms.FileField(
        max_length=200, allow_empty_file=True, help_text="CSV or TSV, as the platform exports it."
    )

    def clean_file(self):
        limit = settings.CATALOG_UPLOAD_MAX_BYTES
        if self.cleaned_data["file"].size > limit:
            raise forms.ValidationError(f"The file is larger than {limit:,} bytes.")
        return self.cleaned_data["file"]


class UploadForm(FileForm):
    """A statement, looked at before anything is booked."""

    format = forms.ChoiceField()
    date_order = forms.ChoiceField(
        label="Day and month", choices=StatementFormat.DateOrder.choices, required=False, initial=""
    )
    words = forms.CharField(
        label="What its types mean",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Only for types that are not known: “Listing fee = cost”, a line each.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        known = [(key, each.title) for key, each in statements.known_formats().items()]
        self.fields["format"].choices = [("auto", "Find out by the header"), *known]


@admin.register(StatementImport)
class StatementImportAdmin(VerbAdmin):
    """Upload a statement, read what it means, then book it; and undo it as a whole."""

    list_display = ["name", "number", "status", "format_title", "channel", "created_by", "created_at", "booked_at"]
    list_filter = ["status", "channel", "format"]
    list_select_related = ["channel", "created_by"]
    search_fields = ["name", "sha256"]
    change_form_template = "admin/earnings/statementimport/change_form.html"
    verbs = (
        Verb(
            name="book",
            label="Book",
            call=lambda row, request: booking.book(row) and None,
            right=IN_FAVOR,
            question="Its rows are compared anew with the ledger as it is now; what is known is not booked again.",
            fits=status_in(Status.PREVIEWED, Status.BOOKING),
        ),
        Verb(
            name="reverse",
            label="Reverse",
            call=lambda row, request: booking.reverse(row, by=request.user) and None,
            right=IN_FAVOR,
            question="Everything that this statement booked is undone, each entry on its own day. It can't be "
            "booked again by this import; the file can be uploaded anew.",
            fits=status_in(Status.BOOKED),
        ),
    )

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_fields(self, request, obj=None):
        return []

    @admin.display(description="format", ordering="format")
    def format_title(self, statement):
        known = statements.layout(statement.format)
        return known.title if known else statement.format

    def get_actions(self, request):
        return {}  # each is read before it is booked

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            statement = _uploaded(form, request.user)
            if statement:
                return redirect(self.page_of(statement))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Upload a statement",
            "form": form,
        }
        return render(request, "admin/earnings/statementimport/upload.html", context)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        outcome = request.GET.get("outcome", "")
        rows = obj.rows.filter(outcome=outcome) if outcome in StatementRow.Outcome.values else obj.rows.all()
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
        counts = reports.counts(obj)
        labels = dict(StatementRow.Outcome.choices)
        context |= {
            "page": page,
            "outcome": outcome,
            "rows": [_shown(row) for row in page],
            "counts": [(name, labels[name], number) for name, number in counts.items() if number],
            "refused": counts["refused"],
            "is_nothing_new": obj.status == Status.PREVIEWED and not (counts["refused"] or counts["waiting"]),
            "done": counts["booked"],
            "to_do": counts["booked"] + counts["waiting"],
            "totals": [_total(total) for total in reports.totals(obj)],
            "format_title": self.format_title(obj),
            "title": f"Statement {obj}",
            "subtitle": None,
            "media": self.media,
        }
        response = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        if obj.status == Status.BOOKING:
            response["Refresh"] = str(LOOK_AGAIN)
        return response


def _uploaded(form, user):
    asked = form.cleaned_data
    try:
        return booking.upload(
            asked["file"].read(),
            asked["file"].name,
            format=asked["format"],
            choices=Choices(asked["date_order"], mapping.read_words(asked["words"])),
            user=user,
        )
    except Refusal as refusal:
        blame(form, refusal)
        return None


def _shown(row):
    amounts = {
        name: money.display(getattr(row, f"{name}_minor"), row.currency) if row.currency else ""
        for name in ("gross", "fee", "net")
    }
    return {"row": row, **amounts}


def _total(total):
    def shown(minor):
        return None if minor is None else money.display(minor, total["currency"])

    labels = dict(Meaning.choices)
    meanings = [
        each | {name: shown(each[name]) for name in ("gross", "fee", "net")} | {"label": labels[each["meaning"]]}
        for each in total["meanings"]
    ]
    own = total["own_net"]
    amounts = {name: shown(total[name]) for name in ("net", "own_net", "earned", "paid_out")}
    return {**total, **amounts, "meanings": meanings, "agrees": own is None or own == total["net"]}


# --- Layouts that people describe -------------------------------------------------------------------------


class NewFormatForm(FileForm):
    """A file of a platform that nobody described yet."""

    name = forms.CharField(max_length=80, help_text="As you call it, e.g. Marketplace payouts.")
    channel = forms.ModelChoiceField(StatementFormat._meta.get_field("channel").remote_field.model.objects.all())

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["channel"].help_text = format_html(
            'Where the money is. One that is not here is <a href="{}">added first</a>.',
            reverse("admin:earnings_channel_add"),
        )

    def clean(self):
        values = super().clean()
        values["key"] = slugify(values.get("name", ""))[:50]
        if not values["key"] and "name" not in self.errors:
            self.add_error("name", "It needs a letter or a digit.")
        elif values["key"] in statements.known_formats():
            self.add_error("name", "There is a format of this name.")
        if "file" in values:
            try:
                values["header"] = read_sheet(values["file"].read()).header
            except Refusal as refusal:
                self.add_error("file", refusal.detail)
        return values


class FormatForm(forms.ModelForm):
    """Which column says what, and what the words in it mean."""

    words_text = forms.CharField(
        label="What its types mean",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60}),
        help_text="“Listing fee = cost”, a line each. Meanings: "
        + ", ".join(meaning for meaning in Meaning.values if meaning != Meaning.UNKNOWN)
        + ".",
    )

    class Meta:
        model = StatementFormat
        fields = [
            *("name", "channel", "fee_sign", "positive", "negative", "date_order", "decimal_mark"),
            *("currency", "time_zone"),
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        columns = [("", "none"), *((name, name) for name in self.instance.header)]
        for part, (label, is_needed) in mapping.PARTS.items():
            chosen = self.instance.columns.get(part, "")
            self.fields[f"column_{part}"] = forms.ChoiceField(
                label=label, choices=columns, required=is_needed, initial=chosen
            )
        self.fields["words_text"].initial = "\n".join(f"{text} = {meaning}" for text, meaning in self.words())
        for name, sign in (("positive", "above"), ("negative", "below")):
            if name in self.fields:  # who may only look has none
                self.fields[name].label = f"A row without a type, {sign} zero"

    def words(self):
        return sorted(self.instance.words.items())

    def clean_words_text(self):
        try:
            return mapping.read_words(self.cleaned_data["words_text"])
        except Refusal as refusal:
            raise forms.ValidationError(refusal.detail) from None

    def clean_currency(self):
        currency = self.cleaned_data["currency"].strip().upper()
        try:
            return currency and (money.exponent(currency), currency)[1]
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None

    def clean_time_zone(self):
        try:
            dates.zone_of(self.cleaned_data["time_zone"])
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        return self.cleaned_data["time_zone"]

    def clean(self):
        values = super().clean()
        columns = {part: values.get(f"column_{part}", "") for part in mapping.PARTS}
        if not columns["currency"] and not values.get("currency") and "currency" not in self.errors:
            self.add_error("currency", "Say the currency, or which column says it.")
        self.instance.columns = {part: name for part, name in columns.items() if name}
        self.instance.words = values.get("words_text", {})
        return values


@admin.register(StatementFormat)
class StatementFormatAdmin(admin.ModelAdmin):
    """Describe the columns of a platform's file once; from then on its statements are read like any other."""

    form = FormatForm
    list_display = ["name", "key", "channel", "updated_at"]
    list_select_related = ["channel"]
    search_fields = ["name", "key"]

    def get_fieldsets(self, request, obj=None):
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": ["name", "channel", "columns", "words", "fee_sign", "currency"]})]
        columns = [f"column_{part}" for part in mapping.PARTS]
        return [
            (None, {"fields": ["name", "channel"]}),
            ("Which column says what", {"fields": columns}),
            ("How its values are written", {"fields": ["fee_sign", "date_order", "decimal_mark", "currency"]}),
            ("What its rows mean", {"fields": ["words_text", "positive", "negative", "time_zone"]}),
        ]

    def get_form(self, request, obj=None, change=False, **kwargs):
        # The fields of the columns are made for each file: Django need not look for them on the class.
        return super().get_form(request, obj, change, **kwargs | {"fields": FormatForm.Meta.fields})

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewFormatForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            made = StatementFormat.objects.create(
                **{name: asked[name] for name in ("key", "name", "channel", "header")},
                columns=mapping.guess(asked["header"]),
                currency=settings.STORE_CURRENCY,
            )
            self.log_addition(request, made, "Described a layout")
            self.message_user(request, "Say which column says what, then upload the statement.")
            return redirect("admin:earnings_statementformat_change", made.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Describe a layout",
            "form": form,
        }
        return render(request, "admin/earnings/statementformat/describe.html", context)
