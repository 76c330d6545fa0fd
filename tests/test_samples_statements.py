"""Real and nasty statements give exactly the figures that were computed for them, or the refusal they deserve."""

import os
from pathlib import Path

import pytest

from earnings import audit, dashboard, statements
from earnings.dashboard import Scope
from earnings.models import BOOKED_MEANINGS, Earning, JournalEntry
from earnings.refusals import Refusal
from earnings.statements import booking

pytestmark = [pytest.mark.samples, pytest.mark.django_db]


def load(name):
    return (Path(os.environ["SAMPLE_DATA"]) / name).read_bytes()


def sums(reading):
    """{(currency, meaning): (rows, gross, net)} in minor units."""
    found = {}
    for line in reading.lines:
        number, gross, net = found.get((line.currency, str(line.meaning)), (0, 0, 0))
        found[line.currency, str(line.meaning)] = (number + 1, gross + line.gross, net + line.net)
    return found


def printed(reading):
    """{currency: net} of what the file itself sums up."""
    found = {}
    for line in reading.lines:
        if line.is_printed:
            found[line.currency] = found.get(line.currency, 0) + line.net
    return found


@pytest.mark.parametrize(
    ("name", "format", "expected", "net"),
    [
        (
            "adsense_account_activities_202608.csv",
            "adsense-activity",
            {"sale": (1, 13753, 13753), "payout": (1, -22468, -22468), "nothing": (2, 36221, 36221)},
            -8715,
        ),
        (
            "affiliate_commissions.csv",
            "affiliate-commissions",
            {"sale": (1, 3904, 3904), "nothing": (1, 1000, 1000)},
            3904,
        ),
        (
            "amazon_date_range_2026Sep.csv",
            "amazon-date-range",
            {
                "sale": (1, 7700, 6545),
                "refund": (1, -3600, -3138),
                "cost": (1, 0, -1200),
                "payout": (1, -2207, -2207),
            },
            0,
        ),
        (
            "creative_fabrica_payouts.csv",
            "creative-fabrica-payouts",
            {"payout": (1, -1092, -1092), "nothing": (1, 1014, 1014)},
            -1092,
        ),
        (
            "etsy_statement_2026_9.csv",
            "etsy-statement",
            {
                "sale": (2, 5608, 5608),
                "tax": (1, -108, -108),
                "cost": (16, 0, -2338),
                "refund": (1, -1200, -1200),
                "payout": (1, -3735, -3735),
                "unknown": (1, 0, -10),
                "nothing": (1, 0, 0),
            },
            1952,
        ),
        (
            "fiverr_statement_assumed.csv",
            "fiverr-earnings",
            {"sale": (2, 135000, 108000)},
            108000,
        ),
        (
            "gumroad_payout_paypal.csv",
            "gumroad-payout",
            {
                "sale": (7, 7000, 5596),
                "chargeback": (1, -1000, -791),
                "refund": (3, -2350, -1995),
                "adjustment": (3, 1814, 1814),
                "cost": (2, 0, -276),
                "payout": (2, -650 - 3698, -650 - 3698),
            },
            3698,
        ),
        (
            "gumroad_sales_18col.csv",
            "gumroad-sales",
            {"sale": (3, 3200, 2700), "refund": (1, -800, -670)},
            2700,
        ),
        (
            "opencollective_legacy.csv",
            "opencollective-transactions",
            {"sale": (2, 1200, 982), "cost": (1, 0, -20)},
            962,
        ),
        (
            "patreon_creator_analytics.csv",
            "patreon-earnings",
            {"sale": (2, 15000, 12600), "refund": (1, -1000, -1000), "adjustment": (1, 300, 300)},
            7400 + 4500,
        ),
        ("payhip_sales.csv", "payhip-sales", {"sale": (2, 1800, 1598)}, 1598),
        (
            "paypal_activity_en_wrong_fee_sign.csv",
            "paypal-activity",
            {"sale": (2, 12550, 12135), "spent": (2, -12500, -12750), "own": (1, 50000, 50000)},
            49385,
        ),
        (
            "paypal_activity_personal.csv",
            "paypal-activity",
            {"sale": (1, 1000, 941), "spent": (3, -1599, -1599), "own": (3, 1599, 1599)},
            941,
        ),
        (
            "paypal_activity_reduced.csv",
            "paypal-activity-reduced",
            {"spent": (1, -1234, -1234), "own": (1, 1234, 1234)},
            0,
        ),
        (
            "shopify_payouts_summary.csv",
            "shopify-payouts-summary",
            {"sale": (1, 45000, 43665), "refund": (1, -2000, -2000), "payout": (1, -41665, -41665)},
            41665,
        ),
        (
            "square_transactions_2026-09.csv",
            "square-transactions",
            {"sale": (2, 4412, 4273), "refund": (1, -1296, -1296)},
            2977,
        ),
        (
            "stripe_all_activity.csv",
            "stripe-all-activity",
            {
                "sale": (1, 12000, 11622),
                "refund": (1, -2000, -2000),
                "payout": (1, -9622, -9622),
                "cost": (1, 0, -200),
            },
            -200,
        ),
        (
            "stripe_itemized_balance_usd.csv",
            "stripe-itemized-balance",
            {
                "sale": (4, 268899, 260981),
                "refund": (1, -8999, -8999),
                "chargeback": (1, -15000, -16500),
                "payout": (1, -283182, -283182),
            },
            -47700,
        ),
        (
            "stripe_itemized_hledger.csv",
            "stripe-itemized-balance",
            {"sale": (1, 1200, 1200), "refund": (1, -77, -77)},
            1123,
        ),
        (
            "stripe_two_payouts.csv",
            "stripe-itemized-balance",
            {"sale": (2, 18000, 17292), "payout": (2, -17292, -17292)},
            0,
        ),
        ("upwork_earnings_by_contract.csv", "upwork-earnings", {"sale": (252, 518958, 518958)}, 518958),
        (
            "upwork_transactions_fees.csv",
            "upwork-transactions",
            {"sale": (2, 230000, 230000), "cost": (2, 0, -23000)},
            207000,
        ),
    ],
)
def test_a_statement_in_dollars_is_read_to_the_cent(name, format, expected, net):
    reading = statements.read(load(f"statements/{name}"))

    assert (reading.format, reading.refused) == (format, [])
    assert sums(reading) == {("USD", meaning): figures for meaning, figures in expected.items()}
    assert printed(reading) == {"USD": net}


