"""What a process logs while a service is away: that it is, with the reason, and that it is back.

Who asks again every second would say so every second: a night without the database was gigabytes of tracebacks.
"""

from urllib.parse import urlsplit

from django.conf import settings


def redis_fault():
    """One line with the reason if REDIS_URL names a server that does not answer, else None."""
    if not settings.REDIS_URL:
        return None
    import redis  # an extra

    try:
        redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2).ping()
    except redis.RedisError as error:
        place = urlsplit(settings.REDIS_URL).netloc.rpartition("@")[2] or "the local socket"
        return f"REDIS_URL: Redis at {place} does not answer, going on without it: {error}"
    return None


class Outage:
    """Of one service, as one process meets it."""

    def __init__(self, log, away, back):
        self._log, self._away, self._back = log, away, back
        self._lasts = False

    def met(self):
        """Called where the exception is handled; the first time it is logged with its traceback."""
        if not self._lasts:
            self._lasts = True
            self._log.exception(self._away)

    def over(self):
        """Called after each success."""
        if self._lasts:
            self._lasts = False
            self._log.warning(self._back)
