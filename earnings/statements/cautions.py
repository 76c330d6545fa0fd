"""What a person should know of a statement before booking it: warnings, each with the rows that it is about."""

import itertools
import re
from collections import Counter

from earnings import money
from earnings.models import Meaning
from earnings.statements.asides import text_of
from earnings.statements.cells import ADDRESS

SHOWN = 3  # examples in a warning
CAME_BACK = re.compile(r"retur|revers|cancel|fail|reject|rück|storn|annul|devol|devuel|iade", re.IGNORECASE)
CAME_IN = re.compile(r"revers|cancel|fail|reject|won", re.IGNORECASE)  # a refund that came to nothing
NO_AMOUNT = "Names no amount."


def of_the_file(rows, reading):
    """Whether its rows (an `asides.Sorted`) are whole, and all there, and which of them are no movements."""
    if rows.are_all_short and not reading.refused:
        reading.warnings.append(f"Every row {rows.are_all_short}: the last columns are taken to be empty.")
    _warn_of_asides(rows, reading)
    _warn_of_totals(reading)


def of_its_rows(reading):
    """What is not known, and what does not add up."""
    _warn_of_unknown(reading)
    _warn_of_no_amounts(reading)
    _warn_of_payouts(reading)
    _warn_of_refunds(reading)
    _warn_of_nets(reading)
    _warn_of_sums(reading)
    _warn_of_balances(reading)


def _warn_of_asides(rows, reading):
    if rows.headers:
        reading.warnings.append(f"The header is there again and was left out: {_rows(rows.headers)}.")
    if rows.blanks:
        reading.warnings.append(f"Without a word and left out: {_rows(rows.blanks)}.")
    if rows.notes:
        said = "; ".join(f'"{ADDRESS.sub("", text_of(row))[:60]}"' for row in rows.notes[:SHOWN])
        reading.warnings.append(f"Read as notes and left out: {_rows(rows.notes)}, {said}.")


def _warn_of_totals(reading):
    for currency, own in reading.own_totals.items():
        lines = [line for line in reading.lines if line.is_printed and line.currency == currency]
        if own["net"] != sum(line.net for line in lines):
            reading.warnings.append(
                f"The file's own {currency} total is not the sum of its rows: rows are missing."
            )


def _warn_of_unknown(reading):
    unknown = [line for line in reading.lines if line.meaning == Meaning.UNKNOWN and not line.problems]
    by_word = {}
    for line in unknown:
        by_word.setdefault(line.type or "(no type)", []).append(line)
    for text, lines in list(by_word.items())[:20]:
        sums = ", ".join(_sums_of(lines))
        reading.warnings.append(
            f'What "{text}" means is not known: {_rows(lines)}, {sums}, not booked. '
            "Say what it means and upload the file again."
        )


def _warn_of_no_amounts(reading):
    empty = [line for line in reading.lines if NO_AMOUNT in line.remarks and not line.problems]
    if empty:
        reading.warnings.append(f"No amount stands in {_rows(empty)}: nothing moved.")


def _unlikely(reading, meaning, undone):
    """Lines of what takes money away that bring some, and do not say that something came back."""
    return [
        line
        for line in reading.lines
        if (line.meaning, line.is_printed) == (meaning, True)
        and line.net > 0
        and not line.problems
        and not undone.search(f"{line.type} {line.title}")
    ]


def _warn_of_refunds(reading):
    """Files that print a refund without a minus would have it for income."""
    came = _unlikely(reading, Meaning.REFUND, CAME_IN)
    if came:
        reading.warnings.append(
            f"Refunds with a plus sign are booked as money that came in: {_rows(came)}. If it was given back, do "
            "not book."
        )


def _warn_of_payouts(reading):
    """Files that print a payout with a plus sign would have it for one that came back."""
    came = _unlikely(reading, Meaning.PAYOUT, CAME_BACK)
    if came:
        reading.warnings.append(
            f"Payouts with a plus sign are money that came back: {_rows(came)}. If it was paid out, do not book."
        )


def _warn_of_nets(reading):
    wrong = [line for line in reading.lines if any("Net is not" in remark for remark in line.remarks)]
    if wrong:
        reading.warnings.append(
            f"In {_rows(wrong)} net does not follow from amount and fee. Net is what moved: it is booked, and the "
            "fee is what lies between."
        )


def _warn_of_sums(reading):
    odd = [line for line in reading.lines if any("is not the sum" in remark for remark in line.remarks)]
    if odd:
        reading.warnings.append(
            f"In {_rows(odd)} the total is not the sum of its columns: compare before you book."
        )


def _warn_of_balances(reading):
    """Each balance is the one before it and the row's net, from the top or from the bottom of the file."""
    by_currency, nets = {}, Counter()
    for line in reading.lines:
        if line.is_printed:
            nets[line.number] += line.net
        if line.balance is not None and line.is_printed and not line.problems:
            by_currency.setdefault(line.currency, []).append(line)
    for currency, lines in by_currency.items():
        pairs = list(itertools.pairwise(lines))
        down = [second for first, second in pairs if second.balance != first.balance + nets[second.number]]
        up = [first for first, second in pairs if first.balance != second.balance + nets[first.number]]
        wrong = min(down, up, key=len)
        if wrong and len(wrong) * 2 < len(lines):
            reading.warnings.append(f"The {currency} balance does not move by the net of {_rows(wrong)}.")


def _sums_of(lines):
    """ "12.00 USD" for each currency, net."""
    sums = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.net
    return [money.display(minor, currency) for currency, minor in sorted(sums.items()) if currency]


def _rows(lines):
    numbers = ", ".join(str(line.number) for line in lines[:SHOWN])
    more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return f"row {numbers}" if len(lines) == 1 else f"rows {numbers}{more}"
