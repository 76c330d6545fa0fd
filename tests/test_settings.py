"""The environment is checked whole, and what is wrong is said."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from agency import checks
from config import reaching
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
        ("ALLOWED_HOSTS", "", "shop.example"),
        ("STORE_CURRENCY", "ABC", "ABC is not a currency's code (ISO 4217)"),
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


def test_a_great_upload_waits_on_the_disk_where_it_will_stay(settings):
    with TemporaryUploadedFile("a.zip", "application/zip", 3_000_000, None) as upload:
        assert Path(upload.temporary_file_path()).parent == settings.VAR_DIR


def test_the_secret_key_of_an_installation_is_made_once_and_is_its_owners(tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"} | {
        "VAR_DIR": str(tmp_path / "v")
    }
    show = [sys.executable, "-c", "from config import settings; print(settings.SECRET_KEY)"]

    first, second = (subprocess.run(show, cwd=ROOT, env=env, capture_output=True, text=True) for _ in range(2))

    assert first.stdout == second.stdout and len(first.stdout) > 60
    assert (tmp_path / "v" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "v").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("where", "hosts", "is_named"),
    [
        ("https://shop.example", ["shop.example"], False),
        ("https://www.shop.example:8443", [".shop.example"], False),
        ("http://[::1]:8000", ["[::1]"], False),
        ("https://shop.example", ["localhost", "127.0.0.1"], True),
    ],
)
def test_a_public_url_that_no_host_allows_is_named(settings, where, hosts, is_named):
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = where, hosts

    assert [found.id for found in checks.public_url_is_allowed(None)] == ["agency.W005"] * is_named


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", 80_000, "--port: 80000 is not between 1 and 65535"),
        ("127.0.0.1", 0, "--port: 0 is not"),
        ("192.0.2.1", 8000, "--host: 192.0.2.1: "),
        ("shop..example", 8000, "--host: shop..example: "),
    ],
)
def test_where_nobody_can_listen_is_named(host, port, said):
    with pytest.raises(CommandError) as refused:
        call_command("up", host=host, port=port)

    assert str(refused.value).startswith(said)


def test_a_port_that_is_taken_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(CommandError, match="is taken"):
        call_command("up", port=other.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("0.0.0.0", ("0.0.0.0", "http://127.0.0.1:65001")),
        ("127.0.0.1", ("127.0.0.1", "http://127.0.0.1:65001")),
    ],
)
def test_the_address_that_up_says_can_be_opened(host, place):
    assert up.Command().place(host, 65001) == place


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////nowhere/at/all/db.sqlite3", "/nowhere/at/all/db.sqlite3 can't be used: unable to open"),
        ("postgres://shop:hush@127.0.0.1:1/board", "the database board at 127.0.0.1:1 can't be reached: "),
    ],
)
def test_a_database_that_is_not_there_is_one_line_without_its_password(url, said, tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", "ledger_check"],
        cwd=ROOT,
        env={**os.environ, "VAR_DIR": str(tmp_path), "DATABASE_URL": url},
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"DATABASE_URL: {said}")
    assert ended.stderr.count("\n") == 1 and "hush" not in ended.stderr


@pytest.mark.django_db
def test_a_faulty_query_is_no_absent_database():
    with pytest.raises(DatabaseError) as faulty, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")

    assert reaching.database_fault(faulty.value) is None


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
