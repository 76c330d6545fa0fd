"""Files that we know and do not book, each with the reason and where to look instead."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A file with these columns is `title`; it is refused because of `why`."""

    title: str
    requires: tuple
    why: str

    def matches(self, header):
        """Whether each column is there, or one that begins so where a name ends in "(": the currency differs."""
        return all(
            any(
                column.startswith(name.casefold()) if name.endswith("(") else column == name.casefold()
                for column in header
            )
            for name in self.requires
        )


SALES = (
    Known(
        "a Shopify orders export",
        ("Name", "Financial Status", "Lineitem name"),
        "it has no fees or payouts, and buyers' names and addresses; export Finances > Payouts > Transactions.",
    ),
    Known(
        "an Etsy list of sold order items",
        ("Sale Date", "Item Name", "Transaction ID", "Order ID", "Ship Name"),
        "it has no fees or refunds, and buyers' names and addresses; export the monthly statement.",
    ),
    Known(
        "YouTube Studio's estimates",
        ("Estimated revenue (",),
        "estimates are never final income; export AdSense's account activity.",
    ),
    Known(
        "a Wise statement",
        ("TransferWise ID", "Running Balance", "Total fees"),
        "it is the bank's side: what platforms paid out arrives there and would be counted twice. If clients pay "
        "you there directly, describe those rows as a layout of your own.",
    ),
    Known(
        "an eBay transaction report",
        ("Transaction creation date", "Net amount"),
        "no real file of it was seen yet; describe it as a layout of your own and compare the totals.",
    ),
)
CATALOGS = (
    *(
        Known(title, columns, "import it under Catalog imports.")
        for title, columns in (
            ("a Shopify products file", ("Handle", "Variant Price")),
            ("a Shopify products file", ("URL handle", "Title", "Price")),
            ("a WooCommerce products file", ("Type", "SKU", "Name", "Regular price")),
            ("a WooCommerce products file", ("Typ", "Artikelnummer", "Name", "Regulärer Preis")),
            ("a WooCommerce products file", ("Type", "UGS", "Nom", "Tarif régulier")),
            ("a WooCommerce products file", ("Tür", "Stok kodu (SKU)", "İsim", "Normal fiyat")),
            ("a BigCommerce products file", ("Item Type", "Product Name", "Price")),
            ("a BigCommerce products file", ("Item", "Name", "Type", "SKU", "Options")),
            ("an Etsy list of listings", ("TITLE", "DESCRIPTION", "PRICE", "CURRENCY_CODE", "QUANTITY")),
            ("a Square catalog", ("Token", "Item Name", "Variation Name", "Price")),
            ("an Amazon report of listings", ("item-name", "seller-sku", "price")),
            ("a Shopier products file", ("id", "title", "type", "price", "url")),
            ("an ikas products file", ("Ürün Grup ID", "İsim", "Satış Fiyatı")),
        )
    ),
    Known("a catalog of products", ("sku", "title", "price"), "import it under Catalog imports."),
)
KNOWN = SALES + CATALOGS


def find(header):
    """The `Known` file that has these (casefolded) columns, or None."""
    return next((known for known in KNOWN if known.matches(header)), None)
