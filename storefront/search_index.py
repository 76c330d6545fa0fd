"""The full-text index of the products: a table of the database's own kind, kept by triggers.

Triggers, because products are written by imports, releases, staff and plain UPDATEs, and none of them may forget
it. SQLite: an FTS5 table that keeps no texts, only the index. PostgreSQL: a table of weighted tsvectors with a GIN
index; its configuration is "simple", for the words of a shop are in any language, and it needs no extension.
"""

from django.db import connection, transaction

MANY = 200  # changed products from which on a list is another one to the planner
COLUMNS = ("title", "sku", "tags", "option", "category", "vendor", "summary")
# Letters that Unicode does not take apart into a Latin letter and a mark; both databases take apart the others.
LETTERS = dict(zip("ıøØłŁđĐðÐ", "ioolldddd", strict=True))
LIGATURES = {"ß": "ss", "þ": "th", "Þ": "th", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe"}


# --- SQLite ---------------------------------------------------------------------------------------------------


def _plain(text):
    """SQL that writes a text with the letters that its tokenizer knows; what is all ASCII is left as it is."""
    replaced = text
    for letter, plain in (LETTERS | LIGATURES).items():
        replaced = f"replace({replaced}, '{letter}', '{plain}')"
    return f"CASE WHEN length(CAST({text} AS BLOB)) = length({text}) THEN {text} ELSE {replaced} END"


def _texts(row):
    """SQL for each of COLUMNS of a row. Tags are JSON: the signs between them are no words, escapes have to go."""
    tags = f"{row}tags"
    decoded = _plain(f"(SELECT group_concat(value, ' / ') FROM json_each({tags}))")
    tags = f"CASE WHEN instr({tags}, '\\') AND json_valid({tags}) THEN {decoded} ELSE {tags} END"
    return [tags if name == "tags" else _plain(f'{row}"{name}"') for name in COLUMNS]


_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_REMOVE = f"""
INSERT INTO storefront_search(storefront_search, rowid, {_NAMES})
VALUES ('delete', old.id, {", ".join(_texts("old."))});"""
_ADD = f"INSERT INTO storefront_search(rowid, {_NAMES}) VALUES (new.id, {', '.join(_texts('new.'))});"
_CHANGED = " OR ".join(f'old."{name}" IS NOT new."{name}"' for name in ("id", *COLUMNS))

SQLITE_TRIGGERS = [
    f"CREATE TRIGGER IF NOT EXISTS storefront_search_add AFTER INSERT ON storefront_product BEGIN {_ADD} END",
    f"CREATE TRIGGER IF NOT EXISTS storefront_search_change AFTER UPDATE ON storefront_product WHEN {_CHANGED} "
    f"BEGIN {_REMOVE} {_ADD} END",
    f"CREATE TRIGGER IF NOT EXISTS storefront_search_remove AFTER DELETE ON storefront_product "
    f"BEGIN {_REMOVE} END",
]
SQLITE = [
    f"CREATE VIRTUAL TABLE storefront_search USING fts5({_NAMES}, content='', prefix='2 3', "
    "tokenize=\"unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'\")",
    # A word in the title or the SKU says more than one in the summary.
    "INSERT INTO storefront_search(storefront_search, rank) VALUES ('rank', 'bm25(10, 10, 4, 3, 3, 2, 1)')",
    f"INSERT INTO storefront_search(rowid, {_NAMES}) SELECT id, {', '.join(_texts(''))} FROM storefront_product",
    *SQLITE_TRIGGERS,
]
SQLITE_BACK = [
    "DROP TRIGGER IF EXISTS storefront_search_add",
    "DROP TRIGGER IF EXISTS storefront_search_change",
    "DROP TRIGGER IF EXISTS storefront_search_remove",
    "DROP TABLE IF EXISTS storefront_search",
]


# --- PostgreSQL -----------------------------------------------------------------------------------------------

_LONG = "$1"
for _letter, _letters in LIGATURES.items():
    _LONG = f"replace({_LONG}, '{_letter}', '{_letters}')"
_WORDS = """
setweight(to_tsvector('simple', storefront_folded({row}title || ' ' || {row}sku)), 'A') ||
setweight(to_tsvector('simple', storefront_folded({row}tags::text)), 'B') ||
setweight(to_tsvector('simple', storefront_folded(
    {row}option || ' ' || {row}category || ' ' || {row}vendor)), 'C') ||
setweight(to_tsvector('simple', storefront_folded({row}summary)), 'D')"""
_DISTINCT = " OR ".join(f'OLD."{name}" IS DISTINCT FROM NEW."{name}"' for name in ("id", *COLUMNS))

POSTGRESQL = [
    # Accents go after Unicode took the letters apart; signs become blanks, so that the parser of the database
    # sees words and numbers and no addresses, paths or hyphenated words.
    rf"""
CREATE OR REPLACE FUNCTION storefront_folded(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $folded$
SELECT regexp_replace(lower(regexp_replace(
    normalize(translate({_LONG}, '{"".join(LETTERS)}', '{"".join(LETTERS.values())}'), NFKD),
    '[\u0300-\u036f]', '', 'g')), '[\u0001-\u002f\u003a-\u0060\u007b-\u007f]+', ' ', 'g')
$folded$""",
    "CREATE TABLE storefront_search (id bigint PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE INDEX storefront_search_words ON storefront_search USING gin (words)",
    f"INSERT INTO storefront_search SELECT id, {_WORDS.format(row='')} FROM storefront_product",
    f"""
CREATE OR REPLACE FUNCTION storefront_search_keep() RETURNS trigger LANGUAGE plpgsql AS $keep$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM storefront_search;
        RETURN NULL;
    END IF;
    -- Asked here and not by the trigger: no column that a trigger names could get another type.
    IF TG_OP = 'UPDATE' AND NOT ({_DISTINCT}) THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM storefront_search WHERE id = OLD.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO storefront_search VALUES (NEW.id, {_WORDS.format(row="NEW.")});
    END IF;
    RETURN NULL;
END $keep$""",
    "CREATE TRIGGER storefront_search_add AFTER INSERT OR DELETE ON storefront_product "
    "FOR EACH ROW EXECUTE FUNCTION storefront_search_keep()",
    "CREATE TRIGGER storefront_search_change AFTER UPDATE ON storefront_product "
    "FOR EACH ROW EXECUTE FUNCTION storefront_search_keep()",
    "CREATE TRIGGER storefront_search_empty AFTER TRUNCATE ON storefront_product "
    "FOR EACH STATEMENT EXECUTE FUNCTION storefront_search_keep()",
]
POSTGRESQL_BACK = [
    "DROP TRIGGER IF EXISTS storefront_search_add ON storefront_product",
    "DROP TRIGGER IF EXISTS storefront_search_change ON storefront_product",
    "DROP TRIGGER IF EXISTS storefront_search_empty ON storefront_product",
    "DROP FUNCTION IF EXISTS storefront_search_keep()",
    "DROP TABLE IF EXISTS storefront_search",
    "DROP FUNCTION IF EXISTS storefront_folded(text)",
]


def install(connection):
    """Make the index of all products that there are."""
    _run(connection, {"sqlite": SQLITE, "postgresql": POSTGRESQL})


def remove(connection):
    _run(connection, {"sqlite": SQLITE_BACK, "postgresql": POSTGRESQL_BACK})


def many_changed(count):
    """Once this is committed, let PostgreSQL see to its tables, if that many products are new or others.

    Its planner counts on what its own housekeeping last saw, a minute ago or before there was anything: meanwhile
    a search among the first 10,000 products took 15 seconds, and categories of 100,000 were counted in the table
    instead of the index, which took three times as long.
    """
    if count >= MANY and connection.vendor == "postgresql":
        transaction.on_commit(_tidy_up, robust=True)


def _tidy_up():
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) storefront_product, storefront_search")


def is_complete(connection):
    """Whether every trigger is there."""
    query = {
        "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'storefront_search_%'",
        "postgresql": "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'storefront_search_%'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0] == 3


def _run(connection, scripts):
    if connection.vendor not in scripts:
        raise NotImplementedError(f"the search index is not written for {connection.vendor}")
    with connection.cursor() as cursor:
        for statement in scripts[connection.vendor]:
            cursor.execute(statement)
