"""Money is read strictly and written exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earnings import money
from earnings.money import Money


@pytest.mark.parametrize(
    ("cell", "minor", "currency"),
    [
        ("29", 2900, "USD"),
        ("29.00", 2900, "USD"),
        ("79.0", 7900, "USD"),
        ("  29 ", 2900, "USD"),
        ("\u00a039.00", 3900, "USD"),
        ("0", 0, "USD"),
        ("$9.00", 900, "USD"),
        ("US$299.00", 29900, "USD"),
        ("49.00 $US", 4900, "USD"),
        ("$ 29 USD", 2900, "USD"),
        ("USD 5000", 500000, "USD"),
        ("99 usd", 9900, "USD"),
        ("€49,00", 4900, "EUR"),
        ("15.000,00 €", 1500000, "EUR"),
        ("15\u202f000,00 €", 1500000, "EUR"),
        ("1'234.50 CHF", 123450, "CHF"),
        ("1’234.50 CHF", 123450, "CHF"),
        ("1´234.50 CHF", 123450, "CHF"),
        ("1\u00a0234,50 €", 123450, "EUR"),
        ("₹1,23,456.78", 12345678, "INR"),
        ("1,23,45,678.00", 1234567800, "USD"),
        ("1,23,456", 12345600, "USD"),
        ("\u200e$9.00", 900, "USD"),
        ("£29.00", 2900, "GBP"),
        ("₺149", 14900, "TRY"),
        ("29 TL", 2900, "TRY"),
        ("499,-", 49900, "USD"),
        ("2,000.00 $", 200000, "USD"),
        ("1.234.567", 123456700, "USD"),
        ("1,234,567.8", 123456780, "USD"),
        ("JPY 1.234", 1234, "JPY"),
        ("1234.567 KWD", 1234567, "KWD"),
        ("99999999999999.99", 9999999999999999, "USD"),
    ],
)
def test_a_price_that_can_be_read_in_one_way_is_read(cell, minor, currency):
    assert money.parse(cell, default="USD") == Money(minor, currency)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "is empty"),
        ("free", "is not a number"),
        ("NaN", "is not a number"),
        ("Infinity", "is not a number"),
        ("1e5", "'e5' is neither a currency nor a number"),
        ("0x10", "'x10' is neither a currency nor a number"),
        ("١٢٫٥٠", "is not a number"),
        ("１２", "is not a number"),
        ("59.00*", "'*' is neither a currency nor a number"),
        ("ca. 49", "'ca.' is neither a currency nor a number"),
        ("69.00/mo", "'/mo' is neither a currency nor a number"),
        ("10%", "'%' is neither a currency nor a number"),
        ("1/2", "'/2' is neither a currency nor a number"),
        ("+5.00", "'+' is neither a currency nor a number"),
        ("1.2.3", "is not a number"),
        ("1,23,45", "is not a number"),
        ("1,2,345", "is not a number"),
        ("1.23.456,78", "is not a number"),
        ("12 34", "is not a number"),
        ("-5.00", "is negative"),
        ("5.00-", "is negative"),
        ("\u22125", "is negative"),
        ("(5.00)", "is negative"),
        ("0.001", "has more decimals than USD has (2)"),
        ("JPY 0.5", "has more decimals than JPY has (0)"),
        ("1.234", "can be read in two ways"),
        ("29.899", "can be read in two ways"),
        ("1,234", "can be read in two ways"),
        ("€ 29 USD", "names two currencies"),
        ("¥500", "does not say which currency it is"),
        ("9" * 30, "is too large"),
        ("9" * 61, "is too long for a price"),
    ],
)
def test_a_price_that_can_not_be_read_for_certain_is_refused_with_the_reason(cell, reason):
    with pytest.raises(ValueError) as refused:
        money.parse(cell, default="USD")

    assert reason in str(refused.value)


def test_one_certain_cell_decides_the_decimal_mark_of_its_column():
    mark = money.decimal_mark(["199", "29.899", "29.899,00"])

    assert mark == ","
    assert money.parse("29.899", default="TRY", mark=mark) == Money(2989900, "TRY")


def test_a_column_that_contradicts_itself_decides_nothing():
    mark = money.decimal_mark(["15.000,00", "2,000.00"])

    assert mark == ""
    with pytest.raises(ValueError, match="two ways"):
        money.parse("1.234", default="USD", mark=mark)


def test_a_column_of_ambiguous_cells_decides_nothing():
    assert money.decimal_mark(["1.234", "29.899", "7", "text"]) == ""


def test_a_sign_must_agree_with_the_currency_that_the_file_states():
    assert money.parse("$9.00", "CAD") == Money(900, "CAD")
    with pytest.raises(ValueError, match="says EUR, but the currency is USD"):
        money.parse("€9,00", "USD")


def test_negative_amounts_are_read_where_a_statement_may_have_them():
    assert money.parse("(5.00)", "USD", negative=True) == Money(-500, "USD")
    assert money.parse("-$5.00", "USD", negative=True) == Money(-500, "USD")
    assert money.parse("5.00-", "USD", negative=True) == Money(-500, "USD")
    assert money.parse("\u22125.00", "USD", negative=True) == Money(-500, "USD")


def test_exponents_are_those_of_iso_4217():
    assert [money.exponent(code) for code in ("USD", "JPY", "KWD", "TRY")] == [2, 0, 3, 2]
    with pytest.raises(ValueError, match="'XYZ' is not a currency code"):
        money.exponent("XYZ")


def test_amounts_are_converted_exactly_or_not_at_all():
    assert money.to_minor("29.00", "USD") == 2900
    assert money.to_minor("29", "JPY") == 29
    assert money.to_minor(Decimal("0.1") * 3, "USD") == 30
    assert money.to_minor(Decimal("-1E+2"), "USD") == -10000
    for amount in (
        "29.005",
        "1e3",
        "NaN",
        "29,00",
        " 29",
        "",
        29.0,
        True,
        None,
        Decimal("NaN"),
        Decimal("1E+400"),
    ):
        with pytest.raises(ValueError):
            money.to_minor(amount, "USD")


def test_money_is_shown_with_its_sign_and_its_own_decimals():
    assert money.display(123400, "USD") == "$1,234.00"
    assert money.display(-500, "EUR") == "-€5.00"
    assert money.display(1200, "JPY") == "¥1,200"
    assert money.display(2989900, "TRY") == "29.899,00 TL"
    assert money.display(2900, "CHF") == "29.00 CHF"
    assert money.display(5, "KWD") == "0.005 KWD"
    assert money.as_json(5, "USD") == {"amount": "0.05", "minor": 5, "currency": "USD"}


@given(st.integers(-money.LARGEST, money.LARGEST), st.sampled_from(["USD", "JPY", "KWD"]))
def test_what_is_written_is_read_again_as_the_same(minor, currency):
    assert money.to_minor(money.amount_text(minor, currency), currency) == minor


@given(st.text(max_size=20))
def test_no_text_makes_the_reader_stumble(cell):
    try:
        found = money.parse(cell, default="USD")
    except ValueError:
        return
    assert 0 <= found.minor <= money.LARGEST
    assert any(c in "0123456789" for c in cell)
