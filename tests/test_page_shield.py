"""A kept page is never stale, nobody gets another's page, and what may not be kept is not."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import psycopg
import pytest
from django.apps import apps
from django.db import OperationalError, connection, connections, models, transaction
from django.test.utils import CaptureQueriesContext

from agency.models import Gig, Promotion, SuccessStory
from config import page_shield
from config.page_shield import PageShield
from config.wsgi import _django
from storefront import live_site, page_index, page_version, search, triggers
from storefront.catalog import publishing
from storefront.models import Product
from tests.factories import make_gig, make_product, make_service_order


class Counted:
    """Django, and how often it was asked."""

    def __init__(self, application=_django):
        self.application, self.asked = application, 0

    def __call__(self, environ, start_response):
        self.asked += 1
        return self.application(environ, start_response)


def ask(shield, path="/catalog/", method="GET", query="", *, reload=True, **headers):
    """(status, headers, body) of one request; a reload is answered after a look of its own."""
    environ = live_site._environ(path) | {"REQUEST_METHOD": method, "QUERY_STRING": query, **headers}
    if not reload:
        del environ["HTTP_CACHE_CONTROL"]
    started = []
    response = shield(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    body = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    status, sent = started[-1]
    return int(status[:3]), {name.lower(): value for name, value in sent}, body


@pytest.fixture
def django():
    return Counted()


@pytest.fixture
def shield(django, transactional_db):
    make_product(slug="harbor", title="Harbor", price_minor=2900)
    yield PageShield(django)
    connection.close()


def test_a_page_is_made_once_and_sent_as_it_was(shield, django):
    first = ask(shield, "/products/harbor/")
    second = ask(shield, "/products/harbor/")

    assert (django.asked, first[0], second[2] == first[2]) == (1, 200, True)
    assert {name: value for name, value in second[1].items() if name != "x-request-id"} == {
        name: value for name, value in first[1].items() if name != "x-request-id"
    }
    assert second[1]["x-request-id"] != first[1]["x-request-id"]
    assert ask(shield, "/products/harbor/", HTTP_X_REQUEST_ID="mine")[1]["x-request-id"] == "mine"


def test_who_has_the_page_is_told_that_it_is_the_same(shield, django):
    etag = ask(shield)[1]["etag"]

    status, headers, body = ask(shield, HTTP_IF_NONE_MATCH=f'"other", W/{etag}')

    assert (status, body, headers["etag"], headers["cache-control"]) == (304, b"", etag, "no-cache")
    assert ask(shield, HTTP_IF_NONE_MATCH='"other"')[0] == 200
    Product.objects.update(title="Pier")
    status, headers, body = ask(shield, HTTP_IF_NONE_MATCH=etag)
    assert (status, b"Pier" in body, django.asked) == (200, True, 2)


def test_head_is_get_without_the_body(shield, django):
    first = ask(shield, method="HEAD")
    full = ask(shield)
    again = ask(shield, method="HEAD")

    for status, headers, body in (first, again):
        assert (status, body, headers["content-length"]) == (200, b"", str(len(full[2])))
    assert (django.asked, len(full[2]) > 1000) == (1, True)


def test_every_way_to_change_a_page_is_seen_at_once(shield, django):
    order = make_service_order(make_gig("logo", title="I will draw"))
    story = SuccessStory.objects.create(service_order=order, slug="bread", title="Bread", summary="x")
    changes = {
        "/catalog/": [
            lambda: Product.objects.update(price_minor=3100),
            lambda: make_product(title="Another"),
            lambda: publishing.unlist(Product.objects.filter(title="Another")),
            lambda: connection.cursor().execute("UPDATE storefront_product SET title = 'Pier'"),
            lambda: connection.cursor().execute("DELETE FROM storefront_product"),
        ],
        "/services/logo/": [
            lambda: Gig.objects.update(title="I will paint"),
            lambda: order.package.__class__.objects.update(price_minor=777),
            lambda: SuccessStory.objects.filter(pk=story.pk).update(title="Bakery"),
        ],
        "/portfolio/bread/": [lambda: order.__class__.objects.update(amount_minor=12345)],
    }
    for path, steps in changes.items():
        before = ask(shield, path)[2]
        assert ask(shield, path)[2] == before
        for change in steps:
            change()
            after = ask(shield, path)[2]
            assert after != before, (path, steps.index(change))
            before = after


def test_what_a_transaction_has_not_committed_is_on_no_page_of_others(shield):
    before = ask(shield)[2]
    seen = []

    with transaction.atomic():
        Product.objects.update(title="Pier")
        inside = ask(shield)[2]
        thread = threading.Thread(target=lambda: (seen.append(ask(shield)[2]), connections.close_all()))
        thread.start()
        thread.join()
        transaction.set_rollback(True)

    assert b"Pier" in inside and seen == [before]
    assert ask(shield)[2] == before


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_COOKIE": "sessionid=x"},
        {"HTTP_COOKIE": "cart=x"},
        {"HTTP_AUTHORIZATION": "Token x"},
        {"HTTP_RANGE": "bytes=0-1"},
        {"HTTP_HX_REQUEST": "true"},
        {"CONTENT_LENGTH": "3"},
        {"HTTP_HOST": ""},
    ],
)
def test_who_is_somebody_is_answered_by_django(shield, django, headers):
    ask(shield)
    for _ in range(2):
        ask(shield, **headers)

    assert django.asked == 3


@pytest.mark.parametrize(
    ("path", "query", "asked"),
    [
        ("/catalog/", "q=harbor&page=1", 1),
        ("/catalog/", "utm_source=mail", 2),
        ("/catalog/", "q=a&q=b", 2),
        ("/catalog/", "q=" + "x" * 600, 2),
        ("/catalog/", "%71=harbor", 2),
        ("/products/harbor/", "variant=2", 2),
        ("/products/harbor/", "", 1),
        ("/products/nothing/", "", 2),
        ("/catalog", "", 2),
        ("/robots.txt", "", 2),
        ("/healthz", "", 2),
        ("/cart/", "", 2),
        ("/admin/login/", "", 2),
        ("/products/../admin/", "", 2),
    ],
)
def test_only_pages_with_their_own_parameters_are_kept(shield, django, path, query, asked):
    ask(shield, path, query=query)
    ask(shield, path, query=query)

    assert django.asked == asked


def test_parameters_mean_the_same_in_any_order(shield, django):
    one = ask(shield, query="q=harbor&kind=download&sort=")
    other = ask(shield, query="sort=&kind=download&q=harbor")

    assert (django.asked, one[2] == other[2]) == (1, True)


def test_a_foreign_host_is_refused_and_poisons_nothing(shield, django):
    good = ask(shield)

    assert ask(shield, HTTP_HOST="evil.example")[0] == 400
    assert ask(shield, HTTP_HOST="evil.example")[0] == 400
    assert ask(shield)[2] == good[2] and b"evil" not in good[2]
    assert django.asked == 3
    assert ask(shield, HTTP_HOST="localhost", HTTP_X_FORWARDED_HOST="evil.example")[2] == good[2]


@pytest.mark.parametrize(
    "headers",
    [
        [("Set-Cookie", "a=b")],
        [("Vary", "Cookie")],
        [("Content-Encoding", "gzip")],
        [("Cache-Control", "private")],
        [("Cache-Control", "no-store")],
        [("Content-Security-Policy", "script-src 'nonce-abc'")],
        [("Content-Type", "application/json")],
    ],
)
def test_an_answer_for_one_person_is_not_kept(transactional_db, headers):
    make_product()

    def personal(environ, start_response):
        start_response("200 OK", [*headers, ("Content-Type", "text/html")])
        return [b"for you"]

    counted = Counted(personal)
    shield = PageShield(counted)

    assert [ask(shield)[2] for _ in range(2)] == [b"for you"] * 2
    assert counted.asked == 2
    connection.close()


def test_memory_is_bounded_and_what_was_seen_last_is_kept(django, transactional_db):
    make_product()
    size = len(ask(django)[2])
    small = PageShield(django, most_bytes=3 * (size + 2600))
    django.asked = 0

    for kind in ("", "download", "course", "", "bundle", ""):
        ask(small, query=f"kind={kind}")

    assert (django.asked, len(small._kept)) == (4, 3)
    assert small._bytes <= small._most_bytes
    connection.close()


def test_without_its_triggers_nothing_is_kept_and_migrate_puts_them_back(shield, django, caplog):
    on = " ON agency_gig" if connection.vendor == "postgresql" else ""
    connection.cursor().execute(f"DROP TRIGGER agency_gig_page_update{on}")

    for _ in range(2):
        ask(shield)
    assert django.asked == 2 and "triggers of the page version are missing" in caplog.text

    triggers.mend("default")
    assert page_index.is_complete(connection)
    again = PageShield(django)
    for _ in range(2):
        ask(again)
    assert django.asked == 3


def test_a_shop_that_nobody_writes_to_has_a_version(transactional_db):
    connection.cursor().execute(f"DELETE FROM {page_index.TABLE}")
    assert page_version.current() is None

    triggers.mend("default")

    assert page_version.current() > 10**15


def test_a_table_that_a_migration_makes_anew_keeps_its_triggers(shield, django):
    old, new = Product._meta.get_field("vendor"), models.CharField(max_length=130, blank=True)
    new.set_attributes_from_name("vendor")
    new.model = Product
    for before, after in ((old, new), (new, old)):
        with connection.schema_editor() as editor:
            editor.alter_field(Product, before, after, strict=True)
    triggers.mend("default")

    ask(shield)
    Product.objects.update(title="Lighthouse")
    assert b"Lighthouse" in ask(shield)[2]
    assert [p.title for p in search.narrowed(Product.objects.all(), "lighthouse")] == ["Lighthouse"]


def test_a_database_that_is_away_is_djangos_to_report(shield, django, monkeypatch):
    ask(shield)

    def away(connection):
        raise OperationalError("gone")

    monkeypatch.setattr(page_version, "current", away)
    assert ask(shield)[0] == 200 and django.asked == 2


@pytest.mark.parametrize("how", ["cut", "closed", "without the table"])
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's file can't hang up")
def test_a_look_that_postgresql_does_not_answer_costs_nobody_their_page(shield, django, how):
    """The look goes around Django's cursors, and with them around what they do about errors."""
    ask(shield)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        if how == "cut":
            other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        elif how == "closed":
            connection.connection.close()
        else:
            other.execute(f"ALTER TABLE {page_index.TABLE} RENAME TO away")
    status = ask(shield)[0]
    if how == "without the table":
        connection.cursor().execute(f"ALTER TABLE away RENAME TO {page_index.TABLE}")

    assert (status, django.asked) == (200, 2)
    assert ask(shield)[0] == 200 and django.asked == 2


