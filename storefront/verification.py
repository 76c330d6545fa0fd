"""The live pages of the shop, held against the rows that they are made of.

Strict on purpose: each fact has to be on the page exactly once, as data and as visible text, and both have to
agree with the row. A reader that takes the first match overlooks a second price.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from selectolax.lexbor import LexborHTMLParser

from earnings import money
from storefront import live_site, page_data
from storefront.findings import Finding, found
from storefront.inventory import absolute, amount
from storefront.models import Product

SHOP_PAGES = ("/", "/catalog/", "/services/", "/portfolio/")
# Prices inside these belong to other products that the page shows, or to what it cost before.
_OTHERS = ("article", "li", "a", "s", "del", "option", "label", "nav")
_MONEY = re.compile(r"[$€£₺¥]\s?[0-9]|[0-9]\s?(?:[$€£₺¥]|TL\b)")
_NAMED = re.compile(r"[^0-9.,'\s-]")  # anything but figures: a sign or a code
_SOLD_OUT = re.compile(r"sold out|out of stock", re.IGNORECASE)


@dataclass
class Verified:
    """How many pages were looked at, and what was found."""

    pages: int = 0
    findings: list[Finding] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)  # path -> why it does not load, "" = it does


def verify(products, progress: Callable = lambda done, total, message: None, shop_pages=(), gigs=()):
    """Look at the live page of each listed one of `products`, and at those of `gigs` and the `shop_pages`.

    A page that fails is a finding, never an exception. A row that changed while its page was looked at is looked
    at again, so that an edit in between is not reported as a fault.
    """
    products = [product for product in products if product.status == Product.Status.LISTED]
    verified, total = Verified(), len(products) + len(shop_pages) + len(gigs)
    for path in shop_pages:
        progress(verified.pages, total, f"Looking at {path}")
        verified.findings += _shop_page(path)
        verified.pages += 1
    for gig in gigs:
        progress(verified.pages, total, f"Looking at {gig}")
        verified.findings += service_page(gig)
        verified.pages += 1
    for product in products:
        progress(verified.pages, total, f"Looking at {product}")
        verified.findings += _settled(product, verified.images)
        verified.pages += 1
    progress(total, total, f"Looked at {total} pages")
    return verified


def _settled(product, images):
    findings = list(product_page(product, images))
    if not findings:
        return findings
    now = Product.objects.filter(pk=product.pk).first()
    if now is None or now.status != Product.Status.LISTED:
        return []
    same = all(getattr(now, f.attname) == getattr(product, f.attname) for f in Product._meta.concrete_fields)
    return findings if same else list(product_page(now, images))


def _shop_page(path):
    tree, findings = _open(path, "")
    if tree is not None:
        inspection = _Inspection(tree, "", path)
        inspection.one("head > title", "page_title", "a <title>")
        inspection.one("h1", "page_heading", "an <h1>")
        findings += inspection.findings
    return findings


def product_page(product, images=None):
    """Findings of one product's live page. `images` remembers which images of this site were already asked for."""
    path = product.get_absolute_url()
    tree, findings = _open(path, product.sku)
    if tree is None:
        return findings
    page = _ProductInspection(tree, product.sku, path)
    page.look_at(product, {} if images is None else images)
    return findings + page.findings


def service_page(gig):
    """Findings of a service's live page: its heading, its address, and the price of every package."""
    path, sku = gig.get_absolute_url(), f"service:{gig.slug}"
    tree, findings = _open(path, sku)
    if tree is None:
        return findings
    page = _ServiceInspection(tree, sku, path)
    page.look_at(gig)
    return findings + page.findings


def _open(path, sku):
    """The parsed page, or None and the finding that says why there is none."""
    try:
        answer = live_site.fetch(path)
    except live_site.Unreachable as error:
        return None, [found("page_unreachable", sku, seen=error, fix=f"Open {path} and follow the traceback.")]
    if answer.status != 200:
        return None, [_bad_status(path, sku, answer)]
    kind = answer.content_type.lower().replace(" ", "").replace('"', "")
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        kind, text = f"{kind} with bytes that are not UTF-8", ""
    if kind != "text/html;charset=utf-8":
        return None, [
            found("page_type", sku, f"{path} is no page.", expected="text/html; charset=utf-8", seen=kind)
        ]
    return LexborHTMLParser(text), []


def _bad_status(path, sku, answer):
    code = "page_error" if answer.status >= 500 else "page_status"
    fix = {
        400: f"Add the host of PUBLIC_URL ({settings.PUBLIC_URL}) to ALLOWED_HOSTS.",
        404: f"Check the URL configuration for {path}.",
    }.get(answer.status, "Correct the template or view that the error names." if answer.status >= 500 else "")
    if 300 <= answer.status < 400:
        fix = f"It redirects to {answer.headers.get('location', '?')}; link and list the final address."
    seen = f"{answer.status} {answer.error}".strip()
    return found(code, sku, f"{path} answers {answer.status}.", expected="200", seen=seen, fix=fix)


