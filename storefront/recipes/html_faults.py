"""What is wrong with the HTML of a product description, for marketplaces and for people with screen readers."""

from html.parser import HTMLParser

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# The standard lets these end by themselves.
_OPTIONAL_END = {"p", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "dt", "dd", "option"}
_RUNS = {"script", "iframe", "object", "embed", "form", "style", "link", "meta"}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.faults = [], []

    def fault(self, text):
        if text not in self.faults:
            self.faults.append(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag in _RUNS:
            self.fault(f"<{tag}> is removed or refused by marketplaces")
        if tag == "h1":
            self.fault("<h1> is a second main heading on the page; use <h2>")
        if tag == "img" and not values.get("alt"):
            self.fault("an <img> has no alternative text")
        if any(name.startswith("on") for name in values):
            self.fault(f"<{tag}> carries a script in an on… attribute")
        for name in ("href", "src"):
            address = (values.get(name) or "").strip().lower()
            if address.startswith("javascript:"):
                self.fault(f"<{tag}> runs a script from its {name}")
            elif address.startswith("http:"):
                self.fault(f"<{tag}> loads or links over http: instead of https:")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in _VOID:
            return
        if tag not in self.open:
            self.fault(f"</{tag}> closes nothing")
            return
        while (inner := self.open.pop()) != tag:
            if inner not in _OPTIONAL_END:
                self.fault(f"<{inner}> is not closed before </{tag}>")


def faults(html):
    """Sentences, in the order in which the faults stand; [] for text without markup."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    for tag in reader.open:
        if tag not in _OPTIONAL_END:
            reader.fault(f"<{tag}> is never closed")
    if html.count("<") > html.count(">"):
        reader.fault("a tag has no closing >")
    return reader.faults
