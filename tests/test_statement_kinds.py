"""What the words of platforms mean: a payout is never income, a fee is a cost, and what came back is no sale."""

import time
from datetime import UTC, datetime

import pytest

from earnings import statements
from earnings.models import Meaning
from earnings.refusals import Refusal
from earnings.statements import booking, dates
from tests.test_statement_booking import figures
from tests.test_statements import load, paypal_rows, sums

pytestmark = pytest.mark.django_db


def upwork_rows(*rows):
    """A list of transactions of (type, amount)."""
    lines = (
        f"01/{at}/2026,{at},{kind},Lark Studio,{amount}\n" for at, (kind, amount) in enumerate(rows, start=13)
    )
    return ("Date,Ref ID,Type,Description,Amount\n" + "".join(lines)).encode()


# --- Payouts --------------------------------------------------------------------------------------------------


def test_upworks_withdrawals_are_payouts_by_whatever_way_and_their_fees_are_costs():
    """They were unknown with any tail, and what came back was then booked by whoever took it for income."""
    data = upwork_rows(
        ("Hourly", "900.00"),
        ("Service Fee - Hourly", "-90.00"),
        ("Withdrawal - ACH", "-300.00"),
        ("Withdrawal - PayPal", "-200.00"),
        ("Withdrawal Fee", "-2.00"),
        ("Withdrawal Fee - Wire Transfer", "-30.00"),
        ("Withdrawal Returned - ACH", "300.00"),
        ("Withdrawal Fee Refund", "2.00"),
        ("Fixed Price - Milestone 2", "50.00"),
        ("Refund - Hourly", "-20.00"),
    )

    reading = statements.read(data)

    assert reading.warnings == []
    assert sums(reading) == {
        "USD sale": (2, 95000, 95000),
        "USD cost": (4, 0, -12000),
        "USD payout": (3, -20000, -20000),
        "USD refund": (1, -2000, -2000),
    }


def test_a_newer_list_of_upworks_transactions_has_other_names_for_its_columns():
    header = "Date,Transaction ID,Transaction type,Transaction summary,Description 1,Amount $,Currency\n"
    rows = '"Jan 15, 2026",T1,Hourly,Week 3,Lark,120.00,USD\n"Jan 16, 2026",T2,Withdrawal,Wire,,-100.00,USD\n'

    reading = statements.read((header + rows).encode())

    assert (reading.format, reading.refused) == ("upwork-transactions", [])
    assert sums(reading) == {"USD sale": (1, 12000, 12000), "USD payout": (1, -10000, -10000)}


@pytest.mark.parametrize(
    ("kind", "gross", "meaning"),
    [
        ("General Withdrawal", "-50.00", "payout"),
        ("General Withdrawal - Bank Account", "-50.00", "payout"),
        ("Transfer to a Bank Account", "-50.00", "payout"),
        ("PayPal Debit Card Withdrawal", "-50.00", "payout"),
        ("Withdrawal Returned", "50.00", "payout"),
        ("Cancelled transfer", "50.00", "payout"),
        ("Canceled Transfer", "50.00", "payout"),
        ("Transfer returned", "50.00", "payout"),
        ("Reversal of General Withdrawal", "50.00", "payout"),
        ("Reversal of ACH Withdrawal Transaction", "50.00", "payout"),
        ("Von Nutzer eingeleitete Abbuchung", "-50.00", "payout"),
        ("Reversal of ACH Deposit", "-50.00", "own"),
        ("General Credit Card Withdrawal", "-50.00", "own"),
        ("General Intra-Account Transfer", "-50.00", "own"),
        ("Withdrawal Hold", "-50.00", "hold"),
        ("Reversal of General Account Hold", "50.00", "hold"),
        ("User Initiated Currency Conversion", "-50.00", "conversion"),
        ("Fee Reversal", "1.50", "cost"),
        ("Fee for Withdrawal", "-1.50", "cost"),
        ("Rückerstattung der Gebühr", "1.50", "cost"),
        ("Chargeback Reversal", "50.00", "chargeback"),
        ("Reversal of Money Transfer", "-50.00", "chargeback"),
        ("Some New Transfer", "50.00", "unknown"),
    ],
)
def test_what_paypal_calls_the_ways_of_money_that_is_no_sale(kind, gross, meaning):
    (line,) = statements.read(paypal_rows((kind, "Completed", gross, "0.00"))).lines

    assert line.meaning == meaning


