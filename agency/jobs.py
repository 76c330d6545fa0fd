"""What workers run. A job is a bell: it carries nothing, and works the backlog off for one time slice."""

from agency import direction_board, schedules, webhook_sender, webhooks
from agency import work as working
from agency.heartbeats import beat

TIME_SLICE = 2  # seconds: recycling and shutdown stay prompt; what is left then is due, and rung for again


def work():
    """Answer a bell."""
    working.keeper().may_end_process = True
    working.work_off(seconds=TIME_SLICE)
    beat()


def sweep():
    """Answer the clock's bell: pick up what was left behind, then work."""
    direction_board.sweep()
    schedules.fire()
    webhook_sender.start_if_due()
    webhooks.forget()
    work()


def send_webhooks():
    """Answer the bell of webhooks: a thread sends them, this worker goes on with tasks."""
    webhook_sender.start()
