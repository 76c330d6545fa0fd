"""The whole program as its users have it: a copy of the checkout, `manage.py up`, and HTTP from outside.

Slow: real processes, real time. Run by CI, or with `pytest -m slow`.
"""

import atexit
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import ready_database

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mission")]
ROOT = Path(__file__).resolve().parent.parent
DONE = {"succeeded", "partial", "failed", "canceled", "timed_out", "needs_human"}


class Program:
    """A running Direction Board in a folder of its own."""

    def __init__(self, folder, workers=2, database=None, is_migrated=False):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "VAR_DIR", "PUBLIC_URL")}
        self.env |= {"Q_WORKERS": str(workers), "PYTHONUNBUFFERED": "1"}
        if os.environ.get("TEST_DATABASE_URL"):
            self.env["DATABASE_URL"] = database or fresh_database(is_migrated)
        elif is_migrated:
            ready_database.copy_file(folder / "var" / "db.sqlite3")
        self.process = None
        self.output = ""

    def start(self, until="Stop with Ctrl-C"):
        command = [sys.executable, "manage.py", "up", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if until in line:
                break
        self.output = "".join(lines)
        self.rest = []
        # Read on: a worker that prints into a full pipe would stand still.
        self._reader = threading.Thread(target=lambda: self.rest.extend(self.process.stdout), daemon=True)
        self._reader.start()
        assert until in self.output, self.output
        return self.output

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(30)

    def token(self):
        command = [sys.executable, "manage.py", "create_token", "owner"]
        made = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=True)
        return made.stdout.strip()

    def call(self, method, path, body=None, *, raw=None, headers=None):
        """`(status, body, headers)`; the body as JSON where it is."""
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        request.add_header("Authorization", f"Token {self.key}")
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, content, got = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            status, content, got = error.code, error.read(), error.headers
        is_json = "json" in (got.get("Content-Type") or "")
        return status, json.loads(content) if is_json else content.decode(errors="replace"), got

    def get(self, path):
        status, body, _ = self.call("GET", path)
        assert status == 200, (path, status, body)
        return body

    def post(self, path, body=None, expect=(200, 201, 202)):
        status, answer, _ = self.call("POST", path, body if body is not None else {})
        assert status in expect, (path, status, answer)
        return answer

    def finished(self, run, seconds=90):
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            seen = self.get(f"/api/v1/runs/{run['id']}")
            if seen["status"] in DONE:
                return seen
            time.sleep(0.1)
        raise AssertionError(f"run {run['id']} did not end: {seen}")

    def upload(self, path, *, dry_run="false", publish="false"):
        edge = "edge-of-a-part"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in (("dry_run", dry_run), ("publish", publish))
        ]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
        raw = b"".join(parts) + head.encode() + path.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        return self.call("POST", "/api/v1/products/import", raw=raw, headers=kind)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fresh_database(is_migrated=False):
    """A PostgreSQL database beside the one that TEST_DATABASE_URL names, dropped when the tests end."""
    server, _, _ = os.environ["TEST_DATABASE_URL"].rpartition("/")
    name = f"mission_{os.getpid()}_{time.monotonic_ns()}"
    psql = ["psql", "--quiet", "--dbname", f"{server}/postgres", "--command"]
    if is_migrated:
        ready_database.copy_on_server(name)
    else:
        subprocess.run([*psql, f"CREATE DATABASE {name}"], check=True)
    atexit.register(subprocess.run, [*psql, f"DROP DATABASE {name} WITH (FORCE)"])
    return f"{server}/{name}"


