"""The nightly proof of the ledger is made beside the tasks, in a thread: a million postings take a while."""

from agency.bell_threads import BellThread
from earnings import nightly


def start_if_due():
    """The sweep's look."""
    if nightly.is_due():
        _thread.start()


_thread = BellThread("the check of the ledger", nightly.check_if_due)
