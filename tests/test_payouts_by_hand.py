"""One bank transfer, told by a person and by its platform's statement, is one payout, whoever comes first."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from earnings import audit, dashboard, ledger, payouts
from earnings.dashboard import Scope
from earnings.models import Channel, Earning, JournalEntry, Payout
from earnings.refusals import Refusal
from earnings.statements import booking

pytestmark = pytest.mark.django_db
HEADER = "Date,Ref ID,Type,Description,Agency,Amount,Balance\n"
SALES = [("Jan 15, 2026", 1, "Hourly", 300), ("Jan 15, 2026", 2, "Service Fee", -30)]
SENT = ("Jan 20, 2026", 3, "Withdrawal", -270)
DAY = datetime(2026, 1, 22, tzinfo=UTC)


def upload(*rows, name="upwork.csv"):
    lines = [f'"{day}",{ref},{kind},"Of {ref}",,{amount}.00,0.00\n' for day, ref, kind, amount in rows]
    return booking.upload((HEADER + "".join(lines)).encode(), name)


def book(*rows):
    return booking.book(upload(*rows))


def purse():
    return ledger.Purse(Channel.objects.get(pk="upwork"), "USD")


def record(number=1, at=DAY, **more):
    return payouts.record(purse(), f"by_hand:{number}", at, **more)


def figures():
    buckets = dashboard.summary(Scope())["buckets"]
    return buckets["available"]["minor"], buckets["paid_out"]["minor"]


def payout_rows(statement):
    return [(row.outcome, row.by_hand_id) for row in statement.rows.filter(meaning="payout")]


def test_the_row_of_a_payout_by_hand_is_matched_and_names_it_also_when_its_file_comes_again():
    book(*SALES)
    payout = record()

    first, again = book(*SALES, SENT), book(SENT, ("Feb 2, 2026", 9, "Hourly", 10))

    assert payout_rows(first) == payout_rows(again) == [("matched", payout.pk)]
    assert figures() == (1000, 27000)
    assert audit.violations() == []


def test_a_payout_by_hand_is_told_by_one_row_even_when_the_next_one_has_its_amount():
    """Platforms that pay by the week send equal amounts. One file apart, each is booked."""
    book(*SALES, ("Jan 16, 2026", 4, "Hourly", 270))
    payout = record(earnings=[Earning.objects.get(gross_minor=27000).key])

    first = book(SENT)
    second = book(("Jan 22, 2026", 5, "Withdrawal", -270))

    assert (payout_rows(first), payout_rows(second)) == ([("matched", payout.pk)], [("booked", None)])
    assert figures() == (0, 54000)


def test_of_equal_rows_in_one_file_each_tells_of_the_payout_that_is_nearest():
    book(*SALES, ("Jan 16, 2026", 4, "Hourly", 270))
    early = record(1, DAY - timedelta(days=2), earnings=[Earning.objects.get(gross_minor=27000).key])
    late = record(2, DAY + timedelta(days=6))

    statement = book(("Jan 27, 2026", 5, "Withdrawal", -270), SENT)

    assert payout_rows(statement) == [("matched", late.pk), ("matched", early.pk)]
    assert figures() == (0, 54000)


@pytest.mark.parametrize(("days", "outcome"), [(-6, "matched"), (30, "matched"), (33, "booked")])
def test_a_person_may_be_late_with_writing_a_payout_down(days, outcome):
    book(*SALES)
    record(at=datetime(2026, 1, 20, 12, tzinfo=UTC) + timedelta(days=days))

    assert payout_rows(book(SENT))[0][0] == outcome


def test_a_look_at_a_statement_does_not_take_the_payout_from_the_one_that_is_booked():
    book(*SALES)
    payout = record()
    upload(SENT)

    other = book(("Jan 21, 2026", 8, "Withdrawal", -270))

    assert payout_rows(other) == [("matched", payout.pk)]


def test_an_import_that_was_reversed_tells_of_no_payout():
    book(*SALES)
    payout = record()
    booking.reverse(book(*SALES, SENT))

    assert payout_rows(book(("Jan 21, 2026", 8, "Withdrawal", -270))) == [("matched", payout.pk)]


def test_a_payout_by_hand_of_another_amount_is_said_before_both_are_booked_and_what_is_overdrawn_too():
    book(*SALES)
    record()

    statement = upload(("Jan 20, 2026", 3, "Withdrawal", -269))

    row = statement.rows.get()
    assert (row.outcome, "270.00" in row.remarks[0], "take it back first" in row.remarks[0]) == (
        "waiting",
        True,
        True,
    )
    assert "269.00 are left at Upwork, so it paid out more" in statement.warnings[-1]
    booking.book(statement)
    assert [warning.split(":")[0] for warning in statement.warnings] == ["Overdrawn"]
    assert figures() == (-26900, 53900)


def test_a_statement_whose_payouts_are_covered_warns_of_nothing():
    assert book(*SALES, SENT).warnings == []


def test_a_payout_that_a_statement_told_of_is_refused_by_hand_and_named():
    statement = book(*SALES, SENT)

    with pytest.raises(Refusal, match="nothing to pay out") as nothing:
        record(amount_minor=27000)
    with pytest.raises(Refusal, match="not at Upwork any more") as overdraft:
        record(earnings=[Earning.objects.get().key])

    for refusal in (nothing.value, overdraft.value):
        assert f"Import {statement.pk}, row 4, booked a payout of" in refusal.detail
        assert "270.00 on 2026-01-" in refusal.detail
    assert (figures(), Payout.objects.count()) == ((0, 27000), 0)


def test_earnings_are_not_paid_out_for_more_than_the_channel_holds():
    book(*SALES)
    ledger.charge(purse(), "cost:1", DAY, 500)

    with pytest.raises(Refusal, match="not at Upwork any more"):
        record(earnings=[Earning.objects.get().key])

    assert not JournalEntry.objects.filter(event="paid_out").exists()


# --- A payout that came back ------------------------------------------------------------------------------


BACK = ("Jan 29, 2026", 6, "Withdrawal", 270)


def test_a_payout_that_came_back_by_hand_is_not_booked_again_from_its_statement():
    book(*SALES)
    payout = record()
    book(SENT)
    payouts.take_back(payout, DAY + timedelta(days=6))

    back = book(BACK)

    assert payout_rows(back) == [("matched", payout.pk)]
    assert figures() == (27000, 0)


def test_a_payout_whose_statement_told_that_it_came_back_is_not_taken_back_by_hand_too():
    book(*SALES)
    payout = record()
    statement = book(SENT, BACK)

    with pytest.raises(Refusal, match=f"booked from import {statement.pk}, row 3"):
        payouts.take_back(payout)

    assert payout_rows(statement) == [("matched", payout.pk), ("booked", payout.pk)]
    assert figures() == (27000, 0)


def test_a_payout_by_hand_that_was_a_mistake_leaves_the_true_one_to_its_statement():
    book(*SALES)
    payouts.take_back(record(), DAY)

    assert payout_rows(book(SENT)) == [("booked", None)]
    assert figures() == (0, 27000)


# --- At once ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("named", [False, True])
def test_a_payout_by_hand_and_its_statement_at_once_are_one_payout(named):
    sale = ("Jan 15, 2026", 1, "Hourly", 270)
    book(sale)
    statement = upload(sale, SENT)
    key = Earning.objects.get().key
    start, answers = threading.Barrier(2), []

    def work(verb):
        try:
            start.wait()
            verb()
            answers.append("done")
        except Refusal:
            answers.append("refused")
        finally:
            connection.close()

    more = {"earnings": [key]} if named else {"amount_minor": 27000}
    verbs = (lambda: booking.book(statement), lambda: record(**more))
    threads = [threading.Thread(target=work, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers in (["done", "done"], ["done", "refused"], ["refused", "done"])
    assert (figures(), Payout.objects.count()) == ((0, 27000), answers.count("done") - 1)
    assert audit.violations() == []


def test_a_file_with_its_newest_rows_on_top_tells_the_same(monkeypatch):
    back = ("Feb 5, 2026", 4, "Withdrawal Return", 270)
    book(*SALES)
    payout = record()

    shown = [row.remarks[-1] for row in upload(back, SENT).rows.filter(meaning="payout")]
    monkeypatch.setattr(booking, "CHUNK", 1)
    statement = book(back, SENT)

    assert "came back" in shown[0] and "recorded by hand" in shown[1]
    assert payout_rows(statement) == [("booked", payout.pk), ("matched", payout.pk)]
    assert figures() == (27000, 0)
    with pytest.raises(Refusal, match="came back is booked"):
        payouts.take_back(payout)
    assert audit.violations() == []


PAYPAL = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,Transaction ID,Reference Txn ID\n"


def paypal(*rows):
    """An activity report of (day of March, type, currency, net, id)."""
    lines = (
        f"03/{day}/2026,10:00:00,PDT,,{kind},Completed,{currency},{net},0.00,{net},{name},\n"
        for day, kind, currency, net, name in rows
    )
    return booking.upload((PAYPAL + "".join(lines)).encode(), "paypal.csv")


def overdrafts(statement):
    return [warning.split(",")[0] for warning in statement.warnings if warning.startswith("Overdrawn")]


SOLD = (10, "Website Payment", "USD", "100.00", "P1")
CHANGED = [
    (11, "General Currency Conversion", "USD", "-100.00", "P2"),
    (11, "General Currency Conversion", "EUR", "90.00", "P3"),
]


def test_what_was_exchanged_before_it_was_paid_out_is_no_overdraft():
    """Conversions are not booked, so each payout in the other currency was said to be money that never came."""
    whole = paypal(SOLD, *CHANGED, (12, "General Withdrawal", "EUR", "-90.00", "P4"))
    looked_at = overdrafts(whole)
    booking.book(whole)
    later = paypal((14, "General Withdrawal", "EUR", "-1.00", "P6"), *CHANGED)

    assert (looked_at, overdrafts(whole)) == ([], [])
    assert overdrafts(later) == ["Overdrawn: -€1.00 are left at PayPal"]


def test_what_was_given_back_to_us_may_be_paid_out_and_what_is_held_excuses_nothing():
    given_back = paypal(
        (10, "Payment Refund", "USD", "14.00", "P1"), (12, "General Withdrawal", "USD", "-14.00", "P2")
    )
    held = paypal(
        (10, "Account Hold for Open Authorization", "GBP", "-9.00", "P3"),
        (12, "General Withdrawal", "GBP", "-9.00", "P4"),
    )

    assert overdrafts(given_back) == []
    assert overdrafts(held) == ["Overdrawn: -£9.00 are left at PayPal"]


def test_the_ledger_check_finds_a_payout_that_is_not_what_its_row_says_or_came_back_on_paper_only():
    statement = book(*SALES, SENT)
    book(("Jan 23, 2026", 4, "Hourly", 500))
    payout = record(at=DAY + timedelta(days=200))
    sound = audit.violations()

    statement.rows.filter(meaning="payout").update(outcome="left", claim=None)
    Payout.objects.update(returned_at=DAY)

    assert sound == []
    assert [(v.code, v.subject) for v in audit.violations()] == [
        *[("payout.returned", payout.key)] * payout.parts.count(),
        ("statement.sum", f"statement:{statement.pk}"),
    ]
