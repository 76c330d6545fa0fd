"""One product at a time, as staff and programs write it."""

from django.db import IntegrityError, transaction

from earnings.refusals import Refusal
from storefront.catalog import cells, publishing
from storefront.catalog.addresses import Addresses
from storefront.models import Product


def add(product):
    """Store a new product: it gets its address, its family and, if it is the first of it, the family's place in
    the catalog. `Refusal` (409) if another product has the SKU, also in other case or width."""
    taken = Product.objects.filter(sku_key=cells.identity(product.sku)).values_list("sku", flat=True).first()
    if taken is not None:
        raise _taken(taken)
    product.family = cells.name_of(product.family) or cells.family_of(product.sku) or "product"
    (product.slug,) = Addresses().give([(product.title, product.option, product.sku)])
    product.is_lead = False
    try:
        with transaction.atomic():
            product.save(force_insert=True)
            publishing.choose_leads([product.family])
    except IntegrityError:
        raise _taken(product.sku) from None
    product.refresh_from_db()
    return product


def change(product, fields):
    """Store new values of some fields; the SKU and the address of the page stay. Fields not named are not touched,
    so that two people who edit different ones do not undo each other."""
    families = {product.family}
    if "family" in fields:
        fields = {**fields, "family": cells.name_of(fields["family"]) or cells.family_of(product.sku) or "product"}
        families.add(fields["family"])
    for name, value in fields.items():
        setattr(product, name, value)
    if len(families) > 1:
        # It may not lead its new family before it is known whether that has a lead.
        product.is_lead, fields = False, {**fields, "is_lead": False}
    with transaction.atomic():
        if fields:
            product.save(update_fields=[*fields, "updated_at"])
        publishing.choose_leads(families)
    product.refresh_from_db()
    return product


def _taken(sku):
    detail = f"There is a product with the SKU {sku!r} already."
    return Refusal(detail, errors=[{"pointer": "/sku", "detail": detail}])
