"""The dashboard's summary on a large ledger beside plain SQL, and sales booked beside plain inserts and hordak."""

from functools import partial

from benchmarks.places import place
from benchmarks.report import POSTINGS, SALES, line, rounds

AIM = 20  # milliseconds


def main(database_url, redis_url):
    with place(database_url) as here:
        built = here.probe("books", POSTINGS, timeout=1800)
        print(
            f"\nThe dashboard, {here.vendor}: {built['postings']:,} postings, {built['violations']} violations; "
            f"aim {AIM} ms"
        )
        figures = rounds({who: partial(_summary, here, who) for who in ("summary", "postings", "totals")})
    ours = ("this project takes as long, times", figures["summary"])
    line("this project, sources and newest entries too", figures["summary"], "ms")
    line("plain SQL over the postings, figures alone", figures["postings"], "ms", ours)
    line("plain SQL over the totals, figures alone", figures["totals"], "ms", ours)
    _posting(database_url)


def _summary(here, who):
    return here.probe("figures", who, 3 if who == "postings" else 50)["ms"]


def _posting(database_url):
    with place(database_url) as here:
        who = {"ours": partial(_sales, here, "ours"), "raw": partial(_sales, here, "raw")}
        if not database_url:
            print(f"\nPosting, SQLite: {SALES} sales a round, one after the other; django-hordak needs PostgreSQL")
            figures = rounds(who)
        else:
            print(f"\nPosting, PostgreSQL: {SALES} sales a round, one after the other")
            with place(database_url, BENCH_AS="hordak") as theirs:
                figures = rounds(who | {"hordak": partial(_sales, theirs, "hordak")})
    ours = ("this project reaches, times", figures["ours"])
    line("this project", figures["ours"], "sales/s")
    if "hordak" in figures:
        line("django-hordak, one transaction, three legs", figures["hordak"], "sales/s", ours)
    line("the same five rows by hand", figures["raw"], "sales/s", ours)


def _sales(here, who):
    return here.probe("sales", who, SALES)["sales_per_second"]