def test_a_payout_that_came_back_is_no_income_and_leaves_what_was_there():
    data = paypal_rows(
        ("Website Payment", "Completed", "80.00", "-2.60"),
        ("General Withdrawal", "Completed", "-60.00", "0.00"),
        ("Reversal of General Withdrawal", "Completed", "60.00", "0.00"),
    )

    booking.book(booking.upload(data, "activity.csv"))

    assert figures() == {"pending": 0, "available": 7740, "paid_out": 0}


def test_a_payout_with_a_plus_sign_that_does_not_say_that_it_came_back_is_told():
    """A file that prints what was paid out without a minus would add it to what is there."""
    reading = statements.read(upwork_rows(("Hourly", "900.00"), ("Withdrawal", "300.00")))

    assert "Payouts with a plus sign are money that came back: row 3. If it was paid out, do not book." in (
        reading.warnings
    )


# --- Fees whose sign nobody knows -----------------------------------------------------------------------------

SHOPIER = "Sipariş No;Tarih;İşlem;Tutar;Komisyon\n"


@pytest.mark.parametrize("minus", ["", "-"])
def test_a_commission_is_a_cost_with_a_minus_or_without(minus):
    """Without a column of nets, a commission of -62,38 made the sale worth more than its price."""
    plus = "" if minus else "-"
    rows = f"7101;25.07.2026;Satış;1.250,00;{minus}62,38\n7101;26.07.2026;İade;-1.250,00;{plus}62,38\n"

    reading = statements.read((SHOPIER + rows).encode())

    assert sums(reading) == {"TRY sale": (1, 125000, 118762), "TRY refund": (1, -125000, -118762)}


def test_commissions_of_both_signs_are_refused_with_their_rows():
    rows = "7101;25.07.2026;Satış;1.250,00;62,38\n7102;26.07.2026;Satış;99,90;-5,48\n"

    with pytest.raises(Refusal, match="Komisyon has a minus in row 3 and none in row 2"):
        statements.read((SHOPIER + rows).encode())


# --- Days in other languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("26. Mai 2026", "26 mai 2026", "26 de mayo de 2026", "26 may. 2026", "26 maggio 2026", "26 mag 2026"),
        *("26 mei 2026", "26 Mayıs 2026", "26 MAYIS 2026", "26 de maio de 2026", "26/mai/2026", "26 maja 2026 r."),
        *("Mayıs 26, 2026", "Dienstag, 26. Mai 2026", "Tue, 26 May 2026", "26-mai-26", "20260526", "26. 5. 2026"),
    ],
)
def test_a_day_is_read_in_the_languages_of_sellers(text):
    assert dates.read_moment(text) == datetime(2026, 5, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        *(("3. März 2026", 3), ("3 Mrz 2026", 3), ("1er août 2026", 8), ("3 juil. 2026", 7), ("3 févr. 2026", 2)),
        *(("3 ene 2026", 1), ("3 sett 2026", 9), ("3 giu 2026", 6), ("3 mrt. 2026", 3), ("3 AĞU 2026", 8)),
        *(("3 KASIM 2026", 11), ("3 Ekim 2026", 10), ("3 EKİM 2026", 10), ("3 paź 2026", 10), ("3 lut 2026", 2)),
        *(("3 września 2026", 9), ("3 dez. 2026", 12), ("3 de out. de 2026", 10)),
    ],
)
def test_a_month_is_known_with_and_without_its_accents_and_its_end(text, month):
    assert dates.read_moment(text).month == month


def test_a_word_that_means_two_months_is_refused_and_named():
    with pytest.raises(ValueError, match="names 'jui', no month that we know"):
        dates.read_moment("3 jui 2026")


def test_an_etsy_statement_with_german_days_is_read_and_its_unsure_day_refused_with_its_row():
    header = 'Date,Type,Title,Info,Currency,Amount,"Fees & Taxes",Net,"Tax Details"\n'
    rows = '"3. März 2026",Sale,"Payment for Order #7000000001",,EUR,"€32,50",--,"€32,50",--\n'
    rows += '"3 jui 2026",Sale,"Payment for Order #7000000002",,EUR,"€2,50",--,"€2,50",--\n'

    reading = statements.read((header + rows).encode())

    assert [(line.at.month, line.meaning, line.net) for line in reading.lines[:1]] == [(3, Meaning.SALE, 3250)]
    assert [line.number for line in reading.refused] == [3]


# --- What hostile files brought to light ------------------------------------------------------------------------


def test_a_payout_that_shopify_prints_is_not_paid_out_twice():
    """Each row of a payout tells its part; some files list the payout itself as well."""
    row = "2026-06-04 09:00:00 +0200,payout,,,paid,2026-06-04,9001,2026-06-04,-38.30,0.00,-38.30,,,,EUR\n"

    reading = statements.read(load("shopify_transactions") + row.encode())

    assert sums(reading)["EUR payout"] == (2, -3830, -3830)
    assert sums(reading)["EUR nothing"] == (1, -3830, -3830)


