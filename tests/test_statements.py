"""What each statement says, in its platform's own signs, and what is not a statement."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from earnings import dashboard, statements
from earnings.dashboard import Scope
from earnings.models import Channel, Meaning, StatementFormat
from earnings.refusals import Refusal
from earnings.sheets import write_sheet
from earnings.statements import booking, dates, mapping
from earnings.statements.layouts import Choices

pytestmark = pytest.mark.django_db
FILES = Path(__file__).parent / "fixtures" / "statements"


def load(name):
    return (FILES / f"{name}.csv").read_bytes()


def sums(reading):
    """{currency meaning: (rows, gross, net)} in minor units."""
    found = {}
    for line in reading.lines:
        key = f"{line.currency} {line.meaning}"
        number, gross, net = found.get(key, (0, 0, 0))
        found[key] = (number + 1, gross + line.gross, net + line.net)
    return found


def make_format(**fields):
    """The layout of `own_layout.csv`: a German table with negative fees."""
    defaults = {
        "name": "Marktplatz",
        "channel": Channel.objects.get(pk="direct"),
        "columns": {
            **{"date": "Buchung", "type": "Vorgang", "title": "Text"},
            **{"gross": "Betrag", "fee": "Gebühr", "net": "Netto"},
        },
        "words": {"Verkauf": "sale", "Gutschrift": "adjustment", "Auszahlung": "payout"},
        "fee_sign": "plus",
        "currency": "EUR",
    }
    return StatementFormat.objects.create(key="marktplatz", **(defaults | fields))


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        (
            "stripe_itemized",
            "stripe-itemized-balance",
            {
                "USD sale": (1, 6000, 5796),
                "JPY sale": (1, 4800, 4627),
                "USD refund": (1, -1500, -1500),
                "USD chargeback": (1, -6000, -7500),
                "USD cost": (1, 0, -150),
                "USD payout": (1, -4000, -4000),
                "USD hold": (1, -500, -500),
            },
        ),
        (
            "stripe_activity",
            "stripe-all-activity",
            {"USD sale": (2, 8000, 7708), "USD cost": (1, 0, -200)},
        ),
        (
            "stripe_payments",
            "stripe-payments",
            {"EUR sale": (3, 3262, 3082), "EUR nothing": (1, 2770, 2770)},
        ),
        (
            "paypal_activity",
            "paypal-activity",
            {
                "GBP sale": (1, 4000, 3834),
                "GBP refund": (1, -4000, -3964),
                "EUR sale": (1, 5000, 4790),
                "EUR conversion": (1, -4790, -4790),
                "GBP conversion": (1, 4010, 4010),
                "GBP spent": (1, -1200, -1200),
                "GBP hold": (1, -2000, -2000),
                "GBP nothing": (1, 1800, 1718),
                "GBP payout": (1, -10000, -10000),
            },
        ),
        (
            "gumroad_payout",
            "gumroad-payout",
            {
                "USD sale": (2, 4000, 3500),
                "USD refund": (1, -2000, -1800),
                "USD adjustment": (1, 125, 125),
                "USD cost": (1, 0, -35),
                "USD payout": (2, -400 - 1390, -400 - 1390),
            },
        ),
        (
            "gumroad_sales",
            "gumroad-sales",
            {"USD sale": (3, 4000, 3450), "USD refund": (2, -400 - 1000, -400 - 850)},
        ),
        (
            "etsy_statement",
            "etsy-statement",
            {
                "USD sale": (1, 3250, 3250),
                "USD tax": (1, -250, -250),
                "USD cost": (5, 0, -515),
                "USD refund": (1, -800, -800),
                "USD payout": (1, -1100, -1100),
                "USD unknown": (1, 0, -40),
            },
        ),
        (
            "shopify_transactions",
            "shopify-payouts",
            {"EUR sale": (2, 13000, 12573), "EUR refund": (1, -1000, -1000), "EUR payout": (2, -3830, -3830)},
        ),
        (
            "shopify_summary",
            "shopify-payouts-summary",
            {
                "EUR sale": (2, 7500, 7232),
                "EUR refund": (1, -1000, -1000),
                "EUR adjustment": (1, -100, -100),
                "EUR payout": (2, -6132, -6132),
            },
        ),
        (
            "upwork_transactions",
            "upwork-transactions",
            {
                "USD sale": (1, 30000, 30000),
                "USD cost": (1, 0, -3000),
                "USD payout": (1, -20000, -20000),
                "USD refund": (1, -2000, -2000),
            },
        ),
        (
            "fiverr_earnings",
            "fiverr-earnings",
            {"USD sale": (2, 15000, 12000), "USD nothing": (1, 3000, 2400)},
        ),
        ("shopier_payments", "shopier-payments", {"TRY sale": (2, 134990, 128204)}),
    ],
)
def test_each_platform_is_read_in_its_own_signs(name, format, expected):
    reading = statements.read(load(name))

    assert (reading.format, reading.refused) == (format, [])
    assert sums(reading) == expected


def test_a_layout_that_nobody_saw_a_file_of_says_so():
    for name in ("fiverr_earnings", "shopier_payments"):
        assert "was seen yet: the layout is assumed" in statements.read(load(name)).warnings[0]


def test_a_net_that_does_not_follow_is_warned_of_and_net_is_what_counts():
    reading = statements.read(load("stripe_itemized"))

    dispute = next(line for line in reading.lines if line.meaning == Meaning.CHARGEBACK)
    assert (dispute.gross, dispute.fee, dispute.net) == (-6000, 1500, -7500)
    assert dispute.remarks == ["Net is not gross less fee; net is what was taken."]
    assert [warning for warning in reading.warnings if warning.startswith("In row 5 net")] != []


def test_a_refund_that_a_payments_report_tells_of_in_its_charges_row():
    header = "id,Created (UTC),Amount,Currency,Converted Amount,Converted Currency,Fee,Status,Captured,"
    header += "Amount Refunded,Converted Amount Refunded,Refunded date (UTC)\n"
    rows = [
        "ch_1,2026-01-05 10:00,20.00,eur,20.00,eur,0.90,Refunded,true,20.00,20.00,2026-01-09 08:00",
        "ch_2,2026-01-06 10:00,10.00,eur,10.00,eur,0.60,Paid,true,4.00,4.00,",
        "ch_3,2026-01-07 10:00,10.00,usd,9.10,eur,0.60,Paid,false,0.00,0.00,",
    ]

    reading = statements.read((header + "\n".join(rows)).encode())

    assert sums(reading) == {
        "EUR sale": (2, 3000, 2850),
        "EUR refund": (2, -2400, -2400),
        "EUR nothing": (1, 910, 850),
    }
    days = [line.at.day for line in reading.lines if line.meaning == Meaning.REFUND]
    assert (days, [line.sale for line in reading.lines][:2]) == ([9, 6], ["ch_1", "ch_1"])


def test_a_balance_that_does_not_move_by_the_net_is_warned_of():
    data = load("upwork_transactions").replace(b"-200.00,70.00", b"-200.00,75.00").replace(b"50.00\n", b"55.00\n")

    assert "The USD balance does not move by the net of row 4." in statements.read(data).warnings


def test_what_a_marketplace_paid_out_through_paypal_is_not_taken_for_a_sale():
    data = load("paypal_activity").replace(b"Express Checkout Payment", b"Mass Pay Payment")

    reading = statements.read(data)

    line = reading.lines[0]
    assert (line.meaning, line.remarks) == (
        "unknown",
        ["Marketplaces pay out like this: say whether it is a sale or own money."],
    )
    assert any('What "Mass Pay Payment" means is not known' in warning for warning in reading.warnings)


def paypal_rows(*rows):
    """An activity report of (type, status, gross, fee)."""
    header = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,Transaction ID,Reference Txn ID\n"
    lines = (
        f"03/{at}/2026,10:00:00,PDT,,{kind},{status},USD,{gross},{fee},{Decimal(gross) + Decimal(fee)},P{at},\n"
        for at, (kind, status, gross, fee) in enumerate(rows, start=10)
    )
    return (header + "".join(lines)).encode()


def test_the_fee_of_a_chargeback_is_a_cost_and_a_review_of_a_payment_is_no_sale():
    reading = statements.read(
        paypal_rows(
            ("Website Payment", "Completed", "80.00", "-2.60"),
            ("Chargeback", "Completed", "-80.00", "0.00"),
            ("Chargeback Fee", "Completed", "-17.00", "0.00"),
            ("Dispute Fee", "Completed", "-11.00", "0.00"),
            ("Payment Review Hold", "Completed", "-30.00", "0.00"),
            ("Payment Review Release", "Completed", "30.00", "0.00"),
        )
    )

    assert sums(reading) == {
        "USD sale": (1, 8000, 7740),
        "USD chargeback": (1, -8000, -8000),
        "USD cost": (2, 0, -2800),
        "USD hold": (2, 0, 0),
    }


def test_what_a_seller_gives_back_to_us_is_no_income():
    reading = statements.read(
        paypal_rows(
            ("General Payment", "Completed", "-14.00", "0.00"),
            ("Payment Refund", "Completed", "14.00", "0.00"),
        )
    )

    assert sums(reading) == {"USD spent": (2, 0, 0)}
    assert reading.lines[1].remarks == ["Given back to this balance: neither income nor a cost of selling."]


def test_what_a_platform_takes_for_paying_out_is_a_cost_and_not_paid_out():
    header = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,Transaction ID,Balance\n"
    rows = [
        "03/20/2026,10:00:00,PDT,,Website Payment,Completed,USD,80.00,-2.60,77.40,P1,77.40",
        "03/21/2026,10:00:00,PDT,,Transfer to Bank,Completed,USD,-60.00,-0.90,-60.90,P2,16.50",
        "03/22/2026,10:00:00,PDT,,Website Payment,Completed,USD,10.00,-0.60,9.40,P3,25.90",
    ]
    down, up = (statements.read((header + "\n".join(each)).encode()) for each in (rows, rows[::-1]))

    assert (down.warnings, up.warnings) == ([], [])
    assert sums(down) == sums(up)
    assert sums(down) == {
        "USD sale": (2, 9000, 8680),
        "USD payout": (1, -6000, -6000),
        "USD cost": (1, 0, -90),
    }


@pytest.mark.parametrize("status", ["Uncleared", "Refused", "Offen"])
def test_a_payment_that_has_not_come_in_is_not_booked(status):
    (line,) = statements.read(paypal_rows(("Website Payment", status, "80.00", "-2.60"))).lines

    assert (line.meaning, line.remarks) == ("nothing", [f"{status}: no money has moved."])


def test_paypal_in_german_is_read_with_its_days_and_commas():
    header = "Datum,Uhrzeit,Zeitzone,Name,Typ,Status,Währung,Brutto,Gebühr,Netto,Transaktionscode,Guthaben\n"
    rows = [
        '01.06.2026,10:00:00,CEST,Ida,Website-Zahlung,Abgeschlossen,EUR,"1.240,00","-31,35","1.208,65",P1,"1.208,65"',
        '02.06.2026,10:00:00,CEST,Ida,Rückzahlung,Abgeschlossen,EUR,"-40,00","0,00","-40,00",P2,"1.168,65"',
        '03.06.2026,10:00:00,CEST,,Allgemeine Abbuchung,Abgeschlossen,EUR,"-900,00","0,00","-900,00",P3,"268,65"',
        '04.06.2026,10:00:00,CEST,Uwe,Website-Zahlung,Ausstehend,EUR,"10,00","-0,60","9,40",P4,"268,65"',
    ]

    reading = statements.read((header + "\n".join(rows)).encode())

    assert (reading.format, reading.refused, reading.warnings) == ("paypal-activity", [], [])
    assert sums(reading) == {
        "EUR sale": (1, 124000, 120865),
        "EUR refund": (1, -4000, -4000),
        "EUR payout": (1, -90000, -90000),
        "EUR nothing": (1, 1000, 940),
    }
    assert reading.lines[0].at == datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "status", "meaning"),
    [("İade", "Tamamlandı", "refund"), ("Satış", "İptal", "nothing"), ("SATIŞ", "İPTAL", "nothing")],
)
def test_a_turkish_word_is_known_with_its_capital_letter(kind, status, meaning):
    header = "Sipariş No;Tarih;İşlem;Tutar;Komisyon;Net Tutar;Para Birimi;Durum\n"
    sign = "-" if kind == "İade" else ""
    row = f"7105;25.07.2026 14:05;{kind};{sign}80,00;{sign}4,00;{sign}76,00;TL;{status}\n"

    (line,) = statements.read((header + row).encode()).lines

    assert line.meaning == meaning


def test_what_shopify_holds_back_makes_its_payout_smaller():
    reserve = "2026-06-02 09:00:00 +0200,{},,,paid,2026-06-04,9001,2026-06-04,{},0.00,{},,,,EUR\n"
    data = load("shopify_transactions") + reserve.format("reserve", "-12.00", "-12.00").encode()

    reading = statements.read(data)

    assert sums(reading)["EUR hold"] == (1, -1200, -1200)
    assert sums(reading)["EUR payout"] == (3, -2630, -2630)


def test_a_payout_without_charges_is_read_by_its_parts():
    header = load("shopify_summary").splitlines(keepends=True)[0]
    rows = b"2026-06-18,paid,0.00,-6.00,0.00,0.00,0.00,0.00,-6.00,EUR\n"
    rows += b"2026-06-25,paid,0.00,0.00,9.00,0.00,-1.00,0.00,8.00,EUR\n"

    reading = statements.read(header + rows)

    assert sums(reading) == {
        "EUR nothing": (1, 0, 0),
        "EUR refund": (1, -600, -600),
        "EUR cost": (1, 0, -100),
        "EUR adjustment": (1, 900, 900),
        "EUR payout": (2, -200, -200),
    }


def test_the_cells_of_a_file_tell_its_decimal_mark_where_its_platform_uses_another():
    header = "balance_transaction_id;created_utc;currency;gross;fee;net;reporting_category;charge_id\n"
    rows = [
        "txn_1;2026-05-03 09:15:00;eur;2.000;40,00;1.960,00;charge;ch_1",
        "txn_2;2026-05-03 09:16:00;jpy;7.000;0;7.000;charge;ch_2",
        "txn_3;2026-05-03 09:17:00;kwd;14,250;0,250;14,000;charge;ch_3",
    ]

    reading = statements.read((header + "\n".join(rows)).encode())

    assert sums(reading) == {
        "EUR sale": (1, 200000, 196000),
        "JPY sale": (1, 7000, 7000),
        "KWD sale": (1, 14250, 14000),
    }


@pytest.mark.parametrize("cell", ["Total:", "Gesamt", "Genel Toplam"])
def test_a_last_row_that_sums_up_is_no_movement_however_it_is_called(cell):
    header = "Date,Ref ID,Type,Description,Amount,Balance\n"
    data = f"{header}05/20/2026,81,Hourly,Sprint,35.00,35.00\n,,,{cell},35.00,\n"

    reading = statements.read(data.encode())

    assert (reading.refused, sums(reading)) == ([], {"USD sale": (1, 3500, 3500)})
    assert reading.own_totals == {"USD": {"gross": 3500, "fee": 0, "net": 3500}}


def test_a_short_last_row_whose_sum_stands_in_no_column_of_amounts_is_told_and_left_out():
    data = b"Date,Ref ID,Type,Description,Amount\n05/20/2026,81,Hourly,Sprint,35.00\nTotal,35.00\n"

    reading = statements.read(data)

    assert (sums(reading), reading.own_totals) == ({"USD sale": (1, 3500, 3500)}, {})
    assert reading.warnings == ["Row 3 is a total that can't be compared, and was left out."]


def test_a_payment_that_failed_needs_no_converted_currency():
    row = "2026-01-08 12:00:00;30.00;usd;FALSE;;;;card;Failed;;cus_4;INV-4\n"
    reading = statements.read(load("stripe_payments") + row.encode())

    assert reading.refused == []
    assert sums(reading)["USD nothing"] == (1, 0, 0)


def test_an_older_list_of_gumroad_tells_of_a_full_refund_by_one_flag():
    data = load("gumroad_sales").replace(b"Fully Refunded?", b"Recurring Charge?").replace(b"0.00,true", b"0.00,")

    reading = statements.read(data)

    assert sums(reading)["USD refund"] == (2, -400 - 1000, -400 - 850)


@pytest.mark.parametrize(
    ("kind", "title", "currency", "payout"),
    [
        ("Deposit", "$2,011.40 sent to your bank account", "USD", -201140),
        ("Deposit", "2.011,40 € sent to your bank account", "EUR", -201140),
        ("Deposit", "2 011,40 EUR sent to your bank account", "EUR", -201140),
        ("Deposit", "NZ$11.40 sent to your bank account", "NZD", -1140),
        ("Deposit", "Deposit of HK$11.40", "HKD", -1140),
        ("Disbursement", "MX$11.40 sent to your bank account", "MXN", -1140),
    ],
)
def test_the_amount_of_a_deposit_is_read_from_its_title_in_any_currency(kind, title, currency, payout):
    header = load("etsy_statement").splitlines(keepends=True)[0]
    row = f'"26 May, 2026",{kind},"{title}",,{currency},--,--,--,--\n'

    (line,) = statements.read(header + row.encode()).lines

    assert (line.meaning, line.net) == ("payout", payout)


def test_a_currency_that_no_column_names_is_read_from_the_notes_or_said_to_be_the_stores():
    header = '"date/time","settlement id","type","order id","product sales","selling fees","total"\n'
    row = '"Sep 4, 2026 1:05:07 AM UTC","1","Order","1-1","10.00","-1.50","8.50"\n'
    twelve = load("shopify_transactions").replace(b",Currency\n", b",Else\n")

    amazon = statements.read(('"Notes"\n"All amounts in GBP, unless specified"\n' + header + row).encode())
    shopify = statements.read(twelve)

    assert sums(amazon) == {"GBP sale": (1, 1000, 850)}
    assert {line.currency for line in shopify.lines} == {"USD"}
    assert "The file names no currency: USD, the store's, was taken." in shopify.warnings


def test_zeros_beyond_the_decimals_of_a_currency_say_nothing():
    reading = statements.read(
        load("stripe_itemized").replace(b'"4800","173","4627"', b'"4800.00","173.00","4627.00"')
    )

    assert sums(reading)["JPY sale"] == (1, 4800, 4627)


def test_a_total_that_is_not_the_sum_of_the_rows_says_that_rows_are_missing():
    lines = load("gumroad_payout").splitlines(keepends=True)

    whole, cut = statements.read(b"".join(lines)), statements.read(b"".join(lines[:2] + lines[3:]))

    assert whole.own_totals == {"USD": {"gross": 1725, "fee": 335, "net": 1390}}
    assert whole.warnings == []
    assert "The file's own USD total is not the sum of its rows: rows are missing." in cut.warnings


# --- Days and times -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "order", "zone", "expected"),
    [
        ("2026-03-15 14:23", "", "UTC", datetime(2026, 3, 15, 14, 23, tzinfo=UTC)),
        ("2026-08-12T00:00:00Z", "", "", datetime(2026, 8, 12, tzinfo=UTC)),
        ("2026-08-30 16:59:53 +0400", "", "UTC", datetime(2026, 8, 30, 12, 59, 53, tzinfo=UTC)),
        ("03/04/2026 10:00:00", "mdy", "PDT", datetime(2026, 3, 4, 17, tzinfo=UTC)),
        ("03/04/2026 10:00:00", "dmy", "Europe/London", datetime(2026, 4, 3, 9, tzinfo=UTC)),
        ("3.4.2026", "mdy", "", datetime(2026, 4, 3, 12, tzinfo=UTC)),
        ("Sep 4, 2026 1:05:07 AM PDT", "", "", datetime(2026, 9, 4, 8, 5, 7, tzinfo=UTC)),
        ("September 24, 2026", "", "", datetime(2026, 9, 24, 12, tzinfo=UTC)),
        ("31 March 2023", "", "", datetime(2023, 3, 31, 12, tzinfo=UTC)),
        ("30 May, 2026", "", "", datetime(2026, 5, 30, 12, tzinfo=UTC)),
        ("30-May-26", "", "", datetime(2026, 5, 30, 12, tzinfo=UTC)),
        ("1st May 2026", "", "", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("May 2nd, 2026", "", "", datetime(2026, 5, 2, 12, tzinfo=UTC)),
        ("30.05.2026 10:00:00", "", "MESZ", datetime(2026, 5, 30, 8, tzinfo=UTC)),
        ("Jan 15 2025", "", "", datetime(2025, 1, 15, 12, tzinfo=UTC)),
        ("09/24/26", "mdy", "", datetime(2026, 9, 24, 12, tzinfo=UTC)),
        ("Aug 1 – 31, 2026", "", "", datetime(2026, 8, 31, 12, tzinfo=UTC)),
        ("2026-02", "", "", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("Aug 2026", "", "", datetime(2026, 8, 31, 12, tzinfo=UTC)),
        ("2026-09-13 10:02:11", "", "Eastern Time (US & Canada)", datetime(2026, 9, 13, 14, 2, 11, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_its_platform_prints_it(text, order, zone, expected):
    assert dates.read_moment(text, order, zone) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-02-30", "13/13/2026", "2026-01-01 25:00", "1/2/3", "Sometember 3, 2026"]
)
def test_what_is_no_day_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        dates.read_moment(text, "mdy")


def test_a_zone_that_means_several_offsets_is_refused():
    with pytest.raises(ValueError, match="not a time zone"):
        dates.read_moment("2026-01-01 10:00", "", "IST")


def test_a_day_without_a_time_stays_that_day_in_the_store(settings):
    settings.STORE_TIMEZONE = "Pacific/Auckland"

    assert dates.read_moment("2026-03-10").astimezone(dates.zone_of("")).date().isoformat() == "2026-03-10"


def test_the_order_of_day_and_month_is_decided_once_for_the_file():
    day_first, unsure = b"21/03/2026", b"02/03/2026"
    data = load("paypal_activity").replace(b"22/03/2026", unsure)

    told = statements.read(data)
    untold = statements.read(
        b"\n".join(line for line in data.splitlines() if b"/2026" not in line or unsure in line)
    )

    assert day_first in data
    assert [line.at.month for line in told.lines] == [3] * 9
    assert untold.lines[0].at.isoformat() == "2026-02-03T11:00:00+00:00"
    assert any("the month was taken to stand first" in warning for warning in untold.warnings)
    chosen = statements.read(
        data.splitlines()[0] + b"\n" + data.splitlines()[2], "auto", Choices(date_order="dmy")
    )
    assert chosen.lines[0].at.month == 3


# --- Layouts that people describe -------------------------------------------------------------------------


def test_a_layout_of_ones_own_is_read_like_any_other():
    make_format()

    reading = statements.read(load("own_layout"))

    assert reading.format == "marktplatz"
    assert sums(reading) == {
        "EUR sale": (2, 103900, 101900),
        "EUR adjustment": (1, 250, 250),
        "EUR payout": (1, -90000, -90000),
        "EUR unknown": (1, -100, -100),
    }
    assert reading.own_totals == {"EUR": {"gross": 14050, "fee": 2000, "net": 12050}}
    assert [line.at.month for line in reading.lines] == [8] * 5


def test_words_for_one_file_say_what_its_unknown_rows_mean():
    make_format()

    reading = statements.read(load("own_layout"), "marktplatz", Choices(words=mapping.read_words("Rätsel = cost")))

    assert sums(reading)["EUR cost"] == (1, 0, -100)
    assert not any("not known" in warning for warning in reading.warnings)


@pytest.mark.parametrize("text", ["Rätsel", "Rätsel = mystery", "= cost", "Rätsel : cost"])
def test_a_word_without_a_known_meaning_is_refused(text):
    with pytest.raises(Refusal, match="word = meaning"):
        mapping.read_words(text)


def test_columns_are_guessed_by_their_names():
    found = mapping.guess(["Order ID", "Date", "Description", "Amount", "Fee", "Net", "Currency", "Other"])

    assert found == {
        **{"date": "Date", "gross": "Amount", "fee": "Fee", "net": "Net"},
        **{"currency": "Currency", "title": "Description", "sale": "Order ID"},
    }


def test_an_unknown_layout_is_refused_naming_its_columns_and_the_nearest():
    with pytest.raises(Refusal) as refused:
        statements.read(load("own_layout"))

    assert refused.value.status == 422
    assert "has these columns: Buchung, Vorgang, Text, Betrag, Gebühr, Netto" in refused.value.detail
    assert "Describe its columns" in refused.value.detail


# --- What is no statement -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b"<!doctype html><title>Sign in</title>", "a web page"),
        (b"/home/user/exports/payments.csv\n", "no columns"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b'{"data": []}', "JSON"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
        (load("stripe_itemized").splitlines()[0], "a header and no rows"),
        (b'id,Type\n"1,charge', "cut off"),
        (b"Sale Date,Item Name,Buyer,Transaction ID,Order ID,Ship Name\na,b,c,d,e,f\n", "sold order items"),
        (b"Name,Email,Financial Status,Lineitem name\n#1,a@b.example,paid,Print\n", "Shopify orders export"),
        (b"Date,Estimated revenue (USD)\n2026-01-01,1.234\n", "estimates are never final income"),
        (b"Content,Estimated revenue (EUR)\nabc,1.234\n", "estimates are never final income"),
        (b"Transaction creation date,Type,Net amount\n2026-01-01,Order,1.00\n", "eBay"),
    ],
)
def test_what_is_no_statement_is_refused_with_the_reason(data, words):
    with pytest.raises(Refusal, match=words):
        statements.read(data)


def test_a_row_that_is_cut_off_can_not_be_read():
    data = load("upwork_transactions")[:-14]

    reading = statements.read(data)

    assert [(line.number, line.problems) for line in reading.refused] == [(5, ["has 5 cells, the header has 7"])]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"60.00"', b'"sixty"', "gross 'sixty' is not a number"),
        (b'"4800"', b'"4800.50"', "gross '4800.50' has more decimals than JPY has (0)"),
        (b'"2026-02-03 09:15:00"', b'"tomorrow"', "created_utc 'tomorrow' is not a date that we know"),
        (b'"usd","60.00"', b'"xxx","60.00"', "'XXX' is not a currency code"),
        (b'"60.00"', b'"NaN"', "gross 'NaN' is not a number"),
    ],
)
def test_a_value_that_can_not_be_read_for_certain_is_named(old, new, problem):
    (line,) = statements.read(load("stripe_itemized").replace(old, new, 1)).refused

    assert line.problems == [problem]


def test_a_row_whose_total_is_not_the_sum_of_its_columns_is_warned_of():
    reading = statements.read(load("shopify_summary").replace(b"0.00,38.30", b"0.00,38.31"))

    assert "In row 2 the total is not the sum of its columns: compare before you book." in reading.warnings


def test_a_bad_amount_in_a_column_that_only_one_platform_has_is_named_too():
    data = load("shopify_summary").replace(b"-10.00,0.00,0.00", b"ten,0.00,0.00")

    assert [line.problems for line in statements.read(data).refused] == [["an amount is not a number"]]


def test_a_file_is_read_in_the_format_that_it_is_said_to_have_or_not_at_all():
    with pytest.raises(Refusal, match="it lacks id, Type, Source"):
        statements.read(load("stripe_itemized"), "stripe-all-activity")
    with pytest.raises(Refusal, match="'nonsense' is not one of auto"):
        statements.read(load("stripe_itemized"), "nonsense")


def test_utf16_semicolons_and_notes_above_the_header_change_nothing():
    text = load("upwork_transactions").decode().replace('"', "").replace("Jan 15,", "Jan 15").replace(",", ";")
    text = text.replace("Jan 20;", "Jan 20").replace("Jan 21;", "Jan 21")

    reading = statements.read(f"Statement of account\n\n{text}".encode("utf-16"))

    assert sums(reading) == sums(statements.read(load("upwork_transactions")))


# --- What is booked is what the file says -------------------------------------------------------------------

minors = st.integers(1, 10**7)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["charge", "refund", "dispute", "fee", "adjustment", "payout"]),
        minors,
        st.integers(-300, 300),
    ),
    min_size=1,
    max_size=8,
)


def _text(minor):
    return str(Decimal(minor).scaleb(-2))


class AnyStatement(TestCase):
    """Whatever the signs, the fees and the order of its rows."""

    @hypothesis_settings(deadline=None, max_examples=30)
    @given(ROWS, st.sampled_from(["usd", "eur"]))
    def test_the_sum_of_what_is_booked_is_the_files_net(self, rows, currency):
        table, net = [], 0
        for number, (kind, minor, fee) in enumerate(rows):
            gross = minor if kind in ("charge", "adjustment") else -minor
            fee = fee if kind in ("charge", "refund", "dispute") else 0
            net += gross - fee
            cells = [f"txn_{number}", f"2026-01-{number + 1:02d} 10:00:00", kind, currency]
            table.append([*cells, _text(gross), _text(fee), _text(gross - fee)])
        header = ["balance_transaction_id", "created_utc", "reporting_category", "currency", "gross", "fee", "net"]

        done = booking.book(booking.upload(write_sheet(header, table, for_people=False), "any.csv"))

        summary = dashboard.summary(Scope(currency=currency.upper()))
        assert {row.outcome for row in done.rows.all()} == {"booked"}
        assert summary["buckets"]["available"]["minor"] == net
        assert summary["earned"]["minor"] == net + sum(minor for kind, minor, _ in rows if kind == "payout")
