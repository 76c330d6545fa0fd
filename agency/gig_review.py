"""What is wrong with a gig, and what it could say instead.

A finding is a dict: `gig` and `package` (rows; package None for the gig itself), `code`, `field`, `seen` (for
people), `old` and `new` (values of the field; new None where no machine should say) and `reason`.
"""

import re
from itertools import pairwise
from statistics import median

from agency import recipes
from agency.models import Package
from earnings import money
from earnings.models import Kind

LONGEST_TITLE = 80  # Fiverr's own limits: title, tags and description
MOST_TAGS = 5
SHORTEST_DESCRIPTION = 120
VERB = re.compile(
    r"(?:audit|build|check|clean|compose|convert|create|cut|design|develop|draw|edit|fix|help|illustrate|improve|"
    r"install|make|model|optimize|paint|plan|prepare|produce|proofread|record|redesign|repair|research|retouch|"
    r"review|set|shoot|sketch|teach|test|transcribe|translate|turn|update|write)\Z",
    re.IGNORECASE,
)
ENOUGH = 3  # fewer orders or peers are no basis for a price
TIERS = [tier.value for tier in Package.Tier]


def finding(gig, code, field, reason, *, package=None, new=None):
    """One finding; the old value is read from the row."""
    row = package or gig
    old = getattr(row, field, None) if field != "packages" else None
    return {
        "gig": gig,
        "package": package,
        "code": code,
        "field": field,
        "old": old,
        "new": new if new != old else None,
        "reason": reason,
    }


def texts(gig):
    """Findings that need nothing but the gig: title, summary, description, tags, picture, requirements."""
    return [*_title(gig), *_tags(gig), *_words(gig), *_picture(gig), *_requirements(gig)]


def _title(gig):
    title = " ".join(gig.title.split())
    promised = title if title.lower().startswith("i will ") else _promise(title)
    if len(title) > LONGEST_TITLE:
        reason = f"The title has {len(title)} characters; marketplaces take {LONGEST_TITLE}."
        yield finding(gig, "title_too_long", "title", reason, new=_shortened(promised))
    elif promised != title:
        reason = 'A title says what the buyer gets: "I will ...".'
        new = promised if len(promised) <= LONGEST_TITLE else None
        yield finding(gig, "title_not_a_promise", "title", reason, new=new)


def _promise(title):
    """The title as a promise: verbs follow "I will", things "I will do your"."""
    for start in ("i'll ", "i’ll ", "i can ", "we will ", "we'll ", "we’ll ", "we can "):
        if title.lower().startswith(start):
            return f"I will {title[len(start) :]}"
    first, _, rest = title.partition(" ")
    do = "" if VERB.match(first) else "do your "
    # SEO audit stays SEO audit.
    first = first if first.isupper() and len(first) > 1 else first[:1].lower() + first[1:]
    return f"I will {do}{first} {rest}".strip()


def _shortened(title):
    words = title[: LONGEST_TITLE + 1].split(" ")[:-1]
    while words and words[-1].lower() in ("and", "or", "for", "with", "the", "a", "an", "in", "of", "to", "&"):
        words.pop()
    return " ".join(words).rstrip(" ,.;:-")


def _tags(gig):
    tags = [tag for tag in gig.tags if isinstance(tag, str) and tag.strip()]
    once = list({tag.strip().casefold(): tag.strip() for tag in reversed(tags)}.values())[::-1]
    if not once:
        words = [gig.category, gig.name]
        new = list(dict.fromkeys(word.strip().lower() for word in words if word.strip()))[:MOST_TAGS]
        yield finding(gig, "tags_missing", "tags", "Without tags no search finds the gig.", new=new)
    elif len(once) < len(gig.tags):
        reason = "Tags that are empty or there twice are wasted."
        yield finding(gig, "tags_doubled", "tags", reason, new=once[:MOST_TAGS])
    elif len(once) > MOST_TAGS:
        reason = f"Marketplaces take {MOST_TAGS} tags; the gig has {len(once)}."
        yield finding(gig, "tags_too_many", "tags", reason, new=once[:MOST_TAGS])


def _words(gig):
    length = len(gig.description.strip())
    if length < SHORTEST_DESCRIPTION:
        reason = f"The description has {length} characters; buyers need {SHORTEST_DESCRIPTION} at least."
        yield finding(gig, "description_too_short", "description", reason)
    if not gig.summary.strip() and length:
        first = gig.description.strip().splitlines()[0].lstrip("#*- ").strip()
        new = first if 0 < len(first) <= 300 else None
        yield finding(gig, "summary_missing", "summary", "Lists show the summary; there is none.", new=new)


