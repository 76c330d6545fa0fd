"""Ends a cluster whose workers do not answer."""

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path

from django.db import connection

from agency.heartbeats import HOST, Silence
from agency.outages import Outage

log = logging.getLogger(__name__)

LOOK_AT_WORKERS_EVERY = 2  # seconds
SILENT_LOOKS = 8  # workers that show nothing for so long do not answer any more

_watchdog = None


def watch():
    """Have this process's cluster watched, from the process that fills its queue; the first call starts it."""
    global _watchdog
    # Only in a process that django-q2 made for this, never in one that merely looks at the queue.
    if _watchdog is None and parent_process() is not None:
        _watchdog = Watchdog()
        _watchdog.start()


class Watchdog(threading.Thread):
    """Ends a cluster whose workers do not answer, so that whoever keeps it running starts it anew.

    A worker that is killed while it waits for work takes the queue's lock with it, and then no worker of that
    cluster ever gets work again, while django-q2's own status stays green. It runs in the process that fills the
    queue, as a thread, because that process itself then stands still in a full queue.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self._sentinel = os.getppid()  # the workers' parent, too
        self._silence = Silence(f"{HOST}:{self._sentinel}", SILENT_LOOKS)
        self._outage = Outage(log, "the workers' heartbeat can't be read", "the workers' heartbeat is read again")

    def run(self):
        while os.getppid() == self._sentinel:
            time.sleep(LOOK_AT_WORKERS_EVERY)
            try:
                is_over = self._silence.is_broken_off()
            except Exception:  # no database, no verdict
                self._outage.met()
                connection.close()
                self._silence.forget()
                continue
            self._outage.over()
            if is_over:
                log.critical("no worker of this cluster answers: ending it")
                self._end()

    def _end(self):
        family = [int(pid) for pid in _children_of(self._sentinel) if int(pid) != os.getpid()]
        for pid in [self._sentinel, *family, os.getpid()]:
            with suppress(ProcessLookupError):  # it has ended since
                os.kill(pid, signal.SIGKILL)


def _children_of(pid):
    """Process ids of the children of `pid`, from /proc; none where there is no /proc."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for children in lists for child in children.read_text().split()]
