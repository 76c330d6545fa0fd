"""What Etsy calls its columns and kinds in other languages than English.

Nobody here has seen real files of these: whoever looks at one is told so, and a kind without a certain meaning is
left to them.
"""

import re

from earnings.models import Meaning

COLUMNS = {
    "date": "Date|Datum|Fecha|Data|Tarih",
    "type": "Type|Typ|Art|Tipo|Rodzaj|Tür",
    "title": "Title|Titel|Titre|Título|Titolo|Tytuł|Başlık",
    "info": "Info|Infos|Informationen|Información|Informazioni|Informatie|Informacje|Informações|Bilgi",
    "currency": "Currency|Währung|Devise|Moneda|Divisa|Valuta|Waluta|Moeda|Para Birimi",
    "amount": "Amount|Betrag|Montant|Importe|Importo|Bedrag|Kwota|Valor|Tutar",
    "fees": "Fees & Taxes|Gebühren & Steuern|Gebühren und Steuern|Frais et taxes|Tarifas e impuestos|"
    "Comisiones e impuestos|Tariffe e imposte|Commissioni e tasse|Kosten en belastingen|Opłaty i podatki|"
    "Taxas e impostos|Ücretler ve Vergiler",
    "net": "Net|Netto|Neto|Líquido",
}
_OTHERS = {name.casefold() for name in COLUMNS["fees"].split("|")[1:]}
_KINDS = (
    (
        Meaning.COST,
        r"gebühr|\bfrais|tarifa|tariff|comisi|commission|kosten|opłat|\btaxa\b|ücret|marketing|pazarlama",
    ),
    (Meaning.COST, r"^(?:mwst\.?|ust\.?|tva|iva|btw|vat|kdv)$"),
    (Meaning.REFUND, r"erstattung|remboursement|reembolso|rimborso|terugbetaling|zwrot|iade"),
    (Meaning.PAYOUT, r"^(?:einzahlung|auszahlung|dépôt|versement|depósito|deposito|accredito|storting|wpłata)$"),
    (Meaning.SALE, r"^(?:verkauf|vente|venta|vendita|verkoop|sprzedaż|venda|satış)$"),
)
KINDS = [(meaning, re.compile(pattern)) for meaning, pattern in _KINDS]
_TAX = re.compile(r"steuer|\btaxe|impuesto|imposta|belasting|podatek|imposto|vergi")
_OF_BUYER = re.compile(r"käufer|acheteur|comprador|acquirente|koper|kupując|alıcı")


def is_other(header):
    """Whether a file with these (casefolded) columns is in one of these languages."""
    return bool(_OTHERS & set(header))


def meaning_of(said, title):
    """What a kind means, or None; a tax is the buyer's only where the title says so."""
    if _TAX.search(said):
        return Meaning.TAX if _OF_BUYER.search(title.casefold()) else None
    return next((meaning for meaning, pattern in KINDS if pattern.search(said)), None)
