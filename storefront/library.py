"""What buyers have a right to: granted with the payment, revoked by a full refund, downloaded by signed links.

A link names one file and one right. It lives ten minutes, so that one that is passed on is worth little; the
buyer's own page makes new ones. A soft limit stops a link that many people share; staff reset it.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from earnings.refusals import Refusal
from storefront import license_keys
from storefront.models import Download, Entitlement, LicenseKey, Product, ProductFile

log = logging.getLogger(__name__)
Status = Entitlement.Status
RevokedFor = Entitlement.RevokedFor

LINK_LIVES = timedelta(minutes=10)
MOST_DOWNLOADS = 10  # of one version of one file by one right
SALT = "storefront.library.link"


# --- Rights -----------------------------------------------------------------------------------------------


@transaction.atomic(savepoint=False)
def grant(line, at):
    """The buyer of a line gets the files of its product, and a license key where it takes one, in the transaction
    of the payment. Twice is once."""
    entitlement, _ = Entitlement.objects.get_or_create(
        order_line=line, product=line.product, defaults={"granted_at": at, "counted_from": at}
    )
    license_keys.give(entitlement)
    return entitlement


def lines_without_files(order):
    """What was bought with an order and has no file yet, nor a key instead: somebody has paid and waits."""
    offered = ProductFile.objects.filter(product=OuterRef("product"), withdrawn_at=None)
    keyed = LicenseKey.objects.filter(product=OuterRef("product"))
    return list(order.lines.filter(~Exists(offered), ~Exists(keyed), entitlements__status=Status.ACTIVE))


def products_without_files():
    """What is on sale as a download and would give its buyer nothing: it has neither file nor license keys."""
    offered = ProductFile.objects.filter(product=OuterRef("pk"), withdrawn_at=None)
    keyed = LicenseKey.objects.filter(product=OuterRef("pk"))
    on_sale = Product.objects.listed().filter(kind__in=Product.DIGITAL, external_url="")
    return on_sale.filter(~Exists(offered), ~Exists(keyed))


def revoke_refunded(line):
    """A line was given back in full: so are its rights. What staff had revoked stays theirs."""
    line.entitlements.filter(status=Status.ACTIVE).update(
        status=Status.REVOKED, revoked_for=RevokedFor.REFUND, revoked_at=timezone.now(), reason="Refunded in full."
    )


def restore_refunded(line):
    """The refund did not reach the buyer: what it took is theirs again."""
    for entitlement in line.entitlements.filter(status=Status.REVOKED, revoked_for=RevokedFor.REFUND):
        _give_back(entitlement, "The refund failed.")


def revoke(entitlement, reason):
    """Staff take the right away, and say why. Twice is once."""
    reason = _reason(reason)
    entitlement.advance(Status.REVOKED, revoked_for=RevokedFor.STAFF, revoked_at=timezone.now(), reason=reason)
    return entitlement


def restore(entitlement, reason):
    """Staff give it back, and say why, whoever took it. Twice is once."""
    _give_back(entitlement, _reason(reason))
    return entitlement


@transaction.atomic
def _give_back(entitlement, reason):
    if entitlement.advance(Status.ACTIVE, revoked_for="", revoked_at=None, reason=reason):
        license_keys.catch_up(entitlement)


def _reason(reason):
    if not reason.strip():
        raise Refusal.of_field("/reason", "Say why.")
    return reason.strip()[:500]


def reset_limit(entitlement):
    """Every file of it may be downloaded as often as at first."""
    Entitlement.objects.filter(pk=entitlement.pk).update(counted_from=timezone.now())
    entitlement.refresh_from_db()
    return entitlement


# --- Links and downloads ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """One file for one right; `name` makes each link one download."""

    entitlement_id: int
    file_id: int
    name: str


def files_of(entitlement):
    """What the right gives now: the newest version of each file of the product."""
    found = ProductFile.objects.current().filter(product=entitlement.product_id)
    return found if entitlement.is_active else found.none()


def sign(entitlement, file):
    """A link to the file that lives ten minutes, as text for an address."""
    return signing.dumps([entitlement.pk, file.pk, secrets.token_urlsafe(12)], salt=SALT)


def read(signed):
    """The `Link` that a text was signed for. Refusal (410) when it is too old, (404) when it is none of ours."""
    try:
        return Link(*signing.loads(signed, salt=SALT, max_age=LINK_LIVES))
    except signing.SignatureExpired:
        raise Refusal("This link has expired.", status=410, code="expired") from None
    except signing.BadSignature:
        raise Refusal("There is no such link.", status=404) from None


def file_behind(link):
    """The file that a link leads to, while its right holds. Refusal (410) once it was revoked or withdrawn."""
    entitlement = Entitlement.objects.filter(pk=link.entitlement_id).first()
    file = ProductFile.objects.filter(pk=link.file_id, withdrawn_at=None).first()
    if (
        entitlement is None
        or not entitlement.is_active
        or file is None
        or file.product_id != entitlement.product_id
    ):
        raise Refusal("This download is not offered any more.", status=410, code="revoked")
    return file


@transaction.atomic
def count(link):
    """Write down that a link is used, once however often. Refusal (403) when its file was downloaded too often.

    Who asks for the same right waits for the other one here, so that two at the limit do not both get in.
    """
    entitlement = Entitlement.objects.select_for_update().get(pk=link.entitlement_id)
    if not entitlement.is_active:
        raise Refusal("This download is not offered any more.", status=410, code="revoked")
    if Download.objects.filter(link=link.name).exists():
        return
    if left(entitlement, link.file_id) < 1:
        log.warning("entitlement %s: file %s was downloaded too often", entitlement.pk, link.file_id)
        raise Refusal(f"This file was downloaded {MOST_DOWNLOADS} times.", status=403, code="limit")
    Download.objects.create(entitlement=entitlement, file_id=link.file_id, link=link.name)


def left(entitlement, file_id):
    """How often the file may still be downloaded."""
    used = entitlement.downloads.filter(file=file_id, began_at__gte=entitlement.counted_from).count()
    return max(MOST_DOWNLOADS - used, 0)
