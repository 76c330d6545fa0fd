"""Where a test run keeps its files and which services it uses.

Loaded by pytest before Django's settings are (`-p tests.environment`): nothing here touches the checkout's var/.
"""

import os
import shutil
import tempfile

os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="direction-board-test-")
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)
    if os.environ.get(f"TEST_{name}"):
        os.environ[name] = os.environ[f"TEST_{name}"]

worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
if "REDIS_URL" in os.environ:
    # A Redis database for each process: a test that empties its cache must not empty another one's.
    server, _, number = os.environ["REDIS_URL"].rpartition("/")
    os.environ["REDIS_URL"] = f"{server}/{int(number) + int(worker)}"


def pytest_unconfigure():
    shutil.rmtree(os.environ["VAR_DIR"], ignore_errors=True)
