"""A backup made while others write is whole, and what it is put back as keeps its rules."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from agency import backups
from earnings import ledger
from earnings.models import Channel
from storefront.models import CatalogImport
from tests import ready_database

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def var(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    settings.MEDIA_ROOT = settings.VAR_DIR / "media"
    (settings.VAR_DIR / "templates").mkdir(parents=True)
    (settings.VAR_DIR / "templates" / "base.html").write_text("mine")
    (settings.VAR_DIR / "secret_key").write_text("kept")
    (settings.VAR_DIR / "cache").mkdir()
    return settings.VAR_DIR


def sell(number):
    ledger.record_paid(
        key=f"order:{number}",
        occurred_at=timezone.now(),
        title="A sale",
        gross_minor=1000,
        fee_minor=0,
        source="order",
        kind="real",
        currency="USD",
        channel=Channel.objects.get(pk="fiverr"),
        work=ledger.Work.DONE,
    )


def manage(*words, put_back):
    """A command on what a backup was put back as."""
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=put_back, capture_output=True, text=True
    )


@pytest.fixture
def put_back():
    """The environment of an installation made of a backup, as the README says."""
    made = []

    def put(folder):
        env = {**os.environ, "VAR_DIR": str(folder)}
        if connection.vendor == "sqlite":
            return env
        name = f"{connection.settings_dict['NAME']}_put_back"
        server, _, _ = os.environ["TEST_DATABASE_URL"].rpartition("/")
        subprocess.run(["createdb", f"--maintenance-db={server}/postgres", name], check=True)
        made.append(name)
        dump = folder / "database.dump"
        subprocess.run(["pg_restore", "--no-owner", f"--dbname={server}/{name}", dump], check=True)
        return env | {"DATABASE_URL": f"{server}/{name}"}

    yield put
    for name in made:
        with ready_database._server() as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


CHANGE_A_POSTING = "from earnings.models import Posting; Posting.objects.update(amount_minor=1)"


@pytest.mark.django_db(transaction=True)
def test_a_backup_beside_writers_is_of_one_moment_and_keeps_files_and_triggers(var, tmp_path, put_back):
    sell(0)
    CatalogImport.objects.create(name="goods.csv", status="previewed", file=ContentFile(b"sku,title", "goods.csv"))
    done, selling = threading.Event(), threading.Event()

    def keep_selling():
        number = 0
        while not done.is_set():
            sell(number := number + 1)
            selling.set()
        connection.close()

    seller = threading.Thread(target=keep_selling)
    seller.start()
    selling.wait(10)
    folder = tmp_path / "backups" / "today"
    try:
        database = backups.back_up(folder)
    finally:
        done.set()
        seller.join()

    assert {path.name for path in folder.iterdir()} == {database.name, "media", "templates", "secret_key"}
    (kept,) = (path for path in (folder / "media").rglob("*") if path.is_file())
    assert kept.read_bytes() == b"sku,title"
    assert folder.stat().st_mode & 0o777 == 0o700
    env = put_back(folder)
    proved = manage("ledger_check", put_back=env)
    assert (proved.returncode, proved.stdout[:19]) == (0, "The ledger is sound"), proved.stderr
    changed = manage("shell", "--no-imports", "-c", CHANGE_A_POSTING, put_back=env)
    assert changed.returncode == 1 and "append-only" in changed.stderr


@pytest.mark.django_db(transaction=True)
def test_a_folder_that_is_there_is_not_written_to(var, tmp_path):
    (tmp_path / "today").mkdir()

    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", tmp_path / "today")

    assert list((tmp_path / "today").iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_of_a_backup_that_fails_nothing_is_left(var, tmp_path):
    (var / "media").mkdir()
    os.mkfifo(var / "media" / "pipe")

    with pytest.raises(CommandError, match="named pipe"):
        call_command("backup", tmp_path / "backups" / "today")

    assert list((tmp_path / "backups").iterdir()) == []
