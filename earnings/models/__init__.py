from earnings.models.ledger import Account, Channel, Earning, JournalEntry, Kind, Posting
from earnings.models.statements import (
    BOOKED_MEANINGS,
    Meaning,
    StatementFormat,
    StatementImport,
    StatementRow,
)
from earnings.models.totals import RunningTotal, UncountedEntry

__all__ = [
    "BOOKED_MEANINGS",
    "Account",
    "Channel",
    "Earning",
    "JournalEntry",
    "Kind",
    "Meaning",
    "Posting",
    "RunningTotal",
    "StatementFormat",
    "StatementImport",
    "StatementRow",
    "UncountedEntry",
]
