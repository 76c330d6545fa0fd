"""A test database is copied from one that is migrated already.

Running every migration takes each process some ten seconds of CPU, nearly all of it for Django's picture of the
models between them. So it is done once for what the source says, and kept beside pytest's own cache.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import django

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "storefront", "agency", "earnings")
FOLDER = ROOT / ".pytest_cache" / "d" / "databases"


def place(connection):
    """Put a migrated database where Django looks for its test database; Django then migrates what it lacks."""
    name = connection.creation._get_test_db_name()
    if connection.vendor == "sqlite":
        copy_file(name)
    else:
        copy_on_server(name)


def remove(connection):
    name = connection.creation._get_test_db_name()
    connection.close()
    if connection.vendor == "sqlite":
        for end in ("", "-wal", "-shm"):
            Path(f"{name}{end}").unlink(missing_ok=True)
    else:
        with _server() as server:  # by force: a thread's connection may take a moment longer to end
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def copy_file(path):
    with _alone():
        ready = FOLDER / f"{_made_from()}.sqlite3"
        if not ready.exists():
            shutil.rmtree(FOLDER / "new", ignore_errors=True)
            for old in FOLDER.glob("*.sqlite3"):
                old.unlink()
            _migrate(VAR_DIR=str(FOLDER / "new"))
            (FOLDER / "new" / "db.sqlite3").rename(ready)
            shutil.rmtree(FOLDER / "new")
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(ready, path)


def copy_on_server(name):
    """A database beside the one that TEST_DATABASE_URL names."""
    url = urlsplit(os.environ["TEST_DATABASE_URL"])
    ready = f"{url.path[1:]}_ready"
    with _alone(), _server() as server:
        key = _made_from()
        remark = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        if server.execute(remark, [ready]).fetchone() != (key,):
            server.execute(f'DROP DATABASE IF EXISTS "{ready}" WITH (FORCE)')
            server.execute(f'CREATE DATABASE "{ready}"')
            _migrate(DATABASE_URL=url._replace(path=f"/{ready}").geturl())
            server.execute(f"COMMENT ON DATABASE \"{ready}\" IS '{key}'")
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{ready}"')


@contextmanager
def _alone():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _server():
    import psycopg

    url = urlsplit(os.environ["TEST_DATABASE_URL"])
    return psycopg.connect(url._replace(path="/postgres").geturl(), autocommit=True)


def _made_from():
    """Changes with whatever a migration could read."""
    found = hashlib.sha256(django.__version__.encode())
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                found.update(f"{path.relative_to(ROOT)} {path.stat().st_size} ".encode())
                found.update(path.read_bytes())
    return found.hexdigest()[:32]


def _migrate(**where):
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    env |= {"DJANGO_SETTINGS_MODULE": "config.settings", **where}
    command = [sys.executable, "manage.py", "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=env, check=True)
