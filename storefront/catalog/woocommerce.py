"""WooCommerce's product export: one row a product or variation, told apart by a list of words in `Type`.

Identity: the SKU; without one, `woo-` and the number in `ID`, which a shop gives once. A `variable` product has no
price of its own: its rows of type `variation`, which name it by SKU or as `id:44`, are the products, and take from
it what they leave out. `grouped` products only point at others. Columns are named in the language of the shop.
Source: woocommerce.com, "Product CSV Importer and Exporter", and the exports of shops.
"""

from html import unescape

from storefront.catalog import cells
from storefront.catalog.entries import Entry
from storefront.catalog.formats import (
    Column,
    Format,
    Prices,
    Renamed,
    available,
    decimal_mark,
    finish,
    named_cells,
    note,
    read_columns,
    read_prices,
    without_doubles,
)
from storefront.models import Product

_COLUMNS = """id|type|sku|name|published|short description|description|in stock?|stock|backorders allowed?|
sale price|regular price|categories|tags|images|parent|external url|date sale price starts|date sale price ends|
    visibility in catalog"""
_ENGLISH = [name.strip() for name in _COLUMNS.split("|")]
# In the same order; "" where the name was not seen in an export.
_TRANSLATED = (
    """id|typ|artikelnummer|name|veröffentlicht|kurzbeschreibung|beschreibung|vorrätig?|lager|
    lieferrückstande erlaubt?|angebotspreis|regulärer preis|kategorien|schlagwörter|bilder|übergeordnetes produkt|
    externe url|datum, an dem angebotspreis beginnt|datum, an dem angebotspreis endet|sichtbarkeit im katalog""",
    """id|tipo|sku|nombre|publicado|descripción corta|descripción|¿existencias?|inventario|
    ¿permitir reservas de productos agotados?|precio rebajado|precio normal|categorías|etiquetas|imágenes|superior|
    url externa|día en que empieza el precio rebajado|día en que termina el precio rebajado|
    visibilidad en el catálogo""",
    """id|тип|артикул|имя|опубликован|короткое описание|описание|в наличии?||||базовая цена|категории||изображения
    |||||""",
    """id|type|ugs|nom|publié|description courte|description|en stock ?|stock|
    autoriser les commandes de produits en rupture ?|tarif promo|tarif régulier|catégories|étiquettes|
    images|parent|url externe|date de début de promo|date de fin de promo|visibilité dans le catalogue""",
    """kimlik|tür|stok kodu (sku)|İsim|yayımlanmış|kısa açıklama|açıklama|stokta?|stok|yok satmaya izin?|
    İndirimli satış fiyatı|normal fiyat|kategoriler|etiketler|görseller|ebeveyn|harici url|
    İndirimli fiyatın başladığı tarih|İndirimli fiyatın bittiği tarih|katalogda görünürlük""",
)
_IN_ENGLISH = {
    name.strip().casefold(): english
    for names in _TRANSLATED
    for name, english in zip(names.split("|"), _ENGLISH, strict=True)
    if name.strip()
}
_ATTRIBUTES = [f"attribute {n} value(s)" for n in range(1, 6)]
for _n, _name in enumerate(_ATTRIBUTES, start=1):
    _IN_ENGLISH |= {f"attribut {_n} wert(e)": _name, f"valor(es) del atributo {_n}": _name}
    _IN_ENGLISH |= {f"valeur(s) de l'attribut {_n}": _name, f"nitelik {_n} değer(ler)i": _name}
_LIKE_FORMULAS = set("=+-@\t\r")
_TEXTS = ("description", "short description")
_WHOLES = {"variable", "variable-subscription"}
_PARTS = {"variation", "subscription_variation"}


def _tags(cell):
    """Names are stored and exported with "&amp;" for an ampersand. Commas inside a tag have a backslash."""
    return [tag.replace("\0", ",") for tag in cells.tags(unescape(cell).replace("\\,", "\0"))]