@pytest.mark.parametrize(
    ("name", "expected", "net"),
    [
        ("etsy_statement_gbp_credits.csv", {("GBP", "cost"): (4, 0, 0)}, {"GBP": 0}),
        (
            "paypal_activity_multicurrency.csv",
            {
                ("GBP", "sale"): (3, 263999, 256223),
                ("GBP", "refund"): (1, -15000, -15000),
                ("GBP", "payout"): (1, -300000, -300000),
                ("GBP", "conversion"): (1, 41500, 41500),
                ("EUR", "sale"): (1, 50000, 48510),
                ("EUR", "conversion"): (1, -48510, -48510),
            },
            {"GBP": -17277, "EUR": 0},
        ),
        (
            "shopify_payouts_aed.csv",
            {
                ("AED", "sale"): (5, 476337, 457462),
                ("AED", "refund"): (1, -159870, -159870),
                ("AED", "payout"): (6, -297592, -297592),
            },
            {"AED": 297592},
        ),
        (
            "shopify_payouts_eur_in_transit.csv",
            {
                ("EUR", "sale"): (2, 126450, 124165),
                ("EUR", "refund"): (1, -500, -500),
                ("EUR", "payout"): (2, -2425, -2425),  # the third row is in transit
            },
            {"EUR": 123665},
        ),
        (
            "stripe_payments_part1.csv",
            {("THB", "sale"): (310, 14207506, 14207506 - 984855)},
            {"THB": 14207506 - 984855},
        ),
    ],
)
def test_a_statement_in_other_currencies_is_read_to_the_cent(name, expected, net):
    reading = statements.read(load(f"statements/{name}"))

    assert reading.refused == []
    assert sums(reading) == expected
    assert printed(reading) == net


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stripe_itemized_balance_usd.csv", "In row 7 net does not follow from amount and fee"),
        ("paypal_activity_en_wrong_fee_sign.csv", "In rows 2, 5, 6 net does not follow"),
        ("paypal_activity_en_wrong_fee_sign.csv", "The USD balance does not move by the net of row 5"),
        ("paypal_activity_en_wrong_fee_sign.csv", "Every row has 30 cells, the header has 31"),
        ("paypal_activity_multicurrency.csv", "2 rows convert money between currencies"),
        ("patreon_creator_analytics.csv", "The total of 2026-09 is not the sum of its parts"),
        ("opencollective_legacy.csv", "In row 2 net does not follow"),
        ("etsy_statement_2026_9.csv", 'What "Mystery" means is not known: row 22, -$0.10'),
        ("fiverr_statement_assumed.csv", "No real Fiverr file of this layout was seen yet"),
        ("stripe_payments_part1.csv", "taxes on fees of 689.39 THB"),
        ("creative_fabrica_payouts.csv", "payouts only"),
    ],
)
def test_what_a_person_should_know_is_said_before_it_is_booked(name, words):
    reading = statements.read(load(f"statements/{name}"))

    assert [warning for warning in reading.warnings if words in warning] != []


def test_a_file_that_holds_is_not_warned_of():
    for name in ("stripe_two_payouts.csv", "gumroad_payout_paypal.csv", "shopify_payouts_aed.csv"):
        assert statements.read(load(f"statements/{name}")).warnings == []


