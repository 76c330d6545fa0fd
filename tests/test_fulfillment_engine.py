"""The life of a service order, with the real ledger."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image

from agency import briefs, checklist, fulfillment_engine, portal
from agency.models import Delivery, Mail, Package, ServiceOrder, SuccessStory
from agency.workflows import NewArtifact
from earnings import ledger
from earnings.models import Earning, JournalEntry, Posting
from earnings.refusals import Refusal
from tests.factories import make_channel, make_gig, make_run, make_service_order

pytestmark = pytest.mark.django_db
NEEDS_TITLE = [{"name": "title", "label": "Title", "required": True, "help": ""}]
FO1 = {"channel": "fiverr", "order_id": "FO1", "amount": "100.00", "currency": "USD"}


@pytest.fixture
def gig(db):
    return make_gig("logo", requirements=NEEDS_TITLE, name="Logo")


def png(size=(8, 6), name="logo.png"):
    buffer = BytesIO()
    Image.new("RGB", size, "navy").save(buffer, "PNG")
    return NewArtifact("deliverable", name, "image/png", buffer.getvalue())


def take(**more):
    return fulfillment_engine.take_order("logo", "basic", **({"brief": {"title": "Ada"}, "external": FO1} | more))


def ready(**more):
    order = take(**more)
    fulfillment_engine.offer_by_hand(order, [png()])
    order.refresh_from_db()
    return order


def postings(key):
    return dict(Posting.objects.filter(entry__key=key).values_list("account_id", "amount_minor"))


def ledger_size():
    return Earning.objects.count(), JournalEntry.objects.count(), Posting.objects.count()


# --- Taking ----------------------------------------------------------------------------------------------


def test_an_order_that_its_marketplace_paid_is_real_and_unearned(gig):
    order = take(external={**FO1, "client": "Ada L."})

    assert (order.kind, order.status, order.channel_id, order.client) == ("real", "queued", "fiverr", "Ada L.")
    assert (order.amount_minor, order.fee_minor, order.currency) == (10000, 2000, "USD")
    assert order.due_at - order.created_at == timedelta(days=3)
    earning = Earning.objects.get()
    assert (earning.key, earning.net_minor) == (f"service_order:{order.pk}", 8000)
    assert postings(f"service_order:{order.pk}:paid") == {"unearned": 8000, "fees": 2000, "deferred": -10000}


def test_the_same_marketplace_order_given_again_is_the_same_order(gig):
    first = take()

    again = take()

    assert again == first
    assert ServiceOrder.objects.count() == 1
    assert ledger_size() == (1, 1, 3)


@pytest.mark.parametrize("change", [{"amount": "99.00"}, {"currency": "EUR"}])
def test_the_same_number_with_other_money_is_refused(gig, change):
    first = take()

    with pytest.raises(Refusal) as refused:
        take(external=FO1 | change)

    assert refused.value.status == 409
    assert (
        refused.value.detail == f"fiverr order FO1 was taken before as {first.number}, Logo basic for 100.00 USD."
    )
    assert ServiceOrder.objects.count() == 1
    assert ledger_size() == (1, 1, 3)


def test_the_same_number_for_another_gig_is_refused(gig):
    take()
    make_gig("banner")

    with pytest.raises(Refusal, match="taken before"):
        fulfillment_engine.take_order("banner", "basic", external=FO1)

    assert ServiceOrder.objects.count() == 1


@pytest.mark.parametrize(
    ("external", "pointers"),
    [
        (FO1 | {"channel": "nowhere"}, ["/external/channel"]),
        (FO1 | {"channel": "demo"}, ["/external/channel"]),
        (FO1 | {"amount": "1,000.00"}, ["/external/amount"]),
        (FO1 | {"amount": "10.005"}, ["/external/amount"]),
        (FO1 | {"amount": "-5.00"}, ["/external/amount"]),
        (FO1 | {"amount": "0.00"}, ["/external/amount"]),
        (FO1 | {"amount": 100.0}, ["/external/amount"]),
        (FO1 | {"currency": "XYZ"}, ["/external/currency"]),
        (FO1 | {"order_id": " "}, ["/external/order_id"]),
        (FO1 | {"tip": "5.00"}, ["/external/tip"]),
        ({"order_id": "FO1"}, ["/external/channel", "/external/amount", "/external/currency"]),
    ],
)
def test_an_external_order_that_cannot_be_read_is_refused_by_field(gig, external, pointers):
    with pytest.raises(Refusal) as refused:
        take(external=external)

    assert refused.value.status == 422
    assert sorted(e["pointer"] for e in refused.value.errors) == sorted(pointers)
    assert ServiceOrder.objects.count() == 0
    assert ledger_size() == (0, 0, 0)


@pytest.mark.parametrize(
    ("gig_slug", "tier", "pointer"), [("nothing", "basic", "/gig"), ("logo", "premium", "/package")]
)
def test_an_unknown_gig_or_package_is_refused(gig, gig_slug, tier, pointer):
    with pytest.raises(Refusal) as refused:
        fulfillment_engine.take_order(gig_slug, tier)

    assert [e["pointer"] for e in refused.value.errors] == [pointer]


def test_yen_have_no_cents(gig):
    order = take(external=FO1 | {"amount": "5000", "currency": "JPY"})

    assert (order.amount_minor, order.fee_minor) == (5000, 1000)


def test_an_order_that_nobody_paid_is_simulated_and_books_nothing_yet(gig):
    order = take(external=None)

    assert (order.kind, order.channel_id, order.external_id) == ("simulated", "demo", "")
    assert ledger_size() == (0, 0, 0)


def test_a_run_takes_one_order_of_ours_and_so_does_its_restart(gig):
    run = make_run()
    restart = make_run(restart_of=run)

    orders = {take(external=None, run=r) for r in (run, run, restart)}

    assert len(orders) == 1
    assert orders.pop().run == run


def test_orders_outside_of_runs_are_each_their_own(gig):
    assert take(external=None) != take(external=None)


# --- The brief ---------------------------------------------------------------------------------------------


def test_a_brief_that_lacks_something_waits_for_it(gig):
    order = take(brief={})

    assert order.status == "awaiting_brief"
    assert briefs.problems(gig, order.brief) == [{"pointer": "/brief/title", "detail": "Title is missing."}]
    assert order.due_at is None

    fulfillment_engine.set_requirements(order, {"title": "Ada", "showcase_consent": True})
    fulfillment_engine.set_requirements(order, {"title": "Ada"})

    assert (order.status, order.brief["title"], order.showcase_consent) == ("queued", "Ada", True)
    assert order.due_at is not None


def test_the_same_order_given_again_with_a_brief_goes_on(gig):
    take(brief={})

    order = take(brief={"title": "Ada"})

    assert order.status == "queued"


def test_consent_is_true_and_nothing_like_it(gig):
    order = take(brief={"title": "Ada", "showcase_consent": "yes"})

    assert order.showcase_consent is False


def test_the_brief_of_a_held_order_can_be_completed_without_taking_it_up(gig):
    order = fulfillment_engine.hold(take(brief={}))

    fulfillment_engine.set_requirements(order, {"title": "Ada"})

    assert order.status == "on_hold"
    assert fulfillment_engine.resume(order).status == "queued"


def test_the_brief_is_closed_once_the_work_is_offered(gig):
    order = ready()

    with pytest.raises(Refusal) as refused:
        fulfillment_engine.set_requirements(order, {"title": "Grace"})

    order.refresh_from_db()
    assert refused.value.status == 409
    assert order.brief == {"title": "Ada"}


# --- Offering and delivering -----------------------------------------------------------------------------------


def test_work_made_by_hand_is_offered_with_its_checks(gig):
    Package.objects.update(
        checklist=[
            {"check": "image_size", "value": "8x6", "label": "Size"},
            {"check": "file_type", "value": "png", "label": "PNG"},
        ]
    )
    order = fulfillment_engine.start(take())

    delivery = fulfillment_engine.offer_by_hand(order, [png()], message="Here it is.")

    assert order.status == "ready"
    assert (delivery.number, delivery.message) == (1, "Here it is.")
    assert delivery.checks == [
        {"label": "Size", "passed": True, "seen": "8x6"},
        {"label": "PNG", "passed": True, "seen": "png found"},
    ]
    artifact = delivery.artifacts.get()
    assert (artifact.service_order, artifact.name) == (order, "logo.png")
    assert artifact.stored.read() == png().content


def test_files_that_fail_the_checklist_are_not_offered(gig):
    Package.objects.update(checklist=[{"check": "image_size", "value": "1280x720", "label": "Size"}])
    order = take()

    with pytest.raises(Refusal) as refused:
        fulfillment_engine.offer_by_hand(order, [png()])

    order.refresh_from_db()
    assert refused.value.errors == [{"pointer": "/files", "detail": "Size: 8x6"}]
    assert (order.status, Delivery.objects.count(), order.artifacts.count()) == ("queued", 0, 0)


@pytest.mark.parametrize("interrupt", [fulfillment_engine.hold, fulfillment_engine.cancel])
def test_work_that_comes_after_an_interruption_is_not_offered(gig, interrupt):
    order = take()
    interrupt(ServiceOrder.objects.get())

    with pytest.raises(Refusal, match="cannot be offered"):
        fulfillment_engine.offer(order, [], checks=[])

    assert Delivery.objects.count() == 0


def test_delivering_twice_delivers_once(gig):
    order = ready()

    fulfillment_engine.deliver(order)
    first = order.deliveries.get().delivered_at
    fulfillment_engine.deliver(order)

    assert order.status == "delivered"
    assert order.deliveries.get().delivered_at == first


def test_nothing_is_delivered_before_it_is_made(gig):
    order = take()

    with pytest.raises(Refusal) as refused:
        fulfillment_engine.deliver(order)

    assert refused.value.allowed == ["awaiting_brief", "canceled", "in_progress", "on_hold"]
    assert order.status == "queued"


# --- Accepting -------------------------------------------------------------------------------------------------


def test_acceptance_earns_the_order_to_the_cent_and_tells_of_it_once(gig):
    order = ready(brief={"title": "Ada", "showcase_consent": True})
    fulfillment_engine.deliver(order)

    fulfillment_engine.accept(order, quote="Lovely.")
    accepted_at = order.accepted_at
    fulfillment_engine.accept(order, quote="Lovely.")

    assert (order.status, order.accepted_at) == ("accepted", accepted_at)
    earning = Earning.objects.get()
    assert (earning.gross_minor, earning.fee_minor, earning.net_minor) == (10000, 2000, 8000)
    assert postings(f"service_order:{order.pk}:earned") == {
        "unearned": -8000,
        "pending": 8000,
        "deferred": 10000,
        "revenue": -10000,
    }
    assert ledger_size() == (1, 2, 7)
    story = SuccessStory.objects.get()
    assert (story.title, story.quote, story.slug) == ("Logo: Ada", "Lovely.", f"logo-{order.pk}")
    assert story.summary == "Basic: 1 file delivered and accepted within 1 day, 0 checks passed."
    assert story.image == order.deliveries.get().artifacts.get()


def test_without_consent_no_story_is_told(gig):
    order = fulfillment_engine.accept(ready())

    assert order.status == "accepted"
    assert SuccessStory.objects.count() == 0


def test_consent_given_with_the_acceptance_counts_and_so_does_one_taken_back(gig):
    yes = fulfillment_engine.accept(ready(), consent=True)
    no = fulfillment_engine.accept(
        ready(external=FO1 | {"order_id": "FO2"}, brief={"title": "B", "showcase_consent": True}), consent=False
    )

    assert [s.service_order for s in SuccessStory.objects.all()] == [yes]
    no.refresh_from_db()
    assert no.showcase_consent is False


def test_a_simulated_order_moves_no_real_figure(gig):
    order = fulfillment_engine.accept(ready(external=None))

    assert set(Posting.objects.values_list("kind", flat=True)) == {"simulated"}
    earning = Earning.objects.get()
    assert (earning.kind, earning.channel_id, earning.net_minor) == ("simulated", "demo", 10000)
    assert postings(f"service_order:{order.pk}:earned")["pending"] == 10000


def test_work_that_was_not_offered_cannot_be_accepted(gig):
    order = take()

    with pytest.raises(Refusal, match="cannot be accepted"):
        fulfillment_engine.accept(order, consent=True)

    assert (order.status, SuccessStory.objects.count(), ledger_size()) == ("queued", 0, (1, 1, 3))


@pytest.mark.django_db(transaction=True)
def test_six_acceptances_at_once_earn_once():
    make_gig("logo", requirements=NEEDS_TITLE)
    order = ready(brief={"title": "Ada", "showcase_consent": True})

    def accept(_):
        try:
            return fulfillment_engine.accept(ServiceOrder.objects.get(pk=order.pk)).status
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(accept, range(6)))

    assert statuses == ["accepted"] * 6
    assert ledger_size() == (1, 2, 7)
    assert SuccessStory.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_wish_for_a_change_sent_six_times_at_once_is_one():
    make_gig("logo", requirements=NEEDS_TITLE)
    order = ready()
    together = threading.Barrier(6)

    def ask(number):
        try:
            stale = ServiceOrder.objects.get(pk=order.pk)
            together.wait()
            return fulfillment_engine.request_revision(stale, f"Bluer {number}").status
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(ask, range(6)))

    assert statuses == ["revision"] * 6
    asked = order.deliveries.exclude(revision_request="").get().revision_request
    assert sorted(asked.split("\n\n")) == [f"Bluer {number}" for number in range(6)]


@pytest.mark.django_db(transaction=True)
def test_the_same_marketplace_order_sent_six_times_at_once_is_taken_once():
    make_gig("logo", requirements=NEEDS_TITLE)

    def send(_):
        try:
            return take().pk
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        orders = set(pool.map(send, range(6)))

    assert len(orders) == 1
    assert ServiceOrder.objects.count() == 1
    assert ledger_size() == (1, 1, 3)


# --- Revisions and interruptions ------------------------------------------------------------------------------


def test_a_revision_makes_a_second_delivery_until_they_are_used_up(gig):
    order = fulfillment_engine.deliver(ready())

    fulfillment_engine.request_revision(order, "Bluer, please.")
    fulfillment_engine.request_revision(order, "Bluer, please.")
    assert order.status == "revision"
    fulfillment_engine.offer_by_hand(order, [png(name="bluer.png")])
    fulfillment_engine.deliver(order)
    with pytest.raises(Refusal) as refused:
        fulfillment_engine.request_revision(order, "Greener.")

    assert list(order.deliveries.values_list("number", "revision_request")) == [(1, "Bluer, please."), (2, "")]
    assert (refused.value.detail, refused.value.allowed) == (
        f"{order.number} has used its 1 revision.",
        ["accepted", "canceled"],
    )
    assert order.status == "delivered"


def test_more_that_should_change_is_added_to_the_revision_that_is_open(gig):
    order = fulfillment_engine.deliver(ready())

    fulfillment_engine.request_revision(order, "Bluer, please.")
    fulfillment_engine.request_revision(order, "Bluer")
    fulfillment_engine.request_revision(order, " Bluer, please. ")

    assert order.deliveries.get().revision_request == "Bluer, please.\n\nBluer"
    with pytest.raises(Refusal) as refused:
        fulfillment_engine.request_revision(order, "x" * 20_000)
    assert refused.value.errors == [
        {"pointer": "/reason", "detail": "One revision takes 20,000 characters in all."}
    ]
    assert order.deliveries.get().revision_request == "Bluer, please.\n\nBluer"


def test_work_sent_back_before_the_client_saw_it_costs_no_revision_and_stays_with_us(gig):
    order = ready()
    ServiceOrder.objects.update(email="ada@client.example")

    fulfillment_engine.request_revision(order, "The colors are off.")
    in_between = (order.status, portal.of(order.token).is_in_revision, portal.of(order.token).revisions_left)
    fulfillment_engine.offer_by_hand(order, [png(name="better.png")])
    fulfillment_engine.deliver(order)

    assert in_between == ("revision", False, 1)
    assert [seen.delivery.number for seen in portal.of(order.token).deliveries] == [2]
    assert portal.of(order.token).revisions_left == 1
    assert list(Mail.objects.values_list("template", flat=True)) == ["work_delivered"]
    fulfillment_engine.request_revision(order, "Bluer, please.")
    assert (order.status, portal.of(order.token).revisions_left) == ("revision", 0)


def test_a_better_brief_queues_a_revision_again(gig):
    order = fulfillment_engine.request_revision(ready(), "It is Grace.")

    fulfillment_engine.set_requirements(order, {"title": "Grace"})

    assert order.status == "queued"


def test_a_revision_says_what_should_change(gig):
    order = ready()

    with pytest.raises(Refusal) as refused:
        fulfillment_engine.request_revision(order, " ")

    assert refused.value.errors == [{"pointer": "/reason", "detail": "Say what should change."}]
    order.refresh_from_db()
    assert order.status == "ready"


def test_the_brief_of_offered_work_stays_closed_while_it_is_on_hold(gig):
    order = fulfillment_engine.hold(ready())

    with pytest.raises(Refusal) as refused:
        fulfillment_engine.set_requirements(order, {"title": "Grace"})

    order.refresh_from_db()
    assert (refused.value.status, order.status, order.brief) == (409, "on_hold", {"title": "Ada"})


@pytest.mark.parametrize(
    ("before", "after"),
    [("queued", "queued"), ("in_progress", "queued"), ("ready", "ready"), ("revision", "revision")],
)
def test_a_held_order_goes_on_where_it_was(gig, before, after):
    order = take()
    ServiceOrder.objects.update(status=before)

    fulfillment_engine.hold(order)
    fulfillment_engine.hold(order)
    assert (order.status, order.held_from) == ("on_hold", before)
    fulfillment_engine.resume(order)
    fulfillment_engine.resume(order)

    assert (order.status, order.held_from) == (after, "")


def test_a_canceled_order_is_refunded_in_full_once(gig):
    order = take()

    fulfillment_engine.cancel(order)
    fulfillment_engine.cancel(order)

    assert order.status == "canceled"
    assert postings(f"service_order:{order.pk}:refunded") == {"unearned": -8000, "fees": -2000, "deferred": 10000}
    assert ledger_size() == (1, 2, 6)


def test_a_canceled_simulated_order_books_nothing(gig):
    order = fulfillment_engine.cancel(take(external=None))

    assert order.status == "canceled"
    assert ledger_size() == (0, 0, 0)


def test_accepted_work_is_final(gig):
    order = fulfillment_engine.accept(ready())
    before = ledger_size()

    for verb in (fulfillment_engine.cancel, fulfillment_engine.hold, fulfillment_engine.resume):
        with pytest.raises(Refusal) as refused:
            verb(order)
        assert refused.value.allowed == []

    order.refresh_from_db()
    assert (order.status, ledger_size()) == ("accepted", before)


# --- Checklists ------------------------------------------------------------------------------------------------

CSV = NewArtifact("deliverable", "a.csv", "text/csv", b"a,b\n1,2\n")


@pytest.mark.parametrize(
    ("check", "value", "passed", "seen"),
    [
        ("files_at_least", 2, True, "2 files"),
        ("files_at_least", 3, False, "2 files"),
        ("file_type", "png", True, "png found"),
        ("file_type", ["png", "csv"], True, "png, csv found"),
        ("file_type", "image/png", True, "image/png found"),
        ("file_type", "text/csv", True, "text/csv found"),
        ("file_type", "video/mp4", False, "no video/mp4"),
        ("file_type", "audio/mpeg", False, "no audio/mpeg"),
        ("file_type", ["png", "pdf"], False, "no pdf"),
        ("image_size", "8x6", True, "8x6"),
        ("image_size", [8, 7], False, "8x6"),
        ("max_bytes", 100_000, True, f"largest {len(png().content)} bytes"),
        ("max_bytes", 10, False, f"largest {len(png().content)} bytes"),
        ("rows_covered", "all", True, "5 of 5 rows"),
        ("rows_covered", 6, False, "5 of 5 rows"),
        ("mood", "good", False, "There is no check 'mood'."),
        (
            "files_at_least",
            "many",
            False,
            "The checklist's value 'many' can't be used: invalid literal for int() with base 10: 'many'",
        ),
    ],
)
def test_a_checklist_looks_at_what_the_files_hold(check, value, passed, seen):
    results = checklist.run(
        [{"check": check, "value": value, "label": "It"}], [png(), CSV], {"rows": 5, "rows_covered": 5}
    )

    assert results == [{"label": "It", "passed": passed, "seen": seen}]


def test_a_file_that_only_calls_itself_a_picture_is_none():
    fake = NewArtifact("deliverable", "logo.png", "image/png", b"<html>not a picture</html>")

    results = checklist.run(
        [{"check": "file_type", "value": "png"}, {"check": "image_size", "value": "8x6"}], [fake], {}
    )

    assert [(r["passed"], r["seen"]) for r in results] == [(False, "no png"), (False, "no image")]


def test_consent_that_is_withdrawn_takes_the_story_down():
    order = make_service_order(status="ready")

    fulfillment_engine.accept(order, consent=True)
    assert SuccessStory.objects.count() == 1
    fulfillment_engine.accept(order, consent=False)

    assert SuccessStory.objects.count() == 0
    assert ServiceOrder.objects.get().showcase_consent is False


def test_a_gig_that_was_renamed_does_not_block_its_orders():
    gig = make_gig("logo")
    make_channel()
    external = {"channel": "fiverr", "order_id": "FO1", "amount": "100.00", "currency": "USD"}
    order = fulfillment_engine.take_order("logo", "basic", external=external)
    ServiceOrder.objects.update(status="ready")
    gig.slug = "logo-design"
    gig.save()

    fulfillment_engine.accept(ServiceOrder.objects.get(pk=order.pk))

    assert ServiceOrder.objects.get().status == "accepted"
    assert fulfillment_engine.take_order("logo-design", "basic", external=external).pk == order.pk


def test_an_order_that_was_refunded_in_part_can_be_canceled():
    make_gig("logo")
    make_channel()
    external = {"channel": "fiverr", "order_id": "FO1", "amount": "100.00", "currency": "USD"}
    order = fulfillment_engine.take_order("logo", "basic", external=external)
    earning = Earning.objects.get()
    ledger.refund(earning, "service_order:1:part", timezone.now(), gross_minor=1000, fee_minor=200)

    fulfillment_engine.cancel(order)
    fulfillment_engine.cancel(order)

    assert not any(ledger.balances(earning).values())
    assert ServiceOrder.objects.get().status == "canceled"
