"""Messages that can't be unpacked: put aside where staff see them, so that the queue behind them goes on.

What the backlog needs is in our own tables, so nothing of ours is in such a message: its code is gone, or it was
written with another key, or it is no message at all. Unpacking it would end the process that fills the queue.
"""

import hashlib
import logging

from django.utils import timezone
from django_q.models import Task as Result
from django_q.signing import SignedPackage

log = logging.getLogger(__name__)


def put_aside(payload, name):
    """Whether the message was unreadable, and is now a failed background job that says why. Twice is once."""
    try:
        SignedPackage.loads(payload)
    except Exception as error:
        log.error("%s can't be unpacked and is put aside: %s", name, error)
        raw = payload if isinstance(payload, bytes) else payload.encode()
        now = timezone.now()
        said = {"started": now, "stopped": now, "success": False, "result": f"{type(error).__name__}: {error}"}
        Result.objects.update_or_create(
            id=hashlib.sha256(raw).hexdigest()[:32], defaults={"name": name, "func": "unreadable", **said}
        )
        return True
    return False
