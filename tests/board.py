"""Runs for tests: opened and worked off in this process, with the real Sales side."""

from agency import direction_board
from agency.direction_board import Step
from agency.work import work_off

MEASURE = Step("inventory_audit", {"verify_pages": False})


def run_ops(workflow, params=None, *, sales=MEASURE, **more):
    """The finished Ops task of a run of `workflow`, entangled with `sales`."""
    run = direction_board.open_run([sales, Step(workflow, params or {})], title=workflow, **more)
    work_off()
    return run.tasks.get(workflow=workflow)
