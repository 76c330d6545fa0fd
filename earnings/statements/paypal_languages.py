"""What PayPal calls its columns and kinds in other languages than English and German.

Nobody here has seen real files of these: whoever looks at one is told so, and a kind or status without a certain
meaning is left to them.
"""

import re

from earnings.models import Meaning

COLUMNS = {
    "date": "Date|Datum|Fecha|Data|Tarih",
    "time": "Time|Uhrzeit|Heure|Hora|Orario|Ora|Tijd|Godzina|Saat",
    "zone": "TimeZone|Time Zone|Zeitzone|Fuseau horaire|Zona horaria|Fuso orario|Fuso horário|Tijdzone|"
    "Strefa czasowa|Saat Dilimi",
    "type": "Type|Typ|Tipo|Tür|Description|Beschreibung|Descripción|Descrizione|Descrição|Omschrijving|Opis|"
    "Açıklama",
    "id": "Transaction ID|Transaktionscode|Numéro de transaction|Id. de transacción|Codice transazione|"
    "ID da transação|Transactiereferentie|Numer transakcji|İşlem Kimliği",
    "sale": "Reference Txn ID|PayPal Reference ID|Zugehöriger Transaktionscode|"
    "Numéro de la transaction de référence|Id. de transacción de referencia|Codice transazione di riferimento",
    "status": "Status|État|Estado|Stato|Durum",
    "currency": "Currency|Währung|Devise|Divisa|Moneda|Valuta|Waluta|Moeda|Para Birimi",
    "gross": "Gross|Brutto|Avant commission|Bruto|Lordo|Brüt",
    "fee": "Fee|Gebühr|Entgelt|Commission|Comisión|Tarifa|Tariffa|Kosten|Opłata|Ücret",
    "net": "Net|Netto|Neto|Líquido",
    "balance": "Balance|Guthaben|Solde|Saldo|Bakiye",
}
# The column that each of them has under a name of its own.
_ZONES = {name.casefold() for name in COLUMNS["zone"].split("|")[3:]}
_COMPLETED = """
terminé terminée effectué effectuée completado completada completato completata voltooid
ukończone ukończona zakończone zakończona concluído concluída tamamlandı completed
"""
COMPLETED = frozenset(_COMPLETED.split())
# The first that fits counts: "terugbetaling" is a refund before "betaling" is a payment.
_KINDS = (
    (Meaning.COST, r"\bfrais\b|\bcommission\b|comisión|\btarif|\bcommissione|kosten\b|opłata|\btaxa\b|ücret"),
    (Meaning.HOLD, r"blocage|retención|trattenut|sospensione|blokkering|inhouding|wstrzym|blokada|retenção|bloke"),
    (Meaning.CONVERSION, r"conversi(?:on|ón|one)\b|conversão|valutaomrekening|przeliczeni|przewalutowani|dönüşt"),
    (Meaning.CHARGEBACK, r"contracargo|riaddebito|obciążenie zwrotne|ters ibraz|rejet de débit"),
    (Meaning.REFUND, r"remboursement|reembolso|rimborso|terugbetaling|zwrot|geri ödeme|\biade"),
    (
        Meaning.PAYOUT,
        r"\bretrait|virement (?:\w+ )?(?:vers|sur)|\bretirada|\bretiro\b|transferencia a|prelievo|"
        r"trasferimento su|\bopname|overboeking naar|wypłat|\bsaque\b|transferência para|para çek",
    ),
    (Meaning.OWN, r"approvisionnement|ajout de fonds|depósito|ricarica|storting|doładowani|wpłat|para yükle"),
    (Meaning.SALE, r"paiement|\bpago|pagamento|betaling|płatnoś|ödeme"),
)
KINDS = [(meaning, re.compile(pattern)) for meaning, pattern in _KINDS]


def is_other(header):
    """Whether a file with these (casefolded) columns is in one of these languages."""
    return bool(_ZONES & set(header))


def meaning_of(said):
    """What a kind means, SALE for any payment, or None."""
    return next((meaning for meaning, pattern in KINDS if pattern.search(said)), None)
