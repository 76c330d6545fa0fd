"""Names of months and weekdays as platforms print them in the languages of their sellers."""

import re
import unicodedata

# Full names, then what they are cut to, where that is more than their first three letters. Cases as they stand in
# a date ("3 maja"). "jui" (juin, juillet) and what else means two months is not here.
_MONTHS = {
    "english": "january february march april may june july august september october november december sept",
    "german": "januar februar märz april mai juni juli august september oktober november dezember jänner mrz",
    "french": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "turkish": "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "swedish": "januari februari mars april maj juni juli augusti september oktober november december",
}
_ALSO = {
    **{"sept": 9, "janner": 1, "mrz": 3, "mrt": 3, "janv": 1, "fevr": 2, "avr": 4, "juil": 7, "juill": 7},
    **{"sett": 9, "setiembre": 9, "styczen": 1, "luty": 2, "marzec": 3, "kwiecien": 4, "czerwiec": 6},
    **{"lipiec": 7, "sierpien": 8, "wrzesien": 9, "pazdziernik": 10, "listopad": 11, "grudzien": 12},
}
_WEEKDAYS = """
monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag
sonntag lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo
mon tue tues wed thu thur thurs fri sat sun
"""


def fold(text):
    """Without case and accents: "KASIM" and "kasım", "Août" and "aout" are one word each."""
    marked = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return "".join(letter for letter in marked if not unicodedata.combining(letter))


def _table():
    """{folded word: number}; a short form that would mean two months means none."""
    full, short = dict(_ALSO), {}
    for names in _MONTHS.values():
        for at, name in enumerate(names.split()[:12], start=1):
            full[fold(name)] = at
            short.setdefault(fold(name)[:3], set()).add(at)
    return {name: at for name, (at, *more) in short.items() if not more} | full


NUMBERS = _table()
WEEKDAYS = frozenset(map(fold, _WEEKDAYS.split()))
_WEEKDAY = re.compile(r"([^\W\d_]{3,10})[.,]? +(?=\S)")


def number_of(word):
    """The month, 1 to 12, or KeyError."""
    return NUMBERS[fold(word)]


def without_weekday(text):
    """A day's text behind its weekday's name."""
    found = _WEEKDAY.match(text)
    return text[found.end() :] if found and fold(found[1]) in WEEKDAYS else text
