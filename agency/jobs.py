"""What workers run. A job is a bell: it carries nothing, and works the backlog off for one time slice."""

import logging

from agency import direction_board, ledger_night, mail, mail_sender, schedules, webhook_sender, webhooks
from agency import work as working
from agency.heartbeats import beat
from earnings import clearing, totals
from earnings.statements import booking

log = logging.getLogger(__name__)

# What each sweep does; other rooms add theirs (`storefront.sweeping`).
SWEEPS = [
    direction_board.sweep,
    schedules.fire,
    webhook_sender.start_if_due,
    webhooks.forget,
    mail_sender.start_if_due,
    mail.forget,
    totals.count_up,
    booking.carry_on,
    clearing.clear_due,
    ledger_night.start_if_due,
]
TIME_SLICE = 2  # seconds: recycling and shutdown stay prompt; what is left then is due, and rung for again


def work():
    """Answer a bell."""
    working.keeper().may_end_process = True
    working.work_off(seconds=TIME_SLICE)
    beat()


def sweep():
    """Answer the clock's bell: pick up what was left behind, then work."""
    for part in SWEEPS:
        try:
            part()
        except Exception:  # what one of them stumbles over must not stop the others, and never the work
            log.exception("%s.%s stumbled; it is tried again in some seconds", part.__module__, part.__name__)
    work()


def send_webhooks():
    """Answer the bell of webhooks: a thread sends them, this worker goes on with tasks."""
    webhook_sender.start()


def send_mail():
    """Answer the bell of mails, in the same way."""
    mail_sender.start()