def test_the_files_own_totals_are_kept_beside_the_sums():
    gumroad = statements.read(load("statements/gumroad_payout_paypal.csv"))
    adsense = statements.read(load("statements/adsense_account_activities_202608.csv"))

    assert gumroad.own_totals == {"USD": {"gross": 4614, "fee": 916, "net": 3698}}
    assert adsense.own_totals == {"USD": {"net": 13753 - 22468}}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("statements/etsy_sold_order_items_2026.csv", "an Etsy list of sold order items"),
        ("statements/shopify_orders_export.csv", "a Shopify orders export"),
        ("statements/wise_gbp_statement.csv", "a Wise statement"),
        ("statements/youtube_studio_daily.csv", "YouTube Studio's estimates"),
        ("nasty/header_only.csv", "a header and no rows"),
        ("nasty/real_paypal_header_only_bom.csv", "a header and no rows"),
        ("nasty/html_login_page.csv", "a web page"),
        ("nasty/real_path_instead_of_csv.csv", "no columns"),
        ("nasty/truncated_in_utf8_char.csv", "cut off in row 8"),
        ("nasty/zero_bytes.csv", "empty"),
        ("nasty/cp1254_turkish.csv", "No format that we know"),
        ("nasty/currency_symbols_in_prices.csv", "No format that we know"),
        ("nasty/excel_sep_line.csv", "a catalog of products"),
        ("nasty/semicolon_decimal_comma.csv", "a catalog of products"),
        ("nasty/absurd_prices.csv", "a Shopify products file"),
        ("nasty/duplicate_skus.csv", "a Shopify products file"),
        ("nasty/empty_rows_ragged.csv", "a Shopify products file"),
        ("nasty/formula_injection.csv", "a Shopify products file"),
        ("nasty/mac_cr_line_ends.csv", "a Shopify products file"),
        ("nasty/real_shopify_17248_rows.csv", "a Shopify products file"),
        ("nasty/real_shopify_inventory_7cols.csv", "No format that we know"),
        ("nasty/utf16le_bom_tabs.csv", "a Shopify products file"),
        ("nasty/real_woocommerce_bom_in_second_line.csv", "No format that we know"),
        ("ancestor/product_catalog.json", "JSON"),
        ("ancestor/earnings.json", "JSON"),
        ("ancestor/shopier_products_export.csv", "import it under Catalog imports"),
        ("storefront/ancestor_store_reduced.html", "a web page"),
        ("catalog/amazon_listings_report.tsv", "import it under Catalog imports"),
    ],
)
def test_what_is_no_statement_is_refused_with_the_reason_and_nothing_is_booked(name, words):
    with pytest.raises(Refusal) as refused:
        booking.upload(load(name), name)

    assert words in refused.value.detail
    assert JournalEntry.objects.count() == 0


@pytest.mark.parametrize(
    "path",
    sorted(Path(os.environ.get("SAMPLE_DATA", "/nowhere")).glob("statements/*.csv")),
    ids=lambda path: path.name,
)
def test_what_is_booked_of_a_file_is_what_it_says_once_and_is_gone_when_it_is_reversed(path):
    try:
        first = booking.book(booking.upload(path.read_bytes(), path.name))
    except Refusal:
        pytest.skip("refused, see above")
    booked = {}
    for row in first.rows.filter(meaning__in=BOOKED_MEANINGS):
        moved, paid_out = booked.get(row.currency, (0, 0))
        out = -row.net_minor if row.meaning == "payout" else 0
        booked[row.currency] = (moved + row.net_minor + out, paid_out + out)
    before = JournalEntry.objects.count()

    second = booking.book(booking.upload(path.read_bytes(), path.name))

    assert (second.status, JournalEntry.objects.count()) == ("booked", before)
    assert audit.violations() == []
    for currency, (earned, paid_out) in booked.items():
        summary = dashboard.summary(Scope(currency=currency))
        assert (summary["earned"]["minor"], summary["buckets"]["paid_out"]["minor"]) == (earned, paid_out)
    booking.reverse(first)
    for currency in booked:
        summary = dashboard.summary(Scope(currency=currency))
        assert {amount["minor"] for amount in summary["buckets"].values()} == {0}
    assert audit.violations() == []


def test_no_name_or_address_of_a_buyer_reaches_the_database():
    for path in Path(os.environ["SAMPLE_DATA"]).glob("statements/*.csv"):
        try:
            booking.book(booking.upload(path.read_bytes(), path.name))
        except Refusal:
            continue

    told = [*Earning.objects.values_list("title", "client", "reference")]
    told += JournalEntry.objects.values_list("memo", "key")
    text = str(told).casefold()
    for name in (
        "alice johnson",
        "acme gmbh",
        "buyer a",
        "example.com",
        "ada example",
        "design_studio",
        "backer one",
    ):
        assert name not in text
