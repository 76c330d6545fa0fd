"""What a gig asks its client, and whether a brief says it."""

from agency import recipes
from earnings import storable
from earnings.refusals import Refusal


def asked_of_client(gig):
    """The brief's fields, the recipe's first: `{"name", "label", "required", "help"}` each."""
    recipe = recipes.get(gig.recipe)
    fields = {each["name"]: each for each in (recipe.requirements if recipe else ())}
    fields |= {each["name"]: each for each in gig.requirements if isinstance(each, dict) and each.get("name")}
    return list(fields.values())


def checked(brief):
    """The brief as an object that can be stored, {} for None. Refusal (422; 400 for what can't be stored)."""
    if brief is None:
        return {}
    if not isinstance(brief, dict):
        raise Refusal.of_field("/brief", "A brief is an object of fields.")
    storable.check(brief, "/brief")
    return brief


def problems(gig, brief):
    """What the brief lacks or says wrong, as `[{"pointer": "/brief/title", "detail": "..."}]`; empty = go."""
    recipe = recipes.get(gig.recipe)
    missing = [
        {"pointer": f"/brief/{asked['name']}", "detail": f"{asked.get('label') or asked['name']} is missing."}
        for asked in asked_of_client(gig)
        if asked.get("required") and brief.get(asked["name"]) in (None, "", [], {})
    ]
    return missing or (recipe.problems(brief) if recipe else [])
