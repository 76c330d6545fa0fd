"""What the shop leaves to the workers' sweep, every few seconds; it registers itself.

What may have to ask a payment provider is done by a thread beside the tasks: a slow provider holds no worker.
"""

import logging

from agency import jobs
from agency.bell_threads import BellThread
from storefront import cart, checkout, disputes, purchases, refunds
from storefront.payments import forgetting, inbox

log = logging.getLogger(__name__)
ASKING = (inbox, refunds, checkout)


def ask_providers():
    """Events that wait, refunds that were not answered, unpaid orders whose time is over."""
    for part in ASKING:
        try:
            part.sweep()
        except Exception:  # what one of them stumbles over must not stop the others
            log.exception("the sweep of %s stumbled; it is tried again in some seconds", part.__name__)


_thread = BellThread("payments", ask_providers)


def ask_providers_if_due():
    """The sweeper's look: a thread only when there is something to ask."""
    if any(part.due().exists() for part in ASKING):
        _thread.start()


jobs.SWEEPS += [
    ask_providers_if_due,
    refunds.propose_called_off,
    cart.forget,
    forgetting.forget,
    disputes.sweep,
    purchases.answer_requests,
]
