"""Real and nasty catalog files give exactly the figures that were computed for them."""

import os
from pathlib import Path

import pytest

from earnings.refusals import Refusal
from earnings.sheets import read_sheet, safe_cell
from storefront import catalog
from storefront.catalog import importing
from storefront.models import Product

pytestmark = pytest.mark.samples


def load(name):
    return (Path(os.environ["SAMPLE_DATA"]) / name).read_bytes()


def total(reading):
    return sum(entry.fields.get("price_minor", 0) for entry in reading.rows)


@pytest.mark.parametrize(
    ("name", "format", "rows", "minor", "refused"),
    [
        ("ancestor/ax_printbelle_shopify_products.csv", "shopify-products", 10, 7000, 0),
        ("ancestor/channel_gumroad.csv", "channel-gumroad", 18, 2353500, 0),
        ("ancestor/channel_shopier.csv", "channel-shopier", 18, 6853200, 0),
        ("ancestor/channel_shopify.csv", "shopify-products", 18, 2353500, 0),
        ("ancestor/shopier_products_export.csv", "shopier-products", 18, 6853200, 0),
        ("ancestor/shopify_product_creator_kit.csv", "shopify-products", 1, 69900, 0),
        ("catalog/shopify_official_template.csv", "shopify-products", 16, 60299, 0),
        ("catalog/shopify_partners_apparel.csv", "shopify-products", 22, 129500, 0),
        ("catalog/shopify_posters_sets_pl.csv", "shopify-products", 30, 290745, 0),
        ("catalog/shopify_sample_bicycles.csv", "shopify-products", 1121, 13529129, 41),
        ("catalog/shopify_with_metafields.csv", "shopify-products", 14, 23986, 3),
        ("catalog/woocommerce_official_sample.csv", "woocommerce-products", 22, 66305, 0),
        ("catalog/etsy_listings_apparel_variations.csv", "etsy-listings", 92, 379791, 0),
        ("catalog/etsy_listings_digital_plans.csv", "etsy-listings", 133, 238779, 0),
        ("catalog/bigcommerce_products.csv", "bigcommerce-products", 1, 2500, 0),
        ("catalog/amazon_listings_report.tsv", "amazon-listings", 3, 3002, 0),
        ("catalog/square_catalog_bom.csv", "square-catalog", 2, 425350, 0),
        ("nasty/real_woocommerce_bom_in_second_line.csv", "woocommerce-products", 9, 325200, 0),
        ("nasty/cp1254_turkish.csv", "channel-etsy", 18, 2353500, 0),
        ("nasty/excel_sep_line.csv", "channel-shopier", 18, 6853200, 0),
        ("nasty/semicolon_decimal_comma.csv", "channel-shopier", 18, 6853200, 0),
        ("nasty/mac_cr_line_ends.csv", "shopify-products", 18, 2353500, 0),
        ("nasty/utf16le_bom_tabs.csv", "shopify-products", 22, 129500, 0),
        ("nasty/currency_symbols_in_prices.csv", "channel-gumroad", 18, 2335800, 3),
        ("nasty/formula_injection.csv", "shopify-products", 14, 13800, 0),
        ("nasty/real_shopify_17248_rows.csv", "shopify-products", 17248, 2587200, 22),
    ],
)
def test_a_file_is_read_to_the_cent(name, format, rows, minor, refused):
    reading = catalog.read(load(name), name)

    assert (reading.format, len(reading.rows), total(reading), len(reading.refused)) == (
        format,
        rows,
        minor,
        refused,
    )


def test_the_ancestors_gigs_have_equal_standard_and_premium_prices():
    reading = catalog.read(load("ancestor/channel_fiverr.csv"))

    sums = [sum(gig.fields["packages"][at]["price_minor"] for gig in reading.rows) for at in range(3)]
    assert sums == [2353500, 8914400, 8914400]
    assert [len(gig.flags) for gig in reading.rows] == [1] * 18


def test_woocommerces_own_sample_is_read_with_its_variations_and_sales():
    reading = catalog.read(load("catalog/woocommerce_official_sample.csv"))

    regular = [entry.fields["compare_at_minor"] or entry.fields["price_minor"] for entry in reading.rows]
    assert (len(regular), sum(regular)) == (22, 69305)
    options = [entry.fields["option"] for entry in reading.rows if "option" in entry.fields]
    assert options == ["Red", "Green", "Blue", "Red / No", "Green / No", "Blue / No", "Blue / Yes"]
    assert [entry.defaults["kind"] for entry in reading.rows].count("download") == 2
    assert any("groups other products" in note for note in reading.sheet.notes)


