"""A test database is copied from one that is migrated already.

Running every migration takes each process some ten seconds of CPU, nearly all of it for Django's picture of the
models between them. So it is done once for what the source says, and kept beside pytest's own cache.
"""

import fcntl
import hashlib
import shutil
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command

ROOT = Path(__file__).parent.parent
PACKAGES = ("config", "storefront", "agency", "earnings")


def place(connection, folder):
    """Put a migrated database where Django looks for its test database; Django then migrates what it lacks."""
    with (folder / f"{connection.vendor}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if connection.vendor == "sqlite":
            _place_file(connection, folder)
        else:
            _place_on_server(connection)


def remove(connection):
    name = connection.creation._get_test_db_name()
    connection.close()
    if connection.vendor == "sqlite":
        for end in ("", "-wal", "-shm"):
            Path(f"{name}{end}").unlink(missing_ok=True)
    else:
        _on_server(connection, f"DROP DATABASE IF EXISTS {_quoted(connection, name)}")


def made_from():
    """Changes with whatever a migration could read."""
    found = hashlib.sha256(django.__version__.encode())
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                found.update(f"{path.relative_to(ROOT)} {path.stat().st_size} ".encode())
                found.update(path.read_bytes())
    return found.hexdigest()[:32]


def _place_file(connection, folder):
    ready = folder / f"{made_from()}.sqlite3"
    if not ready.exists():
        for old in folder.glob("*.sqlite3*"):
            old.unlink()
        half = ready.with_suffix(".half.sqlite3")
        _migrate(connection, half)  # closing it empties its log into the file
        half.rename(ready)
    shutil.copyfile(ready, connection.creation._get_test_db_name())


def _place_on_server(connection):
    ready = f"test_{connection.settings_dict['NAME']}_ready"
    name, source = (_quoted(connection, each) for each in (connection.creation._get_test_db_name(), ready))
    key = made_from()
    remark = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    if _on_server(connection, remark, [ready]) != key:
        _on_server(connection, f"DROP DATABASE IF EXISTS {source}")
        _on_server(connection, f"CREATE DATABASE {source}")
        _migrate(connection, ready)
        _on_server(connection, f"COMMENT ON DATABASE {source} IS '{key}'")
    _on_server(connection, f"DROP DATABASE IF EXISTS {name}")
    _on_server(connection, f"CREATE DATABASE {name} TEMPLATE {source}")


def _on_server(connection, statement, values=()):
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute(statement, values or None)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def _quoted(connection, name):
    return connection.ops.quote_name(name)


def _migrate(connection, name):
    with _named(connection, name):
        call_command("migrate", verbosity=0, run_syncdb=True)


@contextmanager
def _named(connection, name):
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(name)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
