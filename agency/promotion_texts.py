"""Promotion texts for each channel, made only of figures that were measured."""

import re
from urllib.parse import urlencode, urlsplit, urlunsplit

from agency import figures
from agency.workflows import NewArtifact
from earnings import money
from earnings.sheets import write_sheet

# channel -> utm_medium, and the most characters that the channel takes
CHANNELS = {
    "storefront": ("banner", 300),
    "email": ("email", 5000),
    "x": ("social", 280),
    "linkedin": ("social", 3000),
    "fiverr": ("marketplace", 1200),
}
FEW_LEFT = 20
_URL = re.compile(r"https?://[^\s<>\"')\]]+")


def utm_link(url, channel, run_id):
    """`url` with the parameters that tell which channel of which run a visitor came from."""
    parts = urlsplit(url)
    utm = urlencode({"utm_source": channel, "utm_medium": CHANNELS[channel][0], "utm_campaign": f"run-{run_id}"})
    return urlunsplit(parts._replace(query=f"{parts.query}&{utm}" if parts.query else utm))


def unfounded(texts, *payloads):
    """Figures and links that are in the texts and in no payload: `{channel: [as they stand]}`, empty = good.

    The UTM parameters of a link are ours and left out; what remains of it has to be in a payload.
    """
    found = {}
    for channel, text in texts.items():
        measured = _URL.sub(lambda url: re.sub(r"[?&]utm_source=\S*", "", url[0]), text)
        if invented := figures.not_in(measured, list(payloads)):
            found[channel] = invented
    return found


def line(item):
    """One offer in words: "Logo design from $45.00", "Icon pack, $24.00, 3 left"."""
    price = money.display(item["price_minor"], item["currency"])
    if item["kind"] == "service":
        return f"{item['title']} from {price}"
    stock = item["stock"]
    return f"{item['title']}, {price}" + (f", {stock} left" if stock and stock <= FEW_LEFT else "")


def channel_texts(headline, pitch, items, run_id):
    """`{channel: text}`, each within its channel's length and with a link of its own."""
    links = {channel: utm_link(items[0]["url"], channel, run_id) for channel in CHANNELS}

    def offers(channel):
        return "\n".join(f"- {line(item)}: {utm_link(item['url'], channel, run_id)}" for item in items)

    short = f"{headline}: {'; '.join(line(item) for item in items[:3])}."
    texts = {
        "storefront": cut(short, CHANNELS["storefront"][1]),
        "email": f"Subject: {headline}\n\nHello,\n\n{pitch}\n\n{offers('email')}\n\nKind regards",
        "x": f"{cut(short, CHANNELS['x'][1] - len(links['x']) - 1)} {links['x']}",
        "linkedin": f"{headline}\n\n{pitch}\n\n{offers('linkedin')}",
        "fiverr": f"{headline}\n\n{pitch}\n\n" + "\n".join(f"- {line(item)}" for item in items),
    }
    return {channel: _within(text, CHANNELS[channel][1], links[channel]) for channel, text in texts.items()}


def _within(text, most, link):
    if len(text) <= most:
        return text
    return f"{cut(text, most - len(link) - 2)}\n\n{link}"


def cut(text, most):
    """`text` in at most `most` characters, cut between words."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,.;:-") + "…"


def links(items, run_id):
    """Rows of the link table: one for each item and channel."""
    return [
        {"channel": channel, "sku": i["sku"], "title": i["title"], "url": utm_link(i["url"], channel, run_id)}
        for i in items
        for channel in CHANNELS
    ]


def csv_file(name, kind, rows):
    """A CSV artifact that no spreadsheet takes for formulas. `rows` are dicts with the same keys."""
    cells = [["" if value is None else value for value in row.values()] for row in rows]
    return NewArtifact(kind, name, "text/csv; charset=utf-8", write_sheet(rows[0], cells))


def files(name, headline, pitch, items, texts, run_id, ref):
    """The artifacts of a promotion: the whole as Markdown, one text for each channel, and the link table."""
    offers = "\n".join(f"- [{line(item)}]({item['url']})" for item in items)
    channels = "\n\n".join(f"## {channel}\n\n```\n{text}\n```" for channel, text in texts.items())
    whole = (
        f"# {headline}\n\n{pitch}\n\n{offers}\n\n{channels}\n\n---\n"
        f"Every figure is from the inventory measured at {ref['measured_at']}, "
        f"observation {ref['observation_id']}, sha256 {ref['sha256']}.\n"
    )
    return [
        _text(name, "promotion", whole, "text/markdown"),
        *(_text(f"{channel}.txt", "channel_text", text, "text/plain") for channel, text in texts.items()),
        csv_file("utm_links.csv", "utm_links", links(items, run_id)),
    ]


def _text(name, kind, text, content_type):
    return NewArtifact(kind, name, f"{content_type}; charset=utf-8", text.encode())
