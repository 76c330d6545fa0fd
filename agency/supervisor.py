"""Web server and workers under one roof: started together, restarted when they die or hang, stopped together."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

KEEPER = "agency.keeper"
LONGEST_PAUSE = 30  # seconds between restarts of something that keeps dying
STEADY_AFTER = 60  # seconds after which a restart counts as the first again


class Child:
    """One command in a process group of its own."""

    def __init__(self, name, command, cwd):
        self.name, self._command, self._cwd = name, command, cwd
        self._keeper = self._lifeline = None
        self.started_at = 0.0
        self._restarts = 0
        self._again_at = 0.0

    def start(self):
        read, self._lifeline = os.pipe()
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", KEEPER, str(read), *self._command],
            cwd=self._cwd,
            pass_fds=[read],
            start_new_session=True,
        )
        os.close(read)
        self.started_at = time.monotonic()

    @property
    def pid(self):
        """The leader of the group."""
        return self._keeper.pid

    @property
    def is_running(self):
        return self._keeper is not None and self._keeper.poll() is None

    def ask_to_stop(self):
        if self.is_running:
            self._keeper.terminate()

    def end(self, patience):
        """Wait `patience` seconds for the keeper, then kill the group; nothing of it is left afterwards."""
        if not self._keeper:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(patience)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._keeper.pid, signal.SIGKILL)
        self._keeper.wait()
        os.close(self._lifeline)
        self._keeper = None

    def revive(self, now):
        """Start again what has died, with growing pauses. Returns what happened, for the log, or None."""
        if self._keeper and self._keeper.poll() is not None:
            code = self._keeper.returncode
            self.end(0)
            if now - self.started_at > STEADY_AFTER:
                self._restarts = 0
            pause = min(2**self._restarts, LONGEST_PAUSE)
            self._restarts += 1
            self._again_at = now + pause
            return f"{self.name} ended with code {code}; starting it again in {pause} s"
        if not self._keeper and now >= self._again_at:
            self.start()
        return None


class Supervisor:
    """Owns the children until `stop` is asked for by TERM or Ctrl-C.

    `is_stuck()` is asked now and then whether the workers hang; then their group is killed and started again.
    """

    def __init__(self, web, workers, is_stuck, say):
        self._web, self._workers, self._is_stuck, self._say = web, workers, is_stuck, say
        self._stopping = False

    def start(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask)
        for child in (self._web, self._workers):
            child.start()

    @property
    def is_stopping(self):
        return self._stopping

    def _ask(self, number, frame):
        if self._stopping and number == signal.SIGINT:
            for child in (self._web, self._workers):
                child.end(0)
            os._exit(130)
        self._stopping = True

    def watch(self, *, every=0.5, look_for_hangs_every=5):
        """Keep everything running until asked to stop, then stop everything."""
        next_look = time.monotonic() + look_for_hangs_every
        while not self._stopping:
            now = time.monotonic()
            for child in (self._web, self._workers):
                news = child.revive(now)
                if news:
                    self._say(news)
            if now >= next_look:
                next_look = now + look_for_hangs_every
                if now - self._workers.started_at > 20 and self._is_stuck():
                    self._say("the workers do not answer; starting them again")
                    self._workers.end(0)
            time.sleep(every)
        self.stop()

    def stop(self):
        for child in (self._web, self._workers):
            child.ask_to_stop()
        for child in (self._web, self._workers):
            child.end(patience=12)


def try_to_listen(host, port):
    """Raise the OSError with which a server could not listen there, such as EADDRINUSE. Returns host's address."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    return address[0]