def test_the_shield_can_be_switched_off(settings):
    settings.PAGE_SHIELD = False
    assert page_shield.shielded(_django) is _django
    settings.PAGE_SHIELD = True
    assert isinstance(page_shield.shielded(_django), PageShield)


PAGES = ("/", "/catalog/", "/catalog/?q=harbor&tag=a&category=Art&kind=download&price_from=1", "/products/harbor/",
         "/services/", "/services/logo/", "/portfolio/", "/portfolio/bread/")  # fmt: skip


def test_the_pages_read_no_table_that_is_not_watched(client, db):
    make_product(slug="harbor", title="Harbor", category="Art", tags=["a"])
    make_product(category="Art")
    order = make_service_order(make_gig("logo"))
    SuccessStory.objects.create(service_order=order, slug="bread", title="Bread", summary="x")
    assert not Promotion.objects.exists()

    with CaptureQueriesContext(connection) as queries:
        for path in PAGES:
            assert client.get(path).status_code == 200

    tables = {model._meta.db_table for model in apps.get_models()}
    read = {table for query in queries for table in tables if re.search(rf"\b{table}\b", query["sql"])}
    assert read <= page_index.READ.keys()
    assert read >= {
        "storefront_product",
        "agency_gig",
        "agency_package",
        "agency_promotion",
        "agency_successstory",
    }


