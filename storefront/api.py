"""The shop's door for programs: products, and catalog files to import."""

import django_filters
from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from agency.serializers import MONEY
from earnings import money
from earnings.parameters import KnowsItsParameters
from earnings.refusals import Refusal
from earnings.strict import Strict
from storefront import catalog, import_workflow, search
from storefront.catalog import cells, editing, importing, publishing, reports
from storefront.models import CatalogImport, Product

SHOWN = 1000
_UNSAID = object()


@extend_schema_field(MONEY)
class MoneyField(serializers.Field):
    """`{"amount": "29.00", "currency": "USD"}`, or `minor` in place of `amount`; both must agree.

    Numbers with a fraction are refused: JSON's are floats, and floats can't hold cents.
    """

    def __init__(self, minor, **kwargs):
        self._minor = minor
        super().__init__(**kwargs)

    def get_attribute(self, product):
        return product if getattr(product, self._minor) is not None else None

    def to_representation(self, product):
        return money.as_json(getattr(product, self._minor), product.currency)

    def to_internal_value(self, data):
        if not isinstance(data, dict):
            raise serializers.ValidationError('Write money as {"amount": "29.00", "currency": "USD"}.')
        unknown = sorted(set(data) - {"amount", "minor", "currency"})
        if unknown:
            raise serializers.ValidationError(f"Money has no {unknown[0]!r}: only amount, minor and currency.")
        currency = data.get("currency", settings.STORE_CURRENCY)
        amount, minor = data.get("amount"), data.get("minor")
        if minor is not None and (type(minor) is not int or not 0 <= minor <= money.LARGEST):
            raise serializers.ValidationError("minor is a whole number of at least 0.")
        if amount is not None and not isinstance(amount, str):
            raise serializers.ValidationError('amount is text, as in "29.00".')
        try:
            money.exponent(currency)
            found = {minor} if minor is not None else set()
            if amount is not None:
                found.add(money.to_minor(amount, currency))
        except ValueError as error:
            raise serializers.ValidationError(f"{error}.") from None
        if len(found) != 1:
            detail = "amount and minor differ." if found else "amount is missing."
            raise serializers.ValidationError(detail)
        (minor,) = found
        if minor < 0:
            raise serializers.ValidationError("A price is at least 0.")
        return money.Money(minor, currency)


class ProductSerializer(Strict, serializers.ModelSerializer):
    """A product. `status` moves draft, approved, listed, archived; listing needs the right to publish."""

    price = MoneyField("price_minor")
    compare_at = MoneyField("compare_at_minor", required=False, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=80), required=False, max_length=100)
    family = serializers.CharField(max_length=120, required=False)
    image = serializers.CharField(max_length=500, required=False, allow_blank=True)
    external_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Product
        fields = [
            *("id", "sku", "slug", "url", "family", "option", "is_lead", "title", "summary", "description"),
            *("category", "vendor", "tags", "kind", "language", "price", "compare_at", "stock", "status"),
            *("image", "image_alt", "external_url", "position", "created_at", "updated_at"),
        ]
        read_only_fields = ["slug", "is_lead"]
        # `editing.add` looks for the SKU in any spelling and takes care of the family's lead.
        extra_kwargs = {"sku": {"validators": []}}
        validators = []

    def get_url(self, product) -> str:
        return settings.PUBLIC_URL + product.get_absolute_url()

    def validate_sku(self, sku):
        if self.instance and sku != self.instance.sku:
            raise serializers.ValidationError("An SKU stays what it is: orders and files refer to it.")
        return sku

    def validate_description(self, text):
        return cells.html(text)

    def validate_image(self, address):
        return _read(cells.image, address)

    def validate_external_url(self, address):
        return _read(cells.link, address)

    def validate_stock(self, stock):
        if stock is not None and stock > cells.LARGEST_STOCK:
            raise serializers.ValidationError(f"At most {cells.LARGEST_STOCK}.")
        return stock

    def validate(self, values):
        price, before = values.pop("price", None), values.pop("compare_at", _UNSAID)
        if price:
            values |= {"price_minor": price.minor, "currency": price.currency}
        if before is not _UNSAID:
            values["compare_at_minor"] = before.minor if before else None
        self._check_compare_at(price or _price(self.instance), before)
        return values

    def _check_compare_at(self, price, before):
        if before is _UNSAID:
            before = _price(self.instance, "compare_at_minor")
        if before and (before.currency != price.currency or before.minor <= price.minor):
            raise serializers.ValidationError(
                {"compare_at": "The price before must be above the price, in the same currency; or null."}
            )


def _price(product, column="price_minor"):
    minor = getattr(product, column, None)
    return None if minor is None else money.Money(minor, product.currency)


def _read(reader, text):
    try:
        return reader(text)
    except ValueError as error:
        raise serializers.ValidationError(f"{error}.") from None


class ProductFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        method="search", label="Beginnings of words in title, SKU, tags, option, category, vendor, summary."
    )
    status = django_filters.ChoiceFilter(choices=Product.Status.choices)
    category = django_filters.CharFilter()
    kind = django_filters.ChoiceFilter(choices=Product.Kind.choices)
    family = django_filters.CharFilter()
    sku = django_filters.CharFilter()

    class Meta:
        model = Product
        fields = []

    def search(self, products, name, words):
        return search.narrowed(products, words) if words else products


class ImportRequest(Strict, serializers.Serializer):
    """A catalog file. With `dry_run` nothing is changed; with `publish` the rows that the file marks as
    published are listed; with `leave_out` rows that can't be imported don't stop the others. With `background` a
    worker reads it, and applies it unless it is a dry run."""

    file = serializers.FileField(allow_empty_file=True, max_length=200)
    format = serializers.ChoiceField(["auto", *catalog.FORMATS], default="auto")
    dry_run = serializers.BooleanField(default=False)
    publish = serializers.BooleanField(default=False)
    leave_out = serializers.BooleanField(default=False)
    background = serializers.BooleanField(default=False)


