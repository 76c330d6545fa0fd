"""Workers, sentinels and whole clusters are killed at random while runs book money: nothing is lost or doubled.

Slow: real processes. The long one: `CRASH_RUNS=500 CRASH_KILLS=100 pytest -m slow tests/test_crash.py`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_mission import fresh_database

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mission")]
ROOT = Path(__file__).resolve().parent.parent
RUNS = int(os.environ.get("CRASH_RUNS", "60"))


def test_whatever_is_killed_every_run_ends_and_every_effect_happens_once(tmp_path):
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    env |= {"DJANGO_SETTINGS_MODULE": "tests.crash_settings", "VAR_DIR": str(tmp_path / "var"), "Q_WORKERS": "2"}
    if os.environ.get("TEST_DATABASE_URL"):
        env["DATABASE_URL"] = fresh_database()
    command = [sys.executable, "-m", "tests.crash_driver", str(RUNS), "2", "240"]

    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=400)

    assert "REPORT " in ended.stdout, ended.stderr[-3000:]
    report = json.loads(ended.stdout.partition("REPORT ")[2])
    assert report["kills"] > 3
    assert report["runs"] == {"succeeded": RUNS}
    assert (report["earnings"], report["entries"]) == (2 * RUNS, 2 * RUNS)
    assert report["violations"] == []
    assert report["false_hashes"] == 0
