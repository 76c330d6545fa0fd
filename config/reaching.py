"""What is said, in one line, when a service that the environment names can't be reached."""

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections

# SQLite's result codes for what is wrong with the file or its disk, and not with what was asked of it.
OF_THE_FILE = {8: "READONLY", 10: "IOERR", 11: "CORRUPT", 13: "FULL", 14: "CANTOPEN", 26: "NOTADB"}


def database_fault(error):
    """`DATABASE_URL: ...` with the reason if `error` says that there is no database to ask, else None.

    PostgreSQL is asked once more, for its errors don't tell a server that is away from a faulty query.
    """
    if connection.vendor == "sqlite":
        code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
        return _of_database(error) if code in OF_THE_FILE else None
    another = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        another.ensure_connection()
    except DatabaseError as reason:
        return _of_database(reason)
    finally:
        another.close()
    return None


def _of_database(error):
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"DATABASE_URL: {at['NAME']} can't be used: {_in_one_line(error)}."
    place = f"{at['HOST'] or 'the local socket'}{':' if at['PORT'] else ''}{at['PORT']}"
    return f"DATABASE_URL: the database {at['NAME']} at {place} can't be reached: {_in_one_line(error)}"


def _in_one_line(error):
    return " ".join(str(error).split())
