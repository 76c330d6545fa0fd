from earnings.models.ledger import Account, Channel, Earning, JournalEntry, Kind, Posting

__all__ = ["Account", "Channel", "Earning", "JournalEntry", "Kind", "Posting"]
