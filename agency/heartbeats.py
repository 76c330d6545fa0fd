"""How workers show that they are alive, and how others notice that they are not."""

import os
import socket
import time

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from agency.models import Heartbeat

HOST = socket.gethostname()  # once: a laptop's name may change while it runs
_last_beat = 0.0


def beat():
    """Show that this cluster's workers are alive, at most once a second from each process."""
    global _last_beat
    if time.monotonic() - _last_beat < 1:
        return
    _last_beat = time.monotonic()
    with transaction.atomic():
        Heartbeat.objects.update_or_create(cluster=f"{HOST}:{os.getppid()}", defaults={"beat_at": timezone.now()})


class Silence:
    """Counts looks at which the clusters whose names begin with `name` showed nothing new.

    Looks, not time: while the machine sleeps or its clock is set nobody looks. And while nobody can write to the
    database, no worker can show anything, so such a look counts for nothing.
    """

    def __init__(self, name, looks):
        self._name, self._looks = name, looks
        self._seen, self._silent = None, 0

    def is_broken_off(self):
        """Look once more; True when so many looks in a row saw nothing new."""
        beats = Heartbeat.objects.filter(cluster__startswith=self._name)
        newest = beats.aggregate(newest=Max("beat_at"))["newest"]
        is_silent = newest == self._seen and self._can_write(beats)
        self._silent = self._silent + 1 if is_silent else 0
        self._seen = newest
        return self._silent >= self._looks

    def forget(self):
        """Begin to count anew: the workers were started again, or the database was away."""
        self._silent = 0

    @staticmethod
    def _can_write(beats):
        began = time.monotonic()
        beats.update(beat_at=F("beat_at"))
        return time.monotonic() - began < 1
