"""A file at the wrong door is told what it is and where it belongs, both ways."""

from pathlib import Path

import pytest

from earnings import statements
from earnings.refusals import Refusal
from storefront import catalog

FIXTURES = Path(__file__).parent / "fixtures"
# A layout of the seller's own may be anything.
STATEMENTS = sorted(path for path in (FIXTURES / "statements").glob("*.csv") if path.name != "own_layout.csv")
CATALOGS = [FIXTURES / "catalog" / f"{name}.csv" for name in ("shopify", "woocommerce", "woocommerce_de")]
CATALOGS += [FIXTURES / "catalog" / f"{name}.csv" for name in ("bigcommerce", "etsy", "shopier", "inventory")]


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.name)
@pytest.mark.parametrize("format", ["auto", "shopify-products"])
def test_a_statement_among_the_catalogs_is_sent_to_the_statements(path, format):
    with pytest.raises(Refusal) as refused:
        catalog.read(path.read_bytes(), path.name, format)
    with path.open("rb") as file, pytest.raises(Refusal) as opened:
        catalog.open_file(file, format)

    assert refused.value.detail.startswith("This is no catalog but a statement of earnings (")
    assert refused.value.detail.endswith("): upload it under Statements.")
    assert (refused.value.status, opened.value.detail) == (422, refused.value.detail)


def test_a_statement_below_lines_of_notes_is_known_too():
    data = b'"All amounts in USD, unless specified"\n"Definitions"\n"Sales: what buyers paid"\n'
    data += b'"date/time","settlement id","type","order id","sku","description","quantity","marketplace",'
    data += b'"product sales","selling fees","other","total"\n"Sep 4, 2026 1:05:07 AM PDT","1","Order",'
    data += b'"1","A","A","1","amazon.com","5","-1","0","4"\n'

    with pytest.raises(Refusal, match=r"statement of earnings \(Amazon date range report\): upload it under Stat"):
        catalog.read(data)


def test_orders_are_neither_and_the_refusal_says_so():
    with pytest.raises(Refusal, match="This is no catalog but a Shopify orders export, which holds no products"):
        catalog.read(b"Name,Email,Financial Status,Lineitem name\n#1,a@b.example,paid,Kit\n")


@pytest.mark.django_db
@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.name)
def test_a_catalog_among_the_statements_is_sent_to_the_catalog_imports(path):
    with pytest.raises(Refusal, match="import it under Catalog imports"):
        statements.read(path.read_bytes())
