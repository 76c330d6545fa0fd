"""What the shop says of itself: its owner's words, the demo's for the demo, else words that fit any shop."""

from django.conf import settings


def is_demo():
    """Whether the pages speak of the demo's goods: until an owner names the shop, or says a word about it."""
    is_named = settings.STORE_NAME != settings.DEMO_STORE_NAME
    return not (is_named or settings.STORE_TAGLINE or settings.STORE_INTRO)


def initial():
    """The letter on the icon of a shop with a name of its own."""
    name = settings.STORE_NAME.strip()
    return next((sign for sign in name if sign.isalnum()), name[:1]).upper()[:1]


def about():
    """What search engines and shared links show of a page that has no words of its own."""
    if is_demo():
        return "Templates, launch kits, prints and plans from a one-person studio, and the services behind them."
    name = settings.STORE_NAME
    return settings.STORE_INTRO or settings.STORE_TAGLINE or f"{name}: what we sell, and what we do for you."


def footer():
    """The line below the shop's name."""
    return "Useful files and honest work, from one desk." if is_demo() else settings.STORE_TAGLINE


def news():
    """What a feed reader says of the feed."""
    return (
        "Templates, kits, prints and plans, as they come out." if is_demo() else "New products, as they come out."
    )
