"""When a cluster rings for itself.

Every cluster is a clock of its own: it rings for what a commit, a killed worker, a lost bell or a retry's delay
left due, so that there is no scheduler that could be missing, and no queue whose loss would stop the work.
"""

import time
from types import SimpleNamespace

from django_q.conf import Conf
from django_q.tasks import async_task

from agency.attempts import count_due

LOOK_EVERY = 0.5  # seconds between looks for tasks that became due by the clock
RING_EVERY = 0.005  # seconds between rings while tasks stay due: their workers are on their way
SWEEP_EVERY = 5.0  # seconds between sweeps, which also show that the workers answer


class Clock:
    def __init__(self):
        self._next_look = self._next_sweep = 0.0

    def bells(self, *, is_woken=False):
        """The messages to hand to workers now; one for each due task, at most one for each worker."""
        now = time.monotonic()
        if now >= self._next_sweep:
            # Raises while the database is away: each part of the sweep would stumble over that, and log it.
            count_due(1)
            self._next_sweep = now + SWEEP_EVERY
            return [bell("agency.jobs.sweep")]
        if not is_woken and now < self._next_look:
            return []
        due = count_due(Conf.WORKERS)
        self._next_look = now + (RING_EVERY if due else LOOK_EVERY)
        return [bell("agency.jobs.work") for _ in range(due)]

    @property
    def next_at(self):
        """When to ask again, on the monotonic clock."""
        return min(self._next_look, self._next_sweep)


def bell(job):
    """`(None, payload)`: a message as django-q2 packs it, that no queue has and nobody has to acknowledge."""
    packed = []
    async_task(job, broker=SimpleNamespace(enqueue=packed.append, list_key="own"))
    return None, packed[0]
