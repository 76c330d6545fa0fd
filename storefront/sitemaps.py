"""What search engines may find."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from agency.models import Gig
from storefront import showcase
from storefront.models import Product


class _Pages(Sitemap):
    """Addresses start with PUBLIC_URL, whatever host name the request came by."""

    def get_protocol(self, protocol=None):
        return urlsplit(settings.PUBLIC_URL).scheme

    def get_domain(self, site=None):
        return urlsplit(settings.PUBLIC_URL).netloc


class Entrances(_Pages):
    def items(self):
        return ["home", "catalog", "services", "portfolio"]

    def location(self, name):
        return reverse(f"storefront:{name}")


class Products(_Pages):
    def items(self):
        return Product.objects.listed().only("slug", "updated_at").order_by("id")

    def lastmod(self, product):
        return product.updated_at


class Services(_Pages):
    def items(self):
        return Gig.objects.listed().only("slug", "updated_at")

    def lastmod(self, gig):
        return gig.updated_at


class Stories(_Pages):
    def items(self):
        return showcase.stories()

    def lastmod(self, story):
        return story.published_at


SITEMAPS = {"pages": Entrances, "products": Products, "services": Services, "portfolio": Stories}
