"""The `Idempotency-Key` header: a POST that is sent again is answered again, and done once."""

import hashlib
import json
from datetime import timedelta

from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from agency.models import RememberedAnswer
from agency.models.runs import canonical_json
from earnings.refusals import Refusal

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=10)  # a first request that is not answered by then died
LONGEST_KEY = 255


class _Replay(Exception):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer


class RemembersAnswers:
    """View mixin: the same key and body get the first answer, after the same checks of who asks.

    Same key, other body: 422. The first still running: 409 with Retry-After. Answers that a repetition could
    change (401, 403, 409, 429, 5xx) are not remembered. Uploads are exempt: their content is their identity.
    """

    _remembered = None

    def kept(self, data):
        """What of an answer is remembered: all of it, where it holds no secret."""
        return data

    def recalled(self, data):
        """The answer again, from what was `kept` of it. Refusal where it is not true any more."""
        return data

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        key = request.headers.get("Idempotency-Key")
        if request.method == "POST" and key is not None and not request.content_type.startswith("multipart/"):
            self._remembered = self._claim(request, key)

    def handle_exception(self, error):
        if isinstance(error, _Replay):
            return error.answer
        try:
            return super().handle_exception(error)
        except Exception:
            if self._remembered:  # a crash is not an answer: the next try is a first one
                self._remembered.delete()
                self._remembered = None
            raise

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        remembered, self._remembered = self._remembered, None
        if remembered is None:
            return response
        if response.status_code in (401, 403, 409, 429) or response.status_code >= 500:
            remembered.delete()
            return response
        remembered.status = response.status_code
        remembered.headers = {"Location": response["Location"]} if response.has_header("Location") else {}
        remembered.content_type = response.content_type or ""  # the header is only set when it is rendered
        remembered.body = JSONRenderer().render(self.kept(response.data)).decode()
        remembered.save(update_fields=["status", "headers", "content_type", "body"])
        return response

    def _claim(self, request, key):
        if not key.strip() or len(key) > LONGEST_KEY:
            raise Refusal("Idempotency-Key must have 1 to 255 characters.", status=400)
        said = "\n".join([str(request.user.pk), request.method, request.path_info, key])
        scope = hashlib.sha256(said.encode()).hexdigest()
        body = hashlib.sha256(canonical_json(request.data).encode()).hexdigest()
        forget(scope=scope)
        row, is_first = RememberedAnswer.objects.get_or_create(scope=scope, defaults={"body_sha256": body})
        if is_first:
            return row
        if row.body_sha256 != body:
            raise Refusal("This Idempotency-Key was used with another body.", status=422)
        if row.status is None:
            raise Refusal("The first request with this Idempotency-Key still runs.", retry_after=1)
        raise _Replay(
            Response(
                self.recalled(json.loads(row.body)),
                status=row.status,
                headers=row.headers | {"Idempotent-Replayed": "true"},
                content_type=row.content_type or None,
            )
        )


def forget(**which):
    """Delete what is past its time: answers after 24 hours, requests that died after ten minutes."""
    now = timezone.now()
    rows = RememberedAnswer.objects.filter(**which)
    rows.filter(created_at__lt=now - KEPT).delete()
    rows.filter(status=None, created_at__lt=now - ABANDONED).delete()
