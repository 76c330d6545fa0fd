"""The one table that every contestant writes to."""

import time

from django.db import connection, models


class Effect(models.Model):
    """What a piece of work leaves behind: part 1 or 2 of a run, and when (seconds, Unix time)."""

    run = models.BigIntegerField()
    part = models.PositiveSmallIntegerField()
    at = models.FloatField()

    def __str__(self):
        return f"part {self.part} of run {self.run}"


def write(run, part):
    """The one small database write that a piece of work is: one plain INSERT, the same for everybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO benchmarks_effect (run, part, at) VALUES (%s, %s, %s)", [run, part, time.time()]
        )
