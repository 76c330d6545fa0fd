"""A run's events as a live stream (Server-Sent Events).

An open stream holds a thread of the web server, so everything about it is bounded: how many there are, how many
of them are one person's, how long one lasts and how much it carries. Whoever finds no place, or is sent away, asks
again with `Last-Event-ID` and misses nothing.
"""

import time

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer

from agency.models import Event, Run
from agency.places import Places
from agency.serializers import EventSerializer
from earnings.refusals import Refusal

PLACES = 8  # of the 16 threads that `manage.py up` gives the web server: pages always find one
PLACES_OF_ONE = 3  # one person's tabs must not take all
LOOK_EVERY = (0.1, 1.0)  # seconds: soon after something happened, less often while nothing does
HEARTBEAT_EVERY = 5  # seconds: proxies close silent connections, and only writing shows that nobody reads
LONGEST = 60  # seconds; browsers then reconnect by themselves with Last-Event-ID
# A client that stops reading blocks the thread that writes to it, once the buffers between them are full. Those of
# the server alone hold more than this, so such a client gets its answer into a buffer and the thread goes on.
MOST_BYTES = 200_000
_renderer = JSONRenderer()


class EventStreamRenderer(BaseRenderer):
    """Lets `Accept: text/event-stream` choose the stream; the stream itself is not rendered."""

    media_type = "text/event-stream"
    format = "event-stream"
    charset = "utf-8"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return _renderer.render(data)


def position(request):
    """The number after which the caller wants events: `Last-Event-ID`, `?after=`, or 0.

    A browser that reconnects repeats the address that it was given and adds the header: the header is newer.
    """
    given = {"after": request.query_params.get("after", "0")}
    if "Last-Event-ID" in request.headers:
        given["Last-Event-ID"] = request.headers["Last-Event-ID"]
    for name, number in given.items():
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise Refusal.of_field(f"/{name}", "Must be the number of an event.")
    return int(given.get("Last-Event-ID", given["after"]))


def respond(run, after, user_id=None):
    """The stream of a run after event number `after`, until the run has ended and everything was sent.

    A caller who has everything of a run that ended is answered 204: that tells browsers not to reconnect.
    Raises Refusal when no place is free: 503, or 429 when it is this user who has too many.
    """
    if run.status in Run.TERMINAL and after >= run.event_count:
        return HttpResponse(status=204)
    return StreamingHttpResponse(
        _Stream(run.pk, after, user_id),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


places = Places(PLACES, PLACES_OF_ONE, "live streams")


class _Stream:
    """An iterator with `close`, so that the place is given back however the connection ends."""

    def __init__(self, run_id, after, user_id):
        self._is_open = False
        places.take(user_id)
        self._user_id = user_id
        self._is_open = True
        self._blocks = _blocks(run_id, after)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._blocks)

    def close(self):
        if self._is_open:
            self._is_open = False
            self._blocks.close()
            places.give_back(self._user_id)

    __del__ = close  # an answer that fails on its way out is never closed


def _blocks(run_id, after):
    ends = time.monotonic() + LONGEST
    silent_since, pause, sent = time.monotonic(), LOOK_EVERY[0], 0
    yield b"retry: 1000\n\n"
    while time.monotonic() < ends and sent < MOST_BYTES:
        # One cheap look at one row. The status and the count of events are written together: whoever sees that
        # the run has ended sees all of its events, too.
        status, count = Run.objects.values_list("status", "event_count").get(pk=run_id)
        seen = after
        news = Event.objects.filter(run_id=run_id, number__gt=after).order_by("number")[:100]
        for event in news if count > after else ():
            block = _block(event)
            after, sent = event.number, sent + len(block)
            silent_since, pause = time.monotonic(), LOOK_EVERY[0]
            yield block
        if seen < after < count:
            continue  # more than fit into one look
        if status in Run.TERMINAL:
            return
        if time.monotonic() - silent_since > HEARTBEAT_EVERY:
            silent_since = time.monotonic()
            yield b": still here\n\n"
        time.sleep(pause)
        pause = min(pause * 1.5, LOOK_EVERY[1])


def _block(event):
    """An event as the JSON answer has it, too."""
    data = _renderer.render(EventSerializer(event).data)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.number, event.kind.encode(), data)
