"""`manage.py up`: everything on one machine."""

import errno
import os
import sys
import time
import urllib.error
import urllib.request

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection
from django.utils.crypto import get_random_string

from agency import quantum_state
from agency.heartbeats import HOST, Silence
from agency.models import Run
from agency.outages import redis_fault
from agency.supervisor import Child, Supervisor, try_to_listen
from earnings.refusals import Refusal
from storefront import demo_shop

STUCK_AFTER_LOOKS = 5  # of the supervisor, one in 5 seconds, as often as a healthy cluster shows a heartbeat
PATIENCE = 90  # seconds for the first run to end


def demo_payments(said, *, is_real):
    """Who pays with the demo gets the goods: never in a real installation, whatever its environment says."""
    return "false" if is_real else said or "true"


class Command(BaseCommand):
    help = "Migrate, then run web server and workers until Ctrl-C."

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-demo", action="store_true", help="A real installation: no demo shop, no login.")

    def handle(self, *, host, port, no_demo, **options):
        ip, address = self.place(host, port)
        os.environ.setdefault("PUBLIC_URL", address)
        os.environ["DEMO_PAYMENTS"] = demo_payments(os.environ.get("DEMO_PAYMENTS"), is_real=no_demo)
        call_command("migrate", verbosity=0)
        self.say(f"Database ready: {connection.vendor}")
        if fault := redis_fault():
            self.say(fault)
        if not no_demo:
            self.prepare_demo()
        connection.close()
        supervisor = self.start(ip, port)
        try:
            if self.wait_for_web(supervisor, address) and not no_demo:
                self.first_wish(supervisor)
            if not supervisor.is_stopping:
                self.point_around(os.environ["PUBLIC_URL"])
            supervisor.watch()
        finally:
            supervisor.stop()
        self.say("Stopped.")

    def place(self, host, port):
        """`(ip, address)`: where to listen, and where this machine finds that. Says why none can listen there."""
        if not 0 < port < 65536:
            raise CommandError(f"--port: {port} is not between 1 and 65535.")
        try:
            ip = try_to_listen(host, port)
        except (OSError, UnicodeError) as error:
            code = getattr(error, "errno", None)
            if code == errno.EADDRINUSE:
                raise CommandError(
                    f"Port {port} on {host} is taken, perhaps by another Direction Board. "
                    f"Stop it, or choose another port: make run PORT={port + 1}"
                ) from None
            name, value = ("--port", port) if code == errno.EACCES else ("--host", host)
            raise CommandError(f"{name}: {value}: {getattr(error, 'strerror', error)}.") from None
        reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ip, ip)  # noqa: S104  everywhere is no address
        return ip, f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"

    def say(self, line):
        self.stdout.write(line)
        self.stdout.flush()

    def prepare_demo(self):
        for made in demo_shop.open_shop():
            self.say(f"Imported {made.name}: {made.created_count} created, {made.refused_count} refused")
        if User.objects.filter(is_superuser=True).exists():
            self.say("Staff login: as printed at the first start")
            self.say("  (a new password: .venv/bin/python manage.py changepassword owner)")
            return
        password = get_random_string(16)
        User.objects.create_superuser("owner", settings.STORE_EMAIL, password)
        self.say(f"Staff login, shown this once: owner / {password}")

    def start(self, ip, port):
        python = sys.executable
        web = [python, "-m", "granian", "--interface", "wsgi", "--host", ip, "--port", str(port)]
        # Granian would warn that 16 threads are many for two cores; they mostly wait, for SQLite or a live stream.
        web += [
            "--blocking-threads",
            "16",
            "--backpressure",
            "64",
            "--log-level",
            "error",
            "config.wsgi:application",
        ]
        workers = [python, "manage.py", "qcluster"]
        supervisor = Supervisor(
            Child("web server", web, settings.BASE_DIR),
            Child("workers", workers, settings.BASE_DIR),
            is_stuck=_StuckWorkers(),
            say=self.say,
        )
        supervisor.start()
        return supervisor

    def wait_for_web(self, supervisor, address):
        ends = time.monotonic() + 30
        while time.monotonic() < ends and not supervisor.is_stopping:
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=2).close()  # noqa: S310  our own address
                return True
            except urllib.error.HTTPError:
                return True
            except OSError:
                time.sleep(0.1)
        return False

    def first_wish(self, supervisor):
        if demo_shop.has_wished():
            run = Run.objects.order_by("-pk").first()
        else:
            try:
                run = quantum_state.collapse(quantum_state.superpose(demo_shop.WISH))
            except Refusal as refusal:
                self.say(f"“{demo_shop.WISH}” was refused: {refusal.detail}")
                return
            self.say(f"The board was told: “{demo_shop.WISH}” ...")
        ends = time.monotonic() + PATIENCE
        while run and time.monotonic() < ends and not supervisor.is_stopping:
            run.refresh_from_db()
            if run.is_terminal or run.status == Run.Status.NEEDS_HUMAN:
                break
            time.sleep(0.1)
        if run:
            self.report(run)

    def report(self, run):
        self.say(f"Run {run.pk}, “{run.title}”: {run.get_status_display()}")
        for task in run.tasks.all():
            took = ""
            if task.started_at and task.finished_at:
                took = f" in {(task.finished_at - task.started_at).total_seconds():.1f} s"
            said = (task.result or {}).get("message") or task.error or task.waiting_on
            self.say(
                f"  {task.get_pipeline_display():5} {task.workflow}: {task.get_status_display()}{took}. {said}"
            )
        for seen in run.observations.all():
            self.say(f"  measured: {seen.kind}, sha256 {seen.sha256[:16]}...")

    def point_around(self, url):
        if not User.objects.filter(is_staff=True).exists():
            self.say("Nobody can sign in yet: .venv/bin/python manage.py createsuperuser")
        self.say(
            f"\nLook around:\n"
            f"  {url}/            the storefront\n"
            f"  {url}/portfolio/  Recent Successes\n"
            f"  {url}/admin/      where staff live\n"
            f"  {url}/api/v1/docs the API\n"
            f"Stop with Ctrl-C."
        )


class _StuckWorkers:
    """Asked now and then by the supervisor: has no worker of this machine shown a heartbeat for several looks?

    The clusters' own watchdog cannot tell when it is stopped together with them.
    """

    def __init__(self):
        self._silence = Silence(f"{HOST}:", STUCK_AFTER_LOOKS)

    def __call__(self):
        try:
            is_over = self._silence.is_broken_off()
        except Exception:  # a database that is away is no reason to kill workers
            connection.close()
            is_over = False
            self._silence.forget()
        if is_over:
            self._silence.forget()
        return is_over
