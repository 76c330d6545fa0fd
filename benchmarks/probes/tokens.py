"""Ways into the API. Several owners, so that the API's throttle counts as always and nobody reaches it."""

from django.contrib.auth.models import User
from knox.models import get_token_model


def tokens(owners):
    """A fresh token for each of so many owners."""
    return [_token(f"bench-{number}") for number in range(owners)]


def _token(name):
    user = User.objects.filter(username=name).first() or User.objects.create_superuser(name)
    return get_token_model().objects.create(user=user)[1]
