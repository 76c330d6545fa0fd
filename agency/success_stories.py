"""What is told of accepted work, with the client's consent."""

from agency.models import SuccessStory
from agency.wording import count


def tell(order, quote):
    """The success story of accepted work: what was delivered, as measured, and the client's sentence."""
    delivery = order.deliveries.last()
    files = list(delivery.artifacts.all()) if delivery else []
    passed = sum(bool(check.get("passed")) for check in delivery.checks) if delivery else 0
    days = (order.accepted_at - order.created_at).days + 1
    summary = (
        f"{order.package.name}: {count(len(files), 'file')} delivered and accepted within "
        f"{count(days, 'day')}, {count(passed, 'check')} passed."
    )
    title = order.brief.get("title")
    name = f"{order.gig.name}: {title}" if isinstance(title, str) and title else order.gig.name
    image = next((file for file in files if file.content_type.startswith("image/")), None)
    SuccessStory.objects.get_or_create(
        service_order=order,
        defaults={
            "slug": f"{order.gig.slug}-{order.pk}",
            "title": name if len(name) <= 120 else f"{name[:119]}…",
            "summary": summary,
            "quote": quote.strip(),
            "image": image,
        },
    )


def take_down(order):
    """The client consents no more."""
    SuccessStory.objects.filter(service_order=order).delete()
