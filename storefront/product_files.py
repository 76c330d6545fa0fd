"""Files of products: uploaded, replaced by a newer version, withdrawn. Buyers always get the newest one."""

import hashlib
import mimetypes
import unicodedata

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from earnings.refusals import Refusal
from storefront import order_mail
from storefront.models import Product, ProductFile

LONGEST_NAME = 120


def add(product, upload, *, name="", note="", by=None):
    """Store `upload` (a Django `File`) as the product's file `name`, or as its next version where there is one.

    The newest version uploaded again is that version. `name` is the upload's own unless given. Refusal (422) for a
    file that is empty or too large, or a name that is none.
    """
    name = shown_name(name or upload.name)
    if not upload.size:
        raise Refusal.of_field("/file", "The file is empty.")
    if upload.size > settings.PRODUCT_FILE_MAX_BYTES:
        raise Refusal.of_field("/file", f"The file is larger than {settings.PRODUCT_FILE_MAX_BYTES:,} bytes.")
    new = ProductFile(product=product, name=name, note=note.strip()[:200], created_by=by, size=upload.size)
    new.sha256 = _hash(upload)
    new.content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    same = _newest(product, name)
    if same and same.sha256 == new.sha256 and same.withdrawn_at is None:
        return same
    new.file.save(name, upload, save=False)
    try:
        return _number(new)
    except BaseException:
        new.file.delete(save=False)
        raise


@transaction.atomic
def _number(new):
    """Save it as the next version; two at once wait for each other at the product's row."""
    Product.objects.select_for_update().get(pk=new.product_id)
    last = ProductFile.objects.filter(product=new.product_id, name=new.name).aggregate(last=Max("version"))["last"]
    new.version = (last or 0) + 1
    new.save()
    return new


def withdraw(file):
    """Offer it to nobody any more: buyers get the version before it, or none. Twice is once."""
    ProductFile.objects.filter(pk=file.pk, withdrawn_at=None).update(withdrawn_at=timezone.now())
    file.refresh_from_db()
    return file


def offer_again(file):
    """Take a withdrawal back."""
    ProductFile.objects.filter(pk=file.pk).update(withdrawn_at=None)
    file.refresh_from_db()
    return file


def tell_buyers(file):
    """Write to everybody who may download this version that it is there, once. Returns how many are written to.

    Refusal (409) for one that they do not get, or that was there from the beginning.
    """
    if not may_be_told(file):
        raise Refusal(f"{file} is no newer version that buyers get.", allowed=[])
    return order_mail.new_version(file)


def may_be_told(file):
    return file.version > 1 and ProductFile.objects.current().filter(pk=file.pk).exists()


def shown_name(name):
    """A file's name without folders and control characters, its ending kept. Refusal (422) where none is left."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    name = "".join(c for c in " ".join(name.split()) if unicodedata.category(c)[0] != "C").lstrip(".")
    stem, dot, ending = name.rpartition(".")
    if dot and stem and len(ending) <= 10:
        name = f"{stem[: LONGEST_NAME - 1 - len(ending)]}.{ending}"
    if not name:
        raise Refusal.of_field("/name", "The file needs a name.")
    return name[:LONGEST_NAME]


def _newest(product, name):
    return ProductFile.objects.filter(product=product, name=name).order_by("-version").first()


def _hash(upload):
    seen = hashlib.sha256()
    upload.seek(0)
    for piece in upload.chunks():
        seen.update(piece)
    upload.seek(0)
    return seen.hexdigest()
