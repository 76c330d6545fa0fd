"""The project's own settings and the benchmarks' app; with BENCH_AS, what a peer changes of them.

The database, its options and kept connections are the project's own for everybody: a peer is not to lose by those.
"""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, Q_CLUSTER

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]
BENCH_AS = os.environ.get("BENCH_AS", "")
BENCH_REDIS_URL = os.environ.get("BENCH_REDIS_URL", "")
BENCH_PREFIX = os.environ.get("BENCH_PREFIX", "bench")  # of every key on Redis: nobody else's are touched

# As django-q2's documentation sets it up; `timeout` and `retry` only because it warns without them.
_DEFAULTS = {
    "name": BENCH_PREFIX,
    "orm": "default",
    "workers": Q_CLUSTER["workers"],
    "timeout": 60,
    "retry": 120,
    "log_level": "WARNING",
}
# No rows for successes, batches, no frequent recycling, a fast poll.
_TUNED = _DEFAULTS | {
    "save_limit": -1,
    "queue_limit": 50,
    "bulk": 10,
    "recycle": 100_000,
    "poll": 0.02,
    "scheduler": False,
}
if BENCH_AS == "django-q2":
    Q_CLUSTER = _DEFAULTS
elif BENCH_AS == "django-q2-tuned":
    Q_CLUSTER = _TUNED
elif BENCH_AS == "django-q2-redis":
    Q_CLUSTER = _TUNED | {"orm": None, "redis": BENCH_REDIS_URL}
elif BENCH_AS == "hordak":
    INSTALLED_APPS = [*INSTALLED_APPS, "mptt", "hordak"]
    DEFAULT_CURRENCY = "USD"

if os.environ.get("BENCH_BARE_WEB"):  # a web server with bare views, and nothing around them
    ROOT_URLCONF = "benchmarks.peers.views"
    MIDDLEWARE = []