def group_members(program):
    """Every process that belongs to this program, by the folder that it runs in."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").resolve() == program.folder.resolve():
                    found.append((int(entry.name), (entry / "cmdline").read_text().replace("\0", " ")))
            except OSError:
                continue
    return found


def keepers(program):
    return {pid for pid, command in group_members(program) if "agency.keeper" in command}


def wait_until(condition, seconds=20):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.1)
    return False


@contextmanager
def running(folder, **options):
    program = Program(folder, **options)
    program.start()
    program.key = program.token()
    try:
        yield program
    finally:
        program.stop()
        assert group_members(program) == []


def copy_of_checkout(target):
    wanted = ("manage.py", "pyproject.toml", "config", "storefront", "agency", "earnings", "templates", "static")
    for name in wanted:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
    return target


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return copy_of_checkout(tmp_path_factory.mktemp("a folder with spaces") / "board")


@pytest.fixture(scope="module")
def program(folder):
    with running(folder) as program:
        yield program


def spans(run):
    return {task["pipeline"]: (task["started_at"], task["finished_at"]) for task in run["tasks"]}


def numbers_in(text):
    return set(re.findall(r"\d+(?:[.,]\d+)*", text))


def test_the_first_start_says_what_the_board_did(program):
    assert "Staff login, shown this once: owner / " in program.output
    assert "Maximize profit" in program.output
    assert f"{program.url}/admin/" in program.output
    status, _, _ = program.call("GET", "/readyz")
    assert status == 200


def test_maximize_profit_is_an_audit_and_a_promotion_that_overlap(program):
    run = program.finished(program.post("/api/v1/orchestrate/intent", {"statement": "Maximize profit"}))

    assert run["status"] == "succeeded", run
    assert {task["workflow"] for task in run["tasks"]} == {"inventory_audit", "service_promotion"}
    sales, ops = spans(run)["sales"], spans(run)["ops"]
    assert max(sales[0], ops[0]) < min(sales[1], ops[1])


def test_what_the_service_says_references_the_inventory_that_was_measured(program):
    run = program.finished(program.post("/api/v1/orchestrate/service", {"workflow": "service_promotion"}))

    task = next(task for task in run["tasks"] if task["pipeline"] == "ops")
    ref = task["result"]["inventory_ref"]
    seen = program.get(f"/api/v1/observations/{ref['observation_id']}")
    assert hashlib.sha256(seen["body"].encode()).hexdigest() == ref["sha256"] == seen["sha256"]
    assert seen["run"] == run["id"]
    entanglement = program.get(f"/api/v1/runs/{run['id']}/entanglement")
    assert [o["drift"] for o in entanglement["observations"]] == ["fresh"]


def test_boost_revenue_audits_and_proposes_a_concrete_edit(program):
    run = program.finished(program.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"}))

    review = next(task for task in run["tasks"] if task["workflow"] == "gig_optimization")
    assert run["status"] == "succeeded"
    assert [(row["gig"], row["code"]) for row in review["result"]["findings"]] == [
        ("podcast-edit", "title_not_a_promise")
    ]


def test_a_sales_audit_checks_the_file_and_every_page(program):
    run = program.finished(program.post("/api/v1/orchestrate/sales", {"operation": "inventory_audit"}))

    result = run["tasks"][0]["result"]
    listed = list(all_pages(program, "/api/v1/products?status=listed&page_size=200"))
    assert run["status"] == "succeeded"
    assert len(listed) > 20
    gigs = program.get("/api/v1/gigs?is_listed=true")["results"]
    assert result["pages_checked"] == len(listed) + len(gigs) + 4  # home, catalog, services, portfolio
    assert result["counts"]["error"] == 0, result
    names = {artifact["name"] for artifact in run["tasks"][0]["artifacts"]}
    assert names == {"inventory_audit.html", "inventory_audit.csv"}


def all_pages(program, path):
    while path:
        page = program.get(path)
        yield from page["results"]
        path = page["next"] and page["next"].removeprefix(program.url)


def test_a_wrong_price_in_the_database_is_found(program):
    product = next(p for p in all_pages(program, "/api/v1/products?status=listed&page_size=200"))
    right = product["price"]
    wrong = {"price": {"amount": "1234.56", "currency": right["currency"]}}
    status, answer, _ = program.call("PATCH", f"/api/v1/products/{product['id']}", wrong)
    assert status == 200, answer

    run = program.finished(program.post("/api/v1/orchestrate/sales", {"operation": "inventory_audit"}))

    found = [
        f for f in run["tasks"][0]["result"]["findings"] if f["sku"] == product["sku"] and "price" in f["code"]
    ]
    assert [(f["expected"], f["seen"]) for f in found if f["severity"] == "error"], run["tasks"][0]["result"]
    status, _, _ = program.call("PATCH", f"/api/v1/products/{product['id']}", {"price": right})
    assert status == 200


def test_a_service_start_logs_a_chimera_task_for_the_fiverr_bot(program):
    before = program.get("/api/v1/chimera/tasks?agent=Fiverr+Bot")["results"]

    program.finished(program.post("/api/v1/orchestrate/service", {"workflow": "fiverr_bot"}))

    after = program.get("/api/v1/chimera/tasks?agent=Fiverr+Bot")["results"]
    assert len(after) == len(before) + 1
    assert {task["agent"] for task in after} == {"Fiverr Bot"}


def dashboard(program, kind="real"):
    return program.get(f"/api/v1/dashboard/earnings?kind={kind}")


def test_an_accepted_gig_order_is_the_same_money_everywhere_within_two_seconds(program):
    gig = next(g for g in program.get("/api/v1/gigs")["results"] if g["recipe"] == "thumbnail")
    before = dashboard(program)
    params = {
        "gig": gig["slug"],
        "package": "basic",
        "brief": {"title": "Ten desks under 200 – ölçüldü", "showcase_consent": True},
        "external": {"channel": "fiverr", "order_id": "FO-MISSION-1", "amount": "100.00", "currency": "USD"},
    }
    run = program.finished(
        program.post("/api/v1/orchestrate/service", {"workflow": "fiverr_bot", "params": params})
    )
    assert run["status"] == "succeeded", run
    order = program.get("/api/v1/service-orders?external_id=FO-MISSION-1")["results"][0]
    assert (order["status"], order["fee"]["minor"], order["kind"]) == ("ready", 2000, "real")
    held = dashboard(program)
    assert held["buckets"]["unearned"]["minor"] - before["buckets"]["unearned"]["minor"] == 8000

    accepted_at = time.monotonic()
    accepted = program.post(f"/api/v1/service-orders/{order['id']}/accept")
    again = program.post(f"/api/v1/service-orders/{order['id']}/accept")

    after = dashboard(program)
    history = program.get("/api/v1/earnings/earnings.json")["history"]
    stories = [s for s in program.get("/api/v1/portfolio")["results"] if s["gig"] == gig["slug"]]
    _, page, _ = program.call("GET", "/portfolio/")
    assert time.monotonic() - accepted_at < 2
    assert accepted["status"] == again["status"] == "accepted"
    assert after["daily"]["minor"] - before["daily"]["minor"] == 8000
    assert after["buckets"]["pending"]["minor"] - before["buckets"]["pending"]["minor"] == 8000
    assert after["total"]["minor"] == sum(bucket["minor"] for bucket in after["buckets"].values())
    ours = [entry for entry in history if order["number"] in json.dumps(entry)]
    assert {entry["amount"]["minor"] for entry in ours} == {10000}
    assert {entry["net"]["minor"] for entry in ours} == {8000}
    assert [story["value"]["minor"] for story in stories] == [10000]
    assert "Ten desks under 200 – ölçüldü" in page
    check = subprocess.run(
        [sys.executable, "manage.py", "ledger_check"],
        cwd=program.folder,
        env=program.env,
        capture_output=True,
        text=True,
    )
    assert check.returncode == 0, check.stdout


BAD = [
    ("/api/v1/orchestrate/sales", b'{"operation": "make_money"}', 422, "inventory_audit"),
    ("/api/v1/orchestrate/sales", b"{}", 400, "operation"),
    ("/api/v1/orchestrate/sales", b'{"operation": 7, "params": []}', 400, "operation"),
    ("/api/v1/orchestrate/sales", b'{"operation": "inventory_audit", "params": {"color": 1}}', 422, "color"),
    ("/api/v1/orchestrate/service", b'{"workflow": "fiverr_bot", "params": {"package": 3}}', 422, "package"),
    ("/api/v1/orchestrate/intent", b'{"statement": "Bake a cake"}', 422, "nearest"),
    ("/api/v1/orchestrate/intent", b'{"statement": ', 400, "JSON"),
    ("/api/v1/orchestrate/intent", b'{"statement": "' + b"x" * 10_000_000 + b'"}', 413, "larger"),
]


@pytest.mark.parametrize(("path", "raw", "status", "names"), BAD)
def test_bad_input_is_answered_with_what_is_wrong_and_nothing_runs(program, path, raw, status, names):
    before = program.get("/api/v1/runs")["results"]

    got, body, headers = program.call("POST", path, raw=raw)

    assert (got, headers["Content-Type"]) == (status, "application/problem+json")
    assert names in json.dumps(body), body
    assert program.get("/api/v1/runs")["results"] == before


def test_a_wrong_file_is_refused_and_nothing_is_imported(program, tmp_path):
    before = [p["sku"] for p in all_pages(program, "/api/v1/products?page_size=200")]
    page = tmp_path / "products.csv"
    page.write_text("<!doctype html><html><body>Please log in</body></html>")

    status, body, _ = program.upload(page)

    assert status == 422 and "web page" in json.dumps(body), body
    assert [p["sku"] for p in all_pages(program, "/api/v1/products?page_size=200")] == before


def test_a_worker_killed_in_the_middle_of_a_run_loses_and_doubles_nothing(program):
    gig = next(g for g in program.get("/api/v1/gigs")["results"] if g["recipe"] == "thumbnail")
    params = {
        "gig": gig["slug"],
        "package": "premium",
        "brief": {"title": "Killed and risen"},
        "external": {"channel": "fiverr", "order_id": "FO-KILL", "amount": "50.00", "currency": "USD"},
    }
    run = program.post("/api/v1/orchestrate/service", {"workflow": "fiverr_bot", "params": params})
    assert wait_until(lambda: program.get(f"/api/v1/runs/{run['id']}")["status"] != "queued", 10)
    workers = [pid for pid, command in group_members(program) if "qcluster" in command and "keeper" not in command]
    for pid in sorted(workers)[-2:]:
        os.kill(pid, signal.SIGKILL)

    ended = program.finished(run, seconds=120)

    assert ended["status"] == "succeeded", ended
    orders = program.get("/api/v1/service-orders?external_id=FO-KILL")["results"]
    assert [(o["status"], len(o["deliveries"])) for o in orders] == [("ready", 1)]
    entries = program.get("/api/v1/earnings/entries?page_size=200")["results"]
    assert sum(entry["key"] == f"service_order:{orders[0]['id']}:paid" for entry in entries) == 1


def test_with_one_worker_it_still_ends(folder):
    shutil.rmtree(folder.parent / "alone", ignore_errors=True)
    with running(copy_of_checkout(folder.parent / "alone"), workers=1, is_migrated=True) as program:
        run = program.finished(program.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"}))

        assert run["status"] == "succeeded", run


def test_a_second_start_doubles_nothing_and_a_broken_template_is_found(folder, tmp_path):
    board = copy_of_checkout(tmp_path / "board")
    database = fresh_database() if os.environ.get("TEST_DATABASE_URL") else None
    with running(board, database=database) as program:
        token = program.key
        before = [program.get(f"/api/v1/{name}")["results"] for name in ("products", "gigs", "intents", "runs")]
    template = board / "templates" / "storefront" / "product.html"
    broken = template.read_text().replace("{{ product", "{{ produkt")
    assert broken != template.read_text()
    template.write_text(broken)

    with running(board, database=database) as program:
        program.key = token
        after = [program.get(f"/api/v1/{name}")["results"] for name in ("products", "gigs", "intents", "runs")]
        run = program.finished(program.post("/api/v1/orchestrate/sales", {"operation": "inventory_audit"}))

    assert [[row["id"] for row in rows] for rows in after] == [[row["id"] for row in rows] for rows in before]
    assert run["tasks"][0]["result"]["counts"]["error"] > 0


def test_a_taken_port_is_said_clearly(folder):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]

        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)

    assert ended.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_stays_behind_however_it_is_stopped(tmp_path, number):
    program = Program(copy_of_checkout(tmp_path / "board"), is_migrated=True)
    program.start()

    program.process.send_signal(number)
    code = program.process.wait(30)

    assert wait_until(lambda: group_members(program) == []), group_members(program)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", program.port))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_workers_that_do_not_answer_are_started_again(tmp_path, number):
    """A worker that is killed while it waits takes django-q2's queue lock with it; its status stays green."""
    with running(copy_of_checkout(tmp_path / "board"), is_migrated=True) as program:
        before = {pid for pid, command in group_members(program) if "qcluster" in command}
        _main, _sentinel, *children = sorted(before - keepers(program))
        # django-q2 starts its two workers first, then the monitor and the process that fills the queue.
        for pid in children if number == signal.SIGSTOP else children[:2]:
            os.kill(pid, number)

        run = program.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"})

        assert program.finished(run, seconds=90)["status"] == "succeeded"
