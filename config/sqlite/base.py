"""Django's SQLite backend, whose writers wait for each other in fractions of a millisecond.

SQLite's own busy handler sleeps 1, 2, 5, 10, 15 ... milliseconds between two tries. Transactions here last about
one, so two workers spent most of their time asleep: a quarter of the runs that one worker finished alone.
"""

import time

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from config.sqlite.features import DatabaseFeatures

SHORTEST, LONGEST = 0.0002, 0.002  # seconds between two tries


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures

    def _start_transaction_under_autocommit(self):
        timeout = self.settings_dict["OPTIONS"].get("timeout", 5)
        ends, pause = time.monotonic() + timeout, SHORTEST
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    return super()._start_transaction_under_autocommit()
                except OperationalError as error:
                    if "locked" not in str(error) or time.monotonic() > ends:
                        raise
                time.sleep(pause)
                pause = min(pause * 1.2, LONGEST)
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
