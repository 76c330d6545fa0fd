"""Runs one command for the supervisor, and takes it along when the supervisor is gone.

`python -m agency.keeper FD COMMAND...`: FD is the read end of a pipe whose only write end the supervisor holds, so
its end of file means that the supervisor has died, however it died. The keeper is the leader of a process group
of its own; the command and whatever it forks stay in that group. It imports nothing but the standard library.
"""

import os
import select
import signal
import subprocess
import sys
import time

GRACE = 8  # seconds from TERM to KILL: django-q2 stops in about 2 when its workers are idle


def main(lifeline, command):
    """Run `command` until it ends, or until TERM or the supervisor's end; returns the exit code."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    # A terminal's Ctrl-C goes to its foreground group; the supervisor answers it in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(command)
    while child.poll() is None:
        ready, _, _ = select.select([lifeline, wake_read], [], [], 1)
        got_term = wake_read in ready and signal.SIGTERM in os.read(wake_read, 64)
        if got_term or lifeline in ready:
            stop(child)
            if not got_term:
                os.killpg(0, signal.SIGKILL)  # ourselves too: nobody is left to tell
    return child.returncode


def stop(child):
    """TERM to the main process only (django-q2 hangs when its whole group gets it), and after a grace KILL."""
    child.terminate()
    deadline = time.monotonic() + GRACE
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if child.poll() is None:
        child.kill()
        child.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