def test_a_dispute_that_stripe_calls_an_adjustment_is_a_dispute():
    """The own shop's disputes are booked with their orders: an adjustment took the money a second time."""
    header = "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC)\n"
    row = "txn_3,adjustment,du_1,-20.00,15.00,-35.00,usd,2026-02-04 09:15\n"

    assert sums(statements.read((header + row).encode())) == {"USD chargeback": (1, -2000, -3500)}


def test_a_deposit_that_came_back_is_not_paid_out():
    header = 'Date,Type,Title,Info,Currency,Amount,"Fees & Taxes",Net,"Tax Details"\n'
    rows = '"26 May, 2026",Deposit,"$11.40 sent to your bank account",,USD,--,--,--,--\n'
    rows += '"28 May, 2026",Deposit,"$11.40 deposited was returned by your bank",,USD,--,--,--,--\n'

    assert [line.net for line in statements.read((header + rows).encode()).lines] == [-1140, 1140]


def test_any_fee_of_etsy_is_a_cost():
    header = 'Date,Type,Title,Info,Currency,Amount,"Fees & Taxes",Net,"Tax Details"\n'
    row = '"26 May, 2026",Regulatory Operating fee,"Regulatory Operating fee",,USD,--,-$0.10,-$0.10,--\n'

    assert sums(statements.read((header + row).encode())) == {"USD cost": (1, 0, -10)}


def test_an_order_that_was_called_off_in_turkish_is_no_sale():
    """Only "İptal" was known; "İptal Edildi", what the page says, was booked as a sale."""
    header = "Sipariş No;Tarih;Tutar;Komisyon;Durum\n"
    row = "7101;25.07.2026;1.250,00;62,38;İptal Edildi\n"

    assert [line.meaning for line in statements.read((header + row).encode()).lines] == ["nothing"]


def test_a_withdrawal_in_a_list_of_fiverr_is_a_payout_and_a_fee_without_a_minus_is_one():
    header = "Date,Order ID,Item Description,Gross Amount,Service Fee,Net Amount,Status\n"
    rows = (
        "07/14/2026,FO501,Video,100.00,20.00,80.00,Cleared\n07/15/2026,,Withdrawal,-80.00,0.00,-80.00,Completed\n"
    )

    reading = statements.read((header + rows).encode())

    assert sums(reading) == {"USD sale": (1, 10000, 8000), "USD payout": (1, -8000, -8000)}
    assert len(reading.warnings) == 1


def test_an_abbreviation_that_several_zones_share_means_the_stores_own(settings):
    settings.STORE_TIMEZONE = "Asia/Kolkata"

    assert dates.read_moment("2026-01-01 10:00", "", "IST") == datetime(2026, 1, 1, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "rows", "sale", "rest"),
    [
        (
            "Date,Heure,Fuseau horaire,Nom,Type,État,Devise,Avant commission,Commission,Net,Numéro de transaction",
            [
                (
                    "26/05/2026",
                    "Europe/Paris",
                    "Paiement Express",
                    "Terminé",
                    "1.050,00",
                    "-31,95",
                    "1.018,05",
                ),
                (
                    "27/05/2026",
                    "Europe/Paris",
                    "Retrait général",
                    "Terminé",
                    "-900,00",
                    "0,00",
                    "-900,00",
                ),
                ("28/05/2026", "Europe/Paris", "Remboursement de paiement", "Terminé", "-50,00", "1,45", "-48,55"),
                ("28/05/2026", "Europe/Paris", "Paiement Express", "En attente", "9,00", "0,00", "9,00"),
            ],
            (1, 105000, 101805),
            {"payout": -90000, "refund": -4855, "unknown": 900},
        ),
        (
            "Fecha,Hora,Zona horaria,Nombre,Descripción,Estado,Divisa,Bruto,Comisión,Neto,Id. de transacción",
            [
                ("26/5/2026", "Europe/Madrid", "Pago exprés", "Completado", "50,00", "-1,95", "48,05"),
                ("27/5/2026", "Europe/Madrid", "Retirada general", "Completado", "-40,00", "0,00", "-40,00"),
                ("27/5/2026", "Europe/Madrid", "Pago general", "Completado", "-4,00", "0,00", "-4,00"),
            ],
            (1, 5000, 4805),
            {"payout": -4000, "spent": -400},
        ),
    ],
)
def test_paypal_in_other_languages_is_read_by_words_that_are_said_to_be_assumed(header, rows, sale, rest):
    lines = [
        f'{day},10:00:00,{zone},Ann,{kind},{status},EUR,"{gross}","{fee}","{net}",T{at}'
        for at, (day, zone, kind, status, gross, fee, net) in enumerate(rows)
    ]

    reading = statements.read("\n".join([header, *lines]).encode())

    assert (reading.format, reading.refused) == ("paypal-activity", [])
    assert sums(reading)["EUR sale"] == sale
    assert {name: sums(reading)[f"EUR {name}"][2] for name in rest} == rest
    assert any("in this language was seen yet" in warning for warning in reading.warnings)


