"""A run's events as a live stream (Server-Sent Events)."""

import json
import threading
import time

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

from agency.models import Event, Run
from earnings.refusals import Refusal

LOOK_EVERY = 0.25  # seconds
HEARTBEAT_EVERY = 10  # seconds: proxies close silent connections
LONGEST = 60  # seconds; browsers then reconnect by themselves with Last-Event-ID
# An open stream holds a server thread; these are all that may be held, so that pages always find one.
_places = threading.BoundedSemaphore(8)


class EventStreamRenderer(BaseRenderer):
    """Lets `Accept: text/event-stream` choose the stream; the stream itself is not rendered."""

    media_type = "text/event-stream"
    format = "event-stream"
    charset = "utf-8"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return json.dumps(data).encode()


def position(request):
    """The number after which the caller wants events: `?after=` or the header `Last-Event-ID`, else 0."""
    given = request.query_params.get("after") or request.headers.get("Last-Event-ID") or "0"
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Refusal.of_field("/after", "Must be the number of an event.")
    return int(given)


def respond(run, after):
    """The stream of a run after event number `after`, until the run has ended and everything was sent."""
    if not _places.acquire(blocking=False):
        raise Refusal("All live streams are taken; ask for JSON, or again in a moment.", status=503)
    return StreamingHttpResponse(
        _Stream(run.pk, after),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Stream:
    """An iterator with `close`, so that the place is given back however the connection ends."""

    def __init__(self, run_id, after):
        self._lines = self._events(run_id, after)
        self._open = True

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._lines)

    def close(self):
        if self._open:
            self._open = False
            self._lines.close()
            _places.release()

    def _events(self, run_id, after):
        ends = time.monotonic() + LONGEST
        silent_since = time.monotonic()
        yield "retry: 1000\n\n"
        while time.monotonic() < ends:
            # The status first: an event that was written before the run ended is then surely read after it.
            is_over = Run.objects.values_list("status", flat=True).get(pk=run_id) in Run.TERMINAL
            for event in Event.objects.filter(run_id=run_id, number__gt=after).order_by("number")[:1000]:
                after = event.number
                silent_since = time.monotonic()
                yield _block(event)
            if is_over:
                return
            if time.monotonic() - silent_since > HEARTBEAT_EVERY:
                silent_since = time.monotonic()
                yield ": still here\n\n"
            time.sleep(LOOK_EVERY)


def _block(event):
    body = {
        "id": event.number,
        "kind": event.kind,
        "message": event.message,
        "task": event.task_id,
        "data": event.data,
        "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
    }
    return f"id: {event.number}\nevent: {event.kind}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"
