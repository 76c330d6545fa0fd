"""How amounts and days of income look on a page."""

from django import template

from earnings import money

register = template.Library()

WIDTH, HEIGHT, GAP = 600, 160, 4


@register.filter
def amount(value):
    """`{"minor", "currency", ...}` for people: "$1,234.00"."""
    return money.display(value["minor"], value["currency"])


@register.filter
def in_currency(minor, currency):
    """Minor units for people."""
    return money.display(minor, currency)


@register.inclusion_tag("admin/earnings/chart.html")
def earnings_chart(days, currency):
    """Bars of `[(date, minor)]`, oldest first, as SVG, with a table for who can't see it.

    A day on which more was refunded than earned hangs below the line.
    """
    highest = max([0, *(minor for _, minor in days)])
    lowest = min([0, *(minor for _, minor in days)])
    scale = HEIGHT / ((highest - lowest) or 1)
    step = WIDTH / max(len(days), 1)
    line = round(highest * scale, 1) if highest or lowest else HEIGHT
    bars = [
        {
            "day": day,
            "text": money.display(minor, currency),
            "is_negative": minor < 0,
            "x": round(number * step + GAP / 2, 1),
            "width": round(step - GAP, 1),
            "y": round(line - max(minor, 0) * scale, 1),
            # One cent next to a thousand must still be seen.
            "height": round(max(abs(minor) * scale, 2), 1) if minor else 0,
        }
        for number, (day, minor) in enumerate(days)
    ]
    return {
        "bars": bars,
        "line": line,
        "width": WIDTH,
        "height": HEIGHT,
        "currency": currency,
        "highest": money.display(highest, currency),
        "sum": money.display(sum(minor for _, minor in days), currency),
        "number": len(days),
    }
