"""Whatever is killed at random, every run ends and every effect happens once: nothing is lost, nothing doubled.

Workers, monitors and the processes that fill their queues, sentinels, whole clusters, the supervisor, its web
server, the keepers and Redis get SIGKILL; workers are stopped past their lease and woken. Slow: minutes.
`CRASH_SEED=7 CRASH_RUNS=2000 CRASH_SECONDS=240 pytest -m slow -s tests/test_crash.py` for another, longer fire.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests import ready_database
from tests.test_mission import free_port, fresh_database

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mission")]
ROOT = Path(__file__).resolve().parent.parent
RUNS = int(os.environ.get("CRASH_RUNS", "500"))
SECONDS = int(os.environ.get("CRASH_SECONDS", "50"))
# On PostgreSQL where TEST_DATABASE_URL says so, on SQLite otherwise; Redis is the driver's own.
BROKERS = ["orm", "redis"] if os.environ.get("TEST_DATABASE_URL") else ["orm"]


def environment(folder, broker="orm", workers=2):
    """A folder and a database of their own for the clusters of one test; a free port for a Redis, where one is."""
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    env |= {"DJANGO_SETTINGS_MODULE": "tests.crash_settings", "VAR_DIR": str(folder / "var")}
    env["Q_WORKERS"] = str(workers)
    if os.environ.get("TEST_DATABASE_URL"):
        env["DATABASE_URL"] = fresh_database(is_migrated=True)
    else:
        ready_database.copy_file(folder / "var" / "db.sqlite3")
    if broker == "redis":
        env |= {"Q_BROKER": "redis", "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    return env


def report_of(module, *arguments, env, seconds=300):
    """What a program of the crash tests found, from the JSON that it prints at its end."""
    command = [sys.executable, "-m", f"tests.{module}", *map(str, arguments)]
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=seconds)
    assert "REPORT " in ended.stdout, ended.stderr[-5000:]
    return json.loads(ended.stdout.partition("REPORT ")[2])


@pytest.mark.parametrize("broker", BROKERS)
def test_whatever_is_killed_every_run_ends_and_every_effect_happens_once(tmp_path, broker, capsys):
    seed = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10_000)))
    with capsys.disabled():
        sys.stdout.write(f"CRASH_SEED={seed} on {connection.vendor}, {broker}: ")

    report = report_of(
        "crash_driver", RUNS, SECONDS, seed, env=environment(tmp_path, broker), seconds=SECONDS + 300
    )

    with capsys.disabled():
        sys.stdout.write(f"{report}\n")
    assert report["runs"] == {"succeeded": RUNS}
    assert (report["effects"], report["doubled"]) == (2 * RUNS, 0)
    assert (report["earnings"], report["entries"]) == (2 * RUNS, 2 * RUNS)
    assert report["violations"] == []
    assert (report["observations"], report["false_hashes"], report["false_refs"]) == (RUNS, 0, 0)
    assert (report["runs_with_gaps"], report["open_tasks"], report["false_attempts"]) == (0, 0, 0)
    assert report["site_is_up"]
    # The fire did burn: things of several kinds were hit, and work was lost and done again. How many kinds it
    # comes to depends on how fast the machine starts again what was killed.
    kinds = {"pool", "main", "sentinel", "keeper", "web", "supervisor", "cluster", "pause", "redis"}
    assert set(report["hits"]) <= kinds
    assert len(report["hits"]) >= 4
    assert report["lost_attempts"] > 0
