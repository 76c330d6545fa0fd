"""The project's own settings, and workflows that book money, hang and nap: what the crash tests' workers run."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.crash_app"]
RUNS_WAITING_LIMIT = 10_000
