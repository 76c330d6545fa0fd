"""Pages as search engines read them: schema.org objects, ready for JSON. (`page_data` reads them back.)"""

from urllib.parse import urljoin

from django.conf import settings
from django.templatetags.static import static
from django.utils.html import strip_tags
from django.utils.http import urlencode

from storefront import shop_words
from storefront.addresses import address_of
from storefront.inventory import amount

IN_STOCK = "https://schema.org/InStock"
OUT_OF_STOCK = "https://schema.org/OutOfStock"


def absolute(path):
    """A path of this site, or a URL, as a URL under PUBLIC_URL."""
    path = str(path)
    if path.startswith("/") and not path.startswith("//"):
        return f"{settings.PUBLIC_URL}{path}"
    return urljoin(f"{settings.PUBLIC_URL}/", path) if path else ""


def of_store():
    """https://schema.org/Organization and https://schema.org/WebSite with the shop's search, for the home page."""
    home = f"{settings.PUBLIC_URL}/"
    organization = {
        "@id": f"{home}#store",
        "name": settings.STORE_NAME,
        "url": home,
        "email": settings.STORE_EMAIL,
    }
    if shop_words.is_demo():  # the demo's name is painted on it
        organization["logo"] = absolute(static("share.png"))
    search = {
        "@type": "SearchAction",
        "target": {"@type": "EntryPoint", "urlTemplate": f"{home}catalog/?q={{search_term_string}}"},
        "query-input": "required name=search_term_string",
    }
    website = {"name": settings.STORE_NAME, "url": home, "publisher": {"@id": f"{home}#store"}}
    return [_typed("Organization", organization), _typed("WebSite", website | {"potentialAction": search})]


def breadcrumbs(*trail):
    """https://schema.org/BreadcrumbList of (name, path) from the shop's entrance to this page."""
    items = [
        {"@type": "ListItem", "position": position, "name": name, "item": absolute(path)}
        for position, (name, path) in enumerate(trail, start=1)
    ]
    return _typed("BreadcrumbList", {"itemListElement": items})


def trail_of_product(product):
    shop = address_of("catalog")
    category = product["category"]
    shelf = [(category, f"{shop}?{urlencode({'category': category})}")] if category else []
    return breadcrumbs(("Shop", shop), *shelf, (product["name"], product["path"]))


def of_product(product):
    """https://schema.org/Product with its one offer."""
    url = absolute(product["path"])
    offer = _offer(product["price_minor"], product["currency"], url)
    offer["availability"] = IN_STOCK if product["is_available"] else OUT_OF_STOCK
    data = {
        "name": product["name"],
        "sku": product["sku"],
        "description": product["summary"] or " ".join(strip_tags(product["description"]).split()),
        "image": absolute(product["image"]),
        "url": url,
        "category": product["category"],
        "brand": {"@type": "Brand", "name": product["vendor"]} if product["vendor"] else None,
        "offers": offer,
    }
    return _typed("Product", data)


def of_gig(gig):
    """https://schema.org/Service with one offer per package."""
    url = absolute(gig.get_absolute_url())
    data = {
        "name": gig.name,
        "description": gig.summary or gig.title,
        "image": absolute(gig.image),
        "url": url,
        "serviceType": gig.category,
        "provider": {"@type": "Organization", "name": settings.STORE_NAME, "url": f"{settings.PUBLIC_URL}/"},
        "offers": [
            _offer(package.price_minor, package.currency, url) | {"name": package.name, "availability": IN_STOCK}
            for package in gig.packages.all()
        ],
    }
    return _typed("Service", data)


def _offer(price_minor, currency, url):
    return {"@type": "Offer", "price": amount(price_minor, currency), "priceCurrency": currency, "url": url}


def _typed(kind, data):
    stated = {name: value for name, value in data.items() if value}
    return {"@context": "https://schema.org", "@type": kind} | stated
