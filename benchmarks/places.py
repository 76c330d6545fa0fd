"""Where a benchmark happens: a folder and a database of its own, made before and gone afterwards.

The parent process never sets Django up; everything that needs a database runs as a child in a place.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"  # where everything is that is written at run time: the disk that a shop would use, too


class Place:
    """A VAR_DIR and a database of its own; `database_url` is any database of the server, or empty."""

    def __init__(self, database_url="", **env):
        VAR.mkdir(exist_ok=True)
        self.var = Path(tempfile.mkdtemp(prefix="bench-", dir=VAR))
        self.name = f"bench_{secrets.token_hex(4)}"
        self._server = database_url
        self.env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        self.env |= {
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "VAR_DIR": str(self.var),
            "BENCH_PREFIX": self.name,
            "SECRET_KEY": secrets.token_urlsafe(64),
            "LOG_FORMAT": "text",
            **env,
        }
        if database_url:
            self.env["DATABASE_URL"] = urlunsplit(urlsplit(database_url)._replace(path=f"/{self.name}"))

    def open(self):
        if self._server:
            self._on_server(f"CREATE DATABASE {self.name}")
        self.child("manage.py", "migrate", "--run-syncdb", "--verbosity", "0")

    def close(self):
        if self._server:
            self._on_server(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        if self.env.get("BENCH_REDIS_URL"):
            self.probe("forget")
        shutil.rmtree(self.var, ignore_errors=True)

    def _on_server(self, statement):
        import psycopg  # only where PostgreSQL is asked for

        url = urlunsplit(urlsplit(self._server)._replace(path="/postgres", query=""))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)

    @property
    def vendor(self):
        return "PostgreSQL" if self._server else "SQLite"

    def child(self, *command, timeout=600, **env):
        """Run `python ...` here to its end; returns what it printed."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.env | env,
            stdout=subprocess.PIPE,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} ended with code {done.returncode}")
        return done.stdout

    def probe(self, name, *arguments, timeout=600, **env):
        """Run `benchmarks.probes.<name>` here; returns what it measured."""
        said = self.child("-m", f"benchmarks.probes.{name}", *map(str, arguments), timeout=timeout, **env)
        return json.loads(said.splitlines()[-1]) if said.strip() else None


@contextmanager
def place(database_url="", **env):
    here = Place(database_url, **env)
    try:
        here.open()
        yield here
    finally:
        here.close()


@contextmanager
def running(*commands, patience=10, env=None):
    """Start these commands, each in a process group of its own; stop all of them, whatever happens.

    `env` is their whole environment, this process's own where it is None: what a place left out of its own, like
    another database's address, must not come back.

    What they say is shown when the benchmark fails: a line for each request would slow down whoever reads it.
    """
    log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  closed below, after it was shown
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, stdout=log, stderr=log)
        for command in commands
    ]
    try:
        yield processes
    except BaseException:
        log.seek(0)
        print(log.read()[-3000:], file=sys.stderr)
        raise
    finally:
        for process in processes:  # TERM to the main process only: django-q2 hangs when its whole group gets it
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, alive=(), seconds=120, every=0.02):
    """Wait for `condition()`; the benchmark fails when that takes too long, or one of `alive` has ended."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends or any(process.poll() is not None for process in alive):
            raise SystemExit("the benchmark did not end")
        time.sleep(every)
