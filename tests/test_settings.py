"""The environment is checked whole, and what is wrong is said."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_wrong_setting_is_named_at_once_and_without_a_traceback(tmp_path):
    wrong = {
        "DEBUG": "maybe",
        "DATABASE_URL": "nonsense",
        "REDIS_URL": "abc",
        "EMAIL_URL": "nonsense",
        "STORE_TIMEZONE": "Mars/One",
        "STORE_CURRENCY": "dollars",
        "AI_BASE_URL": "ftp:x",
        "Q_WORKERS": "many",
        "LOG_FORMAT": "xml",
        "CORS_ORIGINS": "https://app.example.com/page",
        "PUBLIC_URL": "shop",
    }

    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, **wrong, "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 1
    assert {name for name in wrong if f"  {name}: " in ended.stderr} == set(wrong)
    assert "Traceback" not in ended.stderr
    assert "Europe/Istanbul" in ended.stderr


def test_the_secret_key_of_an_installation_is_made_once_and_is_its_owners(tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"} | {
        "VAR_DIR": str(tmp_path / "v")
    }
    show = [sys.executable, "-c", "from config import settings; print(settings.SECRET_KEY)"]

    first, second = (subprocess.run(show, cwd=ROOT, env=env, capture_output=True, text=True) for _ in range(2))

    assert first.stdout == second.stdout and len(first.stdout) > 60
    assert (tmp_path / "v" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "v").stat().st_mode & 0o777 == 0o700
