"""Pages for visitors."""

from django.conf import settings


def store(request):
    """Template context: how the shop calls itself."""
    return {"store_name": settings.STORE_NAME, "store_email": settings.STORE_EMAIL}
