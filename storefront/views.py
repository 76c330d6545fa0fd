"""Pages for visitors."""

from functools import wraps

from django.conf import settings
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import get_script_prefix, reverse
from django.utils.cache import patch_cache_control
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from agency.models import Gig
from storefront import attribution, cards, cart, shop_words, showcase, structured_data
from storefront.forms import CatalogForm
from storefront.shelf import COUNTED, Shelf, number_of

PAGE_SIZE = 24


def store(request):
    """Template context: how the shop calls itself."""
    return {
        "store_name": settings.STORE_NAME,
        "store_email": settings.STORE_EMAIL,
        "is_demo_store": shop_words.is_demo(),
        "store_about": shop_words.about(),
        "store_footer": shop_words.footer(),
        "public_url": settings.PUBLIC_URL,
        "script_prefix": get_script_prefix(),
        # Looked up only where a page shows it, and only for a visitor who has a cart.
        "cart_count": lambda: cart.count(request.COOKIES.get(cart.COOKIE, "")),
    }


def page(view):
    """A page for anybody. It is asked for again at each visit, so that no price is stale, and answered
    with 304 while it is the same. Who has a cart sees its count, and that page is theirs alone; a cache that keeps
    the page for everybody asks us anyway before each use, with the visitor's cookie."""

    @wraps(view)
    def remembering(request, *args, **kwargs):
        response = attribution.remember(request, view(request, *args, **kwargs))
        patch_cache_control(
            response, no_cache=True, **({"private": True} if cart.COOKIE in request.COOKIES else {})
        )
        return response

    return conditional_page(require_safe(remembering))


@page
def home(request):
    context = {
        "cards": cards.first(8),
        "gigs": Gig.objects.listed().prefetch_related("packages")[:8],
        "promotion": showcase.live_promotion(),
        "stories": showcase.stories()[:3],
        "structured_data": structured_data.of_store(),
        "tagline": settings.STORE_TAGLINE,
        "intro": settings.STORE_INTRO,
    }
    return render(request, "storefront/home.html", context)


@page
def catalog(request):
    form = CatalogForm(request.GET)
    wish = form.wish()
    found = Shelf(wish).page(number_of(request.GET.get("page", "")))
    shown, others = showcase.shown_categories(wish.category)
    context = {
        "form": form,
        "wish": wish,
        "page": found,
        "cards": cards.of(found.ids),
        "chips": _chips(form, wish, shown),
        "more_chips": _chips(form, wish, others),
        "ways_out": [] if found.ids else form.ways_out(),
        "canonical": structured_data.absolute(_canonical(wish, found.number)),
        "is_for_search_engines": wish.is_plain and bool(found.ids or not wish.category),
    }
    return render(request, "storefront/catalog.html", context)


def _chips(form, wish, categories):
    """Links to categories: name, address, how many families it holds, whether it is the chosen one."""
    names = [name for name, _ in categories]
    return [
        {
            "name": name,
            "address": address,
            "count": f"{count:,}" if count <= COUNTED else f"{COUNTED:,}+",
            "is_chosen": name == wish.category,
        }
        for (name, count), address in zip(categories, form.addresses("category", names), strict=True)
    ]


def _canonical(wish, number):
    """The one address of a list for search engines: a category has its own, other wishes have the catalog's."""
    parameters = {"category": wish.category} if wish.is_plain and wish.category else {}
    parameters |= {"page": number} if wish.is_plain and number > 1 else {}
    return reverse("storefront:catalog") + (f"?{urlencode(parameters)}" if parameters else "")


@page
def product(request, slug):
    product, variants, related = showcase.product(slug)
    if product is None:
        raise Http404("There is no such product.")
    context = {
        "product": product,
        "name": product["name"],
        "lang": product["lang"],
        "variants": variants,
        "related": related,
        "structured_data": [structured_data.of_product(product), structured_data.trail_of_product(product)],
    }
    return render(request, "storefront/product.html", context)


@page
def services(request):
    return render(request, "storefront/services.html", {"gigs": Gig.objects.listed().prefetch_related("packages")})


@page
def service(request, slug):
    gig = get_object_or_404(Gig.objects.listed().prefetch_related("packages"), slug=slug)
    context = {
        "gig": gig,
        "packages": gig.packages.all(),
        "comparison": showcase.comparison(gig.packages.all()),
        "stories": showcase.stories().filter(service_order__gig=gig)[:2],
        "structured_data": [
            structured_data.of_gig(gig),
            structured_data.breadcrumbs(("Services", reverse("storefront:services")), (gig.name, request.path)),
        ],
    }
    return render(request, "storefront/service.html", context)


@page
def portfolio(request):
    page = Paginator(showcase.stories(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "storefront/portfolio.html", {"page": page})


@page
def story(request, slug):
    story = get_object_or_404(showcase.stories(), slug=slug)
    trail = ("Portfolio", reverse("storefront:portfolio")), (story.title, request.path)
    context = {"story": story, "structured_data": [structured_data.breadcrumbs(*trail)]}
    return render(request, "storefront/story.html", context)


@page
def story_image(request, slug):
    image = get_object_or_404(showcase.stories(), slug=slug).image
    if not showcase.is_picture(image):
        raise Http404("This story has no picture.")
    try:
        content = image.stored.open()
    except FileNotFoundError:
        raise Http404("The storage does not have this picture.") from None
    return FileResponse(content, content_type=image.content_type, headers={"ETag": f'"{image.sha256}"'})


@require_safe
@cache_control(max_age=3600)
def robots(request):
    private = "".join(
        f"Disallow: {path}\n"
        for path in ("/admin/", "/api/", "/cart/", "/checkout/", "/orders/", "/purchases/", "/files/", "/work/")
    )
    text = f"User-agent: *\n{private}\nSitemap: {settings.PUBLIC_URL}/sitemap.xml\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(max_age=3600)
def icon(request):
    """The shop's icon: the initial of its name."""
    context = {"initial": shop_words.initial()}
    return render(request, "storefront/icon.svg", context, content_type="image/svg+xml")
