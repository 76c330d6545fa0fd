"""The project's own settings, and the benchmarks' workflows."""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, Q_CLUSTER

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]
if os.environ.get("BENCH_PEER"):
    # The peer: django-q2 as its own documentation sets it up, one message for each piece of work.
    Q_CLUSTER = {
        "name": "peer",
        "orm": "default",
        "workers": Q_CLUSTER["workers"],
        "timeout": 60,
        "retry": 120,
        "log_level": "WARNING",
    }
