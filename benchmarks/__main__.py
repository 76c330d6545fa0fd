"""`python -m benchmarks [runs] [posts] [scaling] [history] [ledger] [pages] [imports]`:
all of them unless some are named.

On SQLite, and then on the server of DATABASE_URL, in databases that are made and dropped; the peers on Redis with
BENCH_REDIS_URL. BENCH_RUNS, BENCH_ROUNDS, BENCH_HISTORY, BENCH_POSTINGS, BENCH_SALES,
BENCH_PRODUCTS, BENCH_SECONDS and BENCH_ORDERS make it shorter. Nothing is asserted: this is no test.
"""

import os
import signal
import sys

from benchmarks import history, imports, ledger, pages, posts, runs, scaling

BENCHMARKS = {"runs": runs, "posts": posts, "scaling": scaling, "history": history, "ledger": ledger}
BENCHMARKS |= {"pages": pages, "imports": imports}


def main(names):
    # Stopped by TERM, too, it leaves no process, database or folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        raise SystemExit(f"Unknown: {', '.join(sorted(unknown))}. There are: {', '.join(BENCHMARKS)}.")
    redis_url = os.environ.get("BENCH_REDIS_URL", "")
    if not redis_url:
        print("Without BENCH_REDIS_URL there are no peers on Redis: Celery, dramatiq.")
    servers = [""]
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        servers.append(os.environ["DATABASE_URL"])
    for database_url in servers:
        for name in names or BENCHMARKS:
            BENCHMARKS[name].main(database_url, redis_url)


if __name__ == "__main__":
    main(sys.argv[1:])
