"""The started program on catalogs as marketplaces export them (SAMPLE_DATA names the folder)."""

import os
from pathlib import Path

import pytest

from tests.test_mission import all_pages, copy_of_checkout, running

pytestmark = [pytest.mark.samples, pytest.mark.xdist_group("mission")]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with running(copy_of_checkout(tmp_path_factory.mktemp("samples") / "board")) as program:
        yield program


@pytest.mark.parametrize(
    ("name", "currency", "total"),
    [("channel_shopify.csv", "USD", 23535_00), ("shopier_products_export.csv", "TRY", 68532_00)],
)
def test_a_marketplace_export_is_imported_listed_and_audited(program, name, currency, total):
    known = {p["sku"] for p in all_pages(program, "/api/v1/products?page_size=200")}

    status, report, _ = program.upload(Path(os.environ["SAMPLE_DATA"]) / "ancestor" / name, publish="true")
    again = program.upload(Path(os.environ["SAMPLE_DATA"]) / "ancestor" / name, publish="true")

    assert (status, report["created_count"], report["refused_count"]) == (201, 18, 0), report
    assert (again[1]["created_count"], again[1]["changed_count"]) == (0, 0)
    products = [p for p in all_pages(program, "/api/v1/products?page_size=200") if p["sku"] not in known]
    assert {p["price"]["currency"] for p in products} == {currency}
    assert sum(p["price"]["minor"] for p in products) == total
    for product in products:
        if product["status"] != "listed":
            listed = program.call("PATCH", f"/api/v1/products/{product['id']}", {"status": "listed"})
            assert listed[0] == 200, listed

    params = {"operation": "inventory_audit", "params": {"file": name}}
    run = program.finished(program.post("/api/v1/orchestrate/sales", params))

    result = run["tasks"][0]["result"]
    skus = {p["sku"] for p in products}
    broken = [f for f in result["findings"] if f["sku"] in skus and f["severity"] == "error"]
    assert run["status"] == "succeeded"
    assert result["file"]["name"] == name
    assert broken == []


def test_a_wrong_price_in_an_imported_catalog_is_found(program):
    product = next(
        p for p in all_pages(program, "/api/v1/products?page_size=200") if p["price"]["currency"] == "TRY"
    )
    wrong = {"price": {"amount": "29.899", "currency": "TRY"}}
    refused = program.call("PATCH", f"/api/v1/products/{product['id']}", wrong)
    changed = program.call(
        "PATCH", f"/api/v1/products/{product['id']}", {"price": {"amount": "29.89", "currency": "TRY"}}
    )
    assert (refused[0], changed[0]) == (400, 200), (refused, changed)

    params = {"operation": "inventory_audit", "params": {"file": "shopier_products_export.csv"}}
    run = program.finished(program.post("/api/v1/orchestrate/sales", params))

    found = [
        f for f in run["tasks"][0]["result"]["findings"] if f["sku"] == product["sku"] and "price" in f["code"]
    ]
    assert len(found) == 1, found