def _text(node):
    return " ".join(node.text(deep=True).split())


def _ancestors(node):
    node = node.parent
    while node is not None:
        yield node
        node = node.parent


def _is_hidden(node):
    for each in (node, *_ancestors(node)):
        attributes = each.attributes
        style = (attributes.get("style") or "").replace(" ", "").lower()
        if "hidden" in attributes or attributes.get("aria-hidden") == "true" or "display:none" in style:
            return True
    return False


def _belongs_to_another(node):
    """Whether it stands in a card, a list or a link inside <main>, i.e. speaks of something else."""
    for each in _ancestors(node):
        if each.tag == "main" or each.id == "buy":
            return False
        if each.tag in _OTHERS:
            return True
    return False


class _Inspection:
    """A page under inspection: collects findings for one SKU."""

    def __init__(self, tree, sku, path):
        self.tree, self.sku, self.path = tree, sku, path
        self.findings = []

    def report(self, code, message, **details):
        details["fix"] = details.get("fix") or f"Let the template of {self.path} take this from the row."
        self.findings.append(found(code, self.sku, message, **details))

    def expect(self, code, what, expected, seen, fix=""):
        if expected != seen:
            self.report(code, f"{what} is wrong.", expected=expected, seen=seen, fix=fix)

    def one(self, selector, code, what, own=False):
        """The only node that matches, or None and a finding. `own` leaves out what belongs to other products."""
        nodes = [node for node in self.tree.css(selector) if not (own and _belongs_to_another(node))]
        if len(nodes) == 1:
            return nodes[0]
        seen = " | ".join(_text(node) or (node.html or "")[:80] for node in nodes)
        message = f"The page has {len(nodes)} times {what}." if nodes else f"The page lacks {what}."
        fix = f"{self.path} needs exactly one {selector}."
        self.report(code, message, expected="1", seen=f"{len(nodes)}: {seen}" if nodes else "0", fix=fix)
        return None

    def canonical(self):
        link = self.one('link[rel~="canonical"]', "page_canonical", "a canonical link")
        if link is not None:
            self.expect("page_canonical", "The canonical link", absolute(self.path), link.attributes.get("href"))
        for robots in self.tree.css('meta[name="robots"]'):
            content = robots.attributes.get("content") or ""
            if "noindex" in content.lower() or "none" in content.lower():
                self.report("page_noindex", "The page is kept out of search engines.", seen=content)

    def structured(self, differences):
        for code, message, expected, seen in differences:
            fix = "Let the structured data of the page take its values from the row."
            self.report(code, message, expected=expected, seen=seen, fix=fix)


class _ServiceInspection(_Inspection):
    """The page of one service."""

    def look_at(self, gig):
        heading = self.one("h1", "page_heading", "an <h1>")
        if heading is not None:
            self.expect("page_heading", "The heading", " ".join(gig.title.split()), _text(heading))
        self.canonical()
        packages = list(gig.packages.all())
        shown = [
            (node.attributes.get("value"), node.attributes.get("data-currency"), _text(node))
            for node in self.tree.css("main data.price")
            if not _belongs_to_another(node)
        ]
        rows = [
            (amount(p.price_minor, p.currency), p.currency, money.display(p.price_minor, p.currency))
            for p in packages
        ]
        if sorted(map(str, shown)) != sorted(map(str, rows)):
            expected, seen = (", ".join(" ".join(map(str, row)) for row in table) for table in (rows, shown))
            self.report("page_price", "The prices of the packages are wrong.", expected=expected, seen=seen)
        self.structured(page_data.service_differences(self.tree, gig))