def test_etsys_listings_keep_their_quantities_and_are_told_apart():
    apparel = catalog.read(load("catalog/etsy_listings_apparel_variations.csv")).rows
    plans = catalog.read(load("catalog/etsy_listings_digital_plans.csv")).rows

    assert sum(entry.fields["stock"] for entry in apparel) == 810189
    assert sum(bool(entry.flags) for entry in apparel) == 83
    assert sum(entry.fields["stock"] for entry in plans) == 7645
    assert (len({entry.sku for entry in apparel}), len({entry.sku for entry in plans})) == (92, 133)


def test_absurd_prices_and_quantities_are_refused_and_the_others_are_not():
    reading = catalog.read(load("nasty/absurd_prices.csv"))

    by_column = [[p["column"] for p in entry.problems] for entry in reading.refused]
    assert by_column.count(["Variant Price"]) == 17
    assert by_column.count(["Variant Inventory Qty"]) == 2
    fine = [entry.fields["title"] for entry in reading.rows if not entry.problems]
    assert fine == ["Zero", "Zero free ok", "Huge", "Compare lower", "Qty negative"]


def test_duplicate_skus_are_refused_in_every_spelling():
    reading = catalog.read(load("nasty/duplicate_skus.csv"))

    refused = {entry.row: [p["column"] for p in entry.problems] for entry in reading.refused}
    assert refused == {row: ["Variant SKU"] for row in (4, 5, 6, 7, 11)} | {10: ["Handle"]}


def test_ragged_rows_are_refused_alone():
    reading = catalog.read(load("nasty/empty_rows_ragged.csv"))

    assert [entry.row for entry in reading.rows if not entry.problems] == [3, 5, 7]
    assert [entry.row for entry in reading.refused] == [8, 9, 10]


def test_dangerous_cells_are_kept_and_disarmed():
    titles = [row.cells["Title"] for row in read_sheet(load("nasty/formula_injection.csv")).rows]

    assert [safe_cell(title) == f"'{title}" for title in titles] == [True] * 14


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nasty/header_only.csv", "a header and no rows"),
        ("nasty/real_paypal_header_only_bom.csv", "a header and no rows"),
        ("nasty/html_login_page.csv", "a web page"),
        ("nasty/real_path_instead_of_csv.csv", "no columns"),
        ("nasty/truncated_in_utf8_char.csv", "cut off in row 8"),
        ("nasty/zero_bytes.csv", "empty"),
        ("nasty/real_shopify_inventory_7cols.csv", "Shopify products (lacks Variant Price)"),
        ("ancestor/utm_links.csv", "No format that we know"),
        ("ancestor/product_catalog.json", "JSON"),
        ("catalog/fiverr_gig_listing_scrape_a.csv", "No format that we know"),
        ("storefront/ancestor_store_reduced.html", "a web page"),
    ],
)
def test_what_is_no_catalog_of_a_known_format_is_refused(name, words):
    with pytest.raises(Refusal) as refused:
        catalog.read(load(name), name)

    assert words in refused.value.detail


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "ancestor/channel_shopify.csv",
        "ancestor/channel_shopier.csv",
        "ancestor/channel_fiverr.csv",
        "ancestor/shopier_products_export.csv",
        "catalog/shopify_posters_sets_pl.csv",
        "catalog/woocommerce_official_sample.csv",
        "catalog/bigcommerce_products.csv",
        "catalog/etsy_listings_digital_plans.csv",
        "catalog/etsy_listings_apparel_variations.csv",
        "nasty/utf16le_bom_tabs.csv",
        "nasty/formula_injection.csv",
    ],
)
def test_a_second_import_of_the_same_file_changes_nothing(name):
    first = importing.import_catalog(load(name), name, publish=True)

    second = importing.import_catalog(load(name), name, publish=True)

    rows = [line for line in first.report if line["outcome"] != "note"]
    assert first.created_count == second.unchanged_count == len(rows)
    assert (second.created_count, second.changed_count, second.refused_count) == (0, 0, 0)


@pytest.mark.django_db
def test_the_great_file_is_refused_with_exactly_its_duplicate_rows():
    done = importing.import_catalog(load("nasty/real_shopify_17248_rows.csv"), "big.csv")

    refused = [line for line in done.report if line["outcome"] == "refused"]
    assert (done.status, done.refused_count, len(refused)) == ("refused", 22, 22)
    assert {p["column"] for line in refused for p in line["problems"]} == {"Variant SKU"}
    assert Product.objects.count() == 0
