"""Small words for people."""


def count(number, noun):
    """ "1 file", "2 files": for nouns whose plural is an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
