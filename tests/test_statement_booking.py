"""A statement is booked once, whoever uploads it how often, and can be undone as a whole."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from agency import fulfillment_engine
from agency.models import Gig
from earnings import audit, clearing, dashboard, disputes, ledger, payouts, totals
from earnings.dashboard import Scope, Span
from earnings.models import Channel, Earning, JournalEntry, StatementImport, StatementRow
from earnings.refusals import Refusal
from earnings.statements import booking
from storefront import checkout, refunds
from tests.factories import make_gig, make_order, make_product
from tests.test_statements import load, make_format

pytestmark = pytest.mark.django_db


def upload(name, **choices):
    return booking.upload(load(name), f"{name}.csv", **choices)


def book(name, **choices):
    return booking.book(upload(name, **choices))


def outcomes(statement):
    return dict(Counter(statement.rows.values_list("outcome", flat=True)))


def figures(currency="USD"):
    summary = dashboard.summary(Scope(currency=currency))
    return {name: summary["buckets"][name]["minor"] for name in ("pending", "available", "paid_out")}


def take_order(number="FO501", amount="100.00", channel="fiverr"):
    if not Gig.objects.filter(slug="video-thumbnail").exists():
        make_gig("video-thumbnail", price_minor=10000)
    external = {"channel": channel, "order_id": number, "amount": amount, "currency": "USD"}
    return fulfillment_engine.take_order("video-thumbnail", "basic", external=external)


# --- Looking and booking ----------------------------------------------------------------------------------


def test_an_upload_books_nothing_and_keeps_the_file_as_it_came():
    statement = upload("paypal_activity")

    assert (statement.status, JournalEntry.objects.count()) == ("previewed", 0)
    assert statement.read() == load("paypal_activity")
    assert outcomes(statement) == {"waiting": 4, "left": 5}


def test_a_booked_statement_stands_in_the_figures_by_currency():
    statement = book("paypal_activity")

    assert (statement.status, outcomes(statement)) == ("booked", {"booked": 4, "left": 5})
    assert figures("GBP") == {"pending": 0, "available": 3834 - 3964 - 10000, "paid_out": 10000}
    assert figures("EUR") == {"pending": 0, "available": 4790, "paid_out": 0}
    assert audit.violations() == []


def test_a_whole_file_that_is_one_payout_leaves_nothing_available():
    book("gumroad_payout")

    assert figures() == {"pending": 0, "available": 0, "paid_out": 400 + 1390}


def test_yen_have_no_decimals():
    book("stripe_itemized")

    assert figures("JPY")["available"] == 4627


def test_equal_rows_without_an_id_are_all_booked():
    statement = book("etsy_statement")

    fees = statement.rows.filter(number__in=[5, 6])
    assert [row.outcome for row in fees] == ["booked", "booked"]
    assert len({row.identity for row in fees}) == 2


def test_equal_refunds_of_one_sale_are_all_booked():
    lines = load("gumroad_payout").splitlines(keepends=True)
    partial = lines[3].replace(b"Full", b"Partial").replace(b"-20.0,-2.0,-18.0", b"-5.0,-0.5,-4.5")

    statement = booking.book(booking.upload(b"".join([*lines[:3], partial, partial]), "partial.csv"))

    refunds = statement.rows.filter(meaning="refund")
    assert [row.outcome for row in refunds] == ["booked", "booked"]


def test_a_sale_of_a_statement_may_be_contested_and_the_ledger_stays_sound():
    book("upwork_transactions")
    sale = Earning.objects.get()

    disputes.contest(sale, sale.occurred_at, fee_minor=1500)
    disputes.lose(sale, sale.occurred_at)

    assert audit.violations() == []


def test_the_same_file_again_books_none():
    book("etsy_statement")
    before = JournalEntry.objects.count()

    again = book("etsy_statement")

    assert outcomes(again) == {"known": 9, "left": 1}
    assert JournalEntry.objects.count() == before


def test_rows_of_an_overlapping_export_are_known_by_the_platforms_id():
    book("stripe_itemized")

    other = book("stripe_activity")

    assert [(row.number, row.outcome) for row in other.rows.all()] == [(2, "known"), (3, "booked"), (4, "booked")]
    assert Earning.objects.filter(external_id="ch_A1").count() == 1


def test_a_longer_export_without_ids_books_only_what_is_new():
    lines = load("etsy_statement").splitlines(keepends=True)
    booking.book(booking.upload(b"".join([lines[0], *lines[5:]]), "first.csv"))

    longer = book("etsy_statement")

    assert outcomes(longer) == {"booked": 4, "known": 5, "left": 1}


def test_two_reports_of_one_platform_tell_of_a_sale_once():
    book("gumroad_payout")

    sales = book("gumroad_sales")

    by_sale = {(row.sale, row.meaning): row.outcome for row in sales.rows.all()}
    assert by_sale == {
        ("s2", "sale"): "known",
        ("s3", "sale"): "booked",
        ("s3", "refund"): "booked",
        ("s4", "sale"): "booked",
        ("s4", "refund"): "booked",
    }


def test_a_known_row_with_other_amounts_differs_and_is_not_booked_again():
    book("upwork_transactions")
    changed = load("upwork_transactions").replace(b"300.00,300.00", b"310.00,310.00")

    again = booking.book(booking.upload(changed, "changed.csv"))

    assert outcomes(again) == {"differs": 1, "known": 3}
    assert again.rows.get(outcome="differs").remarks[0].endswith("row 2 as $300.00 net.")


def test_a_row_that_the_file_repeats_with_its_id_is_booked_once():
    lines = load("stripe_activity").splitlines(keepends=True)

    statement = booking.book(booking.upload(b"".join([*lines, lines[2]]), "twice.csv"))

    assert outcomes(statement) == {"booked": 3, "known": 1}


def test_a_file_with_a_row_that_can_not_be_read_is_not_booked_at_all():
    data = load("stripe_itemized").replace(b'"60.00"', b'"sixty"', 1)
    statement = booking.upload(data, "bad.csv")

    with pytest.raises(Refusal) as refused:
        booking.book(statement)

    assert refused.value.errors == [
        {"pointer": "/file/row/2", "detail": "Row 2: gross 'sixty' is not a number."},
    ]
    assert (StatementImport.objects.get().status, JournalEntry.objects.count()) == ("previewed", 0)


def test_a_file_that_can_not_be_read_leaves_nothing_behind(settings):
    with pytest.raises(Refusal):
        booking.upload(b"<html>Sign in</html>", "statement.csv")

    assert StatementImport.objects.count() == 0
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


def test_unknown_rows_are_left_and_the_others_booked():
    make_format()

    statement = book("own_layout")

    assert outcomes(statement) == {"booked": 4, "left": 1}
    assert figures("EUR") == {"pending": 0, "available": 101900 + 250 - 90000, "paid_out": 90000}


def test_a_fee_above_the_price_is_booked_whole():
    header = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category\n"
    data = header + "txn_1,2026-01-01 10:00:00,usd,0.10,0.32,-0.22,charge\n"
    data += "txn_2,2026-01-01 10:00:00,usd,5.00,-0.10,5.10,charge\n"

    booking.book(booking.upload(data.encode(), "small.csv"))

    assert figures()["available"] == -22 + 510
    assert audit.violations() == []


def test_a_sale_that_is_not_available_yet_is_pending():
    data = load("stripe_activity").replace(b"2026-02-11 00:00", b"2999-02-11 00:00")

    booking.book(booking.upload(data, "pending.csv"))

    assert figures() == {"pending": 1912, "available": 5796 - 200, "paid_out": 0}


def test_names_and_addresses_of_buyers_stay_in_the_file():
    for name in ("paypal_activity", "gumroad_payout", "gumroad_sales", "stripe_itemized", "upwork_transactions"):
        book(name)

    told = [*Earning.objects.values_list("title", "client", "reference")]
    told += [*JournalEntry.objects.values_list("memo"), *StatementRow.objects.values_list("title", "remarks")]
    text = str(told)
    assert [name for name in ("Rosa", "Lark", "Tom Reed", "example.org", "Paper Mill") if name in text] == []


# --- Refunds ------------------------------------------------------------------------------------------------


def test_a_refund_is_taken_out_of_its_sale_and_what_that_does_not_hold_out_of_the_purse():
    book("paypal_activity")

    sale = Earning.objects.get(external_id="PP1")
    refund = sale.entries.get(event="refunded")
    rest = JournalEntry.objects.get(event="refunded", earning=None)
    assert {name: amount for name, amount in ledger.balances(sale).items() if amount} == {
        "revenue": -4000,
        "refunds": 3870,
        "fees": 130,
    }
    assert dict(refund.postings.values_list("account_id", "amount_minor")) == {
        "refunds": 3870,
        "fees": -36,
        "available": -3834,
    }
    assert dict(rest.postings.values_list("account_id", "amount_minor")) == {"refunds": 130, "available": -130}


# --- A sale that we know ------------------------------------------------------------------------------------


def test_a_row_that_matches_an_order_reconciles_with_it_and_is_not_doubled():
    order = take_order()

    statement = book("fiverr_earnings")

    matched = statement.rows.get(sale="FO501")
    assert (matched.outcome, matched.remarks) == (
        "matched",
        [f"Known: {order.number} was booked with the same amounts."],
    )
    assert outcomes(statement) == {"matched": 1, "booked": 1, "left": 1}
    assert Earning.objects.filter(channel="fiverr").count() == 2


def test_a_row_that_differs_from_its_order_says_how_and_books_nothing():
    take_order(amount="90.00")

    statement = book("fiverr_earnings")

    row = statement.rows.get(sale="FO501")
    assert row.outcome == "differs"
    assert "was booked as $90.00 less $18.00; this says $100.00 less $20.00." in row.remarks[0]
    assert Earning.objects.get(external_id="FO501").gross_minor == 9000


def test_an_order_taken_between_looking_and_booking_is_seen():
    statement = upload("fiverr_earnings")
    take_order()

    booking.book(statement)

    assert statement.rows.get(sale="FO501").outcome == "matched"


def test_an_order_that_is_taken_after_its_statement_can_be_accepted_and_is_counted_once():
    book("fiverr_earnings")

    order = take_order()
    ledger_before = JournalEntry.objects.count()
    fulfillment_engine._earn(order, order.created_at)

    assert JournalEntry.objects.count() == ledger_before
    assert figures()["available"] == 12000


def test_fees_of_a_known_order_in_rows_of_their_own_are_compared_with_its_fee():
    order = take_order("7000000001", "32.50", "etsy")

    statement = book("etsy_statement")

    sale = statement.rows.get(meaning="sale")
    assert sale.outcome == "differs"
    assert f"{order.number} was booked as $32.50 less $3.54; this says $32.50 less $1.95." in sale.remarks[0]
    assert statement.rows.get(title__startswith="Transaction fee").outcome == "matched"
    assert figures()["available"] == -(20 + 20 + 300 - 20) - 800 - 1100


def test_a_charge_of_the_own_shop_reconciles_with_all_lines_of_its_order():
    order = make_order(make_product(price_minor=2000), make_product(price_minor=4000))
    checkout.mark_paid(order.payments.get(), external_id="ch_A1", fee_minor=204)

    statement = book("stripe_itemized")

    charge = statement.rows.get(meaning="sale", currency="USD")
    assert (charge.outcome, charge.remarks) == (
        "matched",
        [f"Known: {order.number} was booked with the same amounts."],
    )
    assert Earning.objects.filter(channel="stripe", currency="USD").count() == 0


def test_a_refund_and_a_dispute_of_the_own_shop_are_compared_and_never_booked():
    order = make_order(make_product(price_minor=6000))
    checkout.mark_paid(order.payments.get(), external_id="ch_A1", fee_minor=204)
    sale = Earning.objects.get()
    ledger.refund(sale, "refund:1", datetime(2026, 2, 4, 9, tzinfo=UTC), gross_minor=1500)
    nameless = b"txn_C1,refund,re_9,-15.00,0.00,-15.00,usd,2026-02-04 10:00,2026-02-04 00:00,\n"
    unheard = b"txn_C2,refund,ch_A1,-7.00,0.00,-7.00,usd,2026-02-04 10:00,2026-02-04 00:00,\n"
    head = load("stripe_activity").splitlines(keepends=True)[0]

    itemized = book("stripe_itemized")
    activity = booking.book(booking.upload(head + nameless + unheard, "activity.csv"))

    assert itemized.rows.get(meaning="refund").outcome == "matched"
    assert [(row.outcome, row.remarks[0]) for row in activity.rows.all()] == [
        ("matched", f"Known: taken for the refund of {order.number}: the same amount, in the same days."),
        ("differs", f"Known: $15.00 was refunded with {order.number}."),
    ]


def test_a_statement_that_told_of_a_charge_first_does_not_stop_its_order():
    make_format(columns={"date": "Day", "gross": "Amount", "id": "Id", "sale": "Id"}, fee_sign="minus", words={})
    booking.book(booking.upload(b"Day,Amount,Id\n2026-01-01,20.00,ch_A1\n", "told.csv"))
    order = make_order(make_product(price_minor=2000))

    checkout.mark_paid(order.payments.get(), external_id="ch_A1")

    order.refresh_from_db()
    assert (order.status, "counted twice" in order.problem) == ("paid", True)


def test_a_payout_that_was_recorded_by_hand_is_not_booked_again():
    lines = load("upwork_transactions").splitlines(keepends=True)
    booking.book(booking.upload(b"".join(lines[:3]), "first half.csv"))
    purse = ledger.Purse(Channel.objects.get(pk="upwork"), "USD")
    payouts.record(purse, "by_hand:1", datetime(2026, 1, 22, tzinfo=UTC), amount_minor=27000)
    data = b"".join(lines).replace(b"-200.00", b"-270.00")

    statement = booking.book(booking.upload(data, "whole.csv"))

    payout = statement.rows.get(meaning="payout")
    assert (payout.outcome, payout.remarks[0].endswith("was recorded by hand, with this amount.")) == (
        "matched",
        True,
    )
    assert figures()["paid_out"] == 27000


def test_a_refund_that_is_booked_with_its_order_is_not_booked_again():
    order = take_order()
    fulfillment_engine.cancel(order)
    data = (
        load("fiverr_earnings").replace(b"FO502", b"FO501").replace(b"50.00,-10.00,40.00", b"-100.00,20.00,-80.00")
    )

    statement = booking.book(booking.upload(data, "refunded.csv"))

    refund = statement.rows.get(meaning="refund")
    assert (refund.outcome, refund.remarks) == ("matched", ["Known: the same refund is booked with its order."])


def test_a_refund_above_its_sale_in_the_file_still_finds_it():
    lines = load("gumroad_payout").splitlines(keepends=True)

    booking.book(booking.upload(b"".join([lines[0], lines[3], *lines[1:3], *lines[4:]]), "newest first.csv"))

    refunded = Earning.objects.get(external_id="s1").entries.get(event="refunded")
    assert dict(refunded.postings.values_list("account_id", "amount_minor")) == {
        "refunds": 1950,
        "fees": -200,
        "available": -1750,
    }


def test_the_summary_of_a_payout_reconciles_with_its_transactions():
    book("shopify_transactions")

    summary = book("shopify_summary")

    first, second = summary.rows.filter(number=2), summary.rows.filter(number=3)
    assert {row.outcome for row in first} == {"matched"}
    assert {row.outcome for row in second} == {"booked"}
    assert figures("EUR")["paid_out"] == 3830 + 2302


def test_a_payout_of_which_something_was_held_back_reconciles_with_its_summary():
    reserve = b"2026-06-02 09:00:00 +0200,reserve,,,paid,2026-06-04,9001,2026-06-04,-12.00,0.00,-12.00,,,,EUR\n"
    booking.book(booking.upload(load("shopify_transactions") + reserve, "transactions.csv"))

    summary = load("shopify_summary").replace(b"0.00,0.00,-1.70,0.00,38.30", b"0.00,-12.00,-1.70,0.00,26.30")
    booked = booking.book(booking.upload(summary, "summary.csv"))

    assert set(booked.rows.filter(number=2).values_list("outcome", flat=True)) == {"matched", "left"}
    assert figures("EUR")["paid_out"] == 2630 + 2302


def test_a_payout_without_charges_is_booked_as_it_moved():
    header = load("shopify_summary").splitlines(keepends=True)[0]
    row = b"2026-06-25,paid,0.00,0.00,9.00,0.00,-1.00,0.00,8.00,EUR\n"

    booked = booking.book(booking.upload(header + row, "summary.csv"))

    assert outcomes(booked) == {"booked": 3}
    assert figures("EUR") == {"pending": 0, "available": 0, "paid_out": 800}


def test_transactions_that_come_after_their_summary_are_known():
    book("shopify_summary")

    transactions = book("shopify_transactions")

    assert {row.number: row.outcome for row in transactions.rows.all()} == {2: "known", 3: "known", 4: "booked"}


# --- Undoing ------------------------------------------------------------------------------------------------


def test_an_import_is_reversed_as_a_whole_and_once():
    statement = book("stripe_itemized")
    person = User.objects.create_user("ann")

    for _ in range(2):
        booking.reverse(statement, by=person)

    assert (statement.status, outcomes(statement)) == ("reversed", {"reversed": 6, "left": 1})
    assert set(figures().values()) == set(figures("JPY").values()) == {0}
    assert JournalEntry.objects.filter(event="reversed").count() * 2 == JournalEntry.objects.count()
    assert (
        JournalEntry.objects.filter(event="reversed").first().memo
        == f"{statement.number} reversed, user {person.pk}"
    )
    assert audit.violations() == []


def test_a_reversed_import_is_gone_from_every_day():
    statement = book("gumroad_payout")
    booking.reverse(statement)

    scope = Scope(at=statement.rows.first().occurred_at)
    points = dashboard.summary(scope, Span(series="day"))["series"]["points"]
    assert {point["net"]["minor"] for point in points} == {0}


def test_what_was_reversed_may_be_booked_anew():
    booking.reverse(book("gumroad_payout"))

    again = book("gumroad_payout")

    assert outcomes(again) == {"booked": 7}
    assert figures() == {"pending": 0, "available": 0, "paid_out": 1790}
    assert audit.violations() == []


def test_an_import_with_its_newest_rows_on_top_is_reversed_in_any_parts(monkeypatch):
    monkeypatch.setattr(booking, "CHUNK", 2)
    head, *rows = load("gumroad_payout").splitlines()
    statement = booking.book(booking.upload(b"\n".join([head, *reversed(rows)]), "newest.csv"))

    booking.reverse(statement)

    assert set(figures().values()) == {0}
    assert audit.violations() == []


def test_an_import_whose_money_moved_on_is_not_reversed_by_half():
    statement = book("gumroad_payout")
    sale = Earning.objects.get(external_id="s2")
    ledger.refund(sale, "by_hand:1", sale.occurred_at, gross_minor=500)
    before = JournalEntry.objects.count()

    with pytest.raises(Refusal, match="has moved on since"):
        booking.reverse(statement)

    statement.refresh_from_db()
    assert (statement.status, JournalEntry.objects.count()) == ("booked", before)


def test_the_ledger_check_compares_the_entries_of_an_import_with_its_rows():
    statement = book("gumroad_payout")
    assert audit.violations() == []

    statement.rows.filter(number=2).update(gross_minor=9000, net_minor=8750)

    (found,) = audit.violations()
    assert (found.code, found.subject) == ("statement.sum", f"statement:{statement.pk}")


def test_only_a_booked_import_is_reversed_and_a_reversed_one_is_not_booked():
    statement = upload("gumroad_payout")

    with pytest.raises(Refusal, match="not booked"):
        booking.reverse(statement)
    booking.reverse(booking.book(statement))
    with pytest.raises(Refusal, match="upload the file again"):
        booking.book(statement)


# --- Halfway, and at once -----------------------------------------------------------------------------------


def test_a_booking_that_nobody_waits_for_is_carried_on(monkeypatch):
    monkeypatch.setattr(booking, "CHUNK", 2)
    statement = upload("etsy_statement")

    booking.book(statement, patience=0)
    halfway = outcomes(statement)
    booking.carry_on()

    statement.refresh_from_db()
    assert halfway == {"booked": 2, "waiting": 7, "left": 1}
    assert (statement.status, outcomes(statement)) == ("booked", {"booked": 9, "left": 1})
    assert audit.violations() == []


def test_a_process_that_dies_in_the_middle_books_nothing_twice(monkeypatch):
    monkeypatch.setattr(booking, "CHUNK", 3)
    statement = upload("etsy_statement")
    charge, calls = ledger.charge, []

    def dies(*args, **kwargs):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return charge(*args, **kwargs)

    monkeypatch.setattr(ledger, "charge", dies)
    with pytest.raises(KeyboardInterrupt):
        booking.book(statement)
    monkeypatch.setattr(ledger, "charge", charge)
    booking.carry_on()

    assert outcomes(statement) == {"booked": 9, "left": 1}
    assert figures()["available"] == 1645 + 40 - 1100
    assert audit.violations() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["etsy_statement", "stripe_itemized"])
def test_two_uploads_of_one_file_at_once_are_booked_once(name):
    def call(_):
        try:
            return booking.book(upload(name)).status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(call, range(3)))

    assert statuses == ["booked"] * 3
    rows = StatementRow.objects.filter(outcome="booked")
    assert rows.count() == {"etsy_statement": 9, "stripe_itemized": 6}[name]
    assert audit.violations() == []


@pytest.mark.django_db(transaction=True)
def test_one_request_that_is_sent_twice_at_once_makes_one_import():
    def call(_):
        try:
            return booking.upload_once(load("gumroad_payout"), "g.csv", request=("a" * 64, "b" * 64))[0].pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        made = set(pool.map(call, range(3)))

    assert len(made) == StatementImport.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_who_book_or_reverse_one_import_at_once_do_it_once():
    statement = upload("stripe_itemized")

    def call(verb):
        try:
            return verb(StatementImport.objects.get(pk=statement.pk)).status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        booked = list(pool.map(call, [booking.book] * 3))
        entries = JournalEntry.objects.count()
        reversed_ = list(pool.map(call, [booking.reverse] * 3))

    assert (booked, reversed_) == (["booked"] * 3, ["reversed"] * 3)
    assert JournalEntry.objects.count() == 2 * entries
    assert audit.violations() == []


def test_a_channel_that_is_gone_is_named():
    Channel.objects.get(pk="affiliate").delete()
    header = b"Issued Commission Amount,Issued Commission Currency,Created,Commission status\n"

    with pytest.raises(Refusal, match="no channel 'affiliate'"):
        booking.upload(header + b"1.00,USD,2026-01-01,Paid\n", "affiliate.csv")


@pytest.mark.parametrize("typed", ["fo501", " FO 501 ", "#FO501"])
def test_an_order_whose_number_was_typed_in_another_way_is_not_booked_twice(typed):
    order = take_order(typed)

    statement = book("fiverr_earnings")
    again = take_order("FO501")

    assert statement.rows.get(sale="FO501").outcome == "matched"
    assert again == order
    assert Earning.objects.filter(channel="fiverr", gross_minor=10000).count() == 1


def test_a_sale_that_a_statement_told_first_is_found_by_an_order_typed_in_another_way():
    book("fiverr_earnings")

    take_order("fo501")

    assert Earning.objects.filter(channel="fiverr").count() == 2
    assert figures()["available"] == 12000


def test_each_refund_of_an_order_is_matched_by_one_row_of_a_statement():
    """Of several parts each row was said to differ from their sum, and told twice it would have matched twice."""
    order = make_order(make_product(price_minor=2000), make_product(price_minor=4000))
    checkout.mark_paid(order.payments.get(), external_id="ch_A1", fee_minor=204)
    for number, minor in enumerate([600, 900]):
        refunds.carry_out(refunds.request(order, f"wish-{number}", amount_minor=minor))
    head = load("stripe_itemized").splitlines(keepends=True)[0].decode()
    day = "2026-02-04 10:00:00"
    lines = "".join(
        f"txn_{number},{day},{day},usd,{said},0.00,{said},refund,ch_A1,\n"
        for number, said in enumerate(["-6.00", "-9.00", "-6.00"])
    )

    statement = booking.book(booking.upload((head + lines).encode(), "refunds.csv"))

    assert [row.outcome for row in statement.rows.all()] == ["matched", "matched", "differs"]
    assert not JournalEntry.objects.filter(key__startswith="statement:").exists()


def test_an_import_whose_sales_were_cleared_by_time_is_reversed_as_a_whole():
    """It was refused for ever: the sweep had moved the money on, and nobody could undo that for all of them."""
    days = timezone.now() + timedelta(days=3)
    data = load("stripe_itemized").replace(b"2026-02-05 00:00:00", f"{days:%Y-%m-%d} 00:00:00".encode())
    before = dashboard.summary(Scope())["buckets"]
    statement = booking.book(booking.upload(data, "pending.csv"))
    pending = figures()["pending"]
    totals.count_up()
    clearing.clear_due()
    cleared = figures()["pending"]

    for _ in range(2):
        booking.reverse(statement)

    assert pending > 0 == cleared
    assert dashboard.summary(Scope())["buckets"] == before
    assert audit.violations() == []
    booking.book(booking.upload(data, "again.csv"))
    assert figures()["pending"] == pending  # its refund finds its sale again


def test_an_order_that_is_taken_after_its_statement_was_booked_anew_is_counted_once():
    """The sale that was booked anew has no id of its own any more, and nobody found it."""
    booking.reverse(book("fiverr_earnings"))
    book("fiverr_earnings")

    order = take_order()
    fulfillment_engine._earn(order, order.created_at)
    other = load("fiverr_earnings").replace(b"2026", b"2025")
    told = booking.book(booking.upload(other, "another report.csv"))

    assert figures()["available"] == 12000
    assert told.rows.get(sale="FO501").outcome == "known"


SHOPIFY = (
    "Transaction Date,Type,Order,Card Brand,Payout Status,Payout Date,Payout ID,Amount,Fee,Net,Currency\n"
    "2026-03-02 10:00:00 +0000,charge,#1,,paid,2026-03-04,1,20.00,0.88,19.12,USD\n"
    "2026-03-02 11:00:00 +0000,charge,#2,,paid,2026-03-04,1,20.00,0.88,19.12,USD\n"
    "2026-03-03 10:00:00 +0000,charge,#3,,paid,2026-03-05,2,35.00,1.32,33.68,USD\n"
)


def told_by_stripe(*amounts):
    columns = {"date": "Day", "gross": "Amount", "id": "Id", "sale": "Id"}
    stripe = Channel.objects.get(pk="stripe")
    make_format(channel=stripe, columns=columns, currency="USD", fee_sign="minus", words={})
    rows = "".join(f"{day},{amount},ch_{n}\n" for n, (day, amount) in enumerate(amounts))
    return booking.book(booking.upload(f"Day,Amount,Id\n{rows}".encode(), "told.csv"))


def test_sales_that_another_platform_told_of_already_are_named_before_they_are_booked_twice():
    told_by_stripe(("2026-03-02", "20.00"), ("2026-03-02", "20.00"), ("2026-03-03", "35.00"))

    statement = booking.upload(SHOPIFY.encode(), "shopify.csv")

    assert [warning for warning in statement.warnings if "book only one" in warning] == [
        "3 of 3 sales have day and amount of sales that are booked at Stripe. "
        "If both tell of the same sales, book only one of them."
    ]


def test_other_days_amounts_and_reversed_imports_are_no_sign_of_the_same_sales():
    told = told_by_stripe(("2026-03-02", "20.00"), ("2026-03-04", "20.00"), ("2026-03-03", "35.00"))
    others = booking.upload(SHOPIFY.encode(), "others.csv").warnings
    booking.reverse(told)
    after = booking.upload(SHOPIFY.encode(), "after.csv").warnings

    assert not [warning for warning in (*others, *after) if "book only one" in warning]
