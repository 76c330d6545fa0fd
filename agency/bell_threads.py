"""Work that a bell starts beside the tasks, in a thread: what waits for others' servers holds no worker."""

import logging
import threading

from django.db import connections

log = logging.getLogger(__name__)


class BellThread:
    """A thread of this process that calls `work` while it is rung for. A daemon: it delays no worker's end."""

    def __init__(self, name, work):
        self._name, self._work = name, work
        self._lock = threading.Lock()
        self._is_rung = False
        self._thread = None

    @property
    def is_at_work(self):
        return self._thread is not None

    def start(self):
        """Answer a bell; one that rings while the thread is about to end is not missed."""
        with self._lock:
            self._is_rung = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self):
        try:
            while self._has_a_bell():
                self._work()
        except Exception:  # the database is away: the sweeper rings again
            log.exception("%s could not be sent; trying again", self._name)
            with self._lock:
                self._thread = None
        finally:
            connections.close_all()

    def _has_a_bell(self):
        with self._lock:
            is_rung, self._is_rung = self._is_rung, False
            if not is_rung:
                self._thread = None
            return is_rung
