"""What search engines may find: an index, and maps of at most PART addresses each.

Written by hand: Django's sitemaps would read every product for the index's dates, count them for each part, and
render a template for each address. Addresses start with PUBLIC_URL, whatever host name the request came by.
"""

from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import F, Max
from django.http import Http404, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from agency.models import Gig
from storefront import shelf, showcase
from storefront.models import Product

PART = 10_000  # numbers of products, so that a part keeps its products when others come
_SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def map_of(view):
    return require_safe(cache_control(max_age=3600)(view))


@map_of
def index(request):
    maps = [("pages", None), ("services", _latest(Gig.objects.listed(), "updated_at"))]
    maps.append(("portfolio", _latest(showcase.stories(), "published_at")))
    parts = Product.objects.listed().order_by().annotate(part=F("pk") / PART).values_list("part")
    maps += [(f"products-{part}", latest) for part, latest in parts.annotate(Max("updated_at")).order_by("part")]
    return _answer("sitemapindex", "sitemap", ((f"/sitemap-{name}.xml", latest) for name, latest in maps))


@map_of
def section(request, name):
    return _answer("urlset", "url", {"pages": _pages, "services": _services, "portfolio": _stories}[name]())


@map_of
def products(request, part):
    if part > 10**12:
        raise Http404("There are no products with such numbers.")
    numbers = {"pk__gte": part * PART, "pk__lt": (part + 1) * PART}
    rows = Product.objects.listed().filter(**numbers).order_by("pk").values_list("slug", "updated_at")
    found = ((Product.path_of(slug), latest) for slug, latest in rows.iterator(2000))
    return _answer("urlset", "url", found)


def _pages():
    for name in ("home", "catalog", "services", "portfolio"):
        yield reverse(f"storefront:{name}"), None
    for name, _ in shelf.categories():
        yield f"{reverse('storefront:catalog')}?{urlencode({'category': name})}", None


def _services():
    for gig in Gig.objects.listed().only("slug", "updated_at"):
        yield gig.get_absolute_url(), gig.updated_at


def _stories():
    for story in showcase.stories():
        yield story.get_absolute_url(), story.published_at


def _latest(rows, name):
    return rows.order_by().aggregate(latest=Max(name))["latest"]


def _answer(root, item, addresses):
    return StreamingHttpResponse(_lines(root, item, addresses), content_type="application/xml; charset=utf-8")


def _lines(root, item, addresses):
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_SPACE}">\n'
    for path, latest in addresses:
        changed = f"<lastmod>{latest.isoformat(timespec='seconds')}</lastmod>" if latest else ""
        yield f"<{item}><loc>{escape(settings.PUBLIC_URL + path)}</loc>{changed}</{item}>\n"
    yield f"</{root}>\n"
