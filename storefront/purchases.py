"""The way to somebody's purchases, sent again to their own address and to nobody else's.

Who asks gets one answer, at one speed, whether or not the address ever bought: the question is written down, and
the sweep answers it by mail.
"""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from agency import mail
from agency.models import Mail
from earnings.refusals import Refusal
from storefront.models import LinkRequest, Order

LIVES = timedelta(days=7)
MAIL_EVERY = timedelta(minutes=10)  # to one address, however often it is asked for
A_DAY, MAILS_A_DAY = timedelta(days=1), 5  # and no more of them, from however many networks
AT_ONCE = 50
MOST_SHOWN = 100
SALT = "storefront.purchases"
TEMPLATE = "purchases"


def ask(email):
    """Somebody wants the way to what this address bought."""
    LinkRequest.objects.create(email=email.lower())


def answer_requests():
    """Write to those who have bought here; forget every question."""
    for request in LinkRequest.objects.all()[:AT_ONCE]:
        _answer(request)


@transaction.atomic
def _answer(request):
    mine, _ = LinkRequest.objects.filter(pk=request.pk).delete()
    newest = _orders(request.email).first()
    if not mine or newest is None or _was_written_to(newest.email):
        return
    url = settings.PUBLIC_URL + reverse("storefront:purchases", args=[sign(newest)])
    mail.write(f"purchases:{request.pk}", newest.email, TEMPLATE, {"url": url})


def _was_written_to(email):
    now = timezone.now()
    today = Mail.objects.filter(to=email, template=TEMPLATE, created_at__gte=now - A_DAY)
    return today.filter(created_at__gte=now - MAIL_EVERY).exists() or today.count() >= MAILS_A_DAY


def sign(order):
    """What names all purchases of an order's buyer in an address, for seven days, without naming the buyer."""
    return signing.dumps(order.pk, salt=SALT)


def read(signed):
    """The purchases that a text was signed for, newest first. Refusal (410) when too old, (404) when not ours."""
    try:
        named = Order.objects.get(pk=signing.loads(signed, salt=SALT, max_age=LIVES))
    except signing.SignatureExpired:
        raise Refusal("This link has expired.", status=410) from None
    except (signing.BadSignature, Order.DoesNotExist):
        raise Refusal("There is no such link.", status=404) from None
    return _orders(named.email).prefetch_related("lines")[:MOST_SHOWN]


def _orders(email):
    return Order.objects.filter(email=email).exclude(status=Order.Status.CANCELED).order_by("-id")
