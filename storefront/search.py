"""Full-text search of the products, the same on SQLite (FTS5) and PostgreSQL (tsvector).

Every word has to begin a word of the title, the SKU, the tags, the option, the category, the vendor or the
summary; case and accents do not matter. What a visitor types is cut into words here, so that no sign of it can
mean anything to the database. The index is kept by triggers (`storefront.search_index`).
"""

import json
import unicodedata

from django.db import connection
from django.db.models.expressions import RawSQL

from storefront.search_index import LETTERS, LIGATURES

MOST_WORDS = 8
LONGEST_WORD = 60
LOOKED_AT = 5_000  # products that hold the words and are compared by relevance; a broader search is no search

_LETTERS = str.maketrans(LETTERS | LIGATURES)
_OF_WORDS = {"Mn", "Mc", "Co"}

_SQLITE = "SELECT rowid AS id, rank AS score FROM storefront_search WHERE storefront_search MATCH %s"
_POSTGRESQL = """
SELECT id, -ts_rank('{0.1, 0.3, 0.4, 1}', words, asked) AS score
FROM storefront_search, CAST(%s AS tsquery) asked WHERE words @@ asked"""
_HAS_TAG = {
    "sqlite": "EXISTS (SELECT 1 FROM json_each(v.tags) WHERE value = %s)",
    "postgresql": "v.tags @> CAST(%s AS jsonb)",
}


def words(text):
    """The words of a text as the index knows them, at most MOST_WORDS; [] where there is none to look for."""
    text = unicodedata.normalize("NFKC", text[:1000]).translate(_LETTERS)
    if connection.vendor == "postgresql":
        # As `storefront_folded` does it. FTS5 folds the words of a query itself.
        apart = unicodedata.normalize("NFKD", text).lower()
        text = "".join(letter for letter in apart if not "\u0300" <= letter <= "\u036f")
    spaced = "".join(letter if _is_of_a_word(letter) else " " for letter in text)
    return [word[:LONGEST_WORD] for word in spaced.split()[:MOST_WORDS]]


def _is_of_a_word(letter):
    return letter.isalnum() or unicodedata.category(letter) in _OF_WORDS


def narrowed(products, text):
    """Those products of a queryset that hold every word of the text; none where it holds no word."""
    found = words(text)
    if not found:
        return products.none()
    if connection.vendor == "postgresql":
        ids = RawSQL("SELECT id FROM storefront_search WHERE words @@ CAST(%s AS tsquery)", [_query(found)])
    else:
        ids = RawSQL("SELECT rowid FROM storefront_search WHERE storefront_search MATCH %s", [_query(found)])
    return products.filter(pk__in=ids)


def leads(text, tag, condition, parameters, most):
    """The ids of the leads of those families of which a listed product holds the words of `text` and carries
    `tag`, the best `most` first.

    Either may be empty. `condition` is SQL about that product `v` and its lead `l`. Of LOOKED_AT products the best
    are found; which those are, where more hold the words, is up to the database.
    """
    found = words(text)
    # JSON of PostgreSQL has no text with a NUL or half a character.
    tag = tag.replace("\x00", "").encode("utf-8", "ignore").decode()
    if (text.strip() and not found) or not (found or words(tag)):
        return []
    source = _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL
    values = [_query(found, tag), LOOKED_AT, *parameters]
    if tag:
        condition = f"{condition} AND {_HAS_TAG[connection.vendor]}"
        values.append(tag if connection.vendor == "sqlite" else json.dumps([tag]))
    sql = f"""
        SELECT l.id FROM ({source} LIMIT %s) hit CROSS JOIN storefront_product v CROSS JOIN storefront_product l
        WHERE v.id = hit.id AND v.status = 'listed'
          AND l.family = v.family AND l.status = 'listed' AND l.is_lead AND {condition}
        GROUP BY l.id ORDER BY min(hit.score), min(v.position), min(v.id) LIMIT %s"""  # noqa: S608  no values
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, most])
        return [pk for (pk,) in cursor.fetchall()]


def _query(found, tag=""):
    """The words, each the beginning of one, and the tag's own words in a row, in the database's query language."""
    of_tag = words(tag)
    if connection.vendor == "postgresql":
        parts = [f"'{word}':*" for word in found]
        if of_tag:
            parts.append("(" + " <-> ".join(f"'{word}':B" for word in of_tag) + ")")
        return " & ".join(parts)
    parts = [f'"{word}"*' for word in found]
    if of_tag:
        parts.append(f'tags : "{" ".join(of_tag)}"')
    return " AND ".join(parts)
