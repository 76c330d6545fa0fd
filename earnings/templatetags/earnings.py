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
def earnings_chart(points, currency, step="day"):
    """Bars of the `points` of a series, oldest first, as SVG with title and description, and the same as a table.

    A step in which more was refunded than earned hangs below the line.
    """
    minors = [point["net"]["minor"] for point in points]
    highest, lowest = max([0, *minors]), min([0, *minors])
    scale = HEIGHT / ((highest - lowest) or 1)
    width = WIDTH / max(len(points), 1)
    line = round(highest * scale, 1) if highest or lowest else HEIGHT
    bars = [
        {
            "label": _label(point["key"], step),
            "point": point,
            "text": money.display(minor, currency),
            "is_negative": minor < 0,
            "x": round(number * width + GAP / 2, 1),
            "width": round(width - GAP, 1),
            "y": round(line - max(minor, 0) * scale, 1),
            # One cent next to a thousand must still be seen.
            "height": round(max(abs(minor) * scale, 2), 1) if minor else 0,
        }
        for number, (point, minor) in enumerate(zip(points, minors, strict=True))
    ]
    best = max(bars, key=lambda bar: bar["point"]["net"]["minor"], default=None)
    return {
        "bars": bars,
        "best": best if highest else None,
        "number_with_income": sum(bar["height"] > 0 for bar in bars),
        "line": line,
        "width": WIDTH,
        "height": HEIGHT,
        "step": step,
        "sum": money.display(sum(minors), currency),
        "number": len(points),
    }


def _label(key, step):
    """An hour without its offset, unless the clocks change on that day; anything else as it is."""
    return f"{key[:10]} {key[11:16]} ({key[19:]})" if step == "hour" else key
