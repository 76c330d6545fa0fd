"""The environment is checked whole, and what is wrong is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storefront.management.commands import up

ROOT = Path(__file__).resolve().parent.parent


def test_what_an_owner_wrote_stands_in_the_place_of_our_template(tmp_path):
    own = tmp_path / "templates" / "storefront" / "home.html"
    own.parent.mkdir(parents=True)
    own.write_text("My own words.")
    ask = "from django.template.loader import render_to_string as r; print(r('storefront/home.html'), end='')"

    shown = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); {ask}"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert shown.stdout == "My own words."


def test_control_c_is_no_traceback(tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", "raise KeyboardInterrupt"],
        cwd=ROOT,
        env={**os.environ, "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert (ended.returncode, ended.stderr) == (1, "Stopped.\n")


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


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "mysql://shop@db/shop", "postgres://"),
        ("DATABASE_URL", "oracle://shop@db/shop", "postgres://"),
        ("PUBLIC_URL", "https://shop.example/shop", "without a path"),
        ("PUBLIC_URL", "ftp://shop.example", "such as https://"),
        ("VAR_DIR", "/dev/null", "File exists"),
        ("VAR_DIR", "/proc/board", "No such file"),
    ],
)
def test_a_setting_that_would_fail_later_is_named_at_start(name, value, said, tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "VAR_DIR": str(tmp_path), name: value},
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 1
    assert f"{name}: " in ended.stderr and said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_empty_var_dir_is_not_the_working_directory(tmp_path):
    shown = subprocess.run(
        [sys.executable, "-c", "from config import settings; print(settings.VAR_DIR)"],
        cwd=tmp_path,
        env={**os.environ, "VAR_DIR": "", "PYTHONPATH": str(ROOT), "SECRET_KEY": "given"},
        capture_output=True,
        text=True,
    )

    assert shown.stdout.strip() == str(ROOT / "var")


def test_the_secret_key_of_an_installation_is_made_once_and_is_its_owners(tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"} | {
        "VAR_DIR": str(tmp_path / "v")
    }
    show = [sys.executable, "-c", "from config import settings; print(settings.SECRET_KEY)"]

    first, second = (subprocess.run(show, cwd=ROOT, env=env, capture_output=True, text=True) for _ in range(2))

    assert first.stdout == second.stdout and len(first.stdout) > 60
    assert (tmp_path / "v" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "v").stat().st_mode & 0o777 == 0o700


def test_demo_payments_are_off_in_a_real_installation_whatever_its_environment_says():
    assert up.demo_payments(None, is_real=False) == "true"
    assert up.demo_payments("false", is_real=False) == "false"
    assert up.demo_payments("true", is_real=True) == "false"
    assert up.demo_payments(None, is_real=True) == "false"


def test_stripes_key_goes_to_stripe_or_to_this_machine_and_not_without_its_webhook_secret(tmp_path):
    def check(**env):
        env = {**os.environ, "VAR_DIR": str(tmp_path), **env}
        return subprocess.run(
            [sys.executable, "manage.py", "check"], cwd=ROOT, env=env, capture_output=True, text=True
        )

    key = {"STRIPE_SECRET_KEY": "sk_live_abc", "STRIPE_WEBHOOK_SECRET": "whsec_abc"}

    assert check(**key).returncode == 0
    assert check(**key, STRIPE_API_BASE="http://127.0.0.1:12111").returncode == 0
    for wrong in ("https://evil.example", "http://127.0.0.1.evil.example:80", "http://10.0.0.1:80"):
        assert "  STRIPE_API_BASE: " in check(**key, STRIPE_API_BASE=wrong).stderr
    assert "  STRIPE_WEBHOOK_SECRET: " in check(STRIPE_SECRET_KEY="sk_live_abc").stderr
    assert "  STRIPE_SECRET_KEY: " in check(**key | {"STRIPE_SECRET_KEY": "pk_live_abc"}).stderr
