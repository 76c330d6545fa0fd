"""A layout that a person described, as a layout."""

from earnings.models import Meaning
from earnings.refusals import Refusal
from earnings.statements.cells import word
from earnings.statements.layouts import Columns, Layout

# part of a row -> what it is called on the page, and whether a layout needs it
PARTS = {
    "date": ("Date", True),
    "time": ("Time, if it has a column of its own", False),
    "zone": ("Time zone", False),
    "gross": ("Amount, before the fee", True),
    "fee": ("Fee", False),
    "net": ("Net", False),
    "currency": ("Currency", False),
    "type": ("Type of movement", False),
    "title": ("Description", False),
    "id": ("The platform's id of the row", False),
    "sale": ("The platform's id of the sale", False),
    "status": ("Status", False),
    "balance": ("Running balance", False),
}
_GUESSES = {
    "date": ("date", "created", "day", "datum", "tarih", "fecha", "data"),
    "time": ("time", "uhrzeit", "saat"),
    "zone": ("time zone", "timezone"),
    "gross": ("gross", "amount", "total", "price", "brutto", "betrag", "tutar"),
    "fee": ("fee", "fees", "commission", "gebühr", "komisyon"),
    "net": ("net", "net amount", "netto", "net tutar"),
    "currency": ("currency", "währung", "para birimi"),
    "type": ("type", "typ", "kind", "transaction type", "tür"),
    "title": ("description", "title", "item", "product", "beschreibung", "açıklama"),
    "id": ("transaction id", "id", "reference", "ref id"),
    "sale": ("order id", "order", "order number"),
    "status": ("status", "durum"),
    "balance": ("balance", "running balance"),
}


def guess(header):
    """Which column may say which part, by its name: only a suggestion."""
    by_name = {name.casefold(): name for name in reversed(header)}
    found = {}
    for part, names in _GUESSES.items():
        name = next((by_name[name] for name in names if name in by_name), None)
        if name and name not in found.values():
            found[part] = name
    return found


def layout_of(saved):
    """The `Layout` that a `StatementFormat` describes."""
    columns = {part: saved.columns.get(part, "") for part in PARTS}
    used = [name for name in columns.values() if name]
    return Layout(
        key=saved.key,
        title=saved.name,
        channel=saved.channel_id,
        requires=tuple(dict.fromkeys(used)),
        columns=Columns(
            **{
                part: columns[part]
                for part in ("date", "time", "zone", "type", "id", "sale", "status", "currency")
            },
            **{part: columns[part] for part in ("gross", "net", "balance")},
            title=tuple(filter(None, [columns["title"]])),
            fees=tuple(filter(None, [columns["fee"]])),
        ),
        sign=0 if not columns["fee"] else (-1 if saved.fee_sign == saved.FeeSign.MINUS else 1),
        words=read_words(saved.words),
        positive=saved.positive,
        negative=saved.negative,
        currency=saved.currency,
        zone=saved.time_zone,
        date_order=saved.date_order,
        mark=saved.decimal_mark,
        note=f"Read by the layout {saved.name} that was described here: compare the totals with the platform's.",
    )


def read_words(words):
    """`{word: Meaning}` of a mapping or of lines like "Listing fee = cost"; `Refusal` (422) names a bad line."""
    if isinstance(words, str):
        pairs = [line.rpartition("=") for line in words.splitlines() if line.strip()]
        words = {text.strip(): meaning.strip() for text, _, meaning in pairs}
    found = {}
    for text, meaning in words.items():
        if not text or meaning not in Meaning.values:
            known = ", ".join(value for value in Meaning.values if value != Meaning.UNKNOWN)
            raise Refusal.of_field("/words", f'Write "word = meaning" on each line. Meanings: {known}.')
        found[word(text)] = meaning
    return found
