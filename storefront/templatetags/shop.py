"""How the shop's pages write money, structured data and texts that came from elsewhere."""

import json
from functools import lru_cache
from urllib.parse import quote, urlsplit

import nh3
from django import template
from django.conf import settings
from django.urls import get_script_prefix
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt

from earnings import money
from storefront import inventory, structured_data
from storefront.addresses import address_of

register = template.Library()

# No h1: a page has one. No style, class or image: they break the page's policy or its layout.
_TAGS = {
    *("a", "b", "blockquote", "br", "caption", "code", "dd", "del", "dl", "dt", "em", "h2", "h3", "h4", "hr"),
    *("i", "li", "ol", "p", "pre", "s", "small", "strong", "sub", "sup"),
    *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}
_ATTRIBUTES = {"a": {"href"}, "th": {"scope", "colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


@register.filter
@lru_cache(maxsize=200)  # texts of up to 10 kB
def cleaned(html):
    """HTML of a catalog or of staff, without anything that could run, load or restyle."""
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow",
    )
    return mark_safe(clean)  # noqa: S308  nh3 has just cleaned it


@register.filter
def markdown(text):
    """Markdown of staff as clean HTML."""
    return cleaned(_markdown.render(text))


@register.filter
def exact_price(minor, currency):
    """$29.00, also for nothing: where the price must read like the data beside it.

    A currency that does not exist is the audit's to find; it must not take a page of 24 products down.
    """
    try:
        return money.display(minor, currency)
    except ValueError:
        return "Price on request"


@register.filter
def price(minor, currency):
    """$29.00; Free for nothing."""
    return exact_price(minor, currency) if minor else "Free"


@register.filter
def amount(minor, currency):
    """29.00, for programs."""
    return inventory.amount(minor, currency)


@register.filter
def absolute(path):
    """The path as a URL under PUBLIC_URL."""
    return structured_data.absolute(path)


@register.filter
def host(url):
    """gumroad.com, of https://www.gumroad.com/l/x"""
    return (urlsplit(url).hostname or "").removeprefix("www.")


@register.simple_tag
def mailto(subject):
    """The link that opens a mail to the store."""
    return f"mailto:{settings.STORE_EMAIL}?subject={quote(subject)}"


@register.simple_tag
def json_ld(data):
    """A data block for search engines for each thing; no text in it can end the script element."""
    texts = []
    for thing in data:
        text = json.dumps(thing, ensure_ascii=False)
        for sign in "<>&":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        texts.append(f'<script type="application/ld+json">{text}</script>')
    return mark_safe("".join(texts))  # noqa: S308  without a sign that HTML knows


class Once(template.Node):
    """What it holds, rendered once for each set of values that the tag names."""

    MOST = 1000  # sets of values that are kept, a kilobyte or two each

    def __init__(self, named, content):
        self._named, self._content = named, content
        self._kept = {}

    def render(self, context):
        prefix = (
            context.get("script_prefix") or get_script_prefix()
        )  # the processor's: asking costs a query's time
        values = (prefix, *[value.resolve(context) for value in self._named])
        text = self._kept.get(values)
        if text is None:
            text = self._content.render(context)
            if len(self._kept) >= self.MOST:
                self._kept = {}  # in one step, as all of this: threads render the same node
            self._kept[values] = text
        return text


@register.tag
def once(parser, token):
    """`{% once a b %}...{% endonce %}`: what is the same on every page of this process while a and b are.

    It may hold addresses, static files and what the named values say (hashable ones), and nothing of a visitor or
    of the database besides. Nothing is ever stale in it: other values are another text.
    """
    named = [parser.compile_filter(name) for name in token.split_contents()[1:]]
    content = parser.parse(("endonce",))
    parser.delete_first_token()
    return Once(named, content)


register.simple_tag(address_of)


@register.simple_tag(takes_context=True)
def cart_link(context):
    """The way to the cart, with the number of different things in it for who has any."""
    path = address_of("cart")
    return _cart_link(path, context["request"].path == path, context["cart_count"]())


@lru_cache(maxsize=100)
def _cart_link(path, is_here, count):
    current = mark_safe(' aria-current="page"') if is_here else ""
    said = (
        format_html(' <span class="cart-count">{}</span><span class="unseen"> in it</span>', count)
        if count
        else ""
    )
    return format_html('<a href="{}"{}>Cart{}</a>', path, current, said)


@register.simple_tag(takes_context=True)
def nav_link(context, name, label, *also):
    """A link of the main navigation, marked when the visitor is in its part of the site."""
    path, here = address_of(name), context["request"].path
    current = "page" if here == path else "true" if here.startswith((path, *also)) else ""
    return _link(path, current, label)


@lru_cache(maxsize=100)
def _link(path, current, label):
    mark = format_html(' aria-current="{}"', current) if current else ""
    return format_html('<a href="{}"{}>{}</a>', path, mark, label)
