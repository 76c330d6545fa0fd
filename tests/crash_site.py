"""Real processes for the crash tests: clusters, `manage.py up`, a Redis, and what they are to each other."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from django.db import OperationalError, connection, transaction

from agency import attempts
from agency.supervisor import Child

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 2  # seconds that who stops others waits for SQLite's lock: it has them to wake


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=30, every=0.05):
    """What `condition` gave when it was true at last, or its last answer."""
    ends = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < ends:
        time.sleep(every)
    return found


def wait_briefly():
    """Let this process wait no longer than PATIENCE for SQLite's lock."""
    if connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["timeout"] = PATIENCE
        connection.close()


def stopped(task):
    """Stop (SIGSTOP) the worker that is at this task; its process id, or None if it could not be stopped.

    SQLite's one lock belongs to a stopped process for as long as it is stopped, and nobody could take over: who
    has it in his hands, or on PostgreSQL the lock of the run, goes on.
    """
    pid = int(task.worker.rpartition(":")[2])
    if send(pid, signal.SIGSTOP):
        with suppress(OperationalError), transaction.atomic():
            if attempts.hold_run(task.run_id, wait=False):
                return pid
        send(pid, signal.SIGCONT)
    return None


class Cluster:
    """`manage.py qcluster`, or with `is_site` the whole of `manage.py up`, in a process group that is kept."""

    def __init__(self, name, *, is_site=False):
        self.port = free_port() if is_site else None
        command = ["up", "--no-demo", "--port", str(self.port)] if is_site else ["qcluster"]
        self._child = Child(name, [sys.executable, "manage.py", *command], ROOT)

    def start(self):
        self._child.start()

    def revive(self):
        """Start again what has ended, at once: what systemd would do."""
        if not self._child.is_running:
            self.end()
            self.start()

    @property
    def processes(self):
        """`{pid: role}` of every process below this cluster's keeper, and the keeper."""
        return {} if not self._child.is_running else _roles(self._child.pid)

    def workers(self):
        """Process ids of the pool: workers, monitor and the process that fills the queue."""
        return sorted(pid for pid, role in self.processes.items() if role == "pool")

    def kill(self):
        """SIGKILL for all of it, as a machine loses its power."""
        if self._child.is_running:
            # Each keeper leads a group. Stopped first, so that nothing is born while we look.
            os.killpg(self._child.pid, signal.SIGSTOP)
            for pid, role in self.processes.items():
                if role == "keeper":
                    os.killpg(pid, signal.SIGKILL)

    def end(self):
        self.kill()
        self._child.end(0)


class RedisServer:
    """A Redis that keeps nothing: killed and started again, it is empty."""

    def __init__(self, port):
        self._port = port
        self._process = None

    def start(self):
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [*command, "--appendonly", "no"], stdout=subprocess.DEVNULL, preexec_fn=_die_with_parent
        )
        wait_until(self._answers, 10)

    @property
    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def _die_with_parent():
    """A driver that is killed leaves no Redis behind."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def send(pid, number):
    """Signal a process that may have ended by now; True if it was there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def end_what_is_left():
    """Kill every other process that works for this folder, however it lost its parents; how many there were."""
    ours = f"VAR_DIR={os.environ['VAR_DIR']}".encode()
    left = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                is_ours = ours in (entry / "environ").read_bytes().split(b"\0")
                left += is_ours and send(int(entry.name), signal.SIGKILL)
    return left


def _roles(keeper):
    """What the descendants of a keeper are, by their command lines and their parents."""
    children = defaultdict(list)
    commands = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The parent stands behind the name, which may hold spaces and brackets.
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                commands[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            if stat[0] != "Z":
                children[int(stat[1])].append(int(entry.name))
    roles = {}

    def walk(pid, parent_role):
        roles[pid] = role = _role(commands[pid], parent_role)
        for child in children[pid]:
            walk(child, role)

    if keeper in commands:
        walk(keeper, "")
    return roles


def _role(command, parent_role):
    if "agency.keeper" in command:
        return "keeper"
    if "manage.py up" in command:
        return "supervisor"
    if "granian" in command:
        return "web"
    return {"keeper": "main", "main": "sentinel"}.get(parent_role, "pool")