def test_anonymous_pages_carry_no_nonce_cookie_or_vary(shield, django):
    for path in ("/", "/catalog/", "/products/harbor/", "/services/", "/portfolio/"):
        for _ in range(2):
            ask(shield, path)

    assert django.asked == 5


@pytest.fixture
def looks(monkeypatch):
    """When each look at the version began."""
    began, current = [], page_version.current
    monkeypatch.setattr(page_version, "current", lambda at: (began.append(time.monotonic()), current(at))[1])
    return began


def test_one_look_holds_for_a_moment_and_a_reload_gets_its_own(shield, django, looks, monkeypatch):
    monkeypatch.setattr(page_shield, "LOOK_HOLDS", 60)
    before = ask(shield, reload=False)[2]
    Product.objects.update(title="Pier")

    assert ask(shield, reload=False)[2] == before and len(looks) == 1
    after = ask(shield)[2]
    assert b"Pier" in after and len(looks) == 2
    assert ask(shield, reload=False)[2] == after and (len(looks), django.asked) == (2, 2)


def test_a_look_is_not_used_after_its_time(shield, django, looks):
    ask(shield, reload=False)
    Product.objects.update(title="Pier")
    time.sleep(page_shield.LOOK_HOLDS)

    assert b"Pier" in ask(shield, reload=False)[2] and len(looks) == 2