class ReportRemark(serializers.Serializer):
    column = serializers.CharField()
    detail = serializers.CharField()


class ReportLine(serializers.Serializer):
    """What happens to one row. `changes` is `{field: [old, new]}`; `row` counts as a spreadsheet does."""

    row = serializers.IntegerField()
    sku = serializers.CharField()
    outcome = serializers.ChoiceField([*reports.OUTCOMES, "note"])
    changes = serializers.DictField(child=serializers.ListField())
    title = serializers.CharField(required=False, help_text="Of what is created, as are its price and currency.")
    price_minor = serializers.IntegerField(required=False, allow_null=True, help_text="A service's lowest price.")
    currency = serializers.CharField(required=False, help_text="Of every amount in the line.")
    problems = ReportRemark(many=True)
    flags = ReportRemark(many=True, required=False)


class CatalogImportSerializer(serializers.ModelSerializer):
    """An import and the first 1,000 lines of its report, the refused ones first."""

    report = serializers.SerializerMethodField()
    report_lines = serializers.SerializerMethodField()

    class Meta:
        model = CatalogImport
        fields = [
            *("id", "name", "sha256", "format", "encoding", "delimiter", "status", "publish", "leaves_out"),
            *("created_count", "changed_count", "unchanged_count", "refused_count"),
            *("run_id", "report_lines", "report", "created_at", "applied_at"),
        ]

    @extend_schema_field(ReportLine(many=True))
    def get_report(self, done):
        return reports.by_importance(done.report)[:SHOWN]

    def get_report_lines(self, done) -> int:
        return len(done.report)


@extend_schema(tags=["products"])
class ProductViewSet(
    KnowsItsParameters,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet,
):
    """The inventory: everything that is or may be on sale."""

    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    http_method_names = ["get", "post", "patch", "head", "options"]
    filterset_class = ProductFilter
    ordering_fields = ("id", "title", "sku", "price_minor", "position", "updated_at")
    rights = None

    def perform_create(self, serializer):
        values = dict(serializer.validated_data)
        wanted = values.pop("status", Product.Status.DRAFT)
        self._check_right(Product.Status.DRAFT, wanted)
        serializer.instance = editing.add(Product(**values))
        self._move(serializer.instance, wanted)

    def perform_update(self, serializer):
        values = dict(serializer.validated_data)
        values.pop("sku", None)
        product = serializer.instance
        wanted = values.pop("status", product.status)
        self._check_right(product.status, wanted)
        self._move(product, wanted)
        serializer.instance = editing.change(product, values)

    def _check_right(self, now, wanted):
        if now != wanted and not self.request.user.has_perm("storefront.publish_product"):
            raise PermissionDenied("Changing a product's status needs the right storefront.publish_product.")

    def _move(self, product, wanted):
        if product.status != wanted and not publishing.change_status(product, wanted):
            raise Refusal(
                f"A product that is {product.status} can't become {wanted}.",
                allowed=publishing.allowed(product.status),
            )

    @extend_schema(
        request={"multipart/form-data": ImportRequest},
        responses={
            200: CatalogImportSerializer,
            201: CatalogImportSerializer,
            202: OpenApiResponse(CatalogImportSerializer, description="A worker is at it; `Location` is its run."),
        },
        parameters=[OpenApiParameter("Content-Type", exclude=True)],
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        url_name="import",
        parser_classes=[MultiPartParser],
        rights=("storefront.add_catalogimport", "storefront.add_product", "storefront.change_product"),
    )
    def import_file(self, request):
        """Import a catalog file (multipart): all of it or nothing, unless refused rows are to be left out.

        201 when it was applied, 200 for a dry run, each with the report; 202 with `background`: a worker reads it,
        and the run says how far it is and what came of it. 422 with the rows to blame when a row is
        refused or the file can't be read; then nothing was changed. The same file again changes nothing.
        """
        limit = settings.CATALOG_UPLOAD_MAX_BYTES
        # Asked before the body is read; the parts around the file take little.
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit + 100_000:
            raise Refusal(f"The file is larger than {limit:,} bytes.", status=413)
        asked = ImportRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        asked = asked.validated_data
        if asked["file"].size > limit:
            raise Refusal(f"The file is larger than {limit:,} bytes.", status=413)
        if asked["publish"] and not request.user.has_perm("storefront.publish_product"):
            raise PermissionDenied("Publishing needs the right storefront.publish_product.")
        options = {name: asked[name] for name in ("format", "publish", "leave_out")} | {"user": request.user}
        if asked["background"]:
            return self._handed_over(asked, options)
        done = importing.import_catalog(asked["file"], asked["file"].name, dry_run=asked["dry_run"], **options)
        body = CatalogImportSerializer(done).data
        if done.status == CatalogImport.Status.REFUSED:
            raise Refusal(
                f"Rows that can't be imported: {done.refused_count}. Nothing was changed.",
                status=422,
                errors=importing.errors_of(done.report),
                **{"import": body},
            )
        made = status.HTTP_200_OK if asked["dry_run"] else status.HTTP_201_CREATED
        return Response(body, status=made)

    def _handed_over(self, asked, options):
        kept = importing.receive(asked["file"], asked["file"].name, **options)
        import_workflow.hand_over(kept, options["user"], apply=not asked["dry_run"])
        location = {"Location": f"/api/v1/runs/{kept.run_id}"}
        return Response(CatalogImportSerializer(kept).data, status=status.HTTP_202_ACCEPTED, headers=location)