def _picture(gig):
    if not gig.image:
        yield finding(gig, "image_missing", "image", "A gig without a picture is passed over.")
    elif not gig.image_alt.strip():
        reason = "The picture has no text for those who can't see it."
        yield finding(gig, "image_alt_missing", "image_alt", reason)


def _requirements(gig):
    recipe = recipes.get(gig.recipe)
    if gig.recipe and recipe is None:
        yield finding(gig, "recipe_unknown", "recipe", f"No recipe is called {gig.recipe!r}: nothing makes it.")
    if not gig.requirements:
        new = [dict(requirement) for requirement in recipe.requirements] if recipe else None
        reason = "The gig asks the client for nothing, so every order starts with a question."
        yield finding(gig, "requirements_missing", "requirements", reason, new=new or None)


def packages(gig, rows):
    """Findings about a gig's packages: missing, alike, or not dearer than the one below."""
    by_tier = {row.tier: row for row in rows}
    missing = [tier for tier in TIERS if tier not in by_tier]
    if missing:
        reason = f"There is no {', '.join(missing)} package: most buyers choose among three."
        yield finding(gig, "packages_missing", "packages", reason)
    present = [by_tier[tier] for tier in TIERS if tier in by_tier]
    for lower, upper in pairwise(present):
        if lower.currency == upper.currency and upper.price_minor <= lower.price_minor:
            code = "price_same" if upper.price_minor == lower.price_minor else "price_not_increasing"
            reason = f"{upper.tier} costs {_shown(upper)}, {lower.tier} {_shown(lower)}."
            yield finding(gig, code, "price_minor", reason, package=upper)
        if _said(lower) == _said(upper):
            reason = f"{lower.tier} and {upper.tier} say the same, so nobody sees what the dearer one adds."
            yield finding(gig, "text_same", "description", reason, package=upper)


def _said(package):
    return " ".join(package.description.split()).casefold(), package.features


def _shown(package):
    return money.display(package.price_minor, package.currency)


def prices(gig, rows, inventory):
    """Findings about prices against what was measured: the order history first, then the catalog.

    `inventory` is the payload of the observation. At most one finding for a package.
    """
    flagged = set()
    for package in rows:
        found = _against_orders(gig, package) or _against_catalog(gig, package, inventory)
        if found and package.pk not in flagged:
            flagged.add(package.pk)
            yield found


def steps(inventory):
    """How much dearer a tier is than the one below, as the median over the measured services; None if unknown."""
    ratios = []
    for service in inventory["services"]:
        by_tier = {p["tier"]: p for p in service["packages"]}
        present = [by_tier[tier] for tier in TIERS if tier in by_tier]
        ratios += [
            upper["price_minor"] / lower["price_minor"]
            for lower, upper in pairwise(present)
            if lower["currency"] == upper["currency"] and 0 < lower["price_minor"] < upper["price_minor"]
        ]
    return median(ratios) if len(ratios) >= ENOUGH else None


def with_step(found, rows, step):
    """A price finding with the price that the shop's usual step between tiers gives, in whole currency units."""
    upper = found["package"]
    below = [row for row in rows if TIERS.index(row.tier) < TIERS.index(upper.tier)]
    if not step or not below:
        return found
    whole = 10 ** money.exponent(upper.currency)
    lower = max(below, key=lambda row: TIERS.index(row.tier))
    new = round(lower.price_minor * step / whole) * whole
    if new <= lower.price_minor:
        return found
    reason = f"{found['reason']} Elsewhere in the shop a tier costs {step:.2f} times the one below."
    return found | {"new": new, "reason": reason}


def _against_orders(gig, package):
    orders = package.service_orders.filter(kind=Kind.REAL, currency=package.currency).exclude(status="canceled")
    paid = sorted(orders.values_list("amount_minor", flat=True))
    if len(paid) < ENOUGH or paid[0] <= package.price_minor:
        return None
    usual = int(median(paid))
    reason = (
        f"The last {len(paid)} orders each paid more than {_shown(package)}; "
        f"half of them {money.display(usual, package.currency)} or more."
    )
    return finding(gig, "price_below_orders", "price_minor", reason, package=package, new=usual)


def _against_catalog(gig, package, inventory):
    same = [
        p
        for p in inventory["products"]
        if p["status"] == "listed" and p["category"] == gig.category != "" and p["currency"] == package.currency
    ]
    dearest = max(same, key=lambda product: product["price_minor"], default=None)
    if dearest and dearest["price_minor"] > package.price_minor:
        reason = (
            f"{dearest['title']}, ready-made and of the same category, costs "
            f"{money.display(dearest['price_minor'], package.currency)}; made to order costs {_shown(package)}."
        )
        new = dearest["price_minor"]
        return finding(gig, "price_below_catalog", "price_minor", reason, package=package, new=new)
    return None
