"""News for feed readers."""

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.utils.feedgenerator import Atom1Feed

from earnings import money
from storefront import shop_words
from storefront.models import Product


class NewProducts(Feed):
    """The latest twenty products, one entry per family, newest first."""

    feed_type = Atom1Feed

    def title(self):
        return f"New at {settings.STORE_NAME}"

    def subtitle(self):
        return shop_words.news()

    def author_name(self):
        """Atom asks for one."""
        return settings.STORE_NAME

    def link(self):
        return f"{settings.PUBLIC_URL}/catalog/"

    def feed_url(self):
        return f"{settings.PUBLIC_URL}/feed/"

    def items(self):
        return Product.objects.listed().leads().order_by("-created_at", "-id")[:20]

    def item_title(self, product):
        return product.title

    def item_description(self, product):
        price = money.display(product.price_minor, product.currency) if product.price_minor else "Free"
        return f"{product.summary} {price}".strip()

    def item_link(self, product):
        return f"{settings.PUBLIC_URL}{product.get_absolute_url()}"

    def item_guid(self, product):
        return self.item_link(product)

    def item_pubdate(self, product):
        return product.created_at

    def item_updateddate(self, product):
        return product.updated_at