_OF_THE_PRODUCT = (
    Column("Name", "title", lambda cell: cells.line(255)(unescape(cell))),
    Column("Description", "description", cells.html),
    Column("Tags", "tags", _tags),
)


def _english(name):
    name = name.casefold().replace("’", "'")
    return _IN_ENGLISH.get(name, name)


def _written(sheet):
    """(row, cells) as they were before the export: it puts an apostrophe before what a spreadsheet would run, and
    writes line ends of texts as a backslash and an n."""
    for row, values in named_cells(sheet):
        for name, cell in values.items():
            if cell[:1] == "'" and cell[1:2] in _LIKE_FORMULAS:
                values[name] = cell = cell[1:]
            if name in _TEXTS and "\\n" in cell:
                values[name] = cell.replace("\\\\n", "\0").replace("\\n", "\n").replace("\0", "\\n")
        yield row, values


class WooFormat(Format):
    def missing(self, header):
        return super().missing({_english(name) for name in header})

    def entries(self, sheet):
        yield from without_doubles(
            self._products(Renamed(sheet, [_english(name) for name in sheet.columns])), self.identity_column
        )

    def _products(self, sheet):
        mark = decimal_mark(sheet, self.price_columns)
        parents, with_variations = _parents(sheet)
        for row, values in _written(sheet):
            words = _types(values)
            if not row.problem and words & {*_WHOLES, "grouped"}:
                if "grouped" in words:
                    note(
                        sheet,
                        f"Row {row.number}: {values.get('name', '')!r} groups other products and is not one.",
                    )
                elif not with_variations & _names(values):
                    note(sheet, f"Row {row.number}: {values.get('name', '')!r} has no variations to sell.")
                continue
            yield self._entry(row, values, words, parents, mark)

    def _entry(self, row, values, words, parents, mark):
        entry = Entry(row.number, _identity(values), {})
        if row.problem:
            entry.refuse("", row.problem)
            return entry
        if not entry.sku:
            entry.refuse("ID", "is empty, and so is the SKU")
        elif len(entry.sku) > 120:
            entry.refuse("SKU", "has more than 120 characters")
        entry.fields["sku"] = entry.sku
        parent = None
        if words & _PARTS:
            parent = parents.get(_key(values.get("parent", "")))
            if parent is None:
                entry.refuse("Parent", f"{values.get('parent', '')!r} is in no row of type variable")
        _describe(entry, values, parent)
        self._price(entry, values, mark)
        _read_stock(entry, values, parent)
        entry.defaults["kind"] = _kind(words, values, parent)
        _read_link(entry, values)
        finish(entry)
        return entry

    def _price(self, entry, values, mark):
        """The regular price, or the sale's, with the regular one struck through."""
        dated = [
            name for name in ("date sale price starts", "date sale price ends") if values.get(name, "").strip()
        ]
        sale = values.get("sale price", "").strip()
        if sale and dated:
            entry.flag("Sale price", "is for some days only; the regular price was taken")
        on_sale = bool(sale and not dated)
        prices = Prices("Sale price", "Regular price") if on_sale else Prices("Regular price")
        flags = list(entry.flags)
        read_prices(entry, prices, values, mark)
        entry.fields.setdefault("compare_at_minor", None)
        if on_sale and entry.flags != flags:
            # The shop charges the regular price where the sale's is not below it.
            entry.flags = flags
            entry.flag("Sale price", "is not below the regular price, which was taken")
            read_prices(entry, Prices("Regular price"), values, mark)


def _types(values):
    return {word.strip() for word in values.get("type", "").lower().split(",")}


def _identity(values):
    sku, number = cells.code(values.get("sku", "")), values.get("id", "").strip()
    return sku or (f"woo-{number}" if number else "")


def _key(name):
    """A parent's name: its SKU, or its number as `id:44`."""
    return cells.identity(cells.code(name).replace("id: ", "id:"))


def _parents(sheet):
    """The rows of type variable by SKU and number, and the names by which variations call theirs; variations may
    come before them."""
    found, called = {}, set()
    for _, values in _written(sheet):
        words = _types(values)
        if words & _WHOLES:
            found |= dict.fromkeys(_names(values), values)
        elif words & _PARTS:
            called.add(_key(values.get("parent", "")))
    return found, called