class _ProductInspection(_Inspection):
    """The page of one product."""

    def look_at(self, product, images):
        self._heading(product)
        self._price(product)
        self._availability(product)
        self.canonical()
        self._image(product, images)
        self.structured(page_data.differences(self.tree, product))

    def _heading(self, product):
        title = self.one("head > title", "page_title", "a <title>")
        if title is not None and " ".join(product.title.split()) not in _text(title):
            self.report(
                "page_title", "The browser title lacks the product.", expected=product.title, seen=_text(title)
            )
        heading = self.one("h1", "page_heading", "an <h1>")
        if heading is not None:
            self.expect("page_heading", "The heading", " ".join(str(product).split()), _text(heading))

    def _price(self, product):
        if self.one("main #buy", "page_price", "the place to buy") is None:
            return
        price = self.one("main data.price", "page_price", "a price", own=True)
        if price is None:
            return
        if not any(node.id == "buy" for node in _ancestors(price)):
            self.report(
                "page_price", "The price does not stand where one buys.", expected="#buy", seen=_text(price)
            )
        expected = amount(product.price_minor, product.currency)
        value, currency = price.attributes.get("value"), price.attributes.get("data-currency")
        self.expect("page_price", "The price in the page's data", expected, value)
        self.expect("page_currency", "The currency in the page's data", product.currency, currency)
        self._visible_price(product, price)
        self._other_prices(product)

    def _visible_price(self, product, price):
        """The text that people read, parsed back; "Free" is how a price of nothing may be shown."""
        text = _text(price)
        if _is_hidden(price):
            self.report("page_price", "The price is hidden.", expected="visible", seen=text)
        if product.price_minor == 0 and text.casefold() == "free":
            return
        shown = money.display(product.price_minor, product.currency)
        try:
            seen = money.parse(text, default=product.currency, mark=".")
        except ValueError as error:
            self.report("page_price", "The visible price can't be read.", expected=shown, seen=f"{text!r} {error}")
            return
        # Yen and yuan share a sign, dollars of many countries too: the sign is right if it is the shop's own.
        if seen.currency != product.currency or not _NAMED.search(text):
            self.report("page_currency", "The visible currency is wrong.", expected=shown, seen=text)
        if seen.minor != product.price_minor:
            self.report("page_price", "The visible price is wrong.", expected=shown, seen=text)

    def _other_prices(self, product):
        buy = LexborHTMLParser(self.tree.css_first("main #buy").html)
        for tag in ("data.price", "script", *_OTHERS):
            for node in buy.css(tag):
                node.decompose()
        text = _text(buy.body)
        for own in (product.summary, str(product)):  # "Save $100 a month" is a promise, not a price
            text = text.replace(" ".join(own.split()), "") if own else text
        if _MONEY.search(text):
            shown = money.display(product.price_minor, product.currency)
            self.report("page_price", "A second price stands beside the price.", expected=shown, seen=text)

    def _availability(self, product):
        note = self.one("main .availability", "page_availability", "an availability", own=True)
        if note is None:
            return
        expected, text = page_data.availability(product), _text(note)
        self.expect("page_availability", "The availability", expected, note.attributes.get("data-availability"))
        if _is_hidden(note):
            self.report("page_availability", "The availability is hidden.", expected="visible", seen=text)
        if not text or bool(_SOLD_OUT.search(text)) == product.is_available:
            wanted = "In stock" if product.is_available else "Sold out"
            self.report("page_availability", "The visible stock text is wrong.", expected=wanted, seen=text)
        figures = [int(figure) for figure in re.findall(r"[0-9]+", text)]
        if product.is_available and any(figure != product.stock for figure in figures):
            stock = "unlimited" if product.stock is None else product.stock
            self.report("page_availability", "The page names another stock.", expected=stock, seen=text)

    def _image(self, product, images):
        for image in self.tree.css("main img"):
            if image.attributes.get("alt") is None:
                source = image.attributes.get("src") or ""
                self.report("page_image_alt", "An image has no alt attribute.", seen=source, fix="Add alt.")
        if not product.image and not self.tree.css("#product-image"):
            return  # the missing image of the row is a finding of its own
        main = self.one("main img#product-image", "page_image", "the main image")
        if main is None:
            return
        source = main.attributes.get("src") or ""
        if product.image and source not in (product.image, absolute(product.image)):
            self.report("page_image", "The main image is another.", expected=product.image, seen=source)
        if main.attributes.get("alt") == "":
            fix = f"Describe what {source} shows in the product's alt text."
            self.report("page_image_alt", "The main image has an empty alternative text.", fix=fix)
        problem = _image_problem(source, images)
        if problem:
            fix = "Upload the image again, or correct its path."
            self.report("image_broken", f"{source or 'The image'} does not load.", seen=problem, fix=fix)


def _image_problem(source, images):
    """Why an image of this site does not load, or "". Other people's servers are not asked."""
    path = source.removeprefix(settings.PUBLIC_URL) if source else ""
    if source and not re.match(r"/(?!/)", path):
        return ""
    if path not in images:
        images[path] = _asked(path)
    return images[path]


def _asked(path):
    if not path:
        return "no src"
    try:
        answer = live_site.fetch(path, with_body=False)
    except live_site.Unreachable as error:
        return str(error)
    if answer.status != 200:
        return f"{answer.status} {answer.error}".strip()
    return "" if answer.content_type.startswith("image/") else f"is {answer.content_type}"
