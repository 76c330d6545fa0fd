"""The benchmarks run: with tiny numbers, so the figures mean nothing here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATABASES = 2 if os.environ.get("DATABASE_URL") else 1
TINY = {"BENCH_RUNS": "10", "BENCH_ROUNDS": "1", "BENCH_HISTORY": "200"}
TINY |= {"BENCH_POSTINGS": "400", "BENCH_SALES": "5"}
TINY |= {"BENCH_PRODUCTS": "60", "BENCH_SECONDS": "0.2", "BENCH_ORDERS": "8"}

pytestmark = pytest.mark.slow


def said_by(name):
    env = os.environ | TINY | {"BENCH_REDIS_URL": ""}
    command = [sys.executable, "-m", "benchmarks", name]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_runs_are_measured_beside_django_q2_and_the_bare_loop():
    said = said_by("runs")

    for who in ["this project", "bare django-q2, its defaults", "bare django-q2, tuned", "loop, two processes"]:
        assert who in said
    assert said.count("p95") == 2 * 3 * DATABASES


def test_posts_are_measured_beside_a_bare_view():
    assert "bare Django view, the same inserts" in said_by("posts")


def test_one_worker_is_measured_beside_two():
    said = said_by("scaling")

    assert said.count("one worker / ") == (2 if DATABASES == 1 else 6)


def test_an_empty_database_is_measured_beside_one_with_history():
    said = said_by("history")

    assert "200 old tasks" in said
    assert said.count("with history / empty") == 2 * DATABASES


def test_the_dashboard_and_the_booking_of_sales_are_measured_beside_plain_sql():
    said = said_by("ledger")

    assert "400 postings, 0 violations" in said
    assert said.count("the same five rows by hand") == DATABASES
    assert said.count("django-hordak, one transaction") == DATABASES - 1


def test_pages_and_orders_are_measured_beside_a_bare_answer():
    said = said_by("pages")

    assert said.count("made for each request") == 4 * DATABASES
    assert said.count("kept by the shield") == 3 * DATABASES
    assert said.count("bare WSGI") == 4 * DATABASES


def test_imports_are_measured_beside_the_csv_module():
    said = said_by("imports")

    assert said.count("csv and raw upserts") == DATABASES
    assert "this project: the same file again" in said


def test_an_unknown_benchmark_is_refused():
    command = [sys.executable, "-m", "benchmarks", "nonsense"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr == "Unknown: nonsense. There are: runs, posts, scaling, history, ledger, pages, imports.\n"
