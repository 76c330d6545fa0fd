"""How much one caller may ask."""

from rest_framework.throttling import AnonRateThrottle, UserRateThrottle

from storefront.limits import caller


class _CountedTogether:
    """A rate that all processes count together, by a count for each window of time.

    The window before counts by the part of it that lies within the last window's length, so nobody gets two rates
    at the border of two windows. A request that is refused is not counted. (DRF keeps a list of moments that each
    request reads, changes and writes back: two processes at once lose each other's.)
    """

    def get_ident(self, request):
        return caller(request)

    def allow_request(self, request, view):
        self.key = self.rate and self.get_cache_key(request, view)
        if not self.key:
            return True
        window, self._elapsed = divmod(self.timer(), self.duration)
        name = f"{self.key}:{int(window)}"
        self.cache.add(name, 0, timeout=2 * self.duration)
        self._used = self.cache.incr(name)
        self._before = self.cache.get(f"{self.key}:{int(window) - 1}", 0)
        if self._before * (1 - self._elapsed / self.duration) + self._used <= self.num_requests:
            return True
        self._used = self.cache.decr(name)
        return False

    def wait(self):
        """Seconds until one more request is within the rate."""
        room = self.num_requests - self._used - 1
        if room >= 0:  # once enough of the window before is past
            return max(0.0, self.duration * (1 - room / self._before) - self._elapsed)
        past = max(0.0, self.duration * (1 - (self.num_requests - 1) / self._used))
        return self.duration - self._elapsed + past


class Anybody(_CountedTogether, AnonRateThrottle):
    """Callers without credentials, by address."""


class Users(_CountedTogether, UserRateThrottle):
    """Callers with credentials, by user."""
