"""Answers that hold a thread of the web server for long: how many there may be, and how many for one person."""

import threading
from collections import Counter

from earnings.refusals import Refusal


class Places:
    """The places of this process, counted for each holder. `what` is what they are for, in the plural."""

    def __init__(self, most, most_of_one, what):
        self._most, self._most_of_one, self._what = most, most_of_one, what
        self._lock = threading.Lock()
        self._taken = Counter()

    def take(self, holder):
        """Refusal when no place is free: 503, or 429 when it is this holder who has too many."""
        with self._lock:
            if self._taken[holder] >= self._most_of_one:
                detail = f"{self._most_of_one} {self._what} are open for you already; close one first."
                raise Refusal(detail, status=429, retry_after=5)
            if self._taken.total() >= self._most:
                raise Refusal(f"All {self._what} are taken; ask again in a moment.", status=503, retry_after=5)
            self._taken[holder] += 1

    def give_back(self, holder):
        with self._lock:
            self._taken[holder] -= 1
            self._taken += Counter()  # forgets who has none

    @property
    def taken(self):
        return self._taken.total()
