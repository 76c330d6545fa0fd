"""The shop's pages with 10,000 and 100,000 products, made and kept, and the POST that places an order, beside
django-oscar's and a bare WSGI answer. Made: by Django at each request; what a card says is written once for its
values, as always.

django-oscar runs under a Python of its own: BENCH_OSCAR_PYTHON names one that has django-oscar, granian, whoosh
and sorl-thumbnail. It stands beside up to 10,000 products: its index of 100,000 takes longer than all the rest.
BENCH_PRODUCTS (default "10000 100000"), BENCH_SECONDS and BENCH_ORDERS make it shorter.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from benchmarks.places import ROOT, free_port, place, running, until
from benchmarks.report import ROUNDS, line
from benchmarks.servers import OPTIONS, web
from benchmarks.shop import rows
from benchmarks.wire import is_up

PRODUCTS = [int(count) for count in os.environ.get("BENCH_PRODUCTS", "10000 100000").split()]
SECONDS = os.environ.get("BENCH_SECONDS", "3")
ORDERS = os.environ.get("BENCH_ORDERS", "200")
OSCAR = os.environ.get("BENCH_OSCAR_PYTHON", "")
OSCAR_MOST = 10_000
OSCAR_HOME = ROOT / "benchmarks" / "peers" / "oscar"
PAGES = {
    "catalog page": ["/catalog/", "/catalog/?page=2", "/catalog/?page=17"],
    "product page": [f"/products/bench-{number:06}/" for number in range(50)],
    "search": [f"/catalog/?q={word}" for word in ("lantern", "harbor+planner", "sari+isik", "reef+for+two")],
}


def main(database_url, redis_url):
    if not OSCAR:
        print("Without BENCH_OSCAR_PYTHON there is no django-oscar beside it.")
    for count in PRODUCTS:
        with place(database_url) as here:
            here.probe("shelves", "fill", count, timeout=1800)
            measured(here, count)


def measured(here, count):
    print(f"\nPages, {here.vendor}: {count:,} products, four kept connections, {SECONDS} s a round", flush=True)
    every = [path for paths in PAGES.values() for path in paths]
    asked = here.probe("shelves", "queries", *every)
    size = str(asked["/catalog/"]["bytes"])
    with (
        serving(here, web, PAGE_SHIELD="false", PROXIES="1") as made,  # so that each buyer is a caller of its own
        serving(here, web) as kept,
        serving(here, bare, BENCH_BYTES=size) as limit,
        oscar(min(count, OSCAR_MOST)) as (other, of_oscar),
    ):
        for title, paths in PAGES.items():
            figures = {"made": [], "kept": [], "limit": [], "oscar": []}
            for _ in range(ROUNDS):
                figures["made"].append(hammered(made, 1, paths))
                figures["kept"].append(hammered(kept, 16, paths))
                figures["limit"].append(hammered(limit, 16, ["/"]))
                if other and title in of_oscar:
                    figures["oscar"].append(hammered(other, 1, of_oscar[title]))
            queries = sorted({asked[path]["queries"] for path in paths})
            told(f"{title}, {queries[0]} to {queries[-1]} queries", figures)
        sold(made, limit, other, of_oscar)


def sold(made, limit, other, of_oscar):
    """The last POST of a purchase: the cart becomes an order that waits for its payment."""
    downloads = [row["slug"] for row in rows(50) if row["stock"] is None and row["kind"] == "download"]
    ours = [f"/products/{slug}/" for slug in downloads]
    figures = {"made": [], "limit": [], "oscar": []}
    for _ in range(ROUNDS):
        figures["made"].append(bought(made, "ours", ours))
        figures["limit"].append(hammered(limit, 1, ["/"]))
        if other:
            figures["oscar"].append(bought(other, "oscar", of_oscar["product page"]))
    told(f"checkout POST, {ORDERS} orders a round", figures)


def told(title, figures):
    rates = {who: [one["rate"] for one in every] for who, every in figures.items()}
    print(f" {title}", flush=True)
    line("made for each request", rates["made"], _unit(figures["made"]))
    if "kept" in rates:
        line("kept by the shield", rates["kept"], _unit(figures["kept"]))
    best = "kept" if "kept" in rates else "made"
    line("bare WSGI, as many bytes", rates["limit"], _unit(figures["limit"]), (f"{best} reaches", rates[best]))
    if rates["oscar"]:
        line("django-oscar", rates["oscar"], _unit(figures["oscar"]), ("made / django-oscar", rates["made"]))


def _unit(every):
    return f"a second, p99 {max(one['p99'] for one in every):.1f} ms"


@contextmanager
def serving(here, server, **env):
    port = free_port()
    with running(server(port), env=here.env | env) as processes:
        until(lambda: is_up(port), alive=processes)
        yield port


def bare(port):
    return [sys.executable, *OPTIONS.format(port=port).split(), "benchmarks.peers.bare_page:application"]


@contextmanager
def oscar(count):
    """django-oscar with the same products: its port, and its pages; (None, {}) where there is none."""
    if not OSCAR:
        yield None, {}
        return
    with tempfile.TemporaryDirectory(prefix="direction-board-bench-oscar-") as var:
        env = {**os.environ, "OSCAR_VAR": var, "PYTHONPATH": str(OSCAR_HOME), "DJANGO_SETTINGS_MODULE": "settings"}
        products = "\n".join(json.dumps(row) for row in rows(count))
        filled = subprocess.run(
            [OSCAR, str(OSCAR_HOME / "fill.py")],
            input=products,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        pages = json.loads(filled.stdout.splitlines()[-1])[:50]
        of_oscar = {
            "catalog page": ["/catalogue/", "/catalogue/?page=2", "/catalogue/?page=17"],
            "product page": pages,
            "search": [f"/search/?q={word}" for word in ("lantern", "harbor+planner", "reef+for+two")],
        }
        port = free_port()
        command = [OSCAR, *OPTIONS.format(port=port).split(), "oscar_wsgi:application"]
        with running(command, env=env) as processes:
            until(lambda: is_up(port), alive=processes)
            yield port, of_oscar


def hammered(port, depth, paths):
    return _said_by("benchmarks.hammer", str(port), SECONDS, str(depth), *paths)


def bought(port, shop, paths):
    return _said_by("benchmarks.buyers", str(port), ORDERS, shop, *paths)


def _said_by(module, *arguments):
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=Path(ROOT), capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise SystemExit(done.stderr[-1000:])
    return json.loads(done.stdout)
