"""A copy of everything that can't be made again: the database, files, the secret key, the owner's templates.

A backup is a folder that can be a VAR_DIR: with SQLite, putting it back is starting on it. The database is copied
first and the files afterwards: a file is written before the row that names it and never changed, so that each row
of the copy has its file, whatever is written meanwhile.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

from earnings.refusals import Refusal

FILES = ("media", "mail", "templates", "secret_key")  # of VAR_DIR


def back_up(folder):
    """Make `folder`, whole or not at all, beside clusters that write. Returns the file that holds the database.

    Raises Refusal where it is there already, OSError for a disk that is full.
    """
    folder = Path(folder).absolute()
    part = folder.with_name(f"{folder.name}.part")
    if folder.exists():
        raise Refusal(f"{folder} is there already; each backup is a new folder.")
    try:
        part.mkdir(mode=0o700, parents=True)  # orders, addresses, the key: nobody else's to read
    except FileExistsError:
        raise Refusal(f"{part} is left of a backup that did not end, or of one at work; remove it.") from None
    try:
        database = _copy_database(part)
        for name in FILES:
            _copy_files(settings.VAR_DIR / name, part / name)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder / database.name


def _copy_database(part):
    return _copy_sqlite(part) if connection.vendor == "sqlite" else _dump_postgresql(part)


def _copy_sqlite(part):
    """By SQLite itself, as of one moment: what `cp` makes of a database in WAL mode lacks the newest commits."""
    copy = part / "db.sqlite3"
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(copy)) as target:
            connection.connection.backup(target)
    except sqlite3.Error as error:
        raise Refusal(f"The database can't be copied to {copy}: {error}.") from None
    copied = connection.copy()  # of Django's, for the check calls functions that Django adds
    copied.settings_dict["NAME"] = copy
    with closing(copied), copied.cursor() as cursor:
        (found,) = cursor.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Refusal(f"DATABASE_URL: the database is damaged: {found}")
    return copy


def _dump_postgresql(part):
    """By pg_dump, as of one moment; the password goes by the environment, where no list of processes shows it."""
    dump = part / "database.dump"
    client, env = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    command = ["pg_dump", "--format=custom", "--no-owner", f"--file={dump}", *client[1:]]
    try:
        ended = subprocess.run(command, env={**os.environ, **(env or {})}, capture_output=True, text=True)
    except FileNotFoundError:
        raise Refusal("pg_dump is not installed here; it comes with PostgreSQL's client.") from None
    if ended.returncode:
        raise Refusal(f"pg_dump: {' '.join(ended.stderr.split())}")
    return dump


def _copy_files(source, target):
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_copy_if_there)
    elif source.exists():
        shutil.copy2(source, target)


def _copy_if_there(source, target):
    """A file that is removed meanwhile is named by no row of the copy: the end of its task was not written."""
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)