def _names(values):
    return {_key(name) for name in (values.get("sku", ""), f"id:{values.get('id', '').strip()}") if name.strip()}


def _describe(entry, values, parent):
    """Texts, pictures and publication; a variation takes what it leaves out from its parent."""
    whole = {name: values.get(name, "").strip() or parent.get(name, "") for name in values} if parent else values
    if parent:
        whole |= {"name": parent.get("name", ""), "description": parent.get("description", "")}
        options = [" ".join(values.get(name, "").replace("\\,", ",").split()) for name in _ATTRIBUTES]
        option = " / ".join(filter(None, options))
        if len(option) > 120:
            entry.refuse("Attribute 1 value(s)", "has more than 120 characters together with the other options")
        entry.fields["option"] = option
        entry.fields["family"] = cells.family_of(_identity(parent)) or "product"
    read_columns(entry, _OF_THE_PRODUCT, whole)
    if not entry.fields.get("title"):
        entry.refuse("Name", "is empty")
    short = cells.excerpt(cells.html(whole.get("short description", "")))
    if short:
        entry.fields["summary"] = short
    if "categories" in whole:
        path = unescape(whole["categories"]).replace("\\,", "\0").split(",")[0].replace("\0", ",")
        entry.fields["category"] = cells.shortened(" ".join(path.rsplit(">", 1)[-1].split()), 80)
    _read_picture(entry, whole.get("images", ""))
    published = [each.get("published", "1").strip().lstrip("'") for each in (values, parent) if each]
    hidden = [
        each.get("visibility in catalog", "").strip().lower() == "hidden" for each in (values, parent) if each
    ]
    entry.wants_listing = all(word == "1" for word in published) and not any(hidden)


def _read_picture(entry, cell):
    # Commas inside an address have a backslash before them, as those inside the names of categories.
    first = cell.replace("\\,", "\0").split(",")[0].replace("\0", ",").strip()
    try:
        entry.fields["image"] = cells.image(first)
    except ValueError as error:
        entry.refuse("Images", str(error))
        return
    if first.startswith(("http://localhost", "http://127.")):
        entry.flag("Images", "are on somebody's own computer; visitors will not see them")


def _read_link(entry, values):
    try:
        address = cells.link(values.get("external url", ""))
    except ValueError as error:
        entry.refuse("External URL", str(error))
        return
    if address:
        entry.fields["external_url"] = address


def _read_stock(entry, values, parent):
    """A counted stock, unless it may be oversold; else whether there is any. The word "parent" stands for the
    count of all variations together."""
    counted, state = values.get("stock", "").strip(), values.get("in stock?", "").strip()
    if parent and counted.casefold() == "parent":
        values, counted = parent, parent.get("stock", "").strip()
        entry.flag("Stock", "is counted for all variations together; each of them got the whole of it")
    if counted and values.get("backorders allowed?", "0").strip() in ("", "0"):
        entry.fields["stock"] = available(entry, "Stock", counted)
    elif state:
        entry.fields["stock"] = 0 if state == "0" else None


def _kind(words, values, parent):
    """By the words in the type, which a variation has of its own; its categories are its parent's."""
    if words & {"subscription", "subscription_variation"}:
        return Product.Kind.SUBSCRIPTION
    if "downloadable" in words:
        return Product.Kind.DOWNLOAD
    categories = values.get("categories", "").strip() or (parent or {}).get("categories", "")
    return cells.kind_from_words(categories, Product.Kind.SERVICE if "virtual" in words else Product.Kind.PHYSICAL)


FORMAT = WooFormat(
    key="woocommerce-products",
    title="WooCommerce products",
    requires=("ID", "Type", "SKU", "Name", "Published", "Regular price"),
    columns=_OF_THE_PRODUCT,
    identity=_identity,
    identity_column="SKU",
    prices=Prices("Regular price", "Sale price"),
)
