from earnings.models.checks import LedgerCheck
from earnings.models.ledger import Account, Channel, Earning, JournalEntry, Kind, Posting
from earnings.models.payouts import Clearing, Payout, PayoutPart
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
    "Clearing",
    "Earning",
    "JournalEntry",
    "Kind",
    "LedgerCheck",
    "Meaning",
    "Payout",
    "PayoutPart",
    "Posting",
    "RunningTotal",
    "StatementFormat",
    "StatementImport",
    "StatementRow",
    "UncountedEntry",
]
