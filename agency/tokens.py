"""Ways into the API for programs: made, narrowed, understood."""

from datetime import timedelta

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.models import get_token_model
from rest_framework.exceptions import AuthenticationFailed

from agency.models import NarrowedUser, TokenScope
from earnings.refusals import Refusal


def make_token(user, *, days=None, is_read_only=False, rights=()):
    """A new token of the user, as `(row, text)`; the text is stored hashed and never seen again.

    It is valid for `days`, or until it is revoked. `rights` ("agency.view_run", ...) and `is_read_only` narrow
    what it may do of what its user may. Refusal (422) names rights that do not exist.
    """
    unknown = sorted(set(rights) - _known_rights())
    if unknown:
        raise Refusal.of_field("/rights", f"There is no right {', '.join(unknown)}.")
    with transaction.atomic():
        user.auth_token_set.filter(expiry__lt=timezone.now()).delete()  # nobody asks with them any more
        row, text = get_token_model().objects.create(user=user, expiry=timedelta(days=days) if days else None)
        if is_read_only or rights:
            TokenScope.objects.create(token=row, is_read_only=is_read_only, rights=sorted(set(rights)))
    return row, text


def _known_rights():
    found = Permission.objects.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


class NarrowedTokens(TokenAuthentication):
    """knox's tokens; the user of a narrowed one has only the rights that it leaves."""

    def authenticate_credentials(self, token):
        try:
            return super().authenticate_credentials(token)
        except UnicodeDecodeError:  # knox decodes before it looks
            raise AuthenticationFailed("Invalid token.") from None

    def _cleanup_token(self, auth_token):
        """Whether it has expired; then it is gone. knox reads all tokens of the user at each request to say so."""
        is_over = auth_token.expiry is not None and auth_token.expiry < timezone.now()
        if is_over:
            auth_token.delete()
        return is_over

    def validate_user(self, auth_token):
        user, auth_token = super().validate_user(auth_token)
        scope = TokenScope.objects.filter(token=auth_token).first()
        if scope:
            user = NarrowedUser.objects.get(pk=user.pk)
            user.scope = scope
        return user, auth_token
