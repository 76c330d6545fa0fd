"""The door for what payment providers tell us."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from storefront.payments import inbox, stripe


@require_POST
@csrf_exempt
def stripe_webhook(request):
    """Store what Stripe signed, then process it. 200 once it is stored: what stumbles then, we try again."""
    if not settings.STRIPE_WEBHOOK_SECRET:
        raise Http404("Stripe is not set up.")
    try:
        event = stripe.read(request.body, request.headers.get("Stripe-Signature"))
    except stripe.BadSignature:
        return HttpResponse("The signature does not fit.", status=400, content_type="text/plain")
    inbox.process(inbox.receive("stripe", event, request.body.decode()))
    return HttpResponse("Stored.", content_type="text/plain")
