"""Keys that unlock a product: staff add them, each buyer gets one with the payment, or as soon as there is one.

A product takes keys once it was given any: whoever has a right to it then has, or waits for, a key.
"""

import unicodedata
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from earnings.refusals import Refusal
from storefront import order_mail
from storefront.models import Entitlement, LicenseKey, Product

MOST = 10_000  # keys that are added at once
LONGEST = LicenseKey._meta.get_field("text").max_length


@dataclass(frozen=True)
class Added:
    """How many keys were new, how many were there before, and how many of those who waited have theirs now."""

    new: int
    known: int
    handed_out: int


@transaction.atomic
def add(product, text):
    """Put the keys of `text`, one on each line, into the product's stock; who waits for one gets it at once.

    Returns `Added`. A key that is there is not added twice. Refusal (422) naming the line of what is no key; then
    none is added.
    """
    keys = _read(text)
    # Who is granted a right at this moment holds its row: they are seen here, or see what is added.
    Product.objects.select_for_update().get(pk=product.pk)
    before = product.license_keys.count()
    LicenseKey.objects.bulk_create(
        [LicenseKey(product=product, text=key) for key in keys], batch_size=500, ignore_conflicts=True
    )
    new = product.license_keys.count() - before
    return Added(new, len(keys) - new, _hand_out_to_waiting(product))


def give(entitlement):
    """The key of a right: its own, or the oldest free one. None where its product takes none; also where none is
    left, and then staff are told."""
    _hold_off_new_keys(entitlement.product_id)
    if not takes_keys([entitlement.product_id]):
        return None
    key = _own_or_free(entitlement)
    if key is None:
        entitlement.order_line.order.note_problem(_problem(entitlement.order_line))
    return key


def catch_up(entitlement):
    """A right that was taken away is there again: the keys that were added meanwhile passed it by."""
    if give(entitlement):
        line = entitlement.order_line
        line.order.forget_problem(_problem(line))


def _own_or_free(entitlement):
    found = LicenseKey.objects.filter(entitlement=entitlement).first()
    free = LicenseKey.objects.filter(product=entitlement.product_id, entitlement=None).order_by("pk")
    while found is None:
        # What others are taking is passed by; if there is nothing else, they are waited for: they may yet give up.
        key = free.select_for_update(skip_locked=True).first() or free.first()
        if key is None:
            return None
        if free.filter(pk=key.pk).update(entitlement=entitlement, handed_out_at=timezone.now()):
            found = LicenseKey.objects.get(pk=key.pk)
    return found


def withdraw(key):
    """Hand a free key out to nobody. Refusal (409) for one that a buyer has."""
    if not LicenseKey.objects.filter(pk=key.pk, entitlement=None).delete()[0]:
        raise Refusal("A buyer has this key; it can't be taken back.", allowed=[])


def _hold_off_new_keys(product_id):
    """Until this transaction ends, whoever adds keys waits, and others who are given one do not. (Django has no
    word for this lock; on SQLite there is one writer at a time.)"""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM storefront_product WHERE id = %s FOR KEY SHARE", [product_id])


@dataclass(frozen=True)
class Stock:
    """The keys of a product: free ones, ones that buyers have, and buyers that wait for one."""

    free: int
    handed_out: int
    waiting: int


def stock_of(product):
    return Stock(
        free=product.license_keys.filter(entitlement=None).count(),
        handed_out=product.license_keys.exclude(entitlement=None).count(),
        waiting=_waiting(product).count(),
    )


def takes_keys(products):
    """The ids of those of these products that take keys."""
    keys = LicenseKey.objects.filter(product=OuterRef("pk"))
    return set(Product.objects.filter(Exists(keys), pk__in=products).values_list("pk", flat=True))


def _waiting(product):
    """The rights without a key, of a product that takes keys; the oldest first."""
    rights = Entitlement.objects.filter(product=product.pk, status=Entitlement.Status.ACTIVE, license_key=None)
    return rights.order_by("granted_at", "pk") if takes_keys([product.pk]) else rights.none()


def _hand_out_to_waiting(product):
    served = 0
    for entitlement in _waiting(product).select_related("order_line__order"):
        if _own_or_free(entitlement) is None:
            break
        line = entitlement.order_line
        line.order.forget_problem(_problem(line))
        order_mail.key_is_there(line.order, line)
        served += 1
    return served


def _problem(line):
    return f"No license key was left for {line}. Add keys, and the buyer gets one by itself."


def _read(text):
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    keys = {}
    for number, key in lines:
        if len(key) > LONGEST:
            raise Refusal.of_field("/keys", f"Line {number}: a key has at most {LONGEST} characters.")
        if any(unicodedata.category(sign)[0] == "C" for sign in key):  # nobody could type it
            raise Refusal.of_field("/keys", f"Line {number}: a key has no invisible characters.")
        if key:
            keys[key] = number
    if not keys:
        raise Refusal.of_field("/keys", "Write one key on each line.")
    if len(keys) > MOST:
        raise Refusal.of_field("/keys", f"These are {len(keys):,} keys; at most {MOST:,} are added at once.")
    return list(keys)