def test_a_look_that_took_long_holds_from_its_beginning(shield, django, monkeypatch):
    monkeypatch.setattr(page_shield, "LOOK_HOLDS", 0.05)
    current = page_version.current
    monkeypatch.setattr(page_version, "current", lambda at: (current(at), time.sleep(0.05))[0])
    ask(shield, reload=False)
    Product.objects.update(title="Pier")

    assert b"Pier" in ask(shield, reload=False)[2]


def test_a_look_that_failed_is_not_held(shield, django, monkeypatch):
    monkeypatch.setattr(page_shield, "LOOK_HOLDS", 60)

    def away(connection):
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(page_version, "current", away)
        ask(shield, reload=False)
    for _ in range(2):
        ask(shield, reload=False)

    assert django.asked == 2


TRIALS = 400  # and more of them, until each price was raised WRITES times: machines differ
WRITES = 30


@pytest.mark.parametrize("reload", [True, False])
@pytest.mark.django_db(transaction=True)
def test_nobody_sees_a_page_older_than_what_was_written_before_they_asked(reload):
    """Writers on other connections raise a price and then publish what they wrote; readers look at what was
    published, ask for the page, and may never see less. Who doesn't reload may see what a look ago was true."""
    product = make_product(slug="harbor", price_minor=100_000)
    gig = make_gig("logo", price_minor=100_000)
    counted = Counted()
    shield = PageShield(counted)
    written, faults, ends = {"/products/harbor/": 100_000, "/services/logo/": 100_000}, [], threading.Event()
    trials = count()
    price = re.compile(rb'<data class="price" value="([0-9.]+)"')

    def write(path, rows, pause):
        number = 100_000
        while not ends.is_set():
            number += 1
            with transaction.atomic():
                rows().update(price_minor=number)
            written[path] = number
            time.sleep(pause)
        connections.close_all()

    def raised_often():
        return min(written.values()) >= 100_000 + WRITES

    def read(_):
        while (trial := next(trials)) < (TRIALS if raised_often() else 100 * TRIALS):
            path = list(written)[trial % 2]
            least = written[path]
            if not reload:
                time.sleep(page_shield.LOOK_HOLDS)
            found = price.search(ask(shield, path, reload=reload)[2])
            shown = int(found.group(1).replace(b".", b""))
            if shown < least:
                faults.append((path, shown, least))
        connections.close_all()

    writers = [
        threading.Thread(target=write, args=arguments)
        for arguments in (
            ("/products/harbor/", lambda: Product.objects.filter(pk=product.pk), 0.004),
            ("/services/logo/", gig.packages.all, 0.007),
        )
    ]
    for writer in writers:
        writer.start()
    try:
        with ThreadPoolExecutor(2) as readers:
            list(readers.map(read, range(2)))
    finally:
        ends.set()
        for writer in writers:
            writer.join()

    assert faults == []
    assert raised_often()
    assert 100 < counted.asked < next(trials)  # some were kept, and many were not


@pytest.mark.django_db(transaction=True)
def test_two_who_write_at_the_same_time_do_not_wait_for_each_other():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    one, other = make_product(), make_product()
    before = page_version.current()
    both_wrote = threading.Barrier(2, timeout=10)

    def write(pk):
        with transaction.atomic():
            Product.objects.filter(pk=pk).update(title="New")
            both_wrote.wait()
        connections.close_all()

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(write, [one.pk, other.pk]))

    assert page_version.current() > before


def test_the_version_never_comes_back_not_even_with_a_backup(transactional_db):
    seen = []
    for _ in range(5):
        make_product()
        seen.append(page_version.current())
    connection.cursor().execute(f"DELETE FROM {page_index.TABLE}")
    Product.objects.update(title="From a backup")
    seen.append(page_version.current())

    assert len(set(seen)) == 6
