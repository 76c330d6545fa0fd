"""The triggers of the shop's tables, made again where a migration took them along.

SQLite changes a table by making a new one and dropping the old one with its triggers. A search index or a page
version that nobody keeps any more would be wrong in silence.
"""

from django.db import connections, transaction

from storefront import page_index, search_index


def mend(using, **signal):
    """After every migrate: put back what is missing, and fill the search index anew if it was left alone."""
    connection = connections[using]
    there = set(connection.introspection.table_names())
    with transaction.atomic(using=using):
        if "storefront_search" in there and not search_index.is_complete(connection):
            search_index.remove(connection)
            search_index.install(connection)
        if page_index.TABLE in there and there.issuperset(page_index.READ):
            page_index.install(connection)