def test_a_refund_without_a_minus_is_told_before_it_is_booked_as_income():
    rows = "7101;25.07.2026;Satış;1.250,00;62,38\n7101;26.07.2026;İade;1.250,00;62,38\n"

    warnings = statements.read((SHOPIER + rows).encode()).warnings

    assert [text for text in warnings if text.startswith("Refunds with a plus sign") and "row 3" in text] != []


def test_payments_in_test_mode_are_no_income_and_disputes_are_told():
    header = (
        "id,Created (UTC),Amount,Currency,Converted Amount,Converted Currency,Fee,Status,Mode,Dispute Status\n"
    )
    rows = "ch_1,2026-01-05 10:00,20.00,usd,20.00,usd,0.88,Paid,Test,\n"
    rows += "ch_2,2026-01-05 10:00,20.00,usd,20.00,usd,0.88,Paid,Live,lost\n"
    rows += "ch_3,2026-01-05 10:00,20.00,usd,20.00,usd,0.88,Paid,Live,won\n"

    reading = statements.read((header + rows).encode())

    assert sums(reading) == {"USD nothing": (1, 2000, 1912), "USD sale": (2, 4000, 3824)}
    assert [text for text in reading.warnings if text.startswith("Disputed and not won: row 3.")] != []


def test_a_withdrawal_of_upwork_whose_type_is_the_way_of_the_money_is_a_payout():
    header = "Date,Ref ID,Type,Description,Amount\n"

    reading = statements.read(f"{header}01/16/2026,3,Payoneer,Withdrawal to account,-50.00\n".encode())

    assert sums(reading) == {"USD payout": (1, -5000, -5000)}


def test_an_etsy_statement_in_german_is_read_by_words_that_are_said_to_be_assumed():
    header = "Datum,Typ,Titel,Info,Währung,Betrag,Gebühren und Steuern,Netto,Steuerdetails\n"
    rows = [
        '"26. Mai 2026",Verkauf,"Zahlung für Bestellung Nr. 7000000001",,EUR,"1.032,50 €",--,"1.032,50 €",--',
        '"26. Mai 2026",Gebühr,"Transaktionsgebühr","Bestellung Nr. 7000000001",EUR,--,"-2,11 €","-2,11 €",--',
        '"26. Mai 2026",Steuer,"Vom Käufer gezahlte Umsatzsteuer",,EUR,--,"-1,00 €","-1,00 €",--',
        '"26. Mai 2026",Steuer,"Quellensteuer",,EUR,--,"-0,50 €","-0,50 €",--',
        '"27. Mai 2026",Einzahlung,"1.029,39 € wurden an dein Bankkonto 1234 gesendet",,EUR,--,--,--,--',
        '"28. Mai 2026",Rückerstattung,"Bestellung Nr. 7000000001",,EUR,"-32,50 €",--,"-32,50 €",--',
    ]

    reading = statements.read((header + "\n".join(rows)).encode())

    assert (reading.format, reading.refused) == ("etsy-statement", [])
    assert sums(reading) == {
        "EUR sale": (1, 103250, 103250),
        "EUR cost": (1, 0, -211),
        "EUR tax": (1, -100, -100),
        "EUR unknown": (1, 0, -50),
        "EUR payout": (1, -102939, -102939),
        "EUR refund": (1, -3250, -3250),
    }
    assert [line.sale for line in reading.lines][:2] == ["7000000001"] * 2
    assert any("in this language was seen yet" in warning for warning in reading.warnings)


def test_a_deposit_behind_pages_of_figures_holds_nobody_up():
    header = 'Date,Type,Title,Info,Currency,Amount,"Fees & Taxes",Net,"Tax Details"\n'
    rows = f'"26 May, 2026",Deposit,"{"1 " * 4000}",,USD,--,--,--,--\n'
    began = time.thread_time()

    (line,) = statements.read((header + rows).encode()).lines

    assert (line.meaning, line.remarks) == ("unknown", ["The title names no amount."])
    assert time.thread_time() - began < 1
