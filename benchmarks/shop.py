"""A made-up shop of any size: the same rows for everybody, from a fixed seed."""

import random

KINDS = ("download", "download", "download", "bundle", "course", "physical")
CATEGORIES = [f"{first} {second}" for first in ("Wall", "Desk", "Launch", "Garden") for second in (
    "prints", "planners", "icons", "kits", "courses", "çizimler"
)]  # fmt: skip


def _words(text):
    return text.split()


ADJECTIVES = _words("""Calm Bright Quiet Golden Misty Paper Wooden Nordic Coastal Velvet Lunar Amber Mavi Sarı
Yeşil Küçük Büyük Gümüş Rustic Hidden Electric Ancient Simple Woven""")
NOUNS = _words("""Lantern Harbor Reef Tide Meadow Compass Notebook Calendar Poster Planner Sketch Atlas Deniz Işık
Çiçek Ağaç Kuş Bulut Forest Mountain Orchard River Kitchen Studio Garden Workshop""")
USES = ["for teams", "for beginners", "for the studio", "for a long winter", "for small shops", "for two"]
USES += ["for teachers", "of the north", "in four colors", "with templates"]


def rows(count, seed=7):
    """Products as dicts: sku, title, summary, description, category, kind, price_minor, stock, tags, image."""
    dice = random.Random(seed)
    for number in range(count):
        title = f"{dice.choice(ADJECTIVES)} {dice.choice(NOUNS)} {dice.choice(USES)} {number}"
        words = " ".join(dice.choice(NOUNS).lower() for _ in range(8))
        yield {
            "sku": f"BENCH-{number:06}",
            "slug": f"bench-{number:06}",
            "title": title,
            "summary": f"{title}: {words}.",
            "description": f"<p>{title}. {words.capitalize()}.</p>" + f"<p>{words} {words} {words}.</p>" * 3,
            "category": CATEGORIES[min(int(dice.expovariate(0.15)), len(CATEGORIES) - 1)],
            "kind": dice.choice(KINDS),
            "price_minor": dice.randrange(100, 20_000),
            "stock": dice.choice((None, None, None, 0, 3, 40)),
            "tags": dice.sample(ADJECTIVES, 3),
            "image": "/static/demo/icon-pack-240.svg",
        }
