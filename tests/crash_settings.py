"""The project's own settings, and one workflow that books money: what the crash test's workers run with."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.crash_app"]
