"""What workers run. A job is a bell: it carries nothing, and works the backlog off for one time slice."""

from agency import direction_board
from agency import work as working
from agency.bells import ring
from agency.heartbeats import beat

TIME_SLICE = 2  # seconds: recycling and shutdown stay prompt


def work():
    """Answer a bell."""
    beat()
    if working.work_off(seconds=TIME_SLICE):
        ring()


def sweep():
    """Answer the clock's bell: pick up what was left behind, then work."""
    direction_board.sweep()
    work()
